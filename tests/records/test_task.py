"""A task's invariants and moves (specification, section 4)."""

from datetime import datetime

import pytest
from support import LATER, START, error, task

from batchnb.records import TaskStatus
from batchnb.records.errors import EndedError, InvariantError

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - the fault under test
ENDINGS = {
    TaskStatus.COMPLETED: lambda task: task.complete({"summary": {}}, LATER),
    TaskStatus.FAILED: lambda task: task.fail(error(), LATER),
    TaskStatus.TIMED_OUT: lambda task: task.time_out(error(), LATER),
    TaskStatus.CANCELLED: lambda task: task.cancel(LATER),
    TaskStatus.SKIPPED: lambda task: task.skip(LATER),
}
MOVES = {TaskStatus.RUNNING: lambda task: task.start(LATER), **ENDINGS}


def in_status(status):
    return task() if status is TaskStatus.PENDING else MOVES[status](task())


def test_a_new_task_is_sound_and_has_the_defaults_of_the_specification():
    new = task()

    new.check()
    assert (new.status, new.progress, new.timeout_seconds) == (TaskStatus.PENDING, 0, 1800)
    assert (new.started_at, new.completed_at, new.error, new.result_details) == (None, None, None, {})


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"id": 0}, "an id is not positive"),
        ({"job_id": 0}, "an id is not positive"),
        ({"app_num": 0}, "an id is not positive"),
        ({"model": ""}, "model is empty"),
        ({"analysis_type": ""}, "analysis_type is empty"),
        ({"timeout_seconds": 0}, "timeout_seconds 0 is not positive"),
        ({"progress": -1}, "progress -1 is not within 0-100"),
        ({"progress": 101}, "progress 101 is not within 0-100"),
        ({"status": TaskStatus.RUNNING}, "has no started_at"),
        ({"status": TaskStatus.CANCELLED, "completed_at": START}, "has no started_at"),
        ({"status": TaskStatus.SKIPPED, "started_at": START}, "ended without completed_at"),
        *[
            (
                {"status": status, "started_at": START, "completed_at": LATER},
                f"{status.value} without an error",
            )
            for status in (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
        ],
        (
            {"status": TaskStatus.COMPLETED, "started_at": START, "completed_at": LATER},
            "completed without details",
        ),
    ],
)
def test_each_invariant_is_checked_and_named(changes, broken):
    with pytest.raises(InvariantError, match=broken):
        task(**changes).check()


@pytest.mark.parametrize("name", ["created_at", "started_at", "completed_at"])
def test_a_time_without_a_zone_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} .* has no time zone"):
        task(**{name: NAIVE}).check()


@pytest.mark.parametrize("old", TaskStatus)
@pytest.mark.parametrize("new", MOVES)
def test_every_move_is_made_or_refused_as_the_arrows_say(old, new):
    before = in_status(old)

    if old.can_become(new):
        after = MOVES[new](before)
        after.check()
        assert after.status is new
    else:
        with pytest.raises(EndedError if old.is_ended else InvariantError, match="task 7"):
            MOVES[new](before)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_task_that_ends_unstarted_still_has_a_start(ending):
    ended = ENDINGS[ending](task())

    assert ended.started_at == ended.completed_at == LATER


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_task_that_ran_keeps_its_start(ending):
    ended = ENDINGS[ending](task().start(START))

    assert (ended.started_at, ended.completed_at) == (START, LATER)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_has_ended_makes_no_progress(ending):
    with pytest.raises(EndedError, match="task 7 has ended"):
        ENDINGS[ending](task()).with_progress(50)


def test_a_completed_task_is_at_100_percent_and_the_others_stay_where_they_were():
    running = task().start(START).with_progress(45)

    assert running.progress == 45
    assert ENDINGS[TaskStatus.COMPLETED](running).progress == 100
    assert running.cancel(LATER).progress == 45


def test_progress_outside_0_to_100_is_refused():
    with pytest.raises(InvariantError, match="progress 101"):
        task().start(START).with_progress(101)


def test_completing_needs_details():
    with pytest.raises(InvariantError, match="completed without details"):
        task().complete({}, LATER)
