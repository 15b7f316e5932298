"""Going on where an ended job stopped."""

from dataclasses import replace

import pytest

from batchnb.engine.storage import JobStorage
from batchnb.records import (
    AnalysisReport,
    Coverage,
    CoverageStatus,
    ErrorCategory,
    Finding,
    JobError,
    JobStatus,
    Severity,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import InvariantError, RecordNotFoundError

KIND = "backend_security"


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    storage = JobStorage(None if request.param == "memory" else tmp_path / "store.db")
    yield storage
    storage.close()


def tools(kind):
    return [f"{kind}-tool"]


def report(task):
    same = {"model": task.model, "app_num": task.app_num, "analysis_type": KIND, "tool": "bandit"}
    finding = Finding(**same, rule="B1", severity=Severity.HIGH, path="a.py", message="m", fingerprint="f")
    return AnalysisReport(issues=(finding,), coverage=(Coverage(**same, status=CoverageStatus.OK),))


def error(category):
    return JobError(category=category, message=f"it was {category}")


def stopped_job(storage):
    """One task of each ending, one interrupted and one pending."""
    job = storage.create_job({"models": ["m"], "app_ranges": {"m": range(1, 8)}, "analysis_types": [KIND]})
    storage.update_job(job.id, status=JobStatus.INITIALIZING)
    storage.update_job(job.id, status=JobStatus.RUNNING)
    ids = storage.create_tasks(job.id, [("m", app, KIND) for app in range(1, 8)])
    endings = [
        lambda task: task.complete({"summary": {}}, utc_now()),
        lambda task: task.fail(error(ErrorCategory.PARSE), utc_now()),
        lambda task: task.time_out(error(ErrorCategory.TIMEOUT), utc_now()),
        lambda task: task.skip(utc_now(), error(ErrorCategory.DEPENDENCY)),
        lambda task: task.skip(utc_now()),
    ]
    for task_id, end in zip(ids, endings, strict=False):
        storage.update_task(task_id, lambda task: task.start(utc_now()))
        storage.finish_task(task_id, end, report(storage.get_task(task_id)))
    storage.update_task(ids[5], lambda task: task.start(utc_now()))
    return storage.break_job(job.id, error(ErrorCategory.INTERRUPTED), tools)


def statuses(storage, job_id):
    return [task.status.value for task in storage.get_tasks(job_id)]


def test_only_what_has_no_result_is_run_again(store):
    old = stopped_job(store)

    new = store.continue_job(old.id)

    assert (new.status, new.continues) == (JobStatus.PENDING, old.id)
    assert statuses(store, new.id) == [
        "completed",
        "failed",
        "timed_out",
        "skipped",
        "skipped",
        "pending",
        "pending",
    ]
    assert new.results_summary["issues_total"] == old.results_summary["issues_total"] == 5
    assert [finding.app_num for finding in store.get_findings(new.id)] == [1, 2, 3, 4, 5]
    assert all(cell.cached for cell in store.get_coverage(new.id))


def test_a_retry_also_runs_what_did_not_succeed(store):
    old = stopped_job(store)

    new = store.continue_job(old.id, retry=True)

    assert statuses(store, new.id) == [
        "completed",
        "pending",
        "pending",
        "pending",
        "skipped",
        "pending",
        "pending",
    ]
    assert [finding.app_num for finding in store.get_findings(new.id)] == [1, 5]


def test_the_old_job_stays_as_it_was(store):
    old = stopped_job(store)
    before = (
        store.get_job(old.id),
        store.get_tasks(old.id),
        store.get_results(old.id),
        store.get_coverage(old.id),
    )

    new = store.continue_job(old.id)
    store.break_job(new.id, error(ErrorCategory.INTERNAL), tools)
    store.delete_job(new.id)

    after = (
        store.get_job(old.id),
        store.get_tasks(old.id),
        store.get_results(old.id),
        store.get_coverage(old.id),
    )
    assert after == before


def test_what_is_taken_over_belongs_to_the_new_job(store):
    old = stopped_job(store)

    new = store.continue_job(old.id)

    by_id = {task.id: task for task in store.get_tasks(new.id)}
    kept = [task for task in by_id.values() if task.status.is_ended]
    assert {result.task_id for result in store.get_results(new.id)} == {task.id for task in kept}
    assert {task.error.task_id for task in kept if task.error} <= set(by_id)
    assert {failed.task_id for failed in new.errors} <= set(by_id)
    assert [failed.category.value for failed in new.errors] == ["parse", "timeout"]
    taken = [replace(task, id=0, job_id=0, error=None) for task in kept]
    originals = {task.app_num: task for task in store.get_tasks(old.id)}
    assert taken == [replace(originals[task.app_num], id=0, job_id=0, error=None) for task in kept]
    for task in by_id.values():
        task.check()


def test_a_job_that_runs_or_has_nothing_left_is_not_continued(store):
    job = store.create_job({"models": ["m"], "app_ranges": {"m": [1]}, "analysis_types": [KIND]})
    with pytest.raises(InvariantError, match=f"job {job.id} is pending; only an ended job"):
        store.continue_job(job.id)
    (task_id,) = store.create_tasks(job.id, [("m", 1, KIND)])
    store.update_job(job.id, status=JobStatus.INITIALIZING)
    store.update_job(job.id, status=JobStatus.RUNNING)
    store.finish_task(task_id, lambda task: task.complete({"summary": {}}, utc_now()))
    store.update_job(job.id, status=JobStatus.COMPLETED)

    for retry in (True, False):
        with pytest.raises(InvariantError, match=r"no task to run again: \{'completed': 1\}$"):
            store.continue_job(job.id, retry=retry)
    with pytest.raises(RecordNotFoundError):
        store.continue_job(99)
    assert [kept.id for kept in store.get_jobs()] == [job.id]


def test_cancelled_tasks_are_run_again(store):
    job = store.create_job({"models": ["m"], "app_ranges": {"m": [1, 2]}, "analysis_types": [KIND]})
    store.create_tasks(job.id, [("m", 1, KIND), ("m", 2, KIND)])
    store.update_job(job.id, status=JobStatus.INITIALIZING)
    store.update_job(job.id, status=JobStatus.CANCELLING, cancellation_requested=True)
    store.cancel_pending(job.id, tools)
    store.update_job(job.id, status=JobStatus.CANCELLED)

    new = store.continue_job(job.id)

    assert {task.status for task in store.get_tasks(new.id)} == {TaskStatus.PENDING}
    assert (new.cancellation_requested, store.get_results(new.id)) == (False, [])


def test_that_a_retry_would_help_is_said(store):
    job = store.create_job({"models": ["m"], "app_ranges": {"m": [1]}, "analysis_types": [KIND]})
    (task_id,) = store.create_tasks(job.id, [("m", 1, KIND)])
    store.update_job(job.id, status=JobStatus.INITIALIZING)
    store.update_job(job.id, status=JobStatus.RUNNING)
    store.finish_task(task_id, lambda task: task.fail(error(ErrorCategory.PARSE), utc_now()))
    store.update_job(job.id, status=JobStatus.FAILED)

    with pytest.raises(InvariantError, match=r"\{'failed': 1\}; retry=True also runs again what failed"):
        store.continue_job(job.id)
    assert store.continue_job(job.id, retry=True).continues == job.id
