"""Endings of tasks: how they are made from what was reported, and how many of them are stored at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from batchnb.engine.rows import COVERAGE, FINDINGS, MEASUREMENTS, RESULTS, TASKS, bulk, column, dump, stamp
from batchnb.engine.statements import BULK_ROWS, insert_error, one_job, read_jobs, write_job
from batchnb.records import (
    AnalysisReport,
    BatchAnalysisJob,
    BatchAnalysisResult,
    CoverageStatus,
    ErrorCategory,
    JobError,
    JobStatus,
    TaskStatus,
    utc_now,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import apsw

    from batchnb.engine.rows import Row
    from batchnb.records import BatchAnalysisTask

    Tools = Callable[[str], Sequence[str]]

MOST_ERRORS = 1_000
"""Errors of tasks that a job lists. Its record is read several times a second while somebody watches."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that has ended, with all that it leaves behind, ready to be stored."""

    task: BatchAnalysisTask
    result: BatchAnalysisResult
    details: str
    """The result's details as JSON."""
    findings: tuple[Row, ...]
    coverage: tuple[Row, ...]
    measurements: tuple[Row, ...] = ()

    @classmethod
    def of(cls, task: BatchAnalysisTask, report: AnalysisReport | None = None) -> Ended:
        """Make the result of an ended task from what it reported.

        Raises:
            TypeError: if the report holds what cannot be stored.
            InvariantError: if the task has not ended.
        """
        ids = {"job_id": task.job_id, "task_id": task.id}
        report = report or AnalysisReport(issues=(), coverage=())
        return cls(
            task,
            BatchAnalysisResult.from_task(task, report.issues),
            dump(task.result_details),
            tuple([FINDINGS.checked_row(issue, **ids) for issue in report.issues]),
            tuple([COVERAGE.checked_row(cell, **ids) for cell in report.coverage]),
            tuple([MEASUREMENTS.checked_row(number, **ids) for number in report.measurements]),
        )


def ended_by(task: BatchAnalysisTask, result: BatchAnalysisResult) -> BatchAnalysisTask:
    """Return a task as ended by a result that was made elsewhere."""
    now = utc_now()
    said = result.details.get("error") or f"the analysis ended as {result.status.value}"
    timed_out = result.status is TaskStatus.TIMED_OUT
    category = ErrorCategory.TIMEOUT if timed_out else ErrorCategory.ANALYSIS
    error = JobError(category=category, message=str(said), task_id=task.id)
    if result.status is TaskStatus.COMPLETED:
        return task.complete(result.details, now)
    if result.status is TaskStatus.CANCELLED:
        return task.cancel(now, result.details)
    if result.status is TaskStatus.SKIPPED:
        return task.skip(now, details=result.details)
    return (task.time_out if timed_out else task.fail)(error, now, result.details)


_TASK_CHANGES = ("status", "started_at", "completed_at", "error", "progress", "result_details")


def write_tasks(db: apsw.Connection, tasks: Iterable[tuple[BatchAnalysisTask, str]]) -> None:
    """Replace what changes in the life of tasks that have not ended; with each, its details as JSON."""
    sets = ", ".join(f"{name} = {column(number)}" for number, name in enumerate(_TASK_CHANGES, start=1))
    # A wish stays until it is fulfilled: one can come while a task starts, comes further or is put back.
    fulfilled = f"CASE {column(1)} WHEN 'running' THEN wish WHEN 'pending' THEN nullif(wish, 'requeue') END"
    update = (
        f"UPDATE tasks SET {sets}, wish = {fulfilled} FROM json_each(?) AS each "
        f"WHERE tasks.id = {column(0)} AND tasks.status IN ('pending', 'running')"
    )
    rows = [_task_row(task, details) for task, details in tasks]
    if rows:
        db.execute(update, (bulk(rows),))


def _task_row(task: BatchAnalysisTask, details: str) -> Row:
    return (
        task.id,
        task.status.value,
        None if task.started_at is None else stamp(task.started_at),
        None if task.completed_at is None else stamp(task.completed_at),
        None if task.error is None else dump(task.error),
        task.progress,
        details,
    )


def write_endings(db: apsw.Connection, job_id: int, endings: Sequence[Ended]) -> None:
    """End tasks of a job, each with its result and what it reported.

    Raises:
        apsw.ConstraintError: if one of them has a result already.
    """
    if endings:
        write_tasks(db, [(ended.task, ended.details) for ended in endings])
        write_results(db, job_id, endings)


