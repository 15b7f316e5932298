"""BatchAnalysisService: starts, watches and cancels jobs in this process's background (seed, 3 and 5)."""

from __future__ import annotations

import atexit
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.isolated import isolate
from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.broker import EventBroker
from batchnb.engine.executor import TaskExecutor
from batchnb.engine.job_run import JobRun, Parts
from batchnb.engine.ownership import end_interrupted
from batchnb.engine.settings import MAX_SECONDS, Settings
from batchnb.engine.shield import shielded
from batchnb.engine.status import status_of
from batchnb.engine.task_runs import LOOK_SECONDS
from batchnb.records import JobSpec, JobStatus, utc_now
from batchnb.records.errors import (
    InvariantError,
    RecordNotFoundError,
    ServiceClosedError,
    StorageError,
)
from batchnb.records.events import JobAdded, JobChanged, JobFinished, JobQueued
from batchnb.tools.cancellation import Deadline
from batchnb.tools.log import BoundLogger, bind, create_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from batchnb.analyzers.base import Analyzer
    from batchnb.engine.ownership import Ownership
    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisJob, Estimate

_log = create_logger("service")
_HELD_UP_SECONDS = 3.0
"""How long the store may fail before whoever waits for a job that it holds up hears of it."""
_RETRY_SECONDS = 1.0
"""How often it is tried again to start a job whose turn came when the store could not be written."""
_LOOK_FOR_DEAD_SECONDS = 1.0
"""How often it is looked at whether the processes that run other jobs are alive."""


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
        ownership: Ownership | None = None,
    ) -> None:
        """Make a service.

        Args:
            storage: where jobs live.
            base_path: the folder with the apps.
            settings: limits; by default from the environment.
            registry: the analysis types; by default the built-in ones and the installed plug-ins.
            services: analyzer objects by service name, instead of new ones of the registry's classes.
            ownership: identity of this engine in a store that several processes share.
        """
        self.storage = storage
        self.base_path = base_path
        self.settings = settings or Settings.load()
        self.registry = registry or AnalyzerRegistry()
        self.executor = TaskExecutor(storage, self.registry.tools)
        self.events = EventBroker()
        """Subscribe here to hear what happens."""
        self.app: Any = None
        self._given = dict(services or {})
        self._ownership = ownership
        self._lock = threading.RLock()
        self._running_jobs: dict[int, JobRun] = {}
        self._waiting: dict[int, JobRun] = {}
        self._broken: list[JobRun] = []
        self._looked_at = self._retried_at = 0.0
        self._closed = False
        storage.controls.listeners.append(self._tell)
        self._end_holding = ownership.keep_holding() if ownership else None
        atexit.register(self.close)

    # ------------------------------------------------------------------------- the seed's interface

    @property
    def max_concurrent_jobs(self) -> int:
        """Jobs that run at once."""
        return self.settings.max_jobs

    @property
    def max_concurrent_tasks(self) -> int:
        """Tasks that run at once in a job that does not say its own number."""
        return self.settings.max_tasks

    @property
    def default_task_timeout(self) -> int:
        """Longest time for one task, in seconds, where neither the job nor its type says another."""
        return self.settings.task_timeout_seconds

    def set_app(self, app: Any) -> None:
        """Register a Flask application; analyzers that it carries as attributes are used as services."""
        self.app = self.executor.app = app

    def start_job(self, job_id: int) -> bool:
        """Start a job in the background.

        Returns:
            True if it was started. False if there is no such job, it is not PENDING, or `max_jobs` run
            already: then it becomes QUEUED and starts by itself, first in, first out.

        Raises:
            ServiceClosedError: if the service was closed.
        """
        return shielded(lambda: self._start(job_id))

    def _start(self, job_id: int) -> bool:
        with self._lock:
            self._require_open()
            self._catch_up()
            job = self.storage.get_job(job_id)
            if job is None or job.status is not JobStatus.PENDING:
                why = job.status.value if job else "no such job"
                self._log(job_id).warning("not started: %s", why)
                return False
            run = JobRun(job_id, self._parts())
            try:
                if len(self._running_jobs) < self.settings.max_jobs:
                    self._launch(run)
                    return True
                self._take(job_id, JobStatus.QUEUED)
            except InvariantError:  # another process was faster
                return False
            self._waiting[job_id] = run
            self._log(job_id).info("queued")
            self.events.publish(JobQueued(job_id=job_id))
            return False

    def cancel_job(self, job_id: int) -> bool:
        """Ask a job to stop: running tools are killed, tasks that wait are CANCELLED.

        A job that another process runs is asked for through the store; its process stops it within a second.

        Returns:
            True if the job was waiting or running. False if there is none, or it is PENDING, ended, or
            being cancelled already.

        Raises:
            StorageError: if the store cannot be written; the tools of a running job are killed all the same.
        """
        return shielded(lambda: self._cancel(job_id))

    def _cancel(self, job_id: int) -> bool:
        with self._lock:
            self._catch_up()
            run = self._running_jobs.get(job_id)
            if run is None:
                asked = self.storage.ask_cancellation(job_id, self.registry.tools)
                if asked and job_id in self._waiting:
                    self._waiting.pop(job_id).done.set()
                    self.events.publish(JobFinished(job_id=job_id, status=JobStatus.CANCELLED))
                return asked
            if run.cancel.cancelled:
                return False
            # First of all: what runs must stop even if the store cannot be written.
            run.cancel.cancel("the job was cancelled")
        self._log(job_id).info("cancellation requested")
        try:
            self.storage.change_job(job_id, lambda job: job.cancelling(utc_now()))
        except InvariantError:  # it came to its end in this moment
            return self.storage.get_job_or_fail(job_id).status is JobStatus.CANCELLED
        return True

    def get_job_status(self, job_id: int) -> dict[str, Any] | None:
        """Return the seed's status JSON (section 6): job, progress, results summary; None if no such job."""
        job = self.storage.get_job(job_id)
        return None if job is None else status_of(job)

    # ------------------------------------------------------------------------------- beyond the seed

    def submit(self, spec: JobSpec) -> int:
        """Create a job and start it (or queue it); return its id.

        Raises:
            InvalidValueError: for a value that is not allowed.
            ServiceClosedError: if the service was closed. No job was created in either case.
        """
        return shielded(lambda: self._add(lambda: self.storage.create_job(spec)))

    def continue_job(self, job_id: int, *, retry: bool = False) -> int:
        """Start (or queue) a new job that continues an ended one, see JobStorage.continue_job; return its id.

        Raises:
            RecordNotFoundError: if there is no such job.
            InvariantError: if it has not ended, or there is nothing to run again.
            ServiceClosedError: if the service was closed. No job was created in any of these cases.
        """
        return shielded(lambda: self._add(lambda: self.storage.continue_job(job_id, retry=retry)))

    def estimate(self, job_id: int) -> Estimate | None:
        """Return when a job may end, from what of it has run; None: nothing has, or it has ended.

        Raises:
            RecordNotFoundError: if there is no such job.
        """
        job = self.storage.get_job_or_fail(job_id)
        if job.status.is_ended:
            return None
        return self.storage.get_estimate(job_id, job.max_tasks or self.settings.max_tasks)

    def is_ended(self, job_id: int) -> bool:
        """Whether a job has ended and, if it ran here, left nothing running.

        Raises:
            RecordNotFoundError: if there is no such job.
        """
        with self._lock:
            self._catch_up()
            if job_id in self._running_jobs:
                return False
            if any(run.job_id == job_id for run in self._broken):
                return True  # nothing of it runs, though the store could not be told yet
            is_mine = job_id in self._waiting
        ended = self.storage.get_status(job_id).is_ended
        return ended or (not is_mine and self._has_died(job_id))

    def wait(self, job_id: int, timeout: float | None = None) -> bool:
        """Block until a job has ended; False if `timeout` seconds passed first.

        Raises:
            RecordNotFoundError: if there is no such job.
            StorageError: if it waits and cannot be started, as the store has failed for seconds. It keeps its
                place and starts once the store works again.
        """
        deadline = Deadline.after(MAX_SECONDS if timeout is None else timeout)
        with self._lock:
            run = self._running_jobs.get(job_id) or self._waiting.get(job_id)
        pause = threading.Event()  # never set: what another process does can only be looked at
        while not self.is_ended(job_id):
            if deadline.expired:
                return False
            if run is not None and run.held_up and time.monotonic() > run.held_up[0] + _HELD_UP_SECONDS:
                raise run.held_up[1]
            ended = pause if run is None or run.done.is_set() else run.done
            ended.wait(min(LOOK_SECONDS, deadline.remaining()))
        return True

    def close(self) -> None:
        """Cancel what runs and waits, wait for it to end, and start nothing more. Twice is allowed.

        What cannot be stored is logged: nothing is left running because of it. One that a Ctrl-C ended can be
        called again, and waits again.
        """
        with self._lock:
            self._closed = True
            runs = dict(self._running_jobs)
            waiting = list(self._waiting)
        if self._end_holding is not None:
            self._end_holding()
        for job_id in (*waiting, *runs):
            try:
                self.cancel_job(job_id)
            except Exception:  # noqa: BLE001 - nothing is left running because of it
                self._log(job_id).exception("its cancellation could not be stored")
        for run in runs.values():
            run.done.wait()
        with self._lock:
            self._catch_up()
            self._waiting.clear()
            self._broken.clear()
        atexit.unregister(self.close)
        with suppress(ValueError):  # the second time
            self.storage.controls.listeners.remove(self._tell)
        self.events.close()

    # ------------------------------------------------------------------------------------- inside

    def _log(self, job_id: int) -> BoundLogger:
        return bind(_log, job_id=job_id, store=self.storage.name)

    def _parts(self) -> Parts:
        return Parts(
            storage=self.storage,
            executor=self.executor,
            events=self.events,
            settings=self.settings,
            analyzer=self._analyzer,
            tools=self.registry.tools,
            base_path=self.base_path,
        )

    def _analyzer(self, kind: str) -> Analyzer:
        """Return the analyzer of an analysis type: one that was given, or a new one.

        A given object runs on threads of this process, a new one in worker processes.
        """
        found = self.registry[kind]
        given = self._given.get(found.service) or getattr(self.app, found.service, None)
        if given:
            # the seed's scan_manager is no analyzer: it has one
            return getattr(given, "analyzer", given)  # type: ignore[no-any-return]  # an application has no types
        return isolate(found, self.base_path) if found.isolated else found(self.base_path)

    def _require_open(self) -> None:
        if self._closed:
            raise ServiceClosedError("the service was closed; open the workspace again")

    def _add(self, create: Callable[[], BatchAnalysisJob]) -> int:
        with self._lock:
            self._require_open()
            job_id = create().id
            self.events.publish(JobAdded(job_id=job_id))
            self._start(job_id)
            return job_id

    def _tell(self, job_id: int) -> None:
        """Have what was just written about a job heeded at once, if it runs here."""
        with self._lock:
            run = self._running_jobs.get(job_id)
        if run is not None:
            run.nudge()
        self.events.publish(JobChanged(job_id=job_id))

    def _has_died(self, job_id: int) -> bool:
        """Look whether the process that runs a job has died; if so, the job ends as interrupted."""
        if self._ownership is None or time.monotonic() < self._looked_at + _LOOK_FOR_DEAD_SECONDS:
            return False
        self._looked_at = time.monotonic()
        return job_id in end_interrupted(self.storage, self._ownership, self.registry.tools)

    def _take(self, job_id: int, status: JobStatus) -> None:
        """Move a job on as its owner; only one process can."""
        owner = self._ownership.name if self._ownership else None
        self.storage.change_job(job_id, lambda job: job.with_status(status, utc_now()), owner=owner)

    def _launch(self, run: JobRun) -> None:
        self._take(run.job_id, JobStatus.INITIALIZING)
        self._running_jobs[run.job_id] = run
        # A daemon: the end of the kernel must not wait for a tool (close() is registered at exit).
        name = f"batchnb-job-{run.job_id}"
        thread = threading.Thread(target=self._run_job, args=(run,), name=name, daemon=True)
        try:
            thread.start()
        except Exception as error:  # the system has no thread, or no memory, left
            run.fail(error)
            self._forget(run)
            raise

    def _run_job(self, run: JobRun) -> None:
        try:
            run.run()
        finally:
            with self._lock:
                self._forget(run)
                self._start_next()

    def _forget(self, run: JobRun) -> None:
        del self._running_jobs[run.job_id]
        if run.unsettled is not None:
            self._broken.append(run)
        run.done.set()

    def _catch_up(self) -> None:
        """Try again to do what could not be stored at its time: a failure, or the start of a waiting job."""
        self._broken = [run for run in self._broken if not run.settle()]
        if time.monotonic() >= self._retried_at + _RETRY_SECONDS:
            self._start_next()

    def _start_next(self) -> None:
        self._retried_at = time.monotonic()
        for job_id, run in list(self._waiting.items()):
            if self._closed or len(self._running_jobs) >= self.settings.max_jobs:
                return
            try:
                self._launch(run)
            except (InvariantError, RecordNotFoundError):  # another process cancelled it while it waited
                pass
            except StorageError as error:  # it keeps its place, and the next gets its chance
                since = run.held_up[0] if run.held_up else time.monotonic()
                run.held_up = since, error
                self._log(job_id).warning("could not be started yet: %s", error)
                continue
            except Exception:  # noqa: BLE001 - this one job stays as it is, the next gets its chance
                self._log(job_id).exception("could not be started")
            run.held_up = None
            del self._waiting[job_id]
            if job_id not in self._running_jobs:
                run.done.set()
