"""JobStorage: every job, task, result, finding and coverage record, in one SQL database (seed, 9.2).

The contract, on a file and in memory alike:

* Readers get snapshots: changing what was returned changes nothing here.
* A change is atomic and, in a file, on the disk when the call returns.
* The invariants of the seed hold at every moment, seen from any thread or process.
* What has ended never changes again; ids are never used twice.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchnb.engine.continuing import continue_job
from batchnb.engine.controls import JobControls
from batchnb.engine.database import Database
from batchnb.engine.decisions import StoredDecisions
from batchnb.engine.drafts import check_id, checked_changes, job_draft
from batchnb.engine.endings import (
    Ended,
    ask_cancellation,
    break_job,
    cancel_pending,
    ended_by,
    finish_if_done,
    finish_job,
    write_endings,
    write_tasks,
)
from batchnb.engine.rows import JOBS, dump
from batchnb.engine.statements import (
    add_tasks,
    change_task,
    insert_error,
    insert_log,
    one_job,
    read_jobs,
    write_job,
)
from batchnb.engine.stored import StoredRecords
from batchnb.records import (
    BatchAnalysisJob,
    BatchAnalysisResult,
    BatchAnalysisTask,
    JobSpec,
    JobStatus,
    utc_now,
)
from batchnb.records.errors import (
    EndedError,
    InvalidValueError,
    InvariantError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import apsw

    from batchnb.records import AnalysisReport, JobError, LogLine


class JobStorage(StoredRecords):
    """Thread-safe storage; see the module's text for its contract."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the store.

        Args:
            path: the store's file, created if missing; None keeps everything in memory, lost on restart.

        Raises:
            ForeignStoreError: if the file is not a store of ours, is damaged, or is newer than this code.
            StorageError: if it cannot be opened or created.
        """
        super().__init__(Database(path))
        self.controls = JobControls(self._database)
        """Live control of jobs that wait or run."""
        self.decisions = StoredDecisions(self._database)
        """Decisions about findings (triage); they stay when jobs are deleted."""
        self.raw_folder = path and path.absolute().with_name(f"{path.name}.raw")  # workers are elsewhere
        """Where raw output of tools is kept: beside the store's file, a folder per job; None in memory."""

    @property
    def path(self) -> Path | None:
        """The store's file; None in memory."""
        return self._database.path

    def raw_folder_of(self, job_id: int) -> Path | None:
        """Return the folder of a job's raw output, which need not exist; None in memory.

        Raises:
            InvalidValueError: if it, or the folder that it is in, is a link. A store may come with apps that
                nobody trusts: nothing is written, read or deleted behind its links.
        """
        if self.raw_folder is None:
            return None
        folder = self.raw_folder / str(job_id)
        for place in (self.raw_folder, folder):
            if os.path.islink(place):  # noqa: PTH114 - for each task, so fast
                what = "folder of raw output"
                raise InvalidValueError(what, str(place), "it is a link; remove that", "beside the store")
        return folder

    @property
    def name(self) -> str:
        """What tells this store from others in this process's logs."""
        return str(self.path or f"memory {id(self):x}")

    def close(self) -> None:
        """Close the store; every later call raises StorageError."""
        self._database.close()

    # ------------------------------------------------------------------------------------------- jobs

    def create_job(self, job_data: Mapping[str, Any] | JobSpec, app: object = None) -> BatchAnalysisJob:
        """Create a PENDING job.

        Args:
            job_data: the fields of JobSpec; missing ones take the seed's defaults.
            app: the seed's Flask application; not needed.

        Raises:
            UnknownNameError: for a field that a job does not have.
            InvalidValueError: for a value that is not allowed.
        """
        del app
        draft = job_draft(job_data)

        def work(db: apsw.Connection) -> int:
            db.execute(JOBS.insert, JOBS.row(draft, id=None))
            job_id = int(db.last_insert_rowid())
            if not draft.name.strip():
                db.execute("UPDATE jobs SET name = ? WHERE id = ?", (f"Batch Job {job_id}", job_id))
            return job_id

        return self.get_job_or_fail(self._database.write(work))

    def update_job(self, job_id: int, **changes: Any) -> BatchAnalysisJob:
        """Change fields of a job; a change of status also sets the times that it implies.

        Raises:
            RecordNotFoundError: if there is no such job.
            UnknownNameError: for a field that cannot be set (counts are counted, never set).
            EndedError: if the job has ended. InvariantError: if the state machine has no such arrow.
        """
        status, fields = checked_changes(changes)

        def change(job: BatchAnalysisJob) -> BatchAnalysisJob:
            moved = job if status in {None, job.status} else job.with_status(JobStatus(status), utc_now())
            return replace(moved, **fields)

        return self.change_job(job_id, change)

    def change_job(
        self, job_id: int, change: Callable[[BatchAnalysisJob], BatchAnalysisJob], *, owner: str | None = None
    ) -> BatchAnalysisJob:
        """Replace a job by `change(job)` in one step that no other thread or process can split."""

        def work(db: apsw.Connection) -> BatchAnalysisJob:
            old = one_job(db, job_id)
            if old.status.is_ended:
                raise EndedError(f"job {job_id} has ended ({old.status.value})")
            new = change(old)
            write_job(db, new)
            if owner is not None:
                db.execute("UPDATE jobs SET owner = ? WHERE id = ?", (owner, job_id))
            return new

        return self._database.write(work)

    def continue_job(self, job_id: int, *, retry: bool = False) -> BatchAnalysisJob:
        """Create a PENDING job that takes over what an ended one finished and will run the rest.

        Args:
            job_id: the ended job; it stays as it is.
            retry: also run again what failed, timed out, or lacked a tool.

        Raises:
            RecordNotFoundError: if there is no such job.
            InvariantError: if it has not ended, or there is nothing to run again.
        """
        return self.get_job_or_fail(self._database.write(lambda db: continue_job(db, job_id, retry=retry)))

    def ask_cancellation(self, job_id: int, tools: Callable[[str], Sequence[str]]) -> bool:
        """Ask whoever runs a job to cancel it; a job that only waits is CANCELLED at once.

        Args:
            job_id: the job.
            tools: gives the tools of an analysis type: each of them did not measure the apps that waited.

        Returns:
            False if there is no such job, or it neither waits nor runs.
        """
        number = check_id("job", job_id)
        return self._database.write(lambda db: ask_cancellation(db, number, tools))

    def delete_job(self, job_id: int) -> bool:
        """Delete a job with its tasks, its results and the raw output that was kept; False if there is none.

        Raises:
            InvariantError: if the job waits or runs; cancel it first.
            InvalidValueError: if the raw output lies behind a link; see raw_folder_of.
        """
        number = check_id("job", job_id)
        raw_folder = self.raw_folder_of(number)

        def work(db: apsw.Connection) -> bool:
            job = next(iter(read_jobs(db, [number])), None)
            if job is None:
                return False
            if job.status.is_active:
                raise InvariantError(f"job {job_id} is {job.status.value}; cancel it before deleting it")
            db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            return True

        is_gone = self._database.write(work)
        if is_gone and raw_folder:
            shutil.rmtree(raw_folder, ignore_errors=True)
        return is_gone

    def add_job_error(self, job_id: int, error: JobError) -> None:
        """Record an error of a job that has not ended."""

        def work(db: apsw.Connection) -> None:
            if one_job(db, job_id).status.is_ended:
                raise EndedError(f"job {job_id} has ended")
            insert_error(db, job_id, error)

        self._database.write(work)

    def add_log(self, job_id: int, line: LogLine) -> None:
        """Add a line to the log of a job; one that was deleted meanwhile has none."""
        self._database.write(lambda db: insert_log(db, job_id, line))

    def finish_job(self, job_id: int, *, cancelled: bool, lacking: bool) -> BatchAnalysisJob:
        """Give a job that runs its final status, by how its tasks ended; see endings.finish_job."""
        return self._database.write(lambda db: finish_job(db, job_id, cancelled=cancelled, lacking=lacking))

    def finish_if_done(self, job_id: int) -> bool:
        """Finish a job that lacks nothing but its own end; False if a task of it has no result yet."""
        return self._database.write(lambda db: finish_if_done(db, job_id))

    def break_job(
        self, job_id: int, error: JobError, tools: Callable[[str], Sequence[str]]
    ) -> BatchAnalysisJob:
        """End a job as ERROR, in one step: its running tasks FAILED for `error`, its pending ones left.

        What has no result yet can so be told from what has one, and be run again.
        """
        return self._database.write(lambda db: break_job(db, job_id, error, tools))

    # ------------------------------------------------------------------------------------------ tasks

    def create_task(
        self, job_id: int, model: str, app_num: int, analysis_type: str, timeout_seconds: int | None = None
    ) -> BatchAnalysisTask:
        """Create one PENDING task of a job."""
        created = self.create_tasks(job_id, [(model, app_num, analysis_type)], timeout_seconds)
        return self.get_task_or_fail(created[0])

    def create_tasks(
        self,
        job_id: int,
        cells: Iterable[tuple[str, int, str]],
        timeout_seconds: int | Mapping[str, int] | None = None,
    ) -> range:
        """Create PENDING tasks for (model, app number, analysis type) in one step; return their ids.

        Args:
            job_id: the job.
            cells: what to run.
            timeout_seconds: time limit of each task, or one per analysis type; None: the seed's default.
        """
        return self._database.write(lambda db: add_tasks(db, job_id, cells, timeout_seconds))

    def update_task(
        self, task_id: int, change: Callable[[BatchAnalysisTask], BatchAnalysisTask]
    ) -> BatchAnalysisTask:
        """Replace a task that goes on by `change(task)`, such as `lambda task: task.start(utc_now())`.

        Raises:
            RecordNotFoundError: if there is no such task.
            EndedError: if it has ended. InvariantError: if the change would end it (see finish_task).
        """

        def work(db: apsw.Connection) -> BatchAnalysisTask:
            new = change_task(db, task_id, change)
            if new.status.is_ended:
                raise InvariantError(f"task {task_id}: an ending needs its result, use finish_task")
            write_tasks(db, [(new, dump(new.result_details))])
            limits = (new.timeout_seconds, new.priority, task_id)
            db.execute("UPDATE tasks SET timeout_seconds = ?, priority = ? WHERE id = ?", limits)
            return new

        return self._database.write(work)

    def finish_task(
        self,
        task_id: int,
        change: Callable[[BatchAnalysisTask], BatchAnalysisTask],
        report: AnalysisReport | None = None,
    ) -> BatchAnalysisResult:
        """End a task by `change(task)` and store its one result, findings and coverage, in one step.

        Raises:
            RecordNotFoundError: if there is no such task. EndedError: if it has ended already.
        """
        return self._database.write(
            lambda db: _end_task(db, Ended.of(change_task(db, task_id, change), report))
        )

    def end_task(self, ended: Ended) -> BatchAnalysisResult:
        """Store the ending of a task that has not ended yet, in one step, and return its result."""
        return self._database.write(lambda db: _end_task(db, ended))

    def record(
        self, job_id: int, changes: Callable[[], tuple[Sequence[BatchAnalysisTask], Sequence[Ended]]]
    ) -> Future[None]:
        """Store what many tasks of a job did, in one step, without waiting for it.

        Args:
            job_id: the job.
            changes: gives the tasks that began, came further or wait again, and those that ended. Called
                when the store is ready for them, so that they are as many as can be; must give the same
                ones if it is called again.

        Returns:
            A future that is done once they are stored, in a file durably.
        """

        def work(db: apsw.Connection) -> None:
            going_on, endings = changes()
            write_tasks(db, [(task, "{}") for task in going_on])
            write_endings(db, job_id, endings)

        return self._database.submit(work)

    def cancel_pending(self, job_id: int, tools: Callable[[str], Sequence[str]]) -> int:
        """End every pending task of a job as CANCELLED, each with result and coverage; return how many.

        Args:
            job_id: the job.
            tools: gives the tools of an analysis type: each of them did not measure those apps.
        """
        return self._database.write(lambda db: cancel_pending(db, job_id, tools))

    # ---------------------------------------------------------------------------------------- results

    def add_result(self, result: BatchAnalysisResult) -> BatchAnalysisResult:
        """End a task that goes on by its result, and store both in one step (seed, section 4).

        Who has a report stores it with `finish_task`: a result alone says nothing about what was covered.

        Raises:
            RecordNotFoundError: if there is no such task.
            InvariantError: if the task has ended, or the result breaks an invariant.
        """
        result.check()

        def work(db: apsw.Connection) -> BatchAnalysisResult:
            if db.execute("SELECT 1 FROM results WHERE task_id = ?", (result.task_id,)).get:
                raise EndedError(f"task {result.task_id} has its result already")
            task = change_task(db, result.task_id, lambda task: ended_by(task, result))
            return _end_task(db, Ended(task, result, dump(result.details), (), ()))

        return self._database.write(work)


def _end_task(db: apsw.Connection, ended: Ended) -> BatchAnalysisResult:
    write_endings(db, ended.task.job_id, [ended])
    return replace(ended.result, id=_result_id(db, ended.task.id))


def _result_id(db: apsw.Connection, task_id: int) -> int:
    found: Any = db.execute("SELECT id FROM results WHERE task_id = ?", (task_id,)).get
    return int(found)
