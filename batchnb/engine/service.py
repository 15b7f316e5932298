"""BatchAnalysisService: starts, watches and cancels jobs in this process's background (seed, 3 and 5)."""

from __future__ import annotations

import atexit
import threading
import traceback
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.executor import TaskExecutor
from batchnb.engine.planning import cells
from batchnb.engine.settings import MAX_SECONDS, Settings
from batchnb.records import BatchAnalysisJob, ErrorCategory, JobError, JobSpec, JobStatus, TaskStatus, utc_now
from batchnb.records.errors import (
    BatchnbError,
    EndedError,
    InvalidValueError,
    InvariantError,
    PortfolioError,
    ServiceClosedError,
)
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.log import create_logger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batchnb.analyzers.base import Analyzer
    from batchnb.engine.storage import JobStorage

_log = create_logger("job")
_BATCH = 64
"""Pending tasks that are fetched from the store at once."""
_LOOK_SECONDS = 0.2
"""How often the store is looked at for what other processes did."""


class _Run:
    """A job while it runs here."""

    def __init__(self) -> None:
        self.cancel = CancelToken()
        self.done = threading.Event()


class BatchAnalysisService:
    """Runs jobs on threads: at most `max_jobs` at once, each with at most `max_tasks` tasks at once."""

    def __init__(
        self,
        storage: JobStorage,
        base_path: Path,
        *,
        settings: Settings | None = None,
        registry: AnalyzerRegistry | None = None,
        services: dict[str, Any] | None = None,
        owner: str | None = None,
    ) -> None:
        """Make a service.

        Args:
            storage: where jobs live.
            base_path: the folder with the apps.
            settings: limits; by default from the environment.
            registry: the analysis types; by default the built-in ones and the installed plug-ins.
            services: analyzer objects by service name, instead of new ones of the registry's classes.
            owner: identity of this engine in a store that several processes share.
        """
        self.storage = storage
        self.base_path = base_path
        self.settings = settings or Settings.load()
        self.registry = registry or AnalyzerRegistry()
        self.executor = TaskExecutor(storage, self.registry.tools)
        self.app: Any = None
        self._given = dict(services or {})
        self._owner = owner
        self._lock = threading.RLock()
        self._running_jobs: dict[int, _Run] = {}
        self._waiting: dict[int, _Run] = {}
        self._closed = False
        atexit.register(self.close)

    # ------------------------------------------------------------------------- the seed's interface

    def set_app(self, app: Any) -> None:
        """Register a Flask application; analyzers that it carries as attributes are used as services."""
        self.app = app

    def start_job(self, job_id: int) -> bool:
        """Start a job in the background.

        Returns:
            True if it was started. False if there is no such job, it is not PENDING, or `max_jobs` run
            already: then it becomes QUEUED and starts by itself, first in, first out.

        Raises:
            ServiceClosedError: if the service was closed.
        """
        with self._lock:
            self._require_open()
            job = self.storage.get_job(job_id)
            if job is None or job.status is not JobStatus.PENDING:
                _log.warning("[Job %s] not started: %s", job_id, job.status.value if job else "no such job")
                return False
            if len(self._running_jobs) >= self.settings.max_jobs:
                self._take(job_id, JobStatus.QUEUED)
                self._waiting[job_id] = _Run()
                _log.info("[Job %d] queued", job_id)
                return False
            try:
                self._launch(job_id, _Run())
            except InvariantError:  # another process was faster
                return False
            return True

    def cancel_job(self, job_id: int) -> bool:
        """Ask a job to stop: running tools are killed, tasks that wait are CANCELLED.

        A job that another process runs is asked for through the store; its process stops it within a second.

        Returns:
            True if the job was waiting or running. False if there is none, or it is PENDING, ended, or
            being cancelled already.
        """
        with self._lock:
            if job_id in self._waiting:
                self.storage.update_job(job_id, cancellation_requested=True, status=JobStatus.CANCELLED)
                self._waiting.pop(job_id).done.set()
                return True
            run = self._running_jobs.get(job_id)
            if run is None:
                return self.storage.ask_cancellation(job_id)
            job = self.storage.get_job_or_fail(job_id)
            if job.status not in {JobStatus.INITIALIZING, JobStatus.RUNNING}:
                return False
            try:
                self.storage.update_job(job_id, cancellation_requested=True, status=JobStatus.CANCELLING)
            except EndedError:  # just now
                return False
        _log.info("[Job %d] cancellation requested", job_id)
        run.cancel.cancel("the job was cancelled")
        return True

    def get_job_status(self, job_id: int) -> dict[str, Any] | None:
        """Return the seed's status JSON (section 6): job, progress, results summary; None if no such job."""
        job = self.storage.get_job(job_id)
        if job is None:
            return None
        total, done = job.total_tasks, job.completed_tasks
        shown = ("id", "name", "status", "models", "app_ranges", "analysis_types", "analysis_options")
        return {
            "job": {
                **{name: getattr(job, name) for name in shown},
                "total_tasks": total,
                "completed_tasks": done,
            },
            "progress": {
                "total": total,
                "completed": done,
                "percent": 100 * done // total if total else 100 if job.status.is_ended else 0,
                "by_status": job.task_count_by_status,
            },
            "results_summary": job.results_summary,
            "active_tasks_count": job.task_count_by_status.get(TaskStatus.RUNNING.value, 0),
        }

    # ------------------------------------------------------------------------------- beyond the seed

    def submit(self, spec: JobSpec) -> int:
        """Create a job and start it (or queue it); return its id.

        Raises:
            InvalidValueError: for a value that is not allowed.
            ServiceClosedError: if the service was closed. No job was created in either case.
        """
        self._require_open()
        job = self.storage.create_job(spec)
        self.start_job(job.id)
        return job.id

    def wait(self, job_id: int, timeout: float | None = None) -> bool:
        """Block until a job has ended; False if `timeout` seconds passed first.

        Raises:
            RecordNotFoundError: if there is no such job.
        """
        with self._lock:
            run = self._running_jobs.get(job_id) or self._waiting.get(job_id)
        if run is not None:
            return run.done.wait(timeout)
        deadline = Deadline.after(MAX_SECONDS if timeout is None else timeout)
        pause = threading.Event()  # never set: a job of another process can only be looked at
        while not self.storage.get_job_or_fail(job_id).status.is_ended:
            if deadline.expired:
                return False
            pause.wait(min(_LOOK_SECONDS, deadline.remaining()))
        return True

    def close(self) -> None:
        """Cancel what runs and waits, wait for it to end, and start nothing more. Twice is allowed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            runs = dict(self._running_jobs)
            waiting = list(self._waiting)
        atexit.unregister(self.close)
        for job_id in (*waiting, *runs):
            self.cancel_job(job_id)
        for run in runs.values():
            run.done.wait()

    # --------------------------------------------------------------------------------- inside a job

    def _require_open(self) -> None:
        if self._closed:
            raise ServiceClosedError("the service was closed; open the workspace again")

    def _launch(self, job_id: int, run: _Run) -> None:
        self._take(job_id, JobStatus.INITIALIZING)
        self._running_jobs[job_id] = run
        # A daemon: the end of the kernel must not wait for a tool (close() is registered at exit).
        name = f"batchnb-job-{job_id}"
        threading.Thread(target=self._run_job, args=(job_id, run), name=name, daemon=True).start()

    def _run_job(self, job_id: int, run: _Run) -> None:
        try:
            self._execute_job_workflow(job_id, run)
        except Exception as error:  # noqa: BLE001 - the engine itself broke: the job must say so
            _log.exception("[Job %d] the engine failed", job_id)
            self._break(job_id, error)
        finally:
            with self._lock:
                del self._running_jobs[job_id]
                run.done.set()
                self._start_next()

    def _execute_job_workflow(self, job_id: int, run: _Run) -> None:
        job = self.storage.get_job_or_fail(job_id)
        services = self._check_required_services(job)
        timeout = job.task_timeout_seconds or self.settings.task_timeout_seconds
        try:
            if not job.total_tasks:  # one that continues another has its tasks already
                self.storage.create_tasks(job_id, self._generate_task_list(job), timeout)
        except (InvalidValueError, PortfolioError) as error:
            self._refuse(job_id, error)
            return
        if self._become_running(job_id, run):
            _log.info("[Job %d] running", job_id)
            self._execute_tasks(job_id, services, run)
        if run.cancel.cancelled:
            self.storage.cancel_pending(job_id, self.registry.tools)
        missing = self.storage.lacked_dependency(job_id)
        ended = self.storage.change_job(job_id, lambda job: _finished(job, missing=missing))
        _log.info("[Job %d] %s", job_id, ended.status.value)

    def _generate_task_list(self, job: BatchAnalysisJob) -> Iterator[tuple[str, int, str]]:
        return cells(job, self.base_path)

    def _check_required_services(self, job: BatchAnalysisJob) -> dict[str, Any]:
        """Return the analyzers that the job needs; what is missing becomes an error of the job."""
        services: dict[str, Any] = {}
        for kind in job.analysis_types:
            try:
                analyzer = self._service(kind)
                missing = analyzer.missing_tools()
            except Exception as error:  # noqa: BLE001 - a stranger's plug-in may raise anything
                self._lacks(job.id, f"{kind} not available: {error}")
                continue
            services[analyzer.service] = analyzer
            if missing:
                self._lacks(job.id, f"{kind}: {', '.join(missing)} not installed")
        return services

    def _service(self, kind: str) -> Analyzer:
        """Return the analyzer of an analysis type: one that was given, or a new one."""
        found = self.registry[kind]
        given = self._given.get(found.service) or getattr(self.app, found.service, None)
        return given or found(self.base_path)

    def _refuse(self, job_id: int, error: BatchnbError) -> None:
        """End a job that asks for apps that are not there as FAILED."""
        wrong = JobError(category=ErrorCategory.VALIDATION, message=str(error))
        self.storage.add_job_error(job_id, wrong)
        self.storage.change_job(job_id, lambda job: _finished(job, missing=True))

    def _lacks(self, job_id: int, what: str) -> None:
        self.storage.add_job_error(job_id, JobError(category=ErrorCategory.DEPENDENCY, message=what))

    def _become_running(self, job_id: int, run: _Run) -> bool:
        """Move the job on, unless it was cancelled while it was being prepared."""
        with self._lock:
            if self.storage.get_job_or_fail(job_id).cancellation_requested:
                run.cancel.cancel("the job was cancelled")
                return False
            self.storage.update_job(job_id, status=JobStatus.RUNNING)
            return True

    def _execute_tasks(self, job_id: int, services: dict[str, Any], run: _Run) -> None:
        """Work through the pending tasks on `max_tasks` threads."""
        feed = _Feed(self.storage, job_id)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                while not failures and not run.cancel.cancelled and (task_id := feed.next()) is not None:
                    self.executor.run(task_id, services, run.cancel)
            except Exception as error:  # noqa: BLE001 - handed to the job's thread below
                failures.append(error)

        workers = [
            threading.Thread(target=work, name=f"batchnb-job-{job_id}-{n}", daemon=True)
            for n in range(self.settings.max_tasks)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(_LOOK_SECONDS)
                self._heed_store(job_id, run)
        if failures:
            raise failures[0]

    def _heed_store(self, job_id: int, run: _Run) -> None:
        """Cancel the job if another process asked for it in the store."""
        if not run.cancel.cancelled and self.storage.is_cancellation_asked(job_id):
            self.cancel_job(job_id)

    def _break(self, job_id: int, error: Exception) -> None:
        """Record that the engine failed; if even that fails, the log has it."""
        text = f"the engine failed: {type(error).__name__}: {error}"
        broken = JobError(category=ErrorCategory.INTERNAL, message=text, traceback=traceback.format_exc())
        try:
            self.storage.break_job(job_id, broken, self.registry.tools)
        except BatchnbError:
            _log.exception("[Job %d] its failure could not be stored", job_id)

    def _start_next(self) -> None:
        while self._waiting and not self._closed and len(self._running_jobs) < self.settings.max_jobs:
            job_id = next(iter(self._waiting))
            run = self._waiting.pop(job_id)
            try:
                self._launch(job_id, run)
            except InvariantError:  # another process cancelled it while it waited
                run.done.set()
            except BatchnbError:  # the store failed: this one job stays QUEUED, the next gets its chance
                _log.exception("[Job %d] could not be started", job_id)
                run.done.set()

    def _take(self, job_id: int, status: JobStatus) -> None:
        """Move a job on as its owner; only one process can."""
        self.storage.change_job(job_id, lambda job: job.with_status(status, utc_now()), owner=self._owner)


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


def _finished(job: BatchAnalysisJob, *, missing: bool) -> BatchAnalysisJob:
    """Return the job in its final status (product page: CANCELLED, FAILED or COMPLETED)."""
    if job.cancellation_requested:
        return job.with_status(JobStatus.CANCELLED, utc_now())
    counts = job.task_count_by_status
    failed = counts.get(TaskStatus.FAILED.value, 0) + counts.get(TaskStatus.TIMED_OUT.value, 0)
    return job.with_status(JobStatus.FAILED if failed or missing else JobStatus.COMPLETED, utc_now())
