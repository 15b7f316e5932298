"""Fail the n-th call at every store and spawn call site, for every n, as SQLite's own tests do (T13)."""

import random
import shutil
import sys
import threading
import traceback
from collections import Counter
from contextlib import suppress
from itertools import product
from uuid import uuid4

import apsw
import pytest
from brave import BRAVE, FAILING, SKIPPED, BraveAnalyzer
from faults import ERRORS, NOTHING, Plan, injected
from soundness import check_store
from support import make_apps, processes_with, wait_until

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine import task_runs
from batchnb.engine.ownership import Ownership, end_interrupted
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus, TaskStatus
from batchnb.records.errors import BatchnbError
from batchnb.records.events import TaskFinished
from batchnb.tools.log.files import LogFiles
from batchnb.tools.process import Warden
from batchnb.tools.workers.pool import WorkerPool

APPS = {"a": range(1, 7), "b": (1, 2, 5, 6), "c": (1, 2, 5), "d": (1, 5, 6)}
WAIT = 10.0
"""Seconds in which a job that lasts a tenth of a second has to end, whatever fails."""
MANY = ("statement", "disk")
"""Kinds with hundreds of calls in one scenario."""
MOST_BAD = 20
BOUND = 6 * WAIT
"""Seconds in which all of the scenario has to end."""
EXPECTED = (BatchnbError, OSError, RuntimeError, MemoryError)
"""What a caller may get while calls fail: ours, or what failed; never the database's own errors."""


class Notebook:
    """What a user has open; every step of his may fail, and he goes on all the same."""

    def __init__(self, folder, faults, helpers):
        self.folder, self._faults = folder, faults
        self.word = f"5{uuid4().int % 10**12}.5"
        self.base = make_apps(folder / "apps", APPS)
        self.analyzer = BraveAnalyzer(self.base, helpers.pool, helpers.warden, self.word)
        self.storage = self.service = self.ownership = None
        self.told = set()
        """Tasks that were said to have ended."""

    def attempt(self, step, *arguments):
        """Do one step; None if it failed as it may."""
        try:
            return step(*arguments)
        except EXPECTED:
            assert self._faults.fired, "this failed by itself"
            return None

    def open(self):
        registry = AnalyzerRegistry(extra=[BRAVE])
        store = self.folder / "store.db"
        self.storage = JobStorage(store)
        self.ownership = Ownership(store)
        end_interrupted(self.storage, self.ownership, registry.tools)
        self.service = BatchAnalysisService(
            self.storage,
            self.base,
            settings=Settings(max_jobs=1, max_tasks=2),
            registry=registry,
            services={"brave_analyzer": self.analyzer},
            ownership=self.ownership,
        )
        self.service.events.subscribe(lambda event: self.told.add(event.task_id), TaskFinished)
        return True

    def close(self):
        if self.service is not None:
            self.service.close()
        if self.storage is not None:
            with suppress(apsw.Error):  # apsw raises what the real close of SQLite passes over
                self.storage.close()
        if self.ownership is not None:
            self.ownership.release()
        self.storage = self.service = self.ownership = None

    def submit(self, model):
        data = {"models": [model], "app_ranges": {model: APPS[model]}, "analysis_types": ["brave"]}
        job = self.storage.create_job({**data, "name": model})
        self.service.start_job(job.id)
        return job.id

    def wait(self, job_id):
        assert self.service.wait(job_id, WAIT), f"it hangs: {self.storage.get_job(job_id)}"

    def is_over(self, job_id):
        return self.analyzer.sleeping.is_set() or self.service.is_ended(job_id)

    def work(self):
        """Two jobs one after the other, one that is cancelled, and on with it after a restart."""
        if self.attempt(self.open):
            jobs = [self.attempt(self.submit, model) for model in "ab"]
            for job_id in filter(None, jobs):
                self.attempt(self.wait, job_id)
            cancelled = self.attempt(self.submit, "c")
            if cancelled:
                self.attempt(wait_until, lambda: self.is_over(cancelled), WAIT)
                self.attempt(self.service.cancel_job, cancelled)
                self.attempt(self.wait, cancelled)
        self.close()
        self.analyzer.is_awake = True
        if self.attempt(self.open):
            again = self.attempt(self._continue)
            if again:
                self.attempt(self.wait, again)
        self.close()

    def _continue(self):
        ended = [job.id for job in self.storage.get_jobs() if job.name == "c" and job.status.is_ended]
        return self.service.continue_job(ended[0]) if ended else None

    def check(self):
        """Look at what is left now that nothing fails any more; a new job must succeed."""
        self.open()
        try:
            kept = check_store(self.storage)
            for each in kept.values():
                self._check_job(each)
            stored = {result.task_id for each in kept.values() for result in each.results}
            assert self.told <= stored, "a result was told, but is not stored"
            new = self.submit("d")
            self.wait(new)
            job = self.storage.get_job(new)
            assert (job.status, job.task_count_by_status) == (JobStatus.COMPLETED, {"completed": 3}), job
            check_store(self.storage)
        finally:
            self.close()

    def _check_job(self, kept):
        job = kept.job
        assert job.status.is_ended or job.status is JobStatus.PENDING, job
        for task in kept.tasks:
            if task.status is TaskStatus.COMPLETED:
                assert kept.findings_of.get(task.id, 0) in self.analyzer.reported[task.model, task.app_num]
            assert task.status is not TaskStatus.SKIPPED or task.app_num == SKIPPED, task
            assert task.app_num != FAILING or task.status is not TaskStatus.COMPLETED
        if job.status is JobStatus.COMPLETED:
            assert {task.status for task in kept.tasks} == {TaskStatus.COMPLETED}
            assert [task.app_num for task in kept.tasks] == list(APPS[job.name])
        if job.status is JobStatus.CANCELLED:
            assert job.name == "c", "nobody asked for that"


