from __future__ import annotations

import pytest
from factories import BACKEND, coverage, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.results.gaps import COVERAGE_WORDS, find_gaps, gap_groups


def test_every_coverage_status_has_a_word():
    assert set(COVERAGE_WORDS) == set(CoverageStatus)


def test_complete_coverage_leaves_no_gap():
    assert find_gaps([coverage(), coverage(tool="ruff")], [task()]) == ()


@pytest.mark.parametrize("status", [status for status in CoverageStatus if status is not CoverageStatus.OK])
def test_every_other_status_is_a_gap(status):
    (gap,) = find_gaps([coverage(status=status, detail="because")])
    assert gap.applicable == (status is not CoverageStatus.NOT_APPLICABLE)
    assert gap.partial == (status is CoverageStatus.PARTIAL)
    assert gap.text.startswith(f"bandit ({BACKEND}): {gap.word}, because")


def test_ok_with_unread_files_is_not_believed():
    (gap,) = find_gaps([coverage(files_eligible=9, files_seen=6)])
    assert gap.partial
    assert "3 of 9 files not read" in gap.text


def test_partial_names_the_files():
    (gap,) = find_gaps([coverage(status=CoverageStatus.PARTIAL)])
    assert gap.detail == "2 of 6 files not read: backend/db.py (syntax error in line 4)"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (TaskStatus.PENDING, "not started yet"),
        (TaskStatus.RUNNING, "still running"),
        (TaskStatus.COMPLETED, "no tool said what it read"),
        (TaskStatus.FAILED, "failed"),
        (TaskStatus.TIMED_OUT, "timed out"),
        (TaskStatus.CANCELLED, "cancelled"),
    ],
)
def test_a_task_without_coverage_is_a_gap(status, word):
    (gap,) = find_gaps([], [task(status=status)])
    assert (gap.word, gap.tool, gap.applicable) == (word, "", True)


def test_a_task_skipped_without_an_error_does_not_apply():
    (gap,) = find_gaps([], [task(status=TaskStatus.SKIPPED)])
    assert not gap.applicable


def test_a_task_that_broke_after_one_tool_reported_is_still_a_gap():
    (gap,) = find_gaps([coverage()], [task(status=TaskStatus.TIMED_OUT)])
    assert gap.text == f"{BACKEND}: timed out, bandit ended with exit code 2"


def test_a_broken_task_whose_tool_says_so_is_told_once():
    (gap,) = find_gaps([coverage(status=CoverageStatus.TIMED_OUT)], [task(status=TaskStatus.TIMED_OUT)])
    assert gap.tool == "bandit"


def test_a_tool_that_is_silent_on_one_app_only_is_a_gap_of_it():
    (gap,) = find_gaps([coverage(), coverage(tool="ruff"), coverage(app_num=2)])
    assert (gap.app_num, gap.tool, gap.word, gap.applicable) == (2, "ruff", "no report", True)


def test_tools_of_another_analysis_are_not_missed():
    assert find_gaps([coverage(), coverage(app_num=2, analysis_type="zap", tool="zap")]) == ()


def test_gaps_are_grouped_by_tool_and_cause_unmeasured_first_then_the_widest():
    cells = [
        coverage(app_num=1, status=CoverageStatus.PARTIAL),
        *(coverage(app_num=n, status=CoverageStatus.FAILED, detail=f"reason {n % 2}") for n in (2, 3, 4)),
        coverage("b", 2, status=CoverageStatus.FAILED),
        coverage(app_num=5, status=CoverageStatus.NOT_APPLICABLE),
        coverage(app_num=6, tool="ruff", status=CoverageStatus.TIMED_OUT),
        *(coverage(app_num=n, tool="ruff") for n in (1, 2, 3, 4, 5)),
        *(coverage("b", n, tool="ruff") for n in (2,)),
        coverage(app_num=6),
    ]
    groups = gap_groups(find_gaps(cells, [task(9, app_num=9, status=TaskStatus.CANCELLED)]))
    told = [(group.tool, group.word, group.partial, group.apps, group.count) for group in groups]
    assert told == [
        ("bandit", "failed", False, {"b": "2", "gpt-4o": "2-4"}, 4),
        ("", "cancelled", False, {"gpt-4o": "9"}, 1),
        ("ruff", "timed out", False, {"gpt-4o": "6"}, 1),
        ("bandit", "partly measured", True, {"gpt-4o": "1"}, 1),
    ]
    assert groups[0].details == ("reason 0", "reason 1")
