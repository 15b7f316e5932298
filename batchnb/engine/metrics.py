"""Numbers counted by the database itself, without a row of it entering the interpreter (seed, 10.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from batchnb.records import (
    Estimate,
    ExecutionTimes,
    JobStatus,
    Metrics,
    Severity,
    TaskStatus,
    utc_now,
)

if TYPE_CHECKING:
    import apsw

_RECENT = 500
"""Results that an estimate looks at: enough to be steady, few enough to follow a change."""


def read_metrics(db: apsw.Connection, job_id: int | None) -> Metrics:
    """Return the metrics of one job, or (None) of the whole store."""
    of_job = "" if job_id is None else " WHERE job_id = :job"
    values = {"job": job_id}
    this = "" if job_id is None else " WHERE id = :job"
    jobs = _counts(db, f"SELECT status, count(*) FROM jobs{this} GROUP BY 1", values)
    tasks = _counts(db, f"SELECT status, sum(n) FROM task_counts{of_job} GROUP BY 1", values)
    totals: Any = db.execute(
        "SELECT coalesce(sum(issues_total), 0), coalesce(sum(high_total), 0), "
        f"coalesce(sum(medium_total), 0), coalesce(sum(low_total), 0) FROM jobs{this}",
        values,
    ).fetchone()
    return Metrics(
        jobs_by_status={status: jobs.get(status.value, 0) for status in JobStatus},
        tasks_by_status={status: tasks.get(status.value, 0) for status in TaskStatus},
        findings_by_severity=dict(zip(Severity, totals[1:], strict=True)),
        issues_total=totals[0],
        times=_times(db, of_job, values),
    )


def _counts(db: apsw.Connection, query: str, values: dict[str, Any]) -> dict[str, int]:
    rows: list[Any] = db.execute(query, values).fetchall()
    return dict(rows)


def _times(db: apsw.Connection, of_job: str, values: dict[str, Any]) -> tuple[ExecutionTimes, ...]:
    rows = db.execute(
        f"""
        WITH ran AS (
            SELECT analysis_type, status, duration_seconds AS s,
                row_number() OVER (PARTITION BY analysis_type ORDER BY duration_seconds) AS place,
                count(*) OVER (PARTITION BY analysis_type) AS n
            FROM (SELECT * FROM results{of_job})
            WHERE duration_seconds IS NOT NULL AND status <> 'skipped')
        SELECT analysis_type, n, sum(status = 'timed_out'), sum(s), avg(s),
            min(s) FILTER (WHERE place >= 0.5 * n), min(s) FILTER (WHERE place >= 0.95 * n), max(s)
        FROM ran GROUP BY analysis_type ORDER BY analysis_type
        """,
        values,
    )
    names = ("analysis_type", "tasks", "timed_out", "total", "mean", "p50", "p95", "longest")
    return tuple(ExecutionTimes(**dict(zip(names, row, strict=True))) for row in rows)


def read_estimate(db: apsw.Connection, job_id: int, at_once: int) -> Estimate | None:
    """Return when a job may end if `at_once` of its tasks run at a time; None: nothing of it has run yet.

    Each analysis type that is left counts with the mean of its own recent tasks, or of all if none has run.
    """
    recent: list[Any] = db.execute(
        "SELECT analysis_type, count(*), avg(duration_seconds) FROM (SELECT analysis_type, duration_seconds "
        "FROM results WHERE job_id = ? AND duration_seconds IS NOT NULL ORDER BY id DESC LIMIT ?) GROUP BY 1",
        (job_id, _RECENT),
    ).fetchall()
    based_on = sum(row[1] for row in recent)
    if not based_on:
        return None
    overall = sum(row[1] * row[2] for row in recent) / based_on
    means = {row[0]: row[2] for row in recent}
    left: list[Any] = db.execute(
        "SELECT analysis_type, count(*), coalesce(sum(CASE status WHEN 'running' THEN "
        "(julianday(?) - julianday(started_at)) * 86400 END), 0) FROM tasks "
        "WHERE job_id = ? AND status IN ('pending', 'running') GROUP BY 1",
        (utc_now().isoformat(), job_id),
    ).fetchall()
    work = sum(max(0.0, count * means.get(kind, overall) - elapsed) for kind, count, elapsed in left)
    tasks_left = sum(count for _, count, _ in left)
    seconds = work / max(1, min(at_once, tasks_left))
    ends_at = utc_now() + timedelta(seconds=seconds)
    return Estimate(seconds_left=seconds, ends_at=ends_at, tasks_left=tasks_left, based_on=based_on)
