from __future__ import annotations

import pytest
from factories import HOSTILE, batch, coverage, finding

from batchnb.records import CoverageStatus
from batchnb.results.chart_rows import model_labels, wrap_rows
from batchnb.results.charts import severity_chart, severity_figure
from batchnb.results.severity import CellState, severity_info


def values(figure, name):
    """Return (model label, app) -> y of the traces called `name`, without the missing ones."""
    return {
        (model, app): y
        for trace in figure.data
        if trace.name == name
        for model, app, y in zip(*trace.x, trace.y, strict=True)
        if y is not None
    }


def some(count, models=1):
    return severity_info([], [coverage(f"m{n % models}", n // models + 1) for n in range(count)])


def test_an_unmeasured_app_is_a_full_hatch_and_never_a_zero():
    figure = severity_chart([], [coverage(status=CoverageStatus.FAILED)])
    cell = ("gpt-4o", "1")
    assert values(figure, "not measured") == {cell: 1}
    for name in ("high", "medium", "low", "total", "partly measured"):
        assert cell not in values(figure, name)
    (hatch,) = (trace for trace in figure.data if trace.name == "not measured")
    assert hatch.marker.pattern.shape == "/"
    assert hatch.showlegend
    assert tuple(figure.layout.yaxis.range) == (0, 1)
    assert hatch.yaxis == "y"


def test_a_partly_measured_app_has_dots_behind_its_bars_and_a_bound():
    figure = severity_chart([finding()], [coverage(), coverage(tool="ruff", status=CoverageStatus.FAILED)])
    assert values(figure, "partly measured") == {("gpt-4o", "1"): 1}
    assert values(figure, "medium") == {("gpt-4o", "1"): 1}
    (totals,) = (trace for trace in figure.data if trace.name == "total")
    assert totals.text == ("<b>≥1</b>",)
    (dots,) = (trace for trace in figure.data if trace.name == "partly measured")
    assert dots.marker.pattern.shape == "."
    assert figure.layout.yaxis2.overlaying == "y"


def test_a_clean_app_is_marked_with_a_zero():
    figure = severity_chart([], [coverage()])
    (totals,) = (trace for trace in figure.data if trace.name == "total")
    assert (totals.text, totals.y) == (("0",), (0,))
    assert not any(trace.showlegend for trace in figure.data if trace.name == "not measured")


def test_hover_names_the_reason_per_tool():
    cells = [coverage(status=CoverageStatus.TIMED_OUT, detail="stopped after 60 s"), coverage(tool="ruff")]
    figure = severity_chart([], cells)
    assert "bandit (backend_security): timed out, stopped after 60 s" in figure.data[0].hovertext[0]


def test_the_legend_names_every_kind_once():
    tasks, findings, cells = batch(models=[f"m{n}" for n in range(10)], numbers=range(1, 31))
    figure = severity_chart(findings, cells, tasks)
    entries = [trace.name for trace in figure.data if trace.showlegend]
    assert entries == ["not measured", "partly measured", "high", "medium", "low"]


@pytest.mark.parametrize(("count", "models"), [(1, 1), (12, 3), (300, 10), (300, 300), (100, 1)])
def test_every_app_is_drawn_once_on_rows_with_room_for_labels(count, models):
    info = some(count, models)
    rows = wrap_rows(info.cells)
    assert [cell for row in rows for cell in row.cells] == list(info.cells)
    assert max(len(row.cells) for row in rows) <= 31
    assert len(severity_figure(info).to_dict()["data"]) == 6 * len(rows)


def test_one_scale_for_all_rows():
    tasks, findings, cells = batch(models=[f"m{n}" for n in range(10)], numbers=range(1, 31))
    layout = severity_chart(findings, cells, tasks).layout
    assert len({tuple(layout[f"yaxis{2 * n}"].range) for n in range(1, 11)}) == 1


def test_nothing_analysed_says_so():
    figure = severity_chart([], [])
    assert len(figure.data) == 0
    assert figure.layout.annotations[0].text == "No app was analysed."


def test_long_and_invisible_model_names_stay_different_labels():
    names = ["x" * 50 + "1" + "y" * 50, "x" * 50 + "2" + "y" * 50, "a\u200bb", "a\\u200bb", ""]
    labels = model_labels(names)
    assert len(set(labels.values())) == len(names)
    assert all(len(label) <= 40 for label in labels.values())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_escaped_in_labels_and_hover(text):
    cells = [coverage(text, 1, text, CoverageStatus.FAILED, detail=text)]
    figure = severity_chart([finding(text, 2)], cells)
    for trace in figure.data:
        for shown in (*trace.x[0], *trace.hovertext):
            left = shown.replace("<b>", "").replace("</b>", "").replace("<br>", "")
            assert "<" not in left
            assert left.isprintable()
    assert figure.to_json()


def test_states_reach_the_figure_from_info_alone():
    info = severity_info([], [coverage(status=CoverageStatus.NOT_APPLICABLE)])
    assert info.cells[0].state is CellState.NOT_APPLICABLE
    (totals,) = (trace for trace in severity_figure(info).data if trace.name == "total")
    assert totals.text == ("n/a",)
