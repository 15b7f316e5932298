"""A job's invariants and moves (specification, section 4)."""

from datetime import datetime

import pytest
from support import LATER, START, job

from batchnb.records import JobError, JobStatus
from batchnb.records.errors import InvariantError, StorageError

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - the fault under test


def test_a_new_job_is_sound_and_has_the_defaults_of_the_specification():
    new = job()

    new.check()
    assert new.status is JobStatus.PENDING
    assert (new.description, new.models, new.app_ranges, new.analysis_types) == ("", [], {}, [])
    assert (new.analysis_options, new.results_summary, new.errors, new.task_count_by_status) == (
        {},
        {},
        [],
        {},
    )
    assert (new.started_at, new.completed_at, new.total_tasks, new.completed_tasks) == (None, None, 0, 0)
    assert new.cancellation_requested is False


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"id": 0}, "id is not positive"),
        ({"name": " \t"}, "name is empty"),
        ({"completed_tasks": 1}, "completed_tasks is not within total_tasks"),
        ({"completed_tasks": -1}, "completed_tasks is not within total_tasks"),
        ({"total_tasks": 2, "task_count_by_status": {"pending": 1}}, "status counts do not add up"),
        ({"task_count_by_status": {"pending": 1}}, "status counts do not add up"),
        *[
            ({"status": status, "started_at": START}, "ended without completed_at")
            for status in JobStatus
            if status.is_ended
        ],
        ({"status": JobStatus.RUNNING}, "runs without started_at"),
    ],
)
def test_each_invariant_is_checked_and_named(changes, broken):
    with pytest.raises(InvariantError, match=broken):
        job(**changes).check()


def test_all_broken_invariants_are_told_at_once():
    with pytest.raises(InvariantError, match="job 1: name is empty; runs without started_at"):
        job(name="", status=JobStatus.RUNNING).check()


@pytest.mark.parametrize("name", ["created_at", "started_at", "completed_at"])
def test_a_time_without_a_zone_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} .* has no time zone"):
        job(**{name: NAIVE}).check()


@pytest.mark.parametrize("old", JobStatus)
@pytest.mark.parametrize("new", JobStatus)
def test_a_move_sets_its_times_and_a_forbidden_one_raises(old, new):
    times = {"started_at": START, "completed_at": START if old.is_ended else None}
    before = job(status=old, **times)

    if old.can_become(new):
        after = before.with_status(new, LATER)
        after.check()
        assert after.status is new
        assert after.started_at == START
        assert after.completed_at == (LATER if new.is_ended else None)
    else:
        with pytest.raises(InvariantError, match=f"job 1 is {old.value} and cannot become {new.value}"):
            before.with_status(new, LATER)


def test_the_start_is_when_the_job_left_the_queue():
    queued = job().with_status(JobStatus.QUEUED, START)

    assert queued.started_at is None
    assert queued.with_status(JobStatus.INITIALIZING, LATER).started_at == LATER


@pytest.mark.parametrize("end", [JobStatus.CANCELLED, JobStatus.ERROR])
def test_a_job_that_ends_in_the_queue_is_sound(end):
    ended = job(status=JobStatus.QUEUED).with_status(end, LATER)

    ended.check()
    assert ended.completed_at == LATER


def test_a_job_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        job().status = JobStatus.RUNNING


def test_an_error_has_its_time():
    assert JobError(category="analysis", message="").timestamp.utcoffset() is not None


def test_a_broken_invariant_is_an_error_of_the_store_and_of_the_value():
    assert issubclass(InvariantError, StorageError)
    assert issubclass(InvariantError, ValueError)
