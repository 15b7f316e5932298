"""Going on where an ended job stopped: a new job that takes over what was finished and runs the rest.

An ended job never changes again, so it is not woken: its record stays what it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.engine.rows import COVERAGE, FINDINGS, JOB_ERRORS, JOBS, MEASUREMENTS, RESULTS, TASKS, stamp
from batchnb.engine.statements import one_job
from batchnb.records import TaskStatus, utc_now
from batchnb.records.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_UNFINISHED = "status IN ('pending', 'running', 'cancelled') OR error ->> 'category' = 'interrupted'"
_A_TOOL_DID_NOT = (
    "EXISTS (SELECT 1 FROM coverage WHERE coverage.task_id = tasks.id "
    "AND coverage.status IN ('tool_missing', 'offline', 'failed', 'timed_out'))"
)
_UNSUCCESSFUL = (
    f"{_UNFINISHED} OR status IN ('failed', 'timed_out') OR (status = 'skipped' AND error IS NOT NULL) "
    f"OR {_A_TOOL_DID_NOT}"
)


def continue_job(db: apsw.Connection, job_id: int, *, retry: bool) -> int:
    """Create a PENDING job that continues an ended one, and return its id.

    Args:
        db: inside a transaction.
        job_id: the ended job.
        retry: also run again what failed, timed out, or lacked a tool.

    Raises:
        RecordNotFoundError: if there is no such job.
        InvariantError: if it has not ended, or there is nothing to run again.
    """
    old = one_job(db, job_id)
    if not old.status.is_ended:
        raise InvariantError(f"job {job_id} is {old.status.value}; only an ended job can be continued")
    again = _UNSUCCESSFUL if retry else _UNFINISHED
    left = db.execute(f"SELECT count(*) FROM tasks WHERE job_id = ? AND ({again})", (job_id,)).get
    if old.total_tasks and not left:
        query = f"SELECT EXISTS (SELECT 1 FROM tasks WHERE job_id = ? AND ({_UNSUCCESSFUL}))"
        failed = db.execute(query, (job_id,)).get
        hint = "; retry=True also runs again what failed, timed out, or lacked a tool" if failed else ""
        raise InvariantError(f"job {job_id} has no task to run again: {old.task_count_by_status}{hint}")
    new_id = _copy_job(db, job_id)
    _copy_tasks(db, job_id, new_id, again)
    for table, columns in (
        (RESULTS, RESULTS.stored),
        (FINDINGS, FINDINGS.stored),
        (COVERAGE, COVERAGE.stored),
        (MEASUREMENTS, MEASUREMENTS.stored),
    ):
        _copy_kept(db, table.name, columns, job_id, new_id)
    _copy_kept(db, JOB_ERRORS.name, ("job_id", *JOB_ERRORS.stored), job_id, new_id)
    totals = ", ".join(
        f"{total} = (SELECT coalesce(sum({column}), 0) FROM results WHERE job_id = :new)"
        for total, column in (
            ("issues_total", "issues_count"),
            ("high_total", "high_severity"),
            ("medium_total", "medium_severity"),
            ("low_total", "low_severity"),
        )
    )
    db.execute(f"UPDATE jobs SET {totals} WHERE id = :new", {"new": new_id})
    return new_id


def _copy_job(db: apsw.Connection, job_id: int) -> int:
    fresh = {"id": "NULL", "status": "'pending'", "continues": "id", "created_at": ":now"}
    fresh |= {"started_at": "NULL", "completed_at": "NULL", "cancellation_requested": "0", "paused": "0"}
    values = ", ".join(fresh.get(column, column) for column in JOBS.stored)
    db.execute(
        f"INSERT INTO jobs ({JOBS.columns}) SELECT {values} FROM jobs WHERE id = :old",
        {"old": job_id, "now": stamp(utc_now())},
    )
    return int(db.last_insert_rowid())


def _copy_tasks(db: apsw.Connection, job_id: int, new_id: int, again: str) -> None:
    """Copy the tasks, in their order; those to run `again` as if they had never begun."""
    fresh = {"status": f"'{TaskStatus.PENDING.value}'", "progress": "0", "result_details": "'{}'"}
    fresh |= dict.fromkeys(("started_at", "completed_at", "error"), "NULL")
    own = {"id": "NULL", "job_id": ":new"}
    values = ", ".join(
        own.get(column) or (f"iif({again}, {fresh[column]}, {column})" if column in fresh else column)
        for column in TASKS.stored
    )
    db.execute(
        f"INSERT INTO tasks ({TASKS.columns}) SELECT {values} FROM tasks WHERE job_id = :old ORDER BY id",
        {"old": job_id, "new": new_id},
    )
    renumber = (
        "UPDATE tasks SET error = json_set(error, '$.task_id', id) WHERE job_id = ? AND error IS NOT NULL"
    )
    db.execute(renumber, (new_id,))


def _copy_kept(db: apsw.Connection, table: str, columns: Sequence[str], job_id: int, new_id: int) -> None:
    """Copy what the tasks that are not run again left; coverage is marked as taken over."""
    own = {"id": "NULL", "job_id": ":new", "task_id": "mine.id", "cached": "1"}
    values = ", ".join(own.get(column, f"theirs.{column}") for column in columns)
    db.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} AS theirs "
        "JOIN tasks AS old ON old.id = theirs.task_id "
        "JOIN tasks AS mine ON mine.job_id = :new AND mine.model = old.model AND mine.app_num = old.app_num "
        "AND mine.analysis_type = old.analysis_type "
        "WHERE theirs.job_id = :old AND mine.status <> 'pending' ORDER BY theirs.id",
        {"old": job_id, "new": new_id},
    )
