from __future__ import annotations

from dataclasses import replace

import pytest
from support import app_info, portfolio

from batchnb.records import Portfolio, UnparsedFile
from batchnb.widgets import selection
from batchnb.widgets.selection import AppTable, everything, pick, present_selection, range_text, type_range

TABLE = AppTable(portfolio(atlas=(1, 2, 3), birch=(1, 3)))
ALL = everything(TABLE)


def clicked(old, rows, columns, *, on):
    return pick(TABLE, old, {"rows": rows, "columns": columns, "on": on})


def marks(state):
    return present_selection(TABLE, state)["rows"]


def test_at_first_everything_is_chosen():
    assert present_selection(TABLE, ALL) == {
        "rows": ["111", "1 1"],
        "counts": [[3, 3], [2, 2]],
        "text": "1-3",
        "fault": "",
        "mixed": False,
        "summary": "5 of 5 apps chosen",
    }


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ([0, 0], [1, 1], ["010", "0 0"]),
        ([1, 1], None, ["000", "1 1"]),
        (None, [2, 2], ["001", "0 1"]),
        (None, None, ["111", "1 1"]),
        ([1, 0], [2, 1], ["011", "0 1"]),  # a block from its end to its start
        ([1, 1], [1, 1], ["000", "0 0"]),  # there is no such app
        ([5, 9], None, ["000", "0 0"]),
        ([-3, 0], [-1, 0], ["100", "0 0"]),
        ([-3, -1], None, ["000", "0 0"]),
    ],
)
def test_a_click_picks_a_block(rows, columns, expected):
    none = clicked(ALL, None, None, on=False)
    assert marks(clicked(none, rows, columns, on=True)) == expected


@pytest.mark.parametrize("rows", [[0], "01", 7, [0, "1"], [True, True], {}, [0, 1.0]])
def test_what_no_page_sends_changes_nothing(rows):
    assert marks(clicked(ALL, rows, None, on=False)) == ["111", "1 1"]


def test_the_text_follows_the_clicks_and_says_if_it_cannot():
    state = clicked(ALL, None, [1, 1], on=False)
    assert present_selection(TABLE, state)["text"] == "1,3"
    state = clicked(state, [0, 0], [0, 0], on=False)
    shown = present_selection(TABLE, state)
    assert (shown["text"], shown["mixed"]) == ("", True)
    assert range_text(TABLE, frozenset()) == ""


def test_the_clicks_follow_the_text():
    assert marks(type_range(TABLE, ALL, " 2-3 ")) == ["011", "0 1"]
    assert marks(type_range(TABLE, clicked(ALL, [0, 0], None, on=False), "3")) == ["000", "0 1"]
    assert marks(type_range(TABLE, type_range(TABLE, ALL, "2"), "")) == ["111", "1 1"]


def test_a_model_that_a_range_passes_over_comes_back_when_the_range_goes_on():
    state = type_range(TABLE, ALL, "2")
    assert marks(state) == ["010", "0 0"]
    assert marks(type_range(TABLE, state, "2,3")) == ["011", "0 1"]


def test_a_range_after_none_is_about_all_models():
    assert marks(type_range(TABLE, clicked(ALL, None, None, on=False), "1")) == ["100", "1 0"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1-3,x", "'x' at position 5 is not a number or a range such as 2-4"),
        ("9", "9: no chosen model has them: atlas has 1-3; birch has 1,3"),
        ("3-1", "runs downwards"),
    ],
)
def test_a_wrong_text_stays_as_typed_until_the_next_click(text, fault):
    wrong = type_range(TABLE, ALL, text)
    shown = present_selection(TABLE, wrong)
    assert fault in shown["fault"]
    assert "\n" not in shown["fault"]
    assert (shown["text"], shown["rows"]) == (text, ["111", "1 1"])
    mended = present_selection(TABLE, clicked(wrong, [0, 0], [0, 0], on=False))
    assert (mended["fault"], mended["rows"]) == ("", ["011", "1 1"])


def test_a_cell_says_what_its_app_has():
    bare = app_info("atlas", 1)
    unparsed = (UnparsedFile(path="a.py", line=1, reason="no"),)
    rich = replace(bare, app_num=2, frontend=True, compose=True, files=7, lines_by_language={"Python": 90})
    apps = (replace(bare, placeholder=True), replace(rich, unparsed=unparsed))
    facts = AppTable(Portfolio(base=bare.path, apps=apps)).facts()
    assert facts["cells"] == [[["B··", True, 0, 0, 0], ["BFC", False, 7, 90, 1]]]


def test_a_hostile_name_is_made_visible_and_short():
    table = AppTable(portfolio(**{"a\u202eb" + "x" * 200: (1,)}))
    (name,) = table.facts()["models"]
    assert name.startswith("a\\u202eb")
    assert len(name) == 60


def test_a_portfolio_with_too_many_cells_is_drawn_by_model(monkeypatch):
    monkeypatch.setattr(selection, "MOST_CELLS", 5)
    table = AppTable(portfolio(atlas=(1, 2, 3), birch=(1, 3)))
    assert (table.facts()["numbers"], table.facts()["cells"]) == ([], [[], []])
    shown = present_selection(table, pick(table, everything(table), {"rows": [0, 0], "on": False}))
    assert (shown["rows"], shown["counts"], shown["text"]) == (["", ""], [[0, 3], [2, 2]], "1,3")
