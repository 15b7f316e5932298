"""The closed lists of words, and the moves between them."""

import pytest

from batchnb.records import AnalysisType, CoverageStatus, ErrorCategory, JobStatus, Severity, TaskStatus

JOB_MOVES = {
    "pending": {"queued", "initializing", "error"},
    "queued": {"initializing", "cancelled", "error"},
    "initializing": {"running", "cancelling", "failed", "error"},
    "running": {"cancelling", "completed", "failed", "error"},
    "cancelling": {"cancelled", "error"},
    "cancelled": set(),
    "completed": set(),
    "failed": set(),
    "error": set(),
}
TASK_MOVES = {
    "pending": {"running", "completed", "failed", "timed_out", "cancelled", "skipped"},
    "running": {"pending", "completed", "failed", "timed_out", "cancelled", "skipped"},
    "completed": set(),
    "failed": set(),
    "timed_out": set(),
    "cancelled": set(),
    "skipped": set(),
}


def test_the_words_are_those_of_the_specification():
    assert {status.value for status in JobStatus} == set(JOB_MOVES)
    assert {status.value for status in TaskStatus} == set(TASK_MOVES)
    assert [kind.value for kind in AnalysisType] == [
        "frontend_security",
        "backend_security",
        "performance",
        "gpt4all",
        "zap",
    ]
    assert [level.value for level in Severity] == ["high", "medium", "low"]
    assert {status.value for status in CoverageStatus} == {
        *("ok", "partial", "not_applicable", "tool_missing", "offline", "failed", "timed_out", "cancelled"),
    }
    assert {category.value for category in ErrorCategory} == {
        *("timeout", "dependency", "network", "permission", "resource", "validation", "parse", "analysis"),
        *("interrupted", "internal"),
    }


@pytest.mark.parametrize("old", JobStatus)
@pytest.mark.parametrize("new", JobStatus)
def test_a_job_moves_only_along_the_arrows(old, new):
    assert old.can_become(new) == (new.value in JOB_MOVES[old.value])


@pytest.mark.parametrize("old", TaskStatus)
@pytest.mark.parametrize("new", TaskStatus)
def test_a_task_moves_only_along_the_arrows(old, new):
    assert old.can_become(new) == (new.value in TASK_MOVES[old.value])


@pytest.mark.parametrize(("kind", "moves"), [(JobStatus, JOB_MOVES), (TaskStatus, TASK_MOVES)])
def test_what_has_ended_has_no_move_left_and_what_goes_on_has_one(kind, moves):
    assert {status.value for status in kind if status.is_ended} == {old for old in moves if not moves[old]}


def test_a_job_is_active_from_the_queue_to_its_end():
    active = {status.value for status in JobStatus if status.is_active}
    assert active == {"queued", "initializing", "running", "cancelling"}


def test_only_ok_and_partial_count_as_measured():
    assert {status.value for status in CoverageStatus if status.is_measured} == {"ok", "partial"}
