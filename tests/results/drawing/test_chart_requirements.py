from __future__ import annotations

import pytest
from chart_cases import ASKED, dataset, verdict
from factories import coverage, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.results.drawing.grid import grid_text
from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.drawing.requirements import requirements_info


def kinds(info):
    return {
        (block.heading, row.label): [cell and cell.kind for cell in row.cells]
        for block in info.blocks
        for row in block.rows
    }


@pytest.mark.parametrize(
    ("value", "samples", "kind"),
    [
        (1, 3, "met"),
        (0, 3, "not met"),
        (None, 3, "cannot tell"),
        (None, None, "cannot tell"),
        (None, 0, "not checked"),
    ],
)
def test_each_answer_is_its_own_kind(value, samples, kind):
    info = requirements_info(dataset(numbers=[verdict(value, samples=samples)]))
    assert kinds(info) == {("gpt-4o", "1"): [kind]}
    (trace,) = grid_figure(info).data
    assert (trace.marker.pattern.shape == "/") is (kind == "not checked")


def test_an_app_whose_analysis_failed_is_not_checked_for_what_others_of_its_number_were():
    numbers = [verdict(1, n, app_num=app) for app, n in ((1, 1), (1, 2), (2, 1))]
    failed = coverage("claude", 1, "llm", CoverageStatus.FAILED, analysis_type=ASKED, detail="no answer")
    info = requirements_info(dataset(numbers=numbers, cells=[failed]))
    assert kinds(info) == {
        ("claude", "1"): ["not checked", None],
        ("claude", "2"): ["not checked", None],
        ("gpt-4o", "1"): ["met", "met"],
        ("gpt-4o", "2"): ["met", None],
    }
    cell = info.blocks[0].rows[0].cells[0]
    assert any("no answer" in line for line in cell.hover)


def test_an_app_of_a_number_that_nobody_judged_is_not_checked_at_all():
    waiting = task(5, "gpt-4o", 7, TaskStatus.PENDING, analysis_type=ASKED)
    info = requirements_info(dataset(numbers=[verdict(1), verdict(0, 2)], tasks=[waiting]))
    assert info.columns == ("1", "7")
    assert [row.cells[1].kind for row in info.rows if row.cells[1]] == ["not checked"] * len(info.rows)


def test_nothing_judged_is_hatched_not_unmet():
    info = requirements_info(dataset(tasks=[task(status=TaskStatus.FAILED, analysis_type=ASKED)]))
    assert kinds(info) == {("gpt-4o", "all requirements"): ["not checked"]}
    assert info.notes == ()


def test_an_app_without_requirements_is_left_out():
    absent = coverage(app_num=9, tool="llm", status=CoverageStatus.NOT_APPLICABLE, analysis_type=ASKED)
    info = requirements_info(dataset(numbers=[verdict(1)], cells=[absent]))
    assert info.columns == ("1",)


def test_requirements_stand_in_natural_order():
    info = requirements_info(dataset(numbers=[verdict(1, n) for n in (10, 9, 2, 1)]))
    assert [row.label for row in info.rows] == ["1", "2", "9", "10"]


def test_a_digit_that_is_no_number_does_not_break_the_order():
    numbers = [verdict(1), verdict(1, "²"), verdict(1, "x٣")]
    assert len(requirements_info(dataset(numbers=numbers)).rows) == 3


def test_two_judges_are_two_blocks():
    info = requirements_info(dataset(numbers=[verdict(1), verdict(0, tool="heuristic")]))
    assert [block.heading for block in info.blocks] == [
        "gpt-4o, judged by heuristic",
        "gpt-4o, judged by llm",
    ]


def test_many_apps_share_columns_and_count_what_could_be_told():
    numbers = [verdict(1 if n % 2 else None, r, app_num=n) for n in range(1, 101) for r in (1, 2)]
    info = requirements_info(dataset(numbers=numbers))
    assert len(info.columns) == 50
    cell = next(info.cells)
    assert (cell.mark, cell.kind, cell.partial) == ("2/2", "all met", True)
    assert any(trace.name == "not all could be told" for trace in grid_figure(info).data)


def test_of_nothing_told_no_share_is_shown():
    numbers = [verdict(None, app_num=n) for n in range(1, 101)]
    info = requirements_info(dataset(numbers=numbers))
    assert {(cell.kind, cell.mark) for cell in info.cells} == {("cannot tell", "?")}


def test_words_count_per_model():
    text = grid_text(requirements_info(dataset(numbers=[verdict(1), verdict(0, 2), verdict(None, 3)])))
    assert "gpt-4o: 1 met, 1 not met, 1 cannot tell." in text
    assert "Judged by: llm." in text
    assert grid_text(requirements_info(dataset())).endswith("No requirement was to be checked.")
