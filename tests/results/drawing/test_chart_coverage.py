from __future__ import annotations

import pytest
from chart_cases import batch_dataset, dataset
from factories import coverage, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.results.drawing.coverage import coverage_info
from batchnb.results.drawing.grid import grid_text
from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.drawing.tool_cells import tool_cells
from batchnb.results.gaps import find_gaps, is_complete
from batchnb.results.rebuild import coverage_records, task_records
from batchnb.results.severity import CellState


def rows(info):
    return {
        (block.heading, row.label): [cell and cell.mark for cell in row.cells]
        for block in info.blocks
        for row in block.rows
    }


@pytest.mark.parametrize("status", CoverageStatus)
def test_every_status_has_its_own_mark(status):
    info = coverage_info(dataset(cells=[coverage(status=status)]))
    (cell,) = info.cells
    unmeasured = status not in {CoverageStatus.OK, CoverageStatus.PARTIAL, CoverageStatus.NOT_APPLICABLE}
    assert (cell.kind == "not measured") is unmeasured
    assert cell.mark not in {"", "?"}
    (trace,) = grid_figure(info).data
    assert (trace.marker.pattern.shape == "/") is unmeasured


def test_every_gap_and_every_complete_cell_is_in_the_matrix():
    data = batch_dataset()
    found = {(c.model, c.app_num, c.tool) for c in tool_cells(data)}
    records = coverage_records(data.coverage)
    assert {
        (g.model, g.app_num, g.tool) for g in find_gaps(records, task_records(data.tasks)) if g.tool
    } <= found
    assert {(c.model, c.app_num, c.tool) for c in records if is_complete(c)} <= found


def test_a_task_that_never_ran_leaves_a_gap_for_each_tool_of_its_analysis():
    cells = [coverage(), coverage(tool="ruff")]
    data = dataset(cells=cells, tasks=[task(2, app_num=2, status=TaskStatus.PENDING)])
    assert rows(coverage_info(data)) == {
        ("gpt-4o", "bandit"): ["✓", "W"],
        ("gpt-4o", "ruff"): ["✓", "W"],
    }


def test_where_no_tool_is_known_the_analysis_has_the_row():
    info = coverage_info(dataset(tasks=[task(status=TaskStatus.FAILED)]))
    assert rows(info) == {("gpt-4o", "backend_security"): ["F"]}


def test_a_task_that_failed_though_its_tools_reported_is_not_forgotten():
    data = dataset(cells=[coverage()], tasks=[task(status=TaskStatus.FAILED)])
    assert {(c.tool, c.state) for c in tool_cells(data)} == {
        ("bandit", CellState.MEASURED),
        ("", CellState.NOT_MEASURED),
    }


def test_a_tool_in_two_analyses_has_two_rows():
    data = dataset(cells=[coverage(), coverage(analysis_type="frontend_security")])
    assert set(rows(coverage_info(data))) == {
        ("gpt-4o", "bandit, backend_security"),
        ("gpt-4o", "bandit, frontend_security"),
    }


def test_many_apps_are_counted_per_tool_and_the_exceptions_are_named():
    bad = {5, 6, 7, 90}
    data = dataset(
        cells=[
            coverage(app_num=n, status=CoverageStatus.TIMED_OUT if n in bad else CoverageStatus.OK)
            for n in range(1, 101)
        ]
    )
    info = coverage_info(data)
    (cell,) = info.cells
    assert info.columns == ("bandit",)
    assert (cell.mark, cell.kind) == ("96/100", "partly measured")
    assert "timed out: gpt-4o 5-7,90" in cell.hover


def test_words_name_the_gaps():
    text = grid_text(coverage_info(batch_dataset()))
    assert "bandit timed out: " in text
    assert grid_text(coverage_info(dataset())) == "What each tool measured. No app was analysed."
