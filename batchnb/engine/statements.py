"""The store's statements: what JobStorage runs inside its transactions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchnb.engine.rows import (
    COVERAGE,
    FINDINGS,
    JOB_ERRORS,
    JOBS,
    RESULTS,
    TASKS,
    dump,
    encode,
    stamp,
)
from batchnb.records import (
    AnalysisReport,
    BatchAnalysisJob,
    BatchAnalysisResult,
    CoverageStatus,
    JobStatus,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import EndedError, RecordNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import apsw

    from batchnb.engine.rows import Row
    from batchnb.records import BatchAnalysisTask, JobError

    Tools = Callable[[str], Sequence[str]]

_ENDED = tuple(status.value for status in TaskStatus if status.is_ended)
_TOTALS = ("issues_total", "high_total", "medium_total", "low_total")


def read_jobs(db: apsw.Connection, job_ids: Sequence[int] | None) -> list[BatchAnalysisJob]:
    """Return the jobs with these ids (None: all), by id, with their counts and errors."""
    where = "" if job_ids is None else f" WHERE id IN ({marks(job_ids)})"
    query = f"SELECT {JOBS.columns}, {', '.join(_TOTALS)} FROM jobs{where}"
    rows = list(db.execute(f"{query} ORDER BY id", tuple(job_ids or ())))
    return [_job_of_row(db, row) for row in rows]


def _job_of_row(db: apsw.Connection, row: tuple[Any, ...]) -> BatchAnalysisJob:
    stored, totals = row[:-4], row[-4:]
    values = JOBS.values(stored)
    query = "SELECT status, n FROM task_counts WHERE job_id = ? AND n > 0"
    counts: dict[str, int] = {str(status): int(n) for status, n in db.execute(query, (values["id"],))}
    errors = db.execute(f"{JOB_ERRORS.select} WHERE job_id = ? ORDER BY id", (values["id"],))
    return BatchAnalysisJob(
        **values,
        total_tasks=sum(counts.values()),
        completed_tasks=sum(counts.get(status, 0) for status in _ENDED),
        task_count_by_status=counts,
        errors=[JOB_ERRORS.read(error) for error in errors],
        results_summary=dict(zip(_TOTALS, totals, strict=True)),
    )


def one_job(db: apsw.Connection, job_id: int) -> BatchAnalysisJob:
    """Return one job; RecordNotFoundError if there is none."""
    jobs = read_jobs(db, [job_id])
    if not jobs:
        raise RecordNotFoundError("job", job_id)
    return jobs[0]


def write_job(db: apsw.Connection, job: BatchAnalysisJob) -> None:
    """Replace the stored fields of a job by those of `job`."""
    job.check()
    columns = ", ".join(f"{name} = ?" for name in JOBS.stored)
    db.execute(f"UPDATE jobs SET {columns} WHERE id = ?", (*JOBS.row(job), job.id))


def ask_cancellation(db: apsw.Connection, job_id: int) -> bool:
    """Mark a job that runs as to be cancelled, cancel one that waits; False if it does neither."""
    job = next(iter(read_jobs(db, [job_id])), None)
    if job is None or not job.status.is_active or job.status is JobStatus.CANCELLING:
        return False
    if job.cancellation_requested:
        return False
    asked = replace(job, cancellation_requested=True)
    waits = job.status is JobStatus.QUEUED
    write_job(db, asked.with_status(JobStatus.CANCELLED, utc_now()) if waits else asked)
    return True


def insert_error(db: apsw.Connection, job_id: int, error: JobError) -> None:
    """Record an error of a job."""
    columns = f"job_id, {JOB_ERRORS.columns}"
    values = (job_id, *JOB_ERRORS.row(error))
    db.execute(f"INSERT INTO job_errors ({columns}) VALUES ({marks(values)})", values)


def read_task(db: apsw.Connection, task_id: int) -> BatchAnalysisTask | None:
    """Return one task, or None."""
    row = db.execute(f"{TASKS.select} WHERE id = ?", (task_id,)).fetchone()
    return None if row is None else TASKS.read(row)


def add_tasks(db: apsw.Connection, job_id: int, tasks: Iterable[BatchAnalysisTask]) -> range:
    """Insert new tasks of a job that has not ended; return their ids."""
    if one_job(db, job_id).status.is_ended:
        raise EndedError(f"job {job_id} has ended")

    def rows() -> Iterator[Row]:
        for task in tasks:
            task.check()
            yield TASKS.row(task, id=None)

    used = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tasks'"
    first: Any = db.execute(used).get
    db.executemany(TASKS.insert, rows())
    last: Any = db.execute(used).get
    return range(first + 1, last + 1)


def change_task(
    db: apsw.Connection, task_id: int, change: Callable[[BatchAnalysisTask], BatchAnalysisTask]
) -> BatchAnalysisTask:
    """Replace a task that has not ended by `change(task)`."""
    old = read_task(db, task_id)
    if old is None:
        raise RecordNotFoundError("task", task_id)
    if old.status.is_ended:
        raise EndedError(f"task {task_id} has ended ({old.status.value})")
    status = db.execute("SELECT status FROM jobs WHERE id = ?", (old.job_id,)).get
    if JobStatus(str(status)).is_ended:
        raise EndedError(f"job {old.job_id} has ended ({status}), so its task {task_id} stays as it is")
    new = change(old)
    new.check()
    db.execute(
        "UPDATE tasks SET status = ?, started_at = ?, completed_at = ?, error = ?, progress = ?, "
        "timeout_seconds = ?, result_details = ? WHERE id = ?",
        (
            *(encode(value) for value in (new.status, new.started_at, new.completed_at)),
            None if new.error is None else dump(new.error),
            new.progress,
            new.timeout_seconds,
            dump(new.result_details),
            task_id,
        ),
    )
    return new


def insert_result(
    db: apsw.Connection, task: BatchAnalysisTask, result: BatchAnalysisResult, report: AnalysisReport | None
) -> BatchAnalysisResult:
    """Store the result of an ended task with what it reported, and add it to the job's totals."""
    result.check()
    db.execute(RESULTS.insert, RESULTS.row(result, id=None))
    result_id = int(db.last_insert_rowid())
    ids = {"job_id": task.job_id, "task_id": task.id}
    if report is not None:
        db.executemany(FINDINGS.insert, (FINDINGS.row(issue, **ids) for issue in report.issues))
        db.executemany(COVERAGE.insert, (COVERAGE.row(cell, **ids) for cell in report.coverage))
    db.execute(
        "UPDATE jobs SET issues_total = issues_total + ?, high_total = high_total + ?, "
        "medium_total = medium_total + ?, low_total = low_total + ? WHERE id = ?",
        (
            result.issues_count,
            result.high_severity,
            result.medium_severity,
            result.low_severity,
            task.job_id,
        ),
    )
    if task.error is not None and task.status is not TaskStatus.SKIPPED:  # the job names a lack once
        insert_error(db, task.job_id, replace(task.error, task_id=task.id))
    return replace(result, id=result_id)


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


def break_job(db: apsw.Connection, job_id: int, error: JobError, tools: Tools) -> BatchAnalysisJob:
    """End a job as ERROR: its running tasks FAILED for `error`, its pending ones left as they are."""
    job = one_job(db, job_id)
    now = utc_now()
    running = db.execute(f"{TASKS.select} WHERE job_id = ? AND status = 'running'", (job_id,)).fetchall()
    for row in running:
        task = change_task(db, TASKS.read(row).id, lambda task: task.fail(error, now))
        report = AnalysisReport.unmeasured(task, tools(task.analysis_type), task.status, error.message)
        insert_result(db, task, BatchAnalysisResult.from_task(task), report)
    insert_error(db, job_id, error)
    ended = job.with_status(JobStatus.ERROR, now)
    values = (ended.status.value, stamp(now), stamp(ended.started_at or now), job_id)
    db.execute("UPDATE jobs SET status = ?, completed_at = ?, started_at = ? WHERE id = ?", values)
    return one_job(db, job_id)


def marks(values: Sequence[object]) -> str:
    """Return one SQL parameter mark per value."""
    return ", ".join("?" * len(values))
