"""A result's invariants (specification, section 4)."""

from datetime import datetime

import pytest
from support import LATER, START, error, finding, result, task

from batchnb.records import BatchAnalysisResult, Severity, TaskStatus
from batchnb.records.errors import InvariantError

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - the fault under test


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"status": TaskStatus.RUNNING}, "status running is no ending"),
        ({"status": TaskStatus.PENDING}, "status pending is no ending"),
        ({"issues_count": 5, "low_severity": -1}, "a count is negative"),
        ({"issues_count": -1}, "a count is negative"),
        (
            {"issues_count": 5, "high_severity": 2, "medium_severity": 2, "low_severity": 2},
            "issues_count is less than high \\+ medium \\+ low",
        ),
        ({"scan_start_time": LATER, "scan_end_time": START}, "scan_end_time is not after scan_start_time"),
        ({"scan_start_time": START, "scan_end_time": START}, "scan_end_time is not after scan_start_time"),
        ({"details": {}}, "completed without details"),
    ],
)
def test_each_invariant_is_checked_and_named(changes, broken):
    with pytest.raises(InvariantError, match=f"result of task 7: .*{broken}"):
        result(**changes).check()


def test_more_issues_than_severities_are_allowed():
    result(issues_count=5, high_severity=1, medium_severity=1, low_severity=1).check()


@pytest.mark.parametrize("name", ["scan_start_time", "scan_end_time"])
def test_a_time_without_a_zone_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} .* has no time zone"):
        result(**{name: NAIVE}).check()


def test_a_result_counts_the_findings_and_takes_over_the_task():
    levels = [Severity.HIGH, Severity.LOW, Severity.MEDIUM, Severity.LOW]
    ended = task(status=TaskStatus.RUNNING, started_at=START).complete({"summary": {"total": 4}}, LATER)

    made = BatchAnalysisResult.from_task(ended, [finding(severity=level) for level in levels])

    made.check()
    assert (made.issues_count, made.high_severity, made.medium_severity, made.low_severity) == (4, 1, 1, 2)
    assert (made.task_id, made.job_id, made.model, made.app_num) == (7, 3, "atlas", 2)
    assert (made.scan_start_time, made.scan_end_time, made.duration_seconds) == (START, LATER, 180.0)
    assert (made.status, made.details) == (TaskStatus.COMPLETED, {"summary": {"total": 4}})


@pytest.mark.parametrize("ended", [task().cancel(LATER), task().skip(LATER), task().fail(error(), LATER)])
def test_what_never_started_has_no_scan_times(ended):
    """Its task has both times equal, and a scan must end strictly after it started."""
    made = BatchAnalysisResult.from_task(ended)

    made.check()
    assert (made.scan_start_time, made.scan_end_time, made.duration_seconds) == (None, None, None)


@pytest.mark.parametrize("unfinished", [task(), task().start(START)])
def test_a_task_that_goes_on_has_no_result(unfinished):
    with pytest.raises(InvariantError, match="task 7 has not ended"):
        BatchAnalysisResult.from_task(unfinished)