class Helpers:
    """A warden and a worker that serve many runs, as they would serve many jobs."""

    def __init__(self):
        self.warden = Warden()
        self.pool = WorkerPool(warden=self.warden)

    def close(self):
        self.pool.close()
        self.warden.close()


def one_run(folder, faults, plan, helpers):
    """Work under a plan, then look at what is left.

    Returns:
        The numbers of calls by kind, and how many of them failed.
    """
    folder.mkdir()
    died = []
    notebook = Notebook(folder, faults, helpers)
    before = set(threading.enumerate())
    hook, threading.excepthook = threading.excepthook, died.append
    try:
        with LogFiles(folder / "logs"):
            faults.arm(plan)
            bounded(notebook.work)
            faults.disarm()
            counts, fired = faults.counts, faults.fired
            assert wait_until(lambda: not ours(before)), f"threads are left: {ours(before)}"
            assert wait_until(lambda: not processes_with(notebook.word)), "a tool is left running"
            bounded(notebook.check)
            assert not died, [repr(each.exc_value) for each in died]
    finally:
        faults.disarm()
        threading.excepthook = hook
    shutil.rmtree(folder)
    return counts, fired


def ours(before):
    return [
        thread.name
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith("batchnb-") and "log" not in thread.name
    ]


def bounded(work):
    """Do `work` on a thread; fail, saying where every thread stands, if it does not come to its end."""
    outcome = []

    def do():
        try:
            outcome.append((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised below
            outcome.append((None, error))

    thread = threading.Thread(target=do, name="notebook", daemon=True)
    thread.start()
    thread.join(BOUND)
    if not outcome:
        names = {each.ident: each.name for each in threading.enumerate()}
        stacks = [
            f"--- {names.get(ident)}\n{''.join(traceback.format_stack(frame))}"
            for ident, frame in sys._current_frames().items()
        ]
        raise AssertionError("it hangs:\n" + "\n".join(stacks))
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


class Campaign:
    """Runs under one plan after another, and what came of them."""

    def __init__(self, folder, faults):
        self._folder, self._faults = folder, faults
        self._helpers = Helpers()
        self.tried, self.bad = Counter(), []

    def run(self, plan):
        """Do one run; return how many calls failed in it."""
        if plan.kind.startswith(("warden", "worker")):  # their start is part of what is to fail
            self.renew()
        folder = self._folder / f"{len(self.bad)}_{self.tried.total()}"
        try:
            _, fired = one_run(folder, self._faults, plan, self._helpers)
        except Exception as error:  # noqa: BLE001 - all of them are told at the end
            self.bad.append(f"{plan}: {''.join(traceback.format_exception(error))}")
            fired = self._faults.fired
            shutil.rmtree(folder, ignore_errors=True)
        self.tried[plan.kind] += fired > 0
        return fired

    def renew(self):
        self._helpers.close()
        self._helpers = Helpers()

    def report(self, figures):
        """Print the figures, and fail if one run did not end well."""
        self._helpers.close()
        for kind, number in self.tried.items():
            figures(f"fault points: {kind}", number)
        figures("fault points, all", self.tried.total())
        figures("of these that did not end well", len(self.bad))
        assert not self.bad, "\n".join(self.bad)


@pytest.fixture
def faults(monkeypatch):
    monkeypatch.setattr(task_runs, "LOOK_SECONDS", 0.02)
    with injected(monkeypatch) as faults:
        yield faults


def test_without_faults_the_scenario_is_what_it_should_be(tmp_path, faults):
    helpers = Helpers()
    counts, fired = one_run(tmp_path / "run", faults, NOTHING, helpers)
    helpers.close()

    assert not fired
    assert all(counts.values()), f"a kind of call site is not reached: {counts}"


def test_a_call_that_fails_leaves_nothing_running_and_nothing_wrong(tmp_path, faults, seed, figures):
    chance, campaign = random.Random(seed), Campaign(tmp_path, faults)
    campaign.renew()
    counts, _ = one_run(tmp_path / "run", faults, NOTHING, campaign._helpers)
    for kind, is_lasting in product(ERRORS, (False, True)):
        for _ in range(2 if kind in MANY else 1):
            number, error = 1 + chance.randrange(counts[kind]), chance.randrange(len(ERRORS[kind]))
            while not campaign.run(Plan(kind, number, error, is_lasting)):  # there were fewer this time
                number = max(1, number // 2)
    campaign.report(figures)
    assert campaign.tried.total() > 20


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("kind", ERRORS)
def test_whichever_call_fails_nothing_is_left_running_and_nothing_is_wrong(
    tmp_path, faults, seed, figures, kind
):
    """Until no call fails any more; of those that are many every fourth, from a random one on."""
    chance, campaign = random.Random(seed), Campaign(tmp_path, faults)
    every = 4 if kind in MANY else 1
    for is_lasting in (False, True):
        number = 1 + chance.randrange(every)
        while campaign.run(Plan(kind, number, chance.randrange(len(ERRORS[kind])), is_lasting)):
            assert len(campaign.bad) < MOST_BAD, "\n".join(campaign.bad)
            number += every
    campaign.report(figures)
