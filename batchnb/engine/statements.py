"""The store's statements: what JobStorage runs inside its transactions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from batchnb.engine.rows import (
    JOB_ERRORS,
    JOB_LOG,
    JOBS,
    TASKS,
    bulk,
    column,
    encode,
    stamp,
)
from batchnb.records import (
    BatchAnalysisJob,
    BatchAnalysisTask,
    JobStatus,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import EndedError, RecordNotFoundError
from batchnb.records.task import DEFAULT_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    import apsw

    from batchnb.records import JobError, LogLine

    Tools = Callable[[str], Sequence[str]]

_ENDED = tuple(status.value for status in TaskStatus if status.is_ended)
_TOTALS = ("issues_total", "high_total", "medium_total", "low_total")
BULK_ROWS = 5_000
"""Rows in one bulk statement: bounds the memory that a large job takes."""


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
    ended = sum(counts.get(status, 0) for status in _ENDED)
    return BatchAnalysisJob(
        **values,
        total_tasks=sum(counts.values()),
        completed_tasks=ended,
        task_count_by_status=counts,
        errors=[JOB_ERRORS.read(error) for error in errors],
        results_summary=dict(zip(_TOTALS, totals, strict=True)) if ended else {},
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


def insert_error(db: apsw.Connection, job_id: int, error: JobError) -> None:
    """Record an error of a job."""
    columns = f"job_id, {JOB_ERRORS.columns}"
    values = (job_id, *JOB_ERRORS.row(error))
    db.execute(f"INSERT INTO job_errors ({columns}) VALUES ({marks(values)})", values)


def insert_log(db: apsw.Connection, job_id: int, line: LogLine) -> None:
    """Add a line to the log of a job; one that was deleted meanwhile has none."""
    sql = f"INSERT INTO job_log (job_id, {JOB_LOG.columns}) SELECT id, ?, ?, ?, ? FROM jobs WHERE id = ?"
    db.execute(sql, (*JOB_LOG.row(line), job_id))


def read_task(db: apsw.Connection, task_id: int) -> BatchAnalysisTask | None:
    """Return one task, or None."""
    row = db.execute(f"{TASKS.select} WHERE id = ?", (task_id,)).fetchone()
    return None if row is None else TASKS.read(row)


def add_tasks(
    db: apsw.Connection,
    job_id: int,
    cells: Iterable[tuple[str, int, str]],
    timeout_seconds: int | Mapping[str, int] | None = None,
) -> range:
    """Insert PENDING tasks of a job that has not ended; return their ids. See JobStorage.create_tasks."""
    job = one_job(db, job_id)
    if job.status.is_ended:
        raise EndedError(f"job {job_id} has ended")
    # The job's own are read here once more: somebody may have changed them while the tasks were prepared.
    limits = {**timeout_seconds, **job.task_timeouts} if isinstance(timeout_seconds, Mapping) else {}
    common = DEFAULT_TIMEOUT_SECONDS if limits or timeout_seconds is None else timeout_seconds
    used = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tasks'"
    first: Any = db.execute(used).get
    now = utc_now()
    insert = (
        "INSERT INTO tasks (job_id, model, app_num, analysis_type, timeout_seconds, status, created_at, "
        f"progress, result_details) SELECT ?, {', '.join(map(column, range(4)))}, 'pending', ?, 0, '{{}}' "
        "FROM json_each(?) AS each"
    )
    left = iter(cells)
    while chunk := list(islice(left, BULK_ROWS)):
        rows = [(encode(model), app, encode(kind), limits.get(kind, common)) for model, app, kind in chunk]
        for model, app_num, kind, timeout in {(*row[:1], min(row[1], 1), *row[2:]) for row in rows}:
            _check_new(job_id, model, app_num, kind, timeout, now)
        db.execute(insert, (job_id, stamp(now), bulk(rows)))
    last: Any = db.execute(used).get
    return range(first + 1, last + 1)


def _check_new(job_id: int, model: Any, app_num: int, kind: Any, timeout: Any, now: datetime) -> None:
    """Raise InvariantError if a new task breaks one of the seed's invariants."""
    BatchAnalysisTask(
        id=1,
        job_id=job_id,
        model=model,
        app_num=app_num,
        analysis_type=kind,
        created_at=now,
        timeout_seconds=timeout,
    ).check()


def change_task(
    db: apsw.Connection, task_id: int, change: Callable[[BatchAnalysisTask], BatchAnalysisTask]
) -> BatchAnalysisTask:
    """Return a task that has not ended as `change` makes it; it is the caller's to write."""
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
    return new


def marks(values: Sequence[object]) -> str:
    """Return one SQL parameter mark per value."""
    return ", ".join("?" * len(values))
