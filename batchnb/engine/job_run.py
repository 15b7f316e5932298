"""One job while it runs in this process: its preparation, its tasks on threads, its end."""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.engine.planning import cells
from batchnb.records import BatchAnalysisJob, ErrorCategory, JobError, JobStatus, TaskStatus, utc_now
from batchnb.records.errors import (
    BatchnbError,
    InvalidValueError,
    InvariantError,
    PortfolioError,
    StorageError,
)
from batchnb.tools.cancellation import CancelToken
from batchnb.tools.log import create_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from batchnb.analyzers.base import Analyzer
    from batchnb.engine.executor import TaskExecutor
    from batchnb.engine.storage import JobStorage

_log = create_logger("job")
_BATCH = 64
"""Pending tasks that are fetched from the store at once."""
LOOK_SECONDS = 0.2
"""How often the store is looked at for what other processes did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a job needs to run."""

    storage: JobStorage
    executor: TaskExecutor
    analyzer: Callable[[str], Analyzer]
    """Gives the analyzer of an analysis type, or raises."""
    tools: Callable[[str], Sequence[str]]
    """Gives the names under which an analysis type reports coverage."""
    base_path: Path
    max_tasks: int
    timeout_seconds: int
    """For a task of a job that does not say its own."""


class JobRun:
    """A job from INITIALIZING to its end. `run` is the body of its thread; `cancel` may be pulled by any."""

    def __init__(self, job_id: int, parts: Parts) -> None:
        """Prepare to run a job."""
        self.job_id = job_id
        self.cancel = CancelToken()
        self.done = threading.Event()
        self.unsettled: JobError | None = None
        """Why the engine broke, if even that could not be stored."""
        self._parts = parts
        self._storage = parts.storage

    def run(self) -> None:
        """Run the job to its end; whatever goes wrong becomes a part of the job, never an exception."""
        try:
            self._execute_job_workflow()
        except BaseException as error:  # noqa: BLE001 - the engine itself broke: the job must say so
            _log.exception("[Job %d] the engine failed", self.job_id)
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """End the job as ERROR; if that cannot be stored now, `settle` will try again."""
        text = f"the engine failed: {type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        self.unsettled = JobError(category=ErrorCategory.INTERNAL, message=text, traceback=trace)
        self.settle()

    def settle(self) -> bool:
        """Store a failure that is not stored yet; return whether none is left."""
        if self.unsettled is not None:
            try:
                self._storage.break_job(self.job_id, self.unsettled, self._parts.tools)
            except InvariantError:
                pass  # it had ended: the failure came after that
            except BatchnbError:
                _log.exception("[Job %d] its failure could not be stored", self.job_id)
                return False
            self.unsettled = None
        return True

    def _execute_job_workflow(self) -> None:
        job = self._storage.get_job_or_fail(self.job_id)
        services = self._check_required_services(job)
        timeout = job.task_timeout_seconds or self._parts.timeout_seconds
        try:
            if not job.total_tasks:  # one that continues another has its tasks already
                self._storage.create_tasks(self.job_id, self._generate_task_list(job), timeout)
        except (InvalidValueError, PortfolioError) as error:
            self._note(ErrorCategory.VALIDATION, str(error))
            self._finish(lacking=True)
            return
        if self._become_running():
            _log.info("[Job %d] running", self.job_id)
            self._execute_tasks(services)
        if self.cancel.cancelled:
            self._storage.cancel_pending(self.job_id, self._parts.tools)
        self._finish(lacking=self._storage.lacked_dependency(self.job_id))

    def _generate_task_list(self, job: BatchAnalysisJob) -> Iterator[tuple[str, int, str]]:
        return cells(job, self._parts.base_path)

    def _check_required_services(self, job: BatchAnalysisJob) -> dict[str, Any]:
        """Return the analyzers that the job needs; what is missing becomes an error of the job."""
        services: dict[str, Any] = {}
        for kind in job.analysis_types:
            try:
                analyzer: Analyzer = self._parts.analyzer(kind)
                missing = analyzer.missing_tools()
            except Exception as error:  # noqa: BLE001 - a stranger's plug-in may raise anything
                self._note(ErrorCategory.DEPENDENCY, f"{kind} not available: {error}")
                continue
            services[analyzer.service] = analyzer
            if missing:
                self._note(ErrorCategory.DEPENDENCY, f"{kind}: {', '.join(missing)} not installed")
        return services

    def _note(self, category: ErrorCategory, message: str) -> None:
        self._storage.add_job_error(self.job_id, JobError(category=category, message=message))

    def _become_running(self) -> bool:
        """Move the job on, unless it was cancelled while it was being prepared."""
        if self._storage.is_cancellation_asked(self.job_id):
            self.cancel.cancel("the job was cancelled")
        if self.cancel.cancelled:
            return False
        try:
            self._storage.update_job(self.job_id, status=JobStatus.RUNNING)
        except InvariantError:  # cancelled between the look and the step
            self.cancel.cancel("the job was cancelled")
        return not self.cancel.cancelled

    def _execute_tasks(self, services: dict[str, Any]) -> None:
        """Work through the pending tasks on `max_tasks` threads; none of them is left when this ends."""
        feed = _Feed(self._storage, self.job_id)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                while not self.cancel.cancelled and (task_id := feed.next()) is not None:
                    self._parts.executor.run(task_id, services, self.cancel)
            except BaseException as error:  # noqa: BLE001 - handed to the job's thread below
                failures.append(error)
                self.cancel.cancel("the engine failed")  # the tools of the other tasks too

        name = f"batchnb-job-{self.job_id}"
        count = self._parts.max_tasks
        workers = [threading.Thread(target=work, name=f"{name}-{n}", daemon=True) for n in range(count)]
        started: list[threading.Thread] = []
        try:
            for worker in workers:
                worker.start()
                started.append(worker)
        except BaseException:
            self.cancel.cancel("the engine failed")
            raise
        finally:
            for worker in started:
                while worker.is_alive():
                    worker.join(LOOK_SECONDS)
                    self._heed_store()
        if failures:
            raise failures[0]

    def _heed_store(self) -> None:
        """Cancel the job if another process asked for it in the store."""
        try:
            if not self.cancel.cancelled and self._storage.is_cancellation_asked(self.job_id):
                self.cancel.cancel("the job was cancelled from another notebook")
                self._storage.update_job(self.job_id, status=JobStatus.CANCELLING)
        except StorageError:  # the next look may succeed; what must be stored will tell if not
            _log.warning("[Job %d] the store could not be looked at", self.job_id, exc_info=True)

    def _finish(self, *, lacking: bool) -> None:
        """Give the job its final status (product page: CANCELLED, FAILED or COMPLETED)."""

        def end(job: BatchAnalysisJob) -> BatchAnalysisJob:
            if job.cancellation_requested or self.cancel.cancelled:
                asked = job if job.status is JobStatus.CANCELLING else job.cancelling(utc_now())
                return asked.with_status(JobStatus.CANCELLED, utc_now())
            counts = job.task_count_by_status
            failed = counts.get(TaskStatus.FAILED.value, 0) + counts.get(TaskStatus.TIMED_OUT.value, 0)
            status = JobStatus.FAILED if failed or lacking else JobStatus.COMPLETED
            return job.with_status(status, utc_now())

        ended = self._storage.change_job(self.job_id, end)
        _log.info("[Job %d] %s", self.job_id, ended.status.value)


class _Feed:
    """The pending tasks of a job, by id, fetched in batches: a job of 100,000 tasks costs no memory."""

    def __init__(self, storage: JobStorage, job_id: int) -> None:
        self._storage, self._job_id = storage, job_id
        self._lock = threading.Lock()
        self._ids: list[int] = []
        self._last = 0

    def next(self) -> int | None:
        with self._lock:
            if not self._ids:
                tasks = self._storage.get_tasks(
                    self._job_id, TaskStatus.PENDING, after=self._last, limit=_BATCH
                )
                self._ids = [task.id for task in reversed(tasks)]
                self._last = tasks[-1].id if tasks else self._last
            return self._ids.pop() if self._ids else None
