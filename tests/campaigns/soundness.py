"""What holds of every store at every moment, whatever was done with it: `check_store`."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from batchnb.records import JobStatus, TaskStatus

_STRAY = (
    "SELECT count(*) FROM {table} AS x LEFT JOIN tasks AS t ON t.id = x.task_id AND t.job_id = x.job_id "
    "WHERE t.id IS NULL OR (t.model, t.app_num, t.analysis_type) <> (x.model, x.app_num, x.analysis_type)"
)
_FOUND = "SELECT task_id, count(*) FROM findings WHERE job_id = ? GROUP BY 1"


class Kept(NamedTuple):
    """All that the store has about one job."""

    job: object
    tasks: list
    results: list
    findings: list
    coverage: list
    findings_of: dict
    """Task id -> number of findings."""


def look_at(storage, job_id):
    """Return what a store has about a job; consistent only while nobody changes it."""
    found = storage._database.read(lambda db: list(db.execute(_FOUND, (job_id,))))
    return Kept(
        storage.get_job_or_fail(job_id),
        storage.get_tasks(job_id),
        storage.get_results(job_id),
        storage.get_findings(job_id),
        storage.get_coverage(job_id),
        dict(found),
    )


def check_store(storage):
    """Check a store in which nothing moves; return {job id: Kept}."""
    kept = {job.id: look_at(storage, job.id) for job in storage.get_jobs()}
    for each in kept.values():
        check_job(each)
    for table in ("results", "findings", "coverage"):
        query = _STRAY.format(table=table)
        stray = storage._database.read(lambda db, query=query: db.execute(query).get)
        assert stray == 0, f"{table} of no task"
    return kept


def check_job(kept):
    job, tasks, results = kept.job, kept.tasks, kept.results
    for record in (job, *tasks, *results):
        record.check()
    ended = {task.id: task for task in tasks if task.status.is_ended}
    counts = Counter(task.status.value for task in tasks)
    assert job.task_count_by_status == counts, "counts by status are those of the tasks"
    assert (job.total_tasks, job.completed_tasks) == (len(tasks), len(ended)), "counts add up"
    assert sorted(result.task_id for result in results) == sorted(ended), "one result per ended task"
    for result in results:
        task = ended[result.task_id]
        assert result.status is task.status
        assert result.issues_count == kept.findings_of.get(task.id, 0), "a result counts its findings"
    sums = {
        f"{name}_total": sum(getattr(result, field) for result in results)
        for name, field in (
            ("issues", "issues_count"),
            ("high", "high_severity"),
            ("medium", "medium_severity"),
            ("low", "low_severity"),
        )
    }
    assert job.results_summary == (sums if results else {}), "the summary is the sum of the results"
    check_coverage(kept, ended.values())
    assert {error.task_id for error in job.errors} <= {None, *ended}, "errors of other tasks"
    check_ending(job, counts)


def check_coverage(kept, ended):
    """Every ended task says what its tools saw, and no other does; so none is clean that was not measured."""
    cells = Counter((cell.model, cell.app_num, cell.analysis_type) for cell in kept.coverage)
    assert set(cells) == {(task.model, task.app_num, task.analysis_type) for task in ended}
    measured = {
        (cell.model, cell.app_num, cell.analysis_type) for cell in kept.coverage if cell.status.is_measured
    }
    for task in ended:
        is_measured = (task.model, task.app_num, task.analysis_type) in measured
        assert is_measured or task.status is not TaskStatus.COMPLETED, "completed without a measurement"


def check_ending(job, counts):
    going_on = counts[TaskStatus.PENDING.value] + counts[TaskStatus.RUNNING.value]
    failed = counts[TaskStatus.FAILED.value] + counts[TaskStatus.TIMED_OUT.value]
    if job.status in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}:
        assert going_on == 0, f"{job.status.value} with tasks that go on"
    if job.status is JobStatus.COMPLETED:
        assert failed == 0, "completed, but tasks failed"
    if job.status.is_ended:
        assert counts[TaskStatus.RUNNING.value] == 0, "ended, but a task runs"
    if job.status in {JobStatus.PENDING, JobStatus.QUEUED, JobStatus.INITIALIZING}:
        assert counts[TaskStatus.RUNNING.value] == 0, "a task runs before its job"