def write_results(db: apsw.Connection, job_id: int, endings: Sequence[Ended]) -> None:
    """Store the results of ended tasks with what they reported, and add them to the job's totals."""
    results = [RESULTS.row(ended.result, id=None, details=ended.details) for ended in endings]
    db.execute(RESULTS.insert_bulk, (bulk(results),))
    for table, rows in (
        (FINDINGS, chain.from_iterable(ended.findings for ended in endings)),
        (COVERAGE, chain.from_iterable(ended.coverage for ended in endings)),
        (MEASUREMENTS, chain.from_iterable(ended.measurements for ended in endings)),
    ):
        while chunk := list(islice(rows, BULK_ROWS)):
            db.execute(table.insert_bulk, (bulk(chunk),))
    _add_totals(db, job_id, [ended.result for ended in endings if ended.result.issues_count])
    _list_errors(db, job_id, endings)


def _list_errors(db: apsw.Connection, job_id: int, endings: Sequence[Ended]) -> None:
    """Add the errors of ended tasks to those of their job, up to a number; each task has its own anyway."""
    errors = [
        replace(ended.task.error, task_id=ended.task.id)
        for ended in endings
        if ended.task.error is not None and ended.task.status is not TaskStatus.SKIPPED
    ]
    errors += _new_lacks(db, job_id, endings)
    if not errors:
        return
    listed: Any = db.execute("SELECT count(*) FROM job_errors WHERE job_id = ?", (job_id,)).get
    room = MOST_ERRORS - listed
    if len(errors) > room >= 0:
        text = f"{MOST_ERRORS} errors are listed; those of further tasks are with the tasks"
        errors[room:] = [JobError(category=errors[room].category, message=text)]
    for error in errors if room >= 0 else ():
        insert_error(db, job_id, error)


def _new_lacks(db: apsw.Connection, job_id: int, endings: Sequence[Ended]) -> list[JobError]:
    """Return what tasks were skipped for, unless the job names a lack of that analysis already.

    Whose lack it is stands in the error's details; see also JobRun.
    """
    lacks = {
        ended.task.analysis_type: ended.task.error
        for ended in reversed(endings)
        if ended.task.error is not None and ended.task.status is TaskStatus.SKIPPED
    }
    query = "SELECT details ->> 'analysis_type' FROM job_errors WHERE job_id = ? AND category = ?"
    known: list[tuple[Any, ...]] = (
        db.execute(query, (job_id, ErrorCategory.DEPENDENCY.value)).fetchall() if lacks else []
    )
    return [
        replace(
            error,
            task_id=None,
            message=f"{kind}: {error.message}",
            details={**error.details, "analysis_type": kind},
        )
        for kind, error in lacks.items()
        if (kind,) not in known
    ]


def _add_totals(db: apsw.Connection, job_id: int, results: Sequence[BatchAnalysisResult]) -> None:
    if results:
        db.execute(
            "UPDATE jobs SET issues_total = issues_total + ?, high_total = high_total + ?, "
            "medium_total = medium_total + ?, low_total = low_total + ? WHERE id = ?",
            (
                sum(result.issues_count for result in results),
                sum(result.high_severity for result in results),
                sum(result.medium_severity for result in results),
                sum(result.low_severity for result in results),
                job_id,
            ),
        )


def cancel_pending(db: apsw.Connection, job_id: int, tools: Tools) -> int:
    """End every pending task of a job as CANCELLED, with results and coverage; return how many."""
    now = stamp(utc_now())
    pending = (job_id, TaskStatus.PENDING.value)
    cancelled = TaskStatus.CANCELLED.value
    query = "SELECT DISTINCT analysis_type FROM tasks WHERE job_id = ? AND status = ?"
    kinds: list[tuple[Any, ...]] = db.execute(query, pending).fetchall()
    for kind, tool in [(row[0], tool) for row in kinds for tool in tools(row[0])]:
        db.execute(
            "INSERT INTO coverage (job_id, task_id, model, app_num, analysis_type, tool, status, "
            "files_eligible, files_seen, unread, tool_version, seconds, stderr_tail, cached, detail) "
            "SELECT job_id, id, model, app_num, analysis_type, ?, ?, 0, 0, '[]', '', 0, '', 0, ? "
            "FROM tasks WHERE job_id = ? AND status = ? AND analysis_type = ?",
            (tool, CoverageStatus.CANCELLED.value, "never started", *pending, kind),
        )
    db.execute(
        "INSERT INTO results (job_id, task_id, model, app_num, analysis_type, status, issues_count, "
        "high_severity, medium_severity, low_severity, details) SELECT job_id, id, model, app_num, "
        "analysis_type, ?, 0, 0, 0, 0, '{}' FROM tasks WHERE job_id = ? AND status = ?",
        (cancelled, *pending),
    )
    db.execute(
        "UPDATE tasks SET status = ?, started_at = ?, completed_at = ? WHERE job_id = ? AND status = ?",
        (cancelled, now, now, *pending),
    )
    return int(db.changes())


