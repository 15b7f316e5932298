"""The charts of a comparison: what they say, and that nothing unmeasured looks like a zero."""

from __future__ import annotations

import re

import pytest
from factories import HOSTILE, coverage, finding
from model_data import FAILED, compared

from batchnb.records import CoverageStatus
from batchnb.records.errors import UnknownNameError
from batchnb.results.drawing.grid import grid_text
from batchnb.results.models.charts import forest_chart, rank_chart, rate_chart, rule_share_chart
from batchnb.results.models.comparison import compare_models
from batchnb.results.models.intervals import forest_info, intervals_text, rates_info
from batchnb.results.models.rank_chart import ranks_info
from batchnb.results.models.rule_chart import shares_info, shares_text
from batchnb.results.models.systemic_chart import systemic_chart, systemic_info

FAST = {"resamples": 999}
CHARTS = (rate_chart, forest_chart, rank_chart, rule_share_chart)


@pytest.fixture(name="found", scope="module")
def _found():
    counts = {"a": range(20, 32), "b": range(12), "c": [FAILED, *range(1, 12)], "dead": [FAILED] * 12}
    return compare_models(compared(counts, apps={}), **FAST)


def trace(figure, name):
    (one,) = (each for each in figure.data if each.name == name)
    return one


def values(figure, name):
    return [x for x in trace(figure, name).x if x is not None]


def test_rates_are_ordered_fewest_first_and_the_unmeasured_is_last_and_hatched(found):
    info = rates_info(found)
    assert [row.label for row in info.rows] == ["b", "c", "a", "dead"]
    assert info.rows[-1].value is None
    assert "nothing to compare" in info.rows[-1].detail
    figure = rate_chart(found)
    assert values(figure, "with 95 % interval") == [5.5, 6, 25.5]
    hatch = trace(figure, "not measured")
    assert [x is not None for x in hatch.x] == [False, False, False, True]
    assert hatch.marker.pattern.shape == "/"
    assert values(figure, "what the unmeasured leaves open") == [66 / 12, (66 + 31) / 12]


def test_rates_have_their_intervals(found):
    figure = rate_chart(found)
    rate = found.rates.set_index("model").loc["b"]
    mark = trace(figure, "with 95 % interval")
    assert mark.error_x.array[0] == pytest.approx(rate["per_app_high"] - rate["per_app"])
    assert mark.error_x.arrayminus[0] == pytest.approx(rate["per_app"] - rate["per_app_low"])
    assert "per 1,000 lines" in rates_info(found, per="kloc").title
    assert len(values(rate_chart(found, per="kloc"), "with 95 % interval")) == 3
    with pytest.raises(UnknownNameError, match="app, kloc"):
        rates_info(found, per="page")


def test_the_forest_tells_clear_differences_by_shape_and_colour_and_hatches_what_cannot_be_compared(found):
    info = forest_info(found)
    assert len(info.rows) == 6
    assert {row.label for row in info.rows if row.value is None} == {"a − dead", "b − dead", "c − dead"}  # noqa: RUF001
    figure = forest_chart(found)
    clear, unclear = trace(figure, "told apart, with 95 % interval"), trace(figure, "not told apart")
    assert (clear.marker.symbol, unclear.marker.symbol) == ("diamond", "circle-open")
    assert len(values(figure, "told apart, with 95 % interval")) == 2
    assert len(values(figure, "not told apart")) == 1
    assert len(values(figure, "not measured")) == 3
    (zero,) = figure.layout.shapes
    assert (zero.x0, zero.x1, zero.xref) == (0, 0, "x2")
    assert any("of 12 blocks" in text for text in trace(figure, "hover").hovertext) or info.rows[0].detail


def test_ranks_show_their_chances_and_who_is_not_ranked(found):
    info = ranks_info(found)
    kinds = {block.heading: [cell.kind for cell in block.rows[0].cells] for block in info.blocks}
    assert kinds["dead"] == ["not ranked"] * 3
    assert kinds["a"] == ["under 1 %", "under 1 %", "75 to 100 %"]
    assert "dead is not ranked" in grid_text(info)
    assert trace(rank_chart(found), "not ranked").marker.pattern.shape == "/"


