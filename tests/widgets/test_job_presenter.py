from __future__ import annotations

from datetime import timedelta

import pytest
from support import START, coverage, error, job

from batchnb.records import CoverageStatus, Estimate, JobStatus
from batchnb.results.severity import severity_info
from batchnb.widgets.job_presenter import CancelNote, present_job, stopped_text
from batchnb.widgets.outcome import Outcome

NOW = START + timedelta(seconds=3.2)
COUNTS = {"completed": 5, "failed": 1, "running": 2, "pending": 4}


def running(**changes):
    values = {"status": JobStatus.RUNNING, "started_at": START, "total_tasks": 12, "completed_tasks": 6}
    summary = {"high_total": 3, "medium_total": 2, "low_total": 1, "issues_total": 6}
    return job(**{**values, "task_count_by_status": COUNTS, "results_summary": summary, **changes})


def ended(status, **counts):
    total = sum(counts.values())
    left = counts.get("pending", 0)
    return running(
        status=status,
        completed_at=NOW,
        total_tasks=total,
        completed_tasks=total - left,
        task_count_by_status=counts,
    )


def test_a_running_job():
    state = present_job(running(), NOW)
    assert state.title == "Job 1: a job"
    assert (state.value, state.maximum, state.bar) == (6, 12, "info")
    assert state.progress == "6 of 12 tasks (50 %): 5 completed, 4 pending, 2 running, 1 failed"
    assert state.status == "running: 2 running tasks"
    assert state.elapsed == "3 s elapsed"
    assert state.counts == (("high", 3), ("medium", 2), ("low", 1))
    assert state.counts_note == "findings so far"
    assert state.can_cancel
    assert not state.ended


@pytest.mark.parametrize(
    ("status", "text", "can_cancel"),
    [
        (JobStatus.PENDING, "pending: not started", False),
        (JobStatus.QUEUED, "queued: starts by itself when a running job ends", True),
        (JobStatus.INITIALIZING, "starting", True),
    ],
)
def test_a_job_before_its_first_task(status, text, can_cancel):
    state = present_job(job(status=status), NOW)
    assert (state.status, state.can_cancel) == (text, can_cancel)
    assert state.progress == "tasks are being prepared"
    assert (state.value, state.maximum) == (0, 1)


def test_cancelling_says_when_it_was_asked_and_what_is_being_stopped():
    note = CancelNote(asked_at=NOW - timedelta(seconds=0.1))
    state = present_job(running(status=JobStatus.CANCELLING), NOW, note)
    assert state.status == "cancelling: stopping 2 running tasks"
    assert state.elapsed == "3 s elapsed, cancel asked 0.1 s ago"
    assert not state.can_cancel


def test_the_click_shows_before_the_store_says_so():
    state = present_job(running(), NOW, CancelNote(asked_at=NOW))
    assert state.status.startswith("cancelling")
    assert not state.can_cancel


def test_a_refused_cancel_says_why_and_can_be_tried_again():
    state = present_job(
        running(), NOW, CancelNote(asked_at=NOW, refused="this notebook does not run the job")
    )
    assert state.status == "running; not cancelled: this notebook does not run the job"
    assert state.can_cancel
    assert "cancel asked" not in state.elapsed


def test_a_job_that_somebody_else_asked_to_cancel_is_being_cancelled():
    refused = CancelNote(asked_at=NOW, refused="it neither waits nor runs")
    for note in (None, refused):
        state = present_job(running(cancellation_requested=True), NOW, note)
        assert state.status == "cancelling: stopping 2 running tasks"
        assert not state.can_cancel


def test_cancelled_says_what_was_cancelled_what_was_kept_and_how_long_it_took():
    note = CancelNote(asked_at=NOW - timedelta(seconds=0.04))
    state = present_job(ended(JobStatus.CANCELLED, completed=2, cancelled=3), NOW, note)
    assert state.status == (
        "cancelled: 3 tasks cancelled, all tools stopped; 2 tasks had ended before, with results"
    )
    assert state.elapsed == "took 3.2 s, ended 40 ms after cancel was asked"
    assert state.ended
    assert not state.can_cancel


def test_cancelled_while_it_was_queued():
    state = present_job(job(status=JobStatus.CANCELLED, completed_at=NOW), NOW)
    assert state.status == "cancelled before its first task started"
    assert state.progress == "no task"


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (ended(JobStatus.COMPLETED, completed=12), "completed"),
        (
            ended(JobStatus.FAILED, completed=9, failed=1, timed_out=2),
            "failed: 1 failed, 2 timed out of 12 tasks; the results of the others stand",
        ),
        (
            ended(JobStatus.FAILED, completed=1, skipped=1),
            "failed: something that is needed is missing of 2 tasks; the results of the others stand",
        ),
        (ended(JobStatus.ERROR, failed=1, pending=3), "error: the job broke off, 3 tasks did not run"),
    ],
)
def test_the_other_endings(record, text):
    assert present_job(record, NOW).status == text


MEASURED, FAILED = coverage(), coverage(tool="ruff", status=CoverageStatus.FAILED)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ([MEASURED], "findings"),
        ([MEASURED, FAILED], "findings at least: not everything was measured"),
        ([FAILED], "nothing was measured, so there is no number of findings"),
    ],
)
def test_the_counts_of_an_ended_job_say_how_much_they_cover(cells, text):
    outcome = Outcome(info=severity_info([], cells), gaps=(), outputs=())
    assert present_job(ended(JobStatus.COMPLETED, completed=1), NOW, None, outcome).counts_note == text


def test_errors_are_capped_with_their_true_number():
    state = present_job(running(errors=[error(message=f"no {n}") for n in range(8)]), NOW)
    assert state.errors[0] == "analysis: no 0"
    assert len(state.errors) == 6
    assert state.errors[-1] == "and 3 more errors"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ((), (1,), "no tool was running"),
        ((1,), (2, 3), "1 tool process stopped, none is left"),
        ((1, 2, 3), (3, 4), "2 tool processes stopped, 1 of other jobs go on"),
    ],
)
def test_what_was_stopped_is_counted(before, after, text):
    assert stopped_text(before, after) == text


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.0, "; 2.0 tasks/min"), (90.0, "; 2.0 tasks/min, about 1 min 30 s left")]
)
def test_the_outlook_is_a_rate_and_a_time_only_where_there_is_one(seconds, said):
    going = running(total_tasks=7, completed_tasks=4)
    now = START + timedelta(minutes=2)
    estimate = Estimate(seconds_left=seconds, ends_at=now, tasks_left=3, based_on=4)
    assert present_job(going, now, estimate=estimate).elapsed == f"2 min 0 s elapsed{said}"
