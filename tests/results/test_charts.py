from __future__ import annotations

import json
import re
import time
from dataclasses import fields, is_dataclass

import pytest
from chart_cases import dataset, full, percentiles, several_jobs, with_many_findings
from factories import HOSTILE, batch, coverage, finding, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results import charts
from batchnb.results.charts import severity_chart, severity_figure
from batchnb.results.drawing.catalogue import CHARTS
from batchnb.results.drawing.latency import latency_info
from batchnb.results.drawing.latency_figure import latency_figure
from batchnb.results.drawing.rows import model_labels, wrap_rows
from batchnb.results.severity import CellState, severity_info

MEGABYTE = 1_000_000


def values(figure, name):
    """Return (model label, app) -> y of the traces called `name`, without the missing ones."""
    return {
        (model, app): y
        for trace in figure.data
        if trace.name == name
        for model, app, y in zip(*trace.x, trace.y, strict=True)
        if y is not None
    }


def hovers(figure):
    return [text for trace in figure.data if trace.name == "hover" for text in trace.hovertext]


def some(count, models=1):
    return severity_info([], [coverage(f"m{n % models}", n // models + 1) for n in range(count)])


# ------------------------------------------------------------------------------- severity per app


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
    (text,) = hovers(severity_chart([], cells))
    assert "bandit (backend_security): timed out, stopped after 60 s" in text


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
    figure = severity_figure(info)
    assert len(figure.data) == 7 * len(rows)
    assert len(hovers(figure)) == count
    assert len(figure.layout.annotations) == 0


def test_of_many_apps_the_worst_are_shown_and_the_rest_is_told():
    cells = [
        coverage("m", n, status=CoverageStatus.FAILED if n < 5 else CoverageStatus.OK) for n in range(1, 501)
    ]
    found = [finding("m", n, 1) for n in range(201, 501)]
    figure = severity_figure(severity_info(found, cells))
    assert {int(app) for _, app in values(figure, "high")} == set(range(201, 501))
    (note,) = figure.layout.annotations
    assert note.text.replace("<br>", " ") == (
        "The 300 apps with the most and worst findings, of 500; 4 of all were not measured."
    )


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


def test_states_reach_the_figure_from_info_alone():
    info = severity_info([], [coverage(status=CoverageStatus.NOT_APPLICABLE)])
    assert info.cells[0].state is CellState.NOT_APPLICABLE
    (totals,) = (trace for trace in severity_figure(info).data if trace.name == "total")
    assert totals.text == ("n/a",)


# ------------------------------------------------------------------------------------- all charts


def test_every_chart_has_a_function():
    data = full()
    for name in set(CHARTS) - {"severity_by_model", "severity_by_analysis", "severity_by_tool"}:
        assert len(getattr(charts, name)(data).data) > 0, name
    for by in ("app", "model", "analysis", "tool"):
        assert len(charts.severity(data, by=by).data) > 0
    assert charts.names() == tuple(CHARTS)


def test_anything_that_has_a_dataset_will_do():
    class Job:
        dataset = full()

    assert charts.heat_map(Job()) == charts.heat_map(Job.dataset)
    with pytest.raises(InvalidValueError, match="source"):
        charts.heat_map([finding()])


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match="rule"):
        charts.severity(full(), by="rule")
    with pytest.raises(UnknownNameError, match="pie"):
        charts.describe("pie", full())


@pytest.mark.parametrize("name", CHARTS)
def test_info_is_frozen_plain_data_with_words(name):
    info = CHARTS[name].info(full())
    assert is_dataclass(info)
    with pytest.raises(AttributeError):
        setattr(info, fields(info)[0].name, None)
    assert CHARTS[name].info(full()) == info
    assert len(charts.describe(name, full())) > 20


@pytest.mark.parametrize("name", CHARTS)
def test_a_figure_fits_both_themes(name):
    layout = CHARTS[name].figure(CHARTS[name].info(full())).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color == "#797979"


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("is_planned", [False, True], ids=["empty", "nothing measured"])
def test_nothing_to_show_is_said_and_is_no_zero(name, is_planned):
    waiting = [
        task(n, app_num=n, status=TaskStatus.PENDING, analysis_type=kind)
        for n, kind in enumerate(("backend_security", "performance", "gpt4all"), start=1)
    ]
    data = dataset(tasks=waiting if is_planned else ())
    figure = CHARTS[name].figure(CHARTS[name].info(data))
    counts = [trace for trace in figure.data if trace.name != "measured in full"]  # a share may well be 0 %
    shown = [text for trace in counts for text in (trace.text or ())]
    assert not any("0" in text for text in shown)
    patterns = [
        trace.marker.pattern.shape for trace in figure.data if trace.type == "bar" and trace.showlegend
    ]
    assert "/" in patterns or figure.layout.annotations[0].text
    assert "0 high" not in charts.describe(name, data)


# ---------------------------------------------------------------------------------- hostile texts


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings(each)


@pytest.mark.parametrize("text", [*HOSTILE, "%{x}<extra>no</extra>", "$\\href{javascript:alert(1)}{x}$"])
@pytest.mark.parametrize("name", CHARTS)
def test_hostile_texts_are_literal_everywhere(name, text):
    if name == "agreement":
        text = text.replace("\ud800", "")  # names are compared as UTF-8 there
    figure = CHARTS[name].figure(CHARTS[name].info(full(models=(text, "b"), text=text)))
    found = list(strings(json.loads(figure.to_json())))
    for shown in found:
        left = re.sub(r"</?b>|<br>|<extra></extra>", "", shown)
        assert "<" not in left, shown
        assert "$" not in left, shown
        assert left.isprintable(), shown
    templates = [trace.hovertemplate for trace in figure.data if trace.hovertemplate]
    assert not any("extra>no" in each for each in templates)


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_hostile_texts_do_nothing_in_a_browser(tmp_path, browser):
    """Every chart is drawn and hovered with a payload in every text."""
    from batchnb.results.drawing._plotly import plotly_javascript

    for number, text in enumerate(HOSTILE):
        plain = text.replace("\ud800", "")
        data = full(models=(plain, "b"), text=plain)
        drawn = [chart.figure(chart.info(data)) for chart in CHARTS.values()]
        divs = "".join(
            each.to_html(full_html=False, include_plotlyjs=False, div_id=f"f{n}")
            for n, each in enumerate(drawn)
        )
        file = tmp_path / f"{number}.html"
        file.write_text(f"<script>{plotly_javascript()}</script>{divs}", encoding="utf-8")
        page = browser.new_page()
        page.goto(file.as_uri())
        page.wait_for_function("n => document.querySelectorAll('.main-svg').length >= n", arg=len(drawn))
        page.evaluate(
            "n => { for (let i = 0; i < n; i++) {"
            " const node = document.getElementById('f' + i);"
            " node.data.forEach((trace, c) => { if (trace.hovertext)"
            "  Plotly.Fx.hover(node, [{curveNumber: c, pointNumber: 0}],"
            "   (trace.xaxis || 'x') + (trace.yaxis || 'y')); }); } }",
            len(drawn),
        )
        assert page.evaluate("window.pwn") is None
        assert page.locator("svg script, svg img, svg a").count() == 0
        page.close()


# --------------------------------------------------------------------------------------- big data


@pytest.fixture(scope="module")
def big():
    models = [f"vendor_model-{n}-2026-01-31" for n in range(9)]
    return with_many_findings(full(models, range(1, 31), endpoints=6), 1_000_000)


@pytest.mark.parametrize("name", sorted(set(CHARTS) - {"agreement"}))
def test_a_million_findings_are_aggregated_first(name, big):
    begin = time.perf_counter()
    figure = CHARTS[name].figure(CHARTS[name].info(big))
    seconds = time.perf_counter() - begin
    size = len(figure.to_json().encode())
    print(f"{name}: {size:,} bytes in {seconds:.2f} s")
    assert size < MEGABYTE
    assert seconds < 30  # a loop over findings takes minutes


@pytest.mark.parametrize("name", CHARTS)
def test_a_thousand_apps_fit(name):
    figure = CHARTS[name].figure(CHARTS[name].info(full(["gpt-4o"], range(1, 1001), endpoints=1)))
    assert len(figure.to_json().encode()) < MEGABYTE
    assert figure.layout.height < 3_000


def test_many_models_fit():
    data = full([f"vendor_model-{n:03}" for n in range(100)], range(1, 11))
    for name in CHARTS:
        figure = CHARTS[name].figure(CHARTS[name].info(data))
        assert len(figure.to_json().encode()) < MEGABYTE, name


def test_two_hundred_endpoints_fit():
    numbers = [each for n in range(200) for each in percentiles(n + 1, f"GET /{'x' * 300}{n}")]
    assert len(latency_figure(latency_info(dataset(numbers=numbers))).to_json()) < MEGABYTE / 10


def test_every_chart_of_several_jobs_counts_each_app_once():
    data = several_jobs([1, 2, 3])
    newest = len(data.latest().findings)
    for name in ("severity", "severity_by_model", "severity_by_tool", "cwe", "owasp", "top_rules"):
        info = CHARTS[name].info(data)
        assert sum(each.total for each in getattr(info, "rows", None) or info.cells) == newest, name