def test_too_few_blocks_give_no_chances():
    few = compare_models(compared({"a": [1, 2], "b": [3, 4]}), **FAST)
    info = ranks_info(few)
    assert {cell.kind for cell in info.cells} == {"not ranked"}
    assert any("too few blocks" in note.lower() for note in info.notes)
    assert rank_chart(few).data


def test_rules_that_the_ranking_hangs_on_are_marked():
    extra = [finding("a", n, rule="B104", line=99) for n in range(1, 8)] * 2
    found = compare_models(compared({"a": [1] * 7, "b": [2] * 7}, extra=extra), **FAST)
    info = shares_info(found)
    marked = {row.label: row.order_changes for row in info.rows}
    assert marked == {"B201 (bandit)": False, "B104 (bandit)": True}
    figure = rule_share_chart(found)
    assert list(trace(figure, "share of the apps in which it fires").x) == [1, 0.5]
    assert sum(note.text.startswith("⇄ B104") for note in figure.layout.annotations) == 1
    assert "changes without it: a &lt; b" in "".join(trace(figure, "hover").hovertext)
    assert "B104 (bandit)" in shares_text(info)


def test_without_a_finding_there_is_a_word_instead_of_a_chart():
    found = compare_models(compared({"a": [0, 0], "b": [0, 0]}), **FAST)
    assert "No finding" in rule_share_chart(found).layout.annotations[0].text
    for chart in CHARTS:
        assert chart(found).to_dict()


def test_every_chart_has_words_and_no_background(found):
    infos = (rates_info(found), rates_info(found, per="kloc"), forest_info(found))
    texts = [*map(intervals_text, infos), grid_text(ranks_info(found)), shares_text(shares_info(found))]
    for text in texts:
        assert len(text) > 60
        assert not re.search(r"\b(safe|safer|safety|secure)\b", text)
    for chart in CHARTS:
        assert chart(found).layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_names_from_outside_are_shown_literally():
    names = [HOSTILE[0], HOSTILE[4], "$x$", HOSTILE[3]]
    extra = [finding(names[0], n, rule=HOSTILE[1], message=HOSTILE[0], line=50) for n in (1, 2)]
    data = compared({name: [1, 2, 3, 4, 5, 6] for name in names}, extra=extra)
    found = compare_models(data, **FAST)
    figures = [chart(found) for chart in CHARTS] + [systemic_chart(data, by="rule")]
    for figure in figures:
        plain = figure.to_dict()
        for text in re.findall(r"<(?!/?b>|br>)[^ ]", str(plain)):
            pytest.fail(f"markup: {text}")
        assert "$x$" not in str(plain)
        assert "\u202e" not in str(plain)


def test_the_map_of_systemic_flaws_never_takes_the_unmeasured_for_without():
    extra = [finding("a", n, rule="B104", line=99) for n in (1, 2, 3)]
    cells = [coverage("c", n, status=CoverageStatus.NOT_APPLICABLE) for n in (1, 2, 3)]
    data = compared(
        {"a": [0, 0, 0, FAILED], "b": [0, 0, 0, 0], "dead": [FAILED] * 4, "c": []}, extra=extra, cells=cells
    )
    info = systemic_info(data)
    (row,) = info.rows
    assert info.columns == ("a", "b", "c", "dead")
    assert [cell.mark for cell in row.cells] == ["3/3", "0/4", "–", ""]  # noqa: RUF001
    assert [cell.kind for cell in row.cells] == ["75 to 100 %", "in no app", "not applicable", "not measured"]
    assert row.cells[0].partial
    assert "not known of 1" in grid_text(info)
    assert trace(systemic_chart(data), "not measured").marker.pattern.shape == "/"


def test_no_systemic_flaw_is_a_word_too():
    assert "No app" in systemic_chart(compared({"a": [], "b": []})).layout.annotations[0].text
