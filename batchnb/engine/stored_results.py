"""What jobs left in the store, to be read: results, findings, coverage, logs and numbers about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from batchnb.engine.drafts import check_id
from batchnb.engine.metrics import read_estimate, read_metrics
from batchnb.engine.rows import COVERAGE, FINDINGS, JOB_LOG, RESULTS

if TYPE_CHECKING:
    import apsw

    from batchnb.engine.database import Database
    from batchnb.records import BatchAnalysisResult, Coverage, Estimate, Finding, LogLine, Metrics


class StoredResults:
    """The reading half of JobStorage; everything that it returns is a snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_result(self, result_id: int) -> BatchAnalysisResult | None:
        """Return one result, with its findings under `details["issues"]`, or None."""
        result_id = check_id("result", result_id)

        def work(db: apsw.Connection) -> BatchAnalysisResult | None:
            row = db.execute(f"{RESULTS.select} WHERE id = ?", (result_id,)).fetchone()
            if row is None:
                return None
            result = RESULTS.read(row)
            query = f"{FINDINGS.select} WHERE task_id = ? ORDER BY id"
            names = FINDINGS.stored
            issues = [dict(zip(names, found, strict=True)) for found in db.execute(query, (result.task_id,))]
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
