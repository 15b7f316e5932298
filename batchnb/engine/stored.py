"""What lies in the store, to be read: jobs, tasks, what they left behind, and numbers about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchnb.engine.drafts import check_id
from batchnb.engine.metrics import read_estimate, read_metrics
from batchnb.engine.rows import COVERAGE, FINDINGS, JOB_LOG, MEASUREMENTS, RESULTS, TASKS, WAITING
from batchnb.engine.statements import marks, read_jobs, read_task
from batchnb.records import BoardCell, BoardCount, JobStatus
from batchnb.records.errors import RecordNotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from batchnb.engine.database import Database
    from batchnb.records import (
        BatchAnalysisJob,
        BatchAnalysisResult,
        BatchAnalysisTask,
        Coverage,
        Estimate,
        Finding,
        LogLine,
        Measurement,
        Metrics,
        TaskStatus,
    )


class StoredRecords:
    """The reading half of JobStorage; everything that it returns is a snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_job(self, job_id: int) -> BatchAnalysisJob | None:
        """Return a snapshot of a job, or None if there is none with this id."""
        found = self.get_jobs([check_id("job", job_id)])
        return found[0] if found else None

    def get_job_or_fail(self, job_id: int) -> BatchAnalysisJob:
        """Return a snapshot of a job; RecordNotFoundError if there is none."""
        job = self.get_job(job_id)
        if job is None:
            raise RecordNotFoundError("job", job_id)
        return job

    def get_status(self, job_id: int) -> JobStatus:
        """Return the status of a job, without all the rest; RecordNotFoundError if there is none."""
        query, number = "SELECT status FROM jobs WHERE id = ?", check_id("job", job_id)
        found = self._database.read(lambda db: db.execute(query, (number,)).get)
        if found is None:
            raise RecordNotFoundError("job", job_id)
        return JobStatus(str(found))

    def get_jobs(self, job_ids: Sequence[int] | None = None) -> list[BatchAnalysisJob]:
        """Return snapshots of all jobs, or of those with these ids, by id."""
        return self._database.read(lambda db: read_jobs(db, job_ids))

    def owners(self) -> dict[int, str]:
        """Return job id -> the engine that runs it, for every job that waits or runs."""
        active = tuple(status.value for status in JobStatus if status.is_active)
        waits_or_runs = f"status IN ({marks(active)})"
        query = f"SELECT id, owner FROM jobs WHERE {waits_or_runs} AND owner IS NOT NULL"
        return dict(self._database.read(lambda db: list(db.execute(query, active))))

    def get_task(self, task_id: int) -> BatchAnalysisTask | None:
        """Return a snapshot of a task, or None if there is none with this id."""
        number = check_id("task", task_id)
        return self._database.read(lambda db: read_task(db, number))

    def get_task_or_fail(self, task_id: int) -> BatchAnalysisTask:
        """Return a snapshot of a task; RecordNotFoundError if there is none."""
        task = self.get_task(task_id)
        if task is None:
            raise RecordNotFoundError("task", task_id)
        return task

    def get_tasks(
        self, job_id: int, status: TaskStatus | None = None, *, after: int = 0, limit: int = -1
    ) -> list[BatchAnalysisTask]:
        """Return a job's tasks by id, those in `status` only if given, from the id past `after`."""
        query = f"{TASKS.select} WHERE job_id = ? AND id > ?"
        values: list[Any] = [job_id, after]
        if status is not None:
            query += " AND status = ?"
            values.append(status.value)
        query += " ORDER BY id LIMIT ?"
        return self._database.read(
            lambda db: [TASKS.read(row) for row in db.execute(query, (*values, limit))]
        )

    def get_board(self, job_id: int) -> list[BoardCell]:
        """Return the little that a live view shows of each task of a job, by id."""
        query = (
            "SELECT id, model, app_num, analysis_type, status, progress, started_at FROM tasks "
            "WHERE job_id = ? ORDER BY id"
        )
        return self._database.read(
            lambda db: list(map(BoardCell._make, db.execute(query, (job_id,)).fetchall()))
        )

    def get_recent_tasks(self, job_id: int, limit: int) -> list[BatchAnalysisTask]:
        """Return the tasks of a job that started or ended last, at most `limit`, the latest first."""
        query = (
            f"{TASKS.select} WHERE job_id = ? AND coalesce(completed_at, started_at) IS NOT NULL "
            "ORDER BY coalesce(completed_at, started_at) DESC, id DESC LIMIT ?"
        )
        return self._database.read(lambda db: [TASKS.read(row) for row in db.execute(query, (job_id, limit))])

    def count_board(self, job_id: int) -> list[BoardCount]:
        """Return how many tasks of each model and analysis are in each state: for very big jobs."""
        query = "SELECT model, analysis_type, status, count(*) FROM tasks WHERE job_id = ? GROUP BY 1, 2, 3"
        return self._database.read(
            lambda db: list(map(BoardCount._make, db.execute(query, (job_id,)).fetchall()))
        )

    def get_waiting(
        self, job_id: int, limit: int, after: BatchAnalysisTask | None = None
    ) -> list[BatchAnalysisTask]:
        """Return the pending tasks of a job that come first, or `after` one, by priority and then by id."""
        past = "" if after is None else "AND (priority < ?3 OR (priority = ?3 AND id > ?4)) "
        pending = f"{WAITING.select} WHERE job_id = ?1 AND status = 'pending'"
        query = f"{pending} {past}ORDER BY priority DESC, id LIMIT ?2"
        values = (job_id, limit) if after is None else (job_id, limit, after.priority, after.id)
        return self._database.read(lambda db: [WAITING.read(row) for row in db.execute(query, values)])

    def get_result(self, result_id: int) -> BatchAnalysisResult | None:
        """Return one result, with its findings under `details["issues"]`, or None."""
        result_id = check_id("result", result_id)

        def work(db: apsw.Connection) -> BatchAnalysisResult | None:
            row = db.execute(f"{RESULTS.select} WHERE id = ?", (result_id,)).fetchone()
            if row is None:
                return None
            result = RESULTS.read(row)
            query = f"{FINDINGS.select} WHERE task_id = ? ORDER BY id"
            issues = [FINDINGS.values(found) for found in db.execute(query, (result.task_id,))]
            return replace(result, details={**result.details, "issues": issues})

        return self._database.read(work)

    def get_results(self, job_id: int) -> list[BatchAnalysisResult]:
        """Return a job's results by id; the findings are left to get_findings."""
        query = f"{RESULTS.select} WHERE job_id = ? ORDER BY id"
        return self._database.read(lambda db: [RESULTS.read(row) for row in db.execute(query, (job_id,))])

    def get_findings(self, job_id: int) -> list[Finding]:
        """Return every finding of a job, in the order in which they were stored."""
        query = f"{FINDINGS.select} WHERE job_id = ? ORDER BY id"
        return self._database.read(lambda db: [FINDINGS.read(row) for row in db.execute(query, (job_id,))])

    def get_coverage(self, job_id: int) -> list[Coverage]:
        """Return every coverage record of a job, in the order in which they were stored."""
        query = f"{COVERAGE.select} WHERE job_id = ? ORDER BY id"
        return self._database.read(lambda db: [COVERAGE.read(row) for row in db.execute(query, (job_id,))])

    def get_measurements(self, job_id: int) -> list[Measurement]:
        """Return every measurement of a job, in the order in which they were stored."""
        query = f"{MEASUREMENTS.select} WHERE job_id = ? ORDER BY id"
        return self._database.read(
            lambda db: [MEASUREMENTS.read(row) for row in db.execute(query, (job_id,))]
        )

    def get_log(self, job_id: int) -> list[LogLine]:
        """Return what was noted about a job as a whole, in order of time."""
        query = f"{JOB_LOG.select} WHERE job_id = ? ORDER BY id"
        return self._database.read(lambda db: [JOB_LOG.read(row) for row in db.execute(query, (job_id,))])

    def get_metrics(self, job_id: int | None = None) -> Metrics:
        """Return the seed's key metrics (10.2) of one job, or of everything in the store."""
        return self._database.read(lambda db: read_metrics(db, job_id))

    def get_estimate(self, job_id: int, at_once: int) -> Estimate | None:
        """Return when a job may end with `at_once` tasks at a time; None: nothing of it has run yet."""
        return self._database.read(lambda db: read_estimate(db, job_id, at_once))
