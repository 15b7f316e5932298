"""What an analysis hands back."""

import pytest
from support import coverage, finding, task

from batchnb.records import AnalysisReport, CoverageStatus, Severity, TaskStatus, summarize


@pytest.mark.parametrize(
    ("status", "lacks", "expected"),
    [
        (TaskStatus.CANCELLED, False, CoverageStatus.CANCELLED),
        (TaskStatus.TIMED_OUT, False, CoverageStatus.TIMED_OUT),
        (TaskStatus.FAILED, False, CoverageStatus.FAILED),
        (TaskStatus.SKIPPED, False, CoverageStatus.NOT_APPLICABLE),
        (TaskStatus.SKIPPED, True, CoverageStatus.TOOL_MISSING),
    ],
)
def test_a_task_that_measured_nothing_says_so_for_each_of_its_tools(status, lacks, expected):
    made = AnalysisReport.unmeasured(task(), ("bandit", "ruff"), status, "the reason", lacks=lacks)

    assert made.issues == ()
    assert not made.is_measured
    assert [(cell.tool, cell.status, cell.detail) for cell in made.coverage] == [
        ("bandit", expected, "the reason"),
        ("ruff", expected, "the reason"),
    ]
    assert {(cell.model, cell.app_num, cell.analysis_type) for cell in made.coverage} == {
        ("atlas", 2, "backend_security")
    }


@pytest.mark.parametrize("status", CoverageStatus)
def test_one_tool_that_read_something_makes_a_measurement(status):
    cells = (coverage(status=CoverageStatus.FAILED), coverage(tool="ruff", status=status))
    made = AnalysisReport(issues=(), coverage=cells)

    assert made.is_measured == (status in {CoverageStatus.OK, CoverageStatus.PARTIAL})
    assert made.tool_status == {"bandit": "failed", "ruff": status.value}


def test_no_findings_make_zero_of_everything():
    assert summarize([]) == {
        "total": 0,
        "high": 0,
        "medium": 0,
        "low": 0,
        "by_tool": {},
        "by_rule": {},
        "by_cwe": {},
        "by_file": {},
    }


def test_findings_are_counted_most_frequent_first_then_by_name():
    issues = [
        finding(),
        finding(tool="ruff", rule="S602", path="backend/z.py"),
        finding(tool="ruff", rule="S105", severity=Severity.LOW, cwe=259, path="backend/z.py"),
        finding(tool="ruff", rule="S105", severity=Severity.LOW, cwe=None, path="backend/a.py"),
    ]

    summary = summarize(iter(issues))

    assert (summary["total"], summary["high"], summary["medium"], summary["low"]) == (4, 2, 0, 2)
    assert list(summary["by_tool"].items()) == [("ruff", 3), ("bandit", 1)]
    assert list(summary["by_rule"].items()) == [("ruff:S105", 2), ("bandit:B602", 1), ("ruff:S602", 1)]
    assert list(summary["by_cwe"].items()) == [("CWE-78", 2), ("CWE-259", 1)]
    assert list(summary["by_file"].items()) == [
        ("backend/z.py", 2),
        ("backend/a.py", 1),
        ("backend/app.py", 1),
    ]
