from __future__ import annotations

import pytest
from chart_cases import batch_dataset, dataset
from factories import coverage, finding, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.records.errors import UnknownNameError
from batchnb.results.drawing.grid import grid_text
from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.drawing.heat import NONE_FOUND, class_edges, heat_map_info

BAD = CoverageStatus.FAILED


def cells(info):
    """Return (heading, column) -> cell."""
    return {
        (block.heading, column): cell
        for block in info.blocks
        for column, cell in zip(info.columns, block.rows[0].cells, strict=True)
    }


def test_every_app_is_a_cell_and_an_app_that_does_not_exist_is_none():
    data = dataset([finding("a", 1)] * 3, [coverage("a", 1), coverage("a", 2), coverage("b", 2)])
    found = cells(heat_map_info(data))
    assert found["a", "1"].mark == "3"
    assert (found["a", "2"].mark, found["a", "2"].kind) == ("0", NONE_FOUND)
    assert found["b", "1"] is None


def test_unmeasured_partly_measured_and_not_applicable_are_three_things():
    data = dataset(
        [finding("a", 2)],
        [
            coverage("a", 1, status=BAD, detail="exit code 3"),
            coverage("a", 2, status=CoverageStatus.PARTIAL),
            coverage("a", 3, status=CoverageStatus.NOT_APPLICABLE),
        ],
        [task(9, "a", 4, TaskStatus.PENDING)],
    )
    found = cells(heat_map_info(data))
    assert (found["a", "1"].kind, found["a", "1"].mark) == ("not measured", "")
    assert any("exit code 3" in line for line in found["a", "1"].hover)
    assert (found["a", "2"].mark, found["a", "2"].partial) == ("≥1", True)
    assert (found["a", "3"].kind, found["a", "3"].mark) == ("not applicable", "n/a")
    assert found["a", "4"].kind == "not measured"


def test_the_figure_hatches_and_dots():
    data = dataset(
        [finding("a", 2)], [coverage("a", 1, status=BAD), coverage("a", 2, status=CoverageStatus.PARTIAL)]
    )
    traces = {trace.name: trace for trace in grid_figure(heat_map_info(data)).data}
    assert traces["not measured"].marker.pattern.shape == "/"
    assert traces["not measured"].text == ("",)
    assert traces["1"].marker.pattern.shape == (".",)
    assert traces["lower bound"].showlegend
    assert NONE_FOUND not in traces


def test_only_one_severity():
    data = dataset([finding(number=1), finding(number=0)], [coverage()])
    info = heat_map_info(data, severity="high")
    assert next(info.cells).mark == "1"
    assert "high severity" in info.title
    with pytest.raises(UnknownNameError, match="critical"):
        heat_map_info(data, severity="critical")


@pytest.mark.parametrize(
    ("highest", "edges"),
    [
        (0, (1,)),
        (1, (1,)),
        (3, (1, 2, 3)),
        (4, (1, 2, 3, 4)),
        (12, (2, 4, 7, 12)),
        (4000, (8, 70, 600, 4000)),
    ],
)
def test_classes_cover_all_counts(highest, edges):
    assert class_edges(highest) == edges


@pytest.mark.parametrize("highest", [*range(1, 200), 999, 1000, 1001, 10**6, 2.5, 17.01])
def test_the_last_class_holds_the_highest(highest):
    edges = class_edges(highest)
    assert edges[-1] >= highest
    assert list(edges) == sorted(set(edges))
    assert len(edges) <= 4


def test_a_thousand_apps_share_columns_and_show_a_mean_of_measured_apps():
    bad = {3, 4}
    data = dataset(
        [finding("a", n) for n in range(1, 1001) if n not in bad],
        [coverage("a", n, status=BAD if n in bad else CoverageStatus.OK) for n in range(1, 1001)],
    )
    info = heat_map_info(data)
    assert len(info.columns) <= 60
    assert info.columns[0] == "1-17"
    first, second = info.blocks[0].rows[0].cells[:2]
    assert (first.mark, first.partial) == ("≥1", True)
    assert "17 apps: 15 measured, 2 not measured" in first.hover
    assert (second.mark, second.partial) == ("1", False)
    assert any("per measured app" in note for note in info.notes)


def test_models_beyond_the_cap_are_told():
    info = heat_map_info(dataset(cells=[coverage(f"m{n:02}") for n in range(45)]))
    assert len(info.blocks) == 40
    assert "And 5 more models." in info.notes


def test_words_name_what_was_not_measured_and_the_highest():
    text = grid_text(heat_map_info(batch_dataset()))
    assert "Not measured: " in text
    assert "Most findings: " in text
    assert grid_text(heat_map_info(dataset())) == "Findings per app. No app was analysed."
