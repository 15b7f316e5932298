from __future__ import annotations

import pytest
from factories import batch, coverage, finding, task

from batchnb.records import CoverageStatus, Severity, TaskStatus
from batchnb.results.severity import CellState, severity_info, severity_text


def state_of(*cells, findings=(), tasks=()):
    (cell,) = severity_info(findings, cells, tasks).cells
    return cell.state


def test_all_tools_ok_is_measured_even_with_no_finding():
    assert state_of(coverage(), coverage(tool="ruff")) is CellState.MEASURED


@pytest.mark.parametrize(
    "status", [CoverageStatus.FAILED, CoverageStatus.TOOL_MISSING, CoverageStatus.PARTIAL]
)
def test_one_of_two_tools_short_is_partly_measured_with_the_reason(status):
    (cell,) = severity_info([], [coverage(), coverage(tool="ruff", status=status)]).cells
    assert cell.state is CellState.PARTLY
    assert len(cell.reasons) == 1
    assert cell.reasons[0].startswith("ruff (backend_security): ")


def test_no_tool_ok_is_not_measured():
    both = coverage(status=CoverageStatus.TIMED_OUT), coverage(tool="ruff", status=CoverageStatus.CANCELLED)
    assert state_of(*both) is CellState.NOT_MEASURED


def test_findings_of_a_failed_tool_are_a_lower_bound():
    assert state_of(coverage(status=CoverageStatus.FAILED), findings=[finding()]) is CellState.PARTLY


def test_findings_without_coverage_are_a_lower_bound():
    (cell,) = severity_info([finding()], []).cells
    assert cell.state is CellState.PARTLY
    assert cell.reasons == ("no tool said what it read",)


def test_not_applicable_beside_a_measured_tool_is_measured():
    assert (
        state_of(coverage(status=CoverageStatus.NOT_APPLICABLE), coverage(tool="ruff")) is CellState.MEASURED
    )
    assert state_of(coverage(status=CoverageStatus.NOT_APPLICABLE)) is CellState.NOT_APPLICABLE


def test_an_app_whose_task_never_ran_is_shown_as_not_measured():
    info = severity_info([], [coverage()], [task(), task(2, app_num=2, status=TaskStatus.PENDING)])
    assert [cell.state for cell in info.cells] == [CellState.MEASURED, CellState.NOT_MEASURED]
    assert info.cells[1].reasons == ("backend_security: not started yet",)


def test_cells_are_sorted_and_counts_add_up():
    tasks, findings, cells = batch()
    info = severity_info(findings, cells, tasks)
    assert [(c.model, c.app_num) for c in info.cells] == sorted({(t.model, t.app_num) for t in tasks})
    assert sum(cell.total for cell in info.cells) == len(findings)
    assert info.count(Severity.HIGH) == sum(cell.high for cell in info.cells)
    assert sum(info.apps_in(state) for state in CellState) == len(info.cells) == 12


def test_text_says_what_is_missing():
    tasks, findings, cells = batch()
    text = severity_text(severity_info(findings, cells, tasks))
    assert text.startswith("12 apps of 3 models. Findings by severity: ")
    assert "not measured" in text
    assert "lower bound" in text


def test_text_of_a_clean_app_and_of_nothing():
    clean = severity_text(severity_info([], [coverage()]))
    assert clean == "1 app of 1 model. Findings by severity: 0 high, 0 medium, 0 low. Apps: 1 measured."
    assert severity_text(severity_info([], [])) == "No app was analysed."


def test_text_gives_no_number_where_nothing_was_measured():
    text = severity_text(severity_info([], [coverage(status=CoverageStatus.OFFLINE)]))
    assert "0 high" not in text
    assert "Nothing was measured" in text
