"""The engine under measurement: the same no-op as the peers run, as an analysis of ours."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import psutil

from batchnb.analyzers.base import AnalysisContext, Analyzer
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.records import AnalysisReport, Coverage, CoverageStatus, JobStatus
from batchnb.tools.layout import AppFolder
from benchmarks.disk import SCRATCH, WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = 10
"""A job of n tasks is these many models with n / 10 apps each, and one analysis type."""
LONGEST = 150.0
"""Seconds after which a job counts as not ending."""


def _report(status: CoverageStatus) -> AnalysisReport:
    cell = Coverage(model="m0", app_num=1, analysis_type="noop", tool="noop", status=status)
    return AnalysisReport(issues=(), coverage=(cell,))


_DONE, _STOPPED = _report(CoverageStatus.OK), _report(CoverageStatus.CANCELLED)


class NoopAnalyzer(Analyzer):
    """Says at once, of an app that it does not even look up, that everything was read."""

    key: ClassVar[str] = "noop"
    title: ClassVar[str] = "No-op"
    service: ClassVar[str] = "noop_analyzer"
    tools: ClassVar[tuple[str, ...]] = ("noop",)

    def __init__(self, base_path: str | Path) -> None:
        super().__init__(base_path)
        self._app = AppFolder(model="m0", app_num=1, path=self.base_path)

    def find_app(self, model: str, app_num: int) -> AppFolder:  # noqa: ARG002 - the peers open no folder
        return self._app

    def analyze(self, app: AppFolder, options: object, context: AnalysisContext) -> AnalysisReport:  # noqa: ARG002 - a no-op
        return _DONE


class HeldAnalyzer(NoopAnalyzer):
    """Holds every worker until its job is cancelled, and tells when the first one came in."""

    def __init__(self, base_path: str | Path) -> None:
        super().__init__(base_path)
        self.entered = threading.Event()

    def analyze(self, app: AppFolder, options: object, context: AnalysisContext) -> AnalysisReport:  # noqa: ARG002 - a no-op
        self.entered.set()
        context.cancel.wait(LONGEST)
        return _STOPPED


def in_memory(tasks: int) -> float:
    """Return the seconds from create_job to the job's end, in a store that is lost on exit."""
    return _seconds(tasks, None)


def durable(tasks: int) -> float:
    """Return the same with a store in a file: until the last result is on the disk."""
    with TemporaryDirectory(dir=SCRATCH) as folder:
        path = Path(folder, "store.db")
        seconds = _seconds(tasks, path)
        _require_results(path, tasks)
        return seconds


class BigJob(NamedTuple):
    """What a big job costs before and after its tasks run."""

    planned: float
    """Seconds from create_job until the first task runs."""
    grown: float
    """MB by which the process had grown at most until then."""
    asked: float
    """Seconds that cancel_job took."""
    cancelled: float
    """Seconds from cancel_job to the job's end: every task with its result stored."""


def big_job_in_memory(tasks: int) -> BigJob:
    """Plan a job and cancel it as soon as its first tasks run."""
    return _big_job(tasks, None)


def big_job_durable(tasks: int) -> BigJob:
    """Do the same in a store in a file."""
    with TemporaryDirectory(dir=SCRATCH) as folder:
        return _big_job(tasks, Path(folder, "store.db"))


def _seconds(tasks: int, path: Path | None) -> float:
    data = _job_of(tasks)
    with _engine(path, NoopAnalyzer(SCRATCH)) as service:
        start = time.perf_counter()
        job_id = service.storage.create_job(data).id
        service.start_job(job_id)
        ended = service.wait(job_id, LONGEST)
        seconds = time.perf_counter() - start
        job = service.storage.get_job_or_fail(job_id)
    if not ended:
        raise TimeoutError(f"{job.completed_tasks} of {tasks} tasks after {LONGEST:.0f} s")
    if job.status is not JobStatus.COMPLETED or job.completed_tasks != tasks:
        raise RuntimeError(f"the job is not as it should be: {job.status}, {job.task_count_by_status}")
    return seconds


def _big_job(tasks: int, path: Path | None) -> BigJob:
    data, analyzer = _job_of(tasks), HeldAnalyzer(SCRATCH)
    memory = psutil.Process().memory_info
    with _engine(path, analyzer) as service:
        before = most = memory().rss
        start = time.perf_counter()
        job_id = service.storage.create_job(data).id
        service.start_job(job_id)
        while not analyzer.entered.wait(0.002):
            most = max(most, memory().rss)
        planned = time.perf_counter() - start
        most = max(most, memory().rss)
        start = time.perf_counter()
        service.cancel_job(job_id)
        asked = time.perf_counter() - start
        service.wait(job_id, LONGEST)
        cancelled = time.perf_counter() - start
        job = service.storage.get_job_or_fail(job_id)
    if job.status is not JobStatus.CANCELLED or job.task_count_by_status != {"cancelled": tasks}:
        raise RuntimeError(f"the job is not as it should be: {job.status}, {job.task_count_by_status}")
    return BigJob(planned, (most - before) / 1e6, asked, cancelled)


def _job_of(tasks: int) -> dict[str, object]:
    models = [f"m{number}" for number in range(MODELS)]
    ranges = {model: list(range(1, tasks // MODELS + 1)) for model in models}
    return {"models": models, "app_ranges": ranges, "analysis_types": ["noop"]}


@contextmanager
def _engine(path: Path | None, analyzer: Analyzer) -> Iterator[BatchAnalysisService]:
    storage = JobStorage(path)
    service = BatchAnalysisService(
        storage,
        SCRATCH,
        settings=Settings.load(max_tasks=WORKERS, environ={}),
        registry=AnalyzerRegistry(extra=[EntryPoint("noop", f"{__name__}:NoopAnalyzer", GROUP)]),
        services={analyzer.service: analyzer},
    )
    try:
        yield service
    finally:
        service.close()
        storage.close()


def _require_results(path: Path, tasks: int) -> None:
    """Open the file anew and count: what was acknowledged must be there."""
    storage = JobStorage(path)
    stored = sum(len(storage.get_results(job.id)) for job in storage.get_jobs())
    storage.close()
    if stored != tasks:
        raise RuntimeError(f"{stored} results on the disk, {tasks} tasks")
