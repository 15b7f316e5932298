"""One job while it runs in this process: its preparation, its tasks on threads, its end."""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.engine.planning import cells
from batchnb.engine.task_runs import TaskRuns
from batchnb.records import (
    BatchAnalysisJob,
    ErrorCategory,
    JobError,
    JobStatus,
)
from batchnb.records.errors import (
    InvalidValueError,
    InvariantError,
    PortfolioError,
    StorageError,
)
from batchnb.records.events import JobFinished, JobStarted
from batchnb.tools.cancellation import CancelToken
from batchnb.tools.log import bind, create_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from batchnb.analyzers.base import Analyzer
    from batchnb.engine.broker import EventBroker
    from batchnb.engine.executor import TaskExecutor
    from batchnb.engine.settings import Settings
    from batchnb.engine.storage import JobStorage

_log = create_logger("job")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a job needs to run."""

    storage: JobStorage
    executor: TaskExecutor
    events: EventBroker
    settings: Settings
    analyzer: Callable[[str], Analyzer]
    """Gives the analyzer of an analysis type, or raises."""
    tools: Callable[[str], Sequence[str]]
    """Gives the names under which an analysis type reports coverage."""
    base_path: Path


class JobRun:
    """A job from INITIALIZING to its end. `run` is the body of its thread; `cancel` may be pulled by any."""

    def __init__(self, job_id: int, parts: Parts) -> None:
        """Prepare to run a job."""
        self.job_id = job_id
        self.cancel = CancelToken()
        self.done = threading.Event()
        self.held_up: tuple[float, StorageError] | None = None
        """Since when (monotonic clock), and by what, it cannot be started though its turn has come."""
        self.unsettled: JobError | None = None
        """Why the engine broke, if even that could not be stored."""
        self._parts = parts
        self._storage = parts.storage
        self._tasks: TaskRuns | None = None
        self._log = bind(_log, job_id=job_id, store=parts.storage.name)

    def nudge(self) -> None:
        """Have the store looked at now for what somebody wants of this job."""
        if self._tasks is not None:
            self._tasks.nudge()

    def run(self) -> None:
        """Run the job to its end; whatever goes wrong becomes a part of the job, never an exception."""
        try:
            self._execute_job_workflow()
        except BaseException as error:  # noqa: BLE001 - the engine itself broke: the job must say so
            self._log.exception("the engine failed")
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
            except Exception:  # noqa: BLE001 - the next call tries again
                self._log.exception("its failure could not be stored")
                return False
            self.unsettled = None
            self._parts.events.publish(JobFinished(job_id=self.job_id, status=JobStatus.ERROR))
        return True

    def _execute_job_workflow(self) -> None:
        job = self._storage.get_job_or_fail(self.job_id)
        services = self._check_required_services(job)
        try:
            self._storage.raw_folder_of(self.job_id)  # or every task would fail for it
            if not job.total_tasks:  # one that continues another has its tasks already
                planned = self._generate_task_list(job, services)
                self._storage.create_tasks(self.job_id, planned, self._timeouts(job))
        except (InvalidValueError, PortfolioError) as error:
            self._note(JobError(category=ErrorCategory.VALIDATION, message=str(error)))
            self._finish(lacking=True)
            return
        if self._become_running():
            self._log.info("running")
            self._parts.events.publish(JobStarted(job_id=self.job_id))
            self._execute_tasks(services)
        if self.cancel.cancelled:
            self._storage.cancel_pending(self.job_id, self._parts.tools)
        self._finish(lacking=False)

    def _generate_task_list(
        self, job: BatchAnalysisJob, services: dict[str, Analyzer]
    ) -> Iterator[tuple[str, int, str]]:
        alone = {analyzer.key for analyzer in services.values() if analyzer.exclusive}
        return cells(job, self._parts.base_path, alone)

    def _timeouts(self, job: BatchAnalysisJob) -> dict[str, int]:
        """Return the time limit of each analysis type: the job's own, or else the service's."""
        common = job.task_timeout_seconds
        of_service = self._parts.settings.timeout_of
        return {k: job.task_timeouts.get(k) or common or of_service(k) for k in job.analysis_types}

    def _check_required_services(self, job: BatchAnalysisJob) -> dict[str, Analyzer]:
        """Return the analyzers that the job needs; what is missing becomes an error of the job."""
        services: dict[str, Analyzer] = {}
        for kind in job.analysis_types:
            try:
                analyzer = self._parts.analyzer(kind)
                missing = analyzer.missing_tools()
            except Exception as error:  # noqa: BLE001 - a stranger's plug-in may raise anything
                self._note_lack(kind, f"{kind} not available: {error}")
                continue
            services[analyzer.service] = analyzer
            if missing:
                self._note_lack(kind, f"{kind}: {', '.join(missing)} not installed")
        return services

    def _note_lack(self, kind: str, message: str) -> None:
        """Note what an analysis lacks, and whose lack it is: not said again when its tasks are skipped."""
        details = {"analysis_type": kind}
        self._note(JobError(category=ErrorCategory.DEPENDENCY, message=message, details=details))

    def _note(self, error: JobError) -> None:
        self._log.error("Error (%s): %s", error.category.value, error.message)
        self._storage.add_job_error(self.job_id, error)

    def _become_running(self) -> bool:
        """Move the job on, unless it was cancelled while it was being prepared."""
        if self._storage.controls.look(self.job_id).cancellation_requested:
            self.cancel.cancel("the job was cancelled")
        if self.cancel.cancelled:
            return False
        try:
            self._storage.update_job(self.job_id, status=JobStatus.RUNNING)
        except InvariantError:  # cancelled between the look and the step
            self.cancel.cancel("the job was cancelled")
        return not self.cancel.cancelled

    def _execute_tasks(self, services: dict[str, Analyzer]) -> None:
        """Work through the pending tasks; nothing of them is left running when this ends."""
        job = self._storage.get_job_or_fail(self.job_id)
        self._tasks = TaskRuns(
            job, services, self._storage, self._parts.executor, self._parts.events, self.cancel,
            self._parts.settings.max_tasks,
        )  # fmt: skip
        self._tasks.run()

    def _finish(self, *, lacking: bool) -> None:
        ended = self._storage.finish_job(self.job_id, cancelled=self.cancel.cancelled, lacking=lacking)
        self._log.info("%s", ended.status.value)
        self._parts.events.publish(JobFinished(job_id=self.job_id, status=ended.status))
