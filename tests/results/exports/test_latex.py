"""LaTeX tables: any text is printed and nothing else; what is missing is a dash that is explained."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from factories import HOSTILE, coverage, finding, portfolio

from batchnb.records import CoverageStatus
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.dataset import Dataset
from batchnb.results.exports.latex import latex_table, latex_tables, latex_text

PAYLOADS = (
    *HOSTILE,
    r"\input{/etc/passwd}",
    r"\write18{id}",
    r"}\end{tabular}{",
    "100% & $x_1^2$ #1 ~",
    "^^5cinput",
    "[1ex] *",
    "--",
    "---",
    "中文 ü",
    "a\n\nb\\\\c",
)
COMMANDS = {"textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar"}
COMMANDS |= {"textasciigrave"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_is_printed_only(payload):
    text = latex_text(payload)

    assert set(re.findall(r"\\([a-zA-Z]+)", text)) <= COMMANDS
    bare = re.sub(r"\\[{}$&#_%]", "", text)
    assert not set(bare) & set("$&#_%^~<>|`\n")
    assert bare.count("{") == bare.count("}")
    assert all(ord(char) <= 0xFF for char in text)
    assert "--" not in text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_table_keeps_its_shape(payload):
    texts = pd.Series([payload, None], dtype=object)
    frame = pd.DataFrame({"t": texts, "n": [1, 2]})
    table = latex_table(frame, caption=payload, label="tab:x", columns={"t": payload, "n": "n"}, note=payload)

    bare = re.sub(r"\\[{}$&#_%]", "", table)
    assert bare.count("{") == bare.count("}")
    assert bare.count("&") == 3
    assert len(re.findall(r"\\\\$", table, flags=re.MULTILINE)) == 3
    assert table.count(r"\begin{") == table.count(r"\end{") == 2


def test_numbers():
    frame = pd.DataFrame(
        {
            "name": ["a", "b", "c"],
            "whole": pd.array([1234567, None, -3], dtype="Int64"),
            "part": [0.125, float("nan"), -1.5],
            "flag": [True, False, True],
        }
    )
    table = latex_table(frame, caption="c", label="tab:n", columns={"whole": "W", "part": "P", "flag": "F"})

    assert r"\begin{tabular}{rrl}" in table
    assert "1,234,567 & 0.12 & True" in table
    assert "-- & -- & False" in table
    assert "$-$3 & $-$1.50 & True" in table
    assert "--: not measured" in table


def test_no_note_without_a_reason():
    table = latex_table(pd.DataFrame({"a": [1]}), caption="c", label="t")

    assert "not measured" not in table
    assert "footnotesize" not in table


@pytest.mark.parametrize(
    ("options", "kind"),
    [({"label": "a}b"}, InvalidValueError), ({"label": "t", "columns": {"z": "Z"}}, UnknownNameError)],
)
def test_bad_arguments(options, kind):
    with pytest.raises(kind):
        latex_table(pd.DataFrame({"a": [1]}), caption="c", **options)


def test_the_usual_tables():
    cells = [coverage(), coverage(app_num=2), coverage(model="claude", status=CoverageStatus.TIMED_OUT)]
    data = Dataset.from_records(
        coverage=cells, findings=[finding(), finding(number=1)], portfolio=portfolio()
    )
    tables = latex_tables(data)

    assert list(tables) == ["coverage", "rates", "severity"]
    assert r"claude & 1 & 0 & 0 & 1 & 0 \\" in tables["coverage"]
    assert r"claude & 0 & -- & -- & -- \\" in tables["rates"]
    assert r"gpt-4o & 2 & 2 & 1.00 & 1.07 \\" in tables["rates"]
    assert r"claude & 1 & -- & -- & -- & -- \\" in tables["severity"]
    assert "lower bounds" in tables["severity"]


def test_rates_with_intervals():
    nothing = [None, 2.0]
    rates = pd.DataFrame(
        {
            "model": ["a_b", "c"],
            "used": [0, 4],
            "findings": [0, 8],
            "per_app": nothing,
            "per_app_low": [None, 1.0],
            "per_app_high": [None, 3.25],
            "per_kloc": nothing,
            "per_kloc_low": [None, None],
            "per_kloc_high": [None, None],
        }
    )
    table = latex_tables(Dataset.from_records(), rates=rates)["rates"]

    assert r"a\_b & 0 & -- & -- & -- \\" in table
    assert r"c & 4 & 8 & 2.00 {[}1.00, 3.25{]} & 2.00 \\" in table
