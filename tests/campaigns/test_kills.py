"""kill -9 of a process that runs the real engine, again and again (RELIABILITY, T1)."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest
from support import make_apps

from batchnb.engine.ownership import Ownership, end_interrupted
from batchnb.engine.storage import JobStorage
from batchnb.records import ErrorCategory, JobStatus

HERE = Path(__file__).parent
APPS = 60
DATA = {"models": ["m"], "app_ranges": {"m": list(range(1, APPS + 1))}, "analysis_types": ["trivial"]}


class Nursery:
    """Processes that run the engine on one store, one after another, each to be killed."""

    def __init__(self, process):
        self._process = process

    def run_and_kill(self, job_id, results, seconds):
        """Have a job run, and kill who runs it so many `results` and `seconds` later.

        Returns:
            The process, the tasks whose results it said to be stored, and whether the job ended before.
        """
        self._process.stdin.write(f"{job_id}\n")
        self._process.stdin.flush()
        born, pid = self._process.stdout.readline().split()
        assert born == "born"
        acknowledged, finished = set(), False
        lines = iter(self._process.stdout.readline, "")
        while not finished and len(acknowledged) < results:
            finished = self._take(next(lines), acknowledged)
        time.sleep(seconds)  # the moment is meant to be random
        os.kill(int(pid), signal.SIGKILL)
        for line in lines:
            if line.startswith("dead"):
                assert int(line.split()[1]) == signal.SIGKILL
                return int(pid), acknowledged, finished
            finished = self._take(line, acknowledged) or finished
        raise AssertionError("the nursery died")

    @staticmethod
    def _take(line, acknowledged):
        word, *numbers = line.split()
        if word == "result":
            acknowledged.add(int(numbers[1]))
        return word == "finished"


@contextmanager
def nursery(store, base):
    command = [sys.executable, str(HERE / "victim.py"), str(store), str(base)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Nursery(process)
        finally:
            process.stdin.close()
            process.kill()


def check_job(storage, job_id):
    """Check every invariant of a job; return its apps by whether they have their one result."""
    job = storage.get_job(job_id)
    job.check()
    tasks, results = storage.get_tasks(job_id), storage.get_results(job_id)
    for record in (*tasks, *results):
        record.check()
    kept = Counter(result.task_id for result in results)
    assert kept == Counter(task.id for task in tasks if task.status.is_ended), "one result per ended task"
    assert len(results) == job.completed_tasks
    assert len(tasks) == job.total_tasks == APPS or not tasks
    good = [task for task in tasks if task.status.is_ended and task.error is None]
    assert len(storage.get_findings(job_id)) == 2 * len(good) == job.results_summary.get("issues_total", 0)
    assert len(storage.get_coverage(job_id)) == len(results)
    return tasks, kept


def reopen(store, job_id, acknowledged, *, finished):
    """Do as a workspace does after the kernel died; return the job to run next and the apps that it has."""
    with closing(JobStorage(store)) as storage:
        ownership = Ownership(store)
        ended = end_interrupted(storage, ownership, lambda _: ["trivial"])
        ownership.release()
        job = storage.get_job(job_id)
        tasks, kept = check_job(storage, job_id)
        assert acknowledged <= set(kept), "an acknowledged result is lost"
        interrupted = [task for task in tasks if task.error is not None]
        if job.status is JobStatus.COMPLETED:
            assert (len(kept), interrupted) == (APPS, [])
            # killed after its own end, or between the last result and that
            assert ended in ([], [job_id])
            return None, set()
        assert not finished
        assert all(task.error.category is ErrorCategory.INTERRUPTED for task in interrupted)
        assert not acknowledged & {task.id for task in interrupted}
        if job.status is JobStatus.PENDING:  # killed before it was started
            assert ended == []
            return job_id, {task.app_num for task in tasks if task.status.is_ended}
        assert (ended, job.status) == ([job_id], JobStatus.ERROR)
        assert [error.category for error in job.errors][-1] is ErrorCategory.INTERRUPTED
        following = storage.continue_job(job_id)
        rest, _ = check_job(storage, following.id)
        done = {task.app_num for task in tasks if task.id in kept and task.error is None}
        assert {task.app_num for task in rest if task.status.is_ended} == done
        return following.id, done


def kill_again_and_again(tmp_path, kills, chance):
    """Kill so many engines; return how many results were acknowledged, and how many jobs were completed."""
    store = tmp_path / "store.db"
    base = make_apps(tmp_path / "apps", {"m": range(1, APPS + 1)})
    acknowledgements, jobs, job_id, done = 0, 0, None, set()
    notes = store.with_name("executed.txt")
    notes.touch()
    with nursery(store, base) as engines:
        for kill in range(kills + 1):
            if job_id is None:
                with closing(JobStorage(store)) as storage:
                    job_id, done = storage.create_job(DATA).id, set()
                    jobs += 1
            last = kill == kills  # this one may finish
            moment = (APPS + 1, 0.0) if last else (chance.randrange(20), chance.random() * 0.01)
            pid, acknowledged, finished = engines.run_and_kill(job_id, *moment)
            acknowledgements += len(acknowledged)
            ran = [line.split()[1] for line in notes.read_text().splitlines() if line.split()[0] == str(pid)]
            notes.write_text("")
            assert len(ran) == len(set(ran)), "an app was analysed twice"
            assert not done & set(map(int, ran)), "an app that has its result was analysed again"
            job_id, done = reopen(store, job_id, acknowledged, finished=finished)
    assert job_id is None, "the last one completes the job"
    return acknowledgements, jobs


@pytest.mark.parametrize(
    "kills", [20, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])]
)
def test_killed_engines_lose_and_repeat_nothing(tmp_path, kills, seed, figures):
    started = time.monotonic()
    acknowledged, jobs = kill_again_and_again(tmp_path, kills, random.Random(seed))

    with closing(JobStorage(tmp_path / "store.db")) as storage:
        found = storage.get_jobs()
        for job in found:
            check_job(storage, job.id)
        complete = [job for job in found if job.task_count_by_status == {"completed": APPS}]
        assert len(complete) == jobs, "each job is complete, once"
    with closing(apsw.Connection(str(tmp_path / "store.db"))) as plain:
        assert plain.pragma("integrity_check") == "ok"
    figures("engines killed", kills)
    figures("results acknowledged before the kill", acknowledged)
    figures("of these lost, or stored or analysed twice", 0)
    figures("time", round(time.monotonic() - started, 1), "s")
    assert acknowledged > kills
