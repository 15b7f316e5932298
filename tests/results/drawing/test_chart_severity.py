from __future__ import annotations

import pytest
from chart_cases import batch_dataset, dataset, several_jobs
from factories import coverage, finding, task

from batchnb.records import CoverageStatus, Severity, TaskStatus
from batchnb.records.errors import InvalidValueError
from batchnb.results.drawing.bars import bars_figure, bars_text
from batchnb.results.drawing.severity import app_severity_info, severity_bars_info
from batchnb.results.severity import CellState, severity_info

BAD = CoverageStatus.FAILED


def rows(info):
    return {row.label: row for row in info.rows}


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_per_app_the_frames_say_what_the_records_say():
    from factories import batch

    tasks, findings, cells = batch()
    assert app_severity_info(dataset(findings, cells, tasks)) == severity_info(findings, cells, tasks)


def test_findings_per_model_add_up_and_say_how_many_apps_were_measured():
    data = batch_dataset()
    info = severity_bars_info(data, "model")
    assert [row.label for row in info.rows] == sorted(data.models)
    assert sum(row.total for row in info.rows) == len(data.findings)
    assert all(row.state is CellState.PARTLY for row in info.rows)
    assert any("measured, 1 not measured" in line or "measured" in line for line in info.rows[0].hover)


@pytest.mark.parametrize("by", ["model", "analysis", "tool"])
def test_what_was_not_measured_is_hatched_and_has_no_number(by):
    info = severity_bars_info(dataset(cells=[coverage(status=BAD)]), by)
    (row,) = info.rows
    assert row.state is CellState.NOT_MEASURED
    figure = traces(bars_figure(info))
    assert figure["not measured"].x == (1,)
    assert figure["not measured"].marker.pattern.shape == "/"
    assert figure["total"].x == (None,)
    assert not any(char.isdigit() for char in bars_text(info).replace("gpt-4o", ""))


def test_a_clean_model_is_a_zero_and_not_hatched():
    info = severity_bars_info(dataset(cells=[coverage()]), "model")
    figure = traces(bars_figure(info))
    assert figure["total"].text == (" <b>0</b>",)
    assert figure["not measured"].x == figure["partly measured"].x == (None,)


def test_one_unmeasured_app_makes_the_count_of_its_model_a_lower_bound():
    data = dataset([finding()], [coverage(), coverage(app_num=2, status=BAD)])
    info = severity_bars_info(data, "model")
    assert info.rows[0].state is CellState.PARTLY
    assert "not measured: gpt-4o 2" in info.rows[0].hover
    figure = traces(bars_figure(info))
    assert figure["total"].text == (" <b>≥1</b>",)
    assert figure["partly measured"].x == (1,)


def test_a_tool_that_failed_keeps_the_others_whole():
    data = dataset([finding()], [coverage(), coverage(tool="ruff", status=BAD)])
    found = rows(severity_bars_info(data, "tool"))
    assert found["bandit"].state is CellState.MEASURED
    assert found["ruff"].state is CellState.NOT_MEASURED


def test_findings_of_a_tool_without_coverage_are_a_lower_bound():
    found = rows(severity_bars_info(dataset([finding()]), "tool"))
    assert found["bandit"].state is CellState.PARTLY
    assert "no tool said what it read" in found["bandit"].hover


def test_an_analysis_that_never_ran_has_a_row():
    data = dataset(cells=[coverage()], tasks=[task(status=TaskStatus.PENDING, analysis_type="zap")])
    found = rows(severity_bars_info(data, "analysis"))
    assert found["zap"].state is CellState.NOT_MEASURED
    assert found["backend_security"].state is CellState.MEASURED


def test_of_two_jobs_each_app_counts_once():
    data = several_jobs([7, 7])
    one = several_jobs([7])
    info = severity_bars_info(data, "model")
    assert sum(row.total for row in info.rows) == len(one.findings)
    assert any(note.startswith("Several jobs") for note in info.notes)


def test_many_models_are_capped_and_the_rest_is_told():
    data = dataset([finding(f"m{n:02}") for n in range(50)], [coverage(f"m{n:02}") for n in range(50)])
    info = severity_bars_info(data, "model")
    assert len(info.rows) == 40
    assert "And 10 more models with 10 findings." in info.notes


def test_bars_stack_from_the_worst():
    data = dataset([finding(number=n) for n in (0, 1, 2)], [coverage()])
    figure = traces(bars_figure(severity_bars_info(data, "model")))
    assert [figure[str(severity)].base for severity in Severity] == [(0,), (1,), (2,)]


def test_something_that_has_no_dataset_is_refused():
    with pytest.raises(InvalidValueError, match="source"):
        severity_bars_info(object(), "model")
