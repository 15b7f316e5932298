"""Power cuts: what was acknowledged is on the disk, whatever becomes of the rest (RELIABILITY, T2)."""

import random
import threading
from contextlib import closing

import apsw
import pytest
from disk import Disk, after_cut
from support import finding, report

from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus, utc_now

WRITERS = 4
CUTS_PER_RUN = 20


def write_until_cut(folder, tasks, synchronous):
    """Let four threads end tasks on a Disk; return the disk before, its steps, and what was acknowledged.

    The acknowledged are (number of steps at that moment, task id).
    """
    path = folder / "store.db"
    JobStorage(path).close()
    before = {path.name: path.read_bytes()}
    disk, acknowledged = Disk(), []
    try:
        with closing(JobStorage(path)) as storage:
            writer = storage._database._store.writer
            writer.pragma("synchronous", synchronous)
            writer.wal_autocheckpoint(40)  # so that there are many moments in and after a checkpoint
            job_id = storage.create_job({"name": "cut"}).id
            storage.update_job(job_id, status=JobStatus.INITIALIZING)
            storage.update_job(job_id, status=JobStatus.RUNNING)

            def end(first):
                for app in range(first, tasks + 1, WRITERS):
                    task_id = storage.create_task(job_id, "m", app, "gated").id
                    storage.update_task(task_id, lambda task: task.start(utc_now()))
                    storage.finish_task(
                        task_id, lambda task: task.complete({"a": 1}, utc_now()), report(finding(), finding())
                    )
                    acknowledged.append((disk.now(), task_id))

            threads = [threading.Thread(target=end, args=(first + 1,)) for first in range(WRITERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            steps = disk.steps[: disk.now()]
    finally:
        disk.unregister()
    assert len(acknowledged) == tasks
    return before, steps, acknowledged


def stored_after(folder, files):
    """Put a disk's files into a folder and return the ended tasks there; everything there must be sound."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    path = folder / "store.db"
    with closing(JobStorage(path)) as storage:
        ended = set()
        for job in storage.get_jobs():
            job.check()
            tasks, results = storage.get_tasks(job.id), storage.get_results(job.id)
            for record in (*tasks, *results):
                record.check()
            assert [task.id for task in tasks if task.status.is_ended] == [
                kept.task_id for kept in sorted(results, key=lambda result: result.task_id)
            ]
            assert len(results) == job.completed_tasks
            assert (
                len(storage.get_findings(job.id))
                == 2 * len(results)
                == job.results_summary.get("issues_total", 0)
            )
            ended |= {result.task_id for result in results}
        storage.create_job({"name": "it works again"})
    with closing(apsw.Connection(str(path))) as plain:
        assert plain.pragma("integrity_check") == "ok"
    return ended


def cut_power(tmp_path, cuts, synchronous, chance):
    """Cut the power so many times; return how many cuts lost something, and how many tasks were lost."""
    losing, lost, checked = 0, 0, 0
    for run in range(cuts // CUTS_PER_RUN):
        folder = tmp_path / f"{synchronous}{run}"
        folder.mkdir()
        before, steps, acknowledged = write_until_cut(folder, 40, synchronous)
        for cut in range(CUTS_PER_RUN):
            moment = chance.randrange(len(steps))
            files = after_cut(before, steps[:moment], chance)
            there = stored_after(folder / f"cut{cut}", files)
            expected = {task_id for at, task_id in acknowledged if at <= moment}
            checked += len(expected)
            losing += not expected <= there
            lost += len(expected - there)
    return losing, lost, checked


@pytest.mark.parametrize("cuts", [40, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path, cuts, seed, figures):
    losing, lost, checked = cut_power(tmp_path, cuts, "full", random.Random(seed))

    figures("power cuts", cuts)
    figures("acknowledged results that had to survive", checked)
    figures("of these lost", lost)
    assert (losing, lost) == (0, 0)
    assert checked > 5 * cuts


@pytest.mark.parametrize("cuts", [40, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_the_same_cuts_do_lose_something_if_commits_do_not_wait_for_the_disk(tmp_path, cuts, seed, figures):
    losing, lost, checked = cut_power(tmp_path, cuts, "normal", random.Random(seed))

    figures("power cuts with synchronous=NORMAL", cuts)
    figures("cuts that lost something", losing)
    figures("acknowledged results lost", lost, f"of {checked}")
    assert losing > cuts // 10