def ask_cancellation(db: apsw.Connection, job_id: int, tools: Tools) -> bool:
    """Mark a job that runs as to be cancelled, cancel one that waits; False if it does neither."""
    job = next(iter(read_jobs(db, [job_id])), None)
    if job is None or not job.status.is_active or job.status is JobStatus.CANCELLING:
        return False
    if job.cancellation_requested:
        return False
    asked = replace(job, cancellation_requested=True)
    if job.status is not JobStatus.QUEUED:
        write_job(db, asked)
        return True
    cancel_pending(db, job_id, tools)  # one that continues another has its tasks already
    write_job(db, asked.with_status(JobStatus.CANCELLED, utc_now()))
    return True


def break_job(db: apsw.Connection, job_id: int, error: JobError, tools: Tools) -> BatchAnalysisJob:
    """End a job as ERROR: its running tasks FAILED for `error`, its pending ones left as they are."""
    job = one_job(db, job_id)
    now = utc_now()
    running = db.execute(f"{TASKS.select} WHERE job_id = ? AND status = 'running'", (job_id,)).fetchall()
    endings = []
    for row in running:
        task = TASKS.read(row).fail(error, now)
        report = AnalysisReport.unmeasured(task, tools(task.analysis_type), task.status, error.message)
        endings.append(Ended.of(task, report))
    write_endings(db, job_id, endings)
    insert_error(db, job_id, error)
    ended = job.with_status(JobStatus.ERROR, now)
    values = (ended.status.value, stamp(now), stamp(ended.started_at or now), job_id)
    db.execute("UPDATE jobs SET status = ?, completed_at = ?, started_at = ? WHERE id = ?", values)
    return one_job(db, job_id)


def finish_job(db: apsw.Connection, job_id: int, *, cancelled: bool, lacking: bool) -> BatchAnalysisJob:
    """Give a job its final status (product page): CANCELLED, FAILED or COMPLETED.

    Args:
        db: inside a transaction.
        job_id: a job that runs or is being prepared.
        cancelled: whether it was cancelled, if its record does not say so yet.
        lacking: whether something that it needs is missing.
    """
    job = one_job(db, job_id)
    now = utc_now()
    if cancelled or job.cancellation_requested:
        asked = job if job.status is JobStatus.CANCELLING else job.cancelling(now)
        ended = asked.with_status(JobStatus.CANCELLED, now)
    else:
        counts = job.task_count_by_status
        failed = counts.get(TaskStatus.FAILED.value, 0) + counts.get(TaskStatus.TIMED_OUT.value, 0)
        status = (
            JobStatus.FAILED if failed or lacking or lacked_dependency(db, job_id) else JobStatus.COMPLETED
        )
        ended = job.with_status(status, now)
    write_job(db, ended)
    return ended


def finish_if_done(db: apsw.Connection, job_id: int) -> bool:
    """Finish a job that lacks nothing but its own end; False if a task of it has no result yet."""
    job = one_job(db, job_id)
    is_under_way = job.status in {JobStatus.RUNNING, JobStatus.CANCELLING}
    if not is_under_way or not job.total_tasks or job.completed_tasks < job.total_tasks:
        return False
    finish_job(db, job_id, cancelled=False, lacking=False)
    return True


def lacked_dependency(db: apsw.Connection, job_id: int) -> bool:
    """Whether something was missing for a task of the job: all of its tools, or one of them."""
    query = (
        "SELECT EXISTS (SELECT 1 FROM tasks WHERE job_id = :job AND status = 'skipped' "
        "AND error IS NOT NULL) OR EXISTS "
        "(SELECT 1 FROM coverage WHERE job_id = :job AND status = 'tool_missing')"
    )
    return bool(db.execute(query, {"job": job_id}).get)
