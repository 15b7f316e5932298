"""Ten hours of an engine in a minute: nothing grows, nothing is left, nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from support import processes_with, wait_until

from batchnb.engine.storage import JobStorage
from batchnb.records import TaskStatus

CHILD = Path(__file__).with_name("soak_child.py")


def soak(tmp_path, figures, tasks, jobs):
    store, word = tmp_path / "store.db", f"7{uuid4().int % 10**9}"
    begun = time.monotonic()
    command = [sys.executable, str(CHILD), str(store), str(tmp_path), str(tasks), str(jobs), word]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)
    seconds = time.monotonic() - begun

    samples = json.loads(done.stdout.splitlines()[-1])
    # The first fifth warms up: imports, pools, the allocator's arenas, the store's cache.
    first, half, last = samples[len(samples) // 5], samples[len(samples) // 2], samples[-1]
    growth = 100 * (last["rss_mb"] / first["rss_mb"] - 1)
    figures("tasks, each a real process", tasks)
    figures("tasks per second", tasks / seconds, "1/s")
    figures("resident memory, warm and at the end", f"{first['rss_mb']:.1f} -> {last['rss_mb']:.1f}", "MB")
    figures(
        "resident memory, first job and half-way", f"{samples[0]['rss_mb']:.1f}, {half['rss_mb']:.1f}", "MB"
    )
    figures("open files, warm and at the end", f"{first['files']} -> {last['files']}")
    figures("threads, warm and at the end", f"{first['threads']} -> {last['threads']}")

    assert wait_until(lambda: processes_with(word) == [], 2), "a process was left behind"
    assert growth < 10, f"{growth:.1f} % more memory: {samples}"
    if len(samples) > 20:  # what leaks goes on growing
        assert last["rss_mb"] < 1.03 * half["rss_mb"], samples
    assert last["files"] <= first["files"] + 2
    assert last["threads"] <= first["threads"]
    storage = JobStorage(store)
    counts = dict.fromkeys(TaskStatus, 0)
    for job in storage.get_jobs():
        job.check()
        results = storage.get_results(job.id)
        assert len(results) == len({result.task_id for result in results}) == job.total_tasks
        for result in results:
            counts[result.status] += 1
    storage.close()
    of_each = tasks // 100
    expected = {
        TaskStatus.FAILED: of_each,
        TaskStatus.TIMED_OUT: of_each,
        TaskStatus.COMPLETED: tasks - 2 * of_each,
    }
    assert {status: count for status, count in counts.items() if count} == expected


def test_a_short_soak(tmp_path, figures):
    soak(tmp_path, figures, tasks=500, jobs=5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_soak_of_18000_tasks(tmp_path, figures):
    soak(tmp_path, figures, tasks=18_000, jobs=60)
