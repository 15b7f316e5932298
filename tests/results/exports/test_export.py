from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import openpyxl
import pandas as pd
import pytest
from factories import HOSTILE, coverage, finding, job, portfolio, result, task
from filled import measurement, odd_findings, odd_measurements

from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.dataset import FRAME_NAMES, Dataset
from batchnb.results.exports import excel
from batchnb.results.exports.export import export, write_csv, write_excel, write_json_lines, write_parquet
from batchnb.results.frames import findings_frame, measurements_frame, tasks_frame
from batchnb.tools.text import visible

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "'=1",
    '"=1',
    "' \"=1",
    "“=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    '=HYPERLINK("https://evil.example","x")',
    "=cmd|' /C calc'!A0",
)
HARMLESS = ("a=b", "1-1", "mail@example.org", "", "'quoted'", "x", "#REF!", "ä")


def dataset(findings=None):
    tasks = [task(), task(2, app_num=2)]
    return Dataset.from_records(
        jobs=[job(tasks)],
        tasks=tasks,
        results=[result()],
        findings=odd_findings("m", 1) if findings is None else findings,
        measurements=[*odd_measurements("m", 1), measurement()],
        coverage=[coverage()],
        portfolio=portfolio(),
        provenance={"python": "3.13", "digests": {"m/app1": "00ff"}},
    )


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_no_cell_of_a_csv_begins_like_a_formula(tmp_path):
    raw = pd.DataFrame({"=evil": [*FORMULAS, *HARMLESS], "model": pd.Categorical([*FORMULAS, *HARMLESS])})
    header, *rows = read_csv(write_csv(raw, tmp_path / "x.csv"))
    assert header == ["'=evil", "model"]
    expected = [f"'{text}" for text in FORMULAS] + list(HARMLESS)
    assert [row[0] for row in rows] == expected
    # what cannot be seen in a category is an escape, so that it is no formula any more
    assert [row[1] for row in rows] == [
        visible(text[1:]) if text[1:2] in set("\r\u00a0\u200b\ufeff") else text for text in expected
    ]


def test_no_text_column_of_findings_is_forgotten(tmp_path):
    evil = "=1+1"
    texts = dict.fromkeys(("model", "analysis_type", "tool", "rule", "path", "message", "snippet"), evil)
    frame = findings_frame([finding(**texts, fingerprint=evil, tags=(evil,))])
    header, row = read_csv(write_csv(frame, tmp_path / "x.csv"))
    cells = dict(zip(header, row, strict=True))
    assert {name for name, cell in cells.items() if cell == "'=1+1"} == {*texts, "fingerprint", "tags"}
    assert not any(cell.startswith("=") for cell in row)


def test_every_text_of_a_csv_is_in_quotes_so_that_no_separator_splits_it(tmp_path):
    written = write_csv(findings_frame([finding(message="a;=1+1\tb")]), tmp_path / "x.csv").read_text()
    assert '"a;=1+1\tb"' in written


def test_a_csv_is_read_back(tmp_path):
    frame = measurements_frame([measurement(value=value) for value in (1 / 3, None, 5e-324, -2.0)])
    back = pd.read_csv(write_csv(frame, tmp_path / "x.csv"), dtype={"value": "Float64"})
    assert back["value"].tolist()[0] == 1 / 3
    assert back["value"].isna().tolist() == [False, True, False, False]
    assert list(back.columns) == list(frame.columns)


def test_an_index_that_says_something_is_kept(tmp_path):
    table = pd.DataFrame({"low": [1], "high": [2]}, index=pd.Index(["=m"], name="model"))
    assert read_csv(write_csv(table, tmp_path / "x.csv")) == [["low", "high", "model"], ["1", "2", "'=m"]]


@pytest.mark.parametrize("name", FRAME_NAMES)
def test_parquet_gives_every_frame_back(tmp_path, name):
    frame = dataset().frames[name]
    back = pd.read_parquet(write_parquet(frame, tmp_path / "x.parquet"))
    pd.testing.assert_frame_equal(back, frame, check_categorical=False)
    for column in frame.select_dtypes("category"):
        assert back[column].cat.ordered == frame[column].cat.ordered
        if len(frame):  # without a row Parquet has no words at all
            assert list(back[column].cat.categories) == list(frame[column].cat.categories)


def test_json_lines_are_exact(tmp_path):
    frame = dataset().measurements
    lines = write_json_lines(frame, tmp_path / "x.jsonl").read_text(encoding="ascii").splitlines()
    rows = [json.loads(line) for line in lines]
    expected = [None if pd.isna(value) else value for value in frame["value"]]
    assert [row["value"] for row in rows] == expected
    assert [row["subject"] for row in rows] == frame["subject"].tolist()


def test_json_lines_have_times_in_utc(tmp_path):
    started = datetime(2026, 3, 2, 9, 30, 1, 5, tzinfo=UTC)
    frame = tasks_frame([task(started_at=started), task(2, app_num=2, started_at=None, completed_at=None)])
    first, second = map(json.loads, write_json_lines(frame, tmp_path / "x.jsonl").read_text().splitlines())
    assert datetime.fromisoformat(first["started_at"]) == started
    assert second["started_at"] is None


def sheet_rows(path, name):
    return list(openpyxl.load_workbook(path)[name].iter_rows())


def test_a_workbook_has_a_sheet_for_each_frame(tmp_path):
    data = dataset()
    book = openpyxl.load_workbook(write_excel(data, tmp_path / "x.xlsx"))
    assert book.sheetnames == ["about", *FRAME_NAMES]
    for name, frame in data.frames.items():
        header, *rows = book[name].iter_rows(values_only=True)
        assert list(header) == list(frame.columns)
        assert len(rows) == len(frame)
        assert book[name].freeze_panes == "A2"
        assert book[name].auto_filter.ref
    told = {row[0]: row[1] for row in book["about"].iter_rows(values_only=True)}
    assert told["findings"] == len(data.findings)


def test_a_workbook_gives_values_back(tmp_path):
    frame = dataset().findings
    header, *rows = sheet_rows(write_excel({"findings": frame}, tmp_path / "x.xlsx"), "findings")
    for place, name in enumerate(cell.value for cell in header):
        expected = [None if pd.isna(value) else value for value in frame[name]]
        assert [row[place].value for row in rows] == expected, name


def test_no_text_of_a_workbook_is_a_formula_or_a_link(tmp_path):
    texts = [*FORMULAS, "https://evil.example", "mailto:x@y", "internal:Sheet1!A1", *HOSTILE, "{=1+1}"]
    frame = pd.DataFrame({"text": pd.Series(texts, dtype=object)})
    rows = sheet_rows(write_excel({"x": frame}, tmp_path / "x.xlsx"), "x")[1:]
    assert {row[0].data_type for row in rows} == {"s"}
    assert not any(row[0].hyperlink for row in rows)
    assert "=1+1" in [row[0].value for row in rows]


def test_what_a_sheet_cannot_hold_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "MOST_ROWS", 3)
    frame = findings_frame([finding(number=n, message="x" * 40_000) for n in range(5)])
    book = openpyxl.load_workbook(write_excel({"findings": frame}, tmp_path / "x.xlsx"))
    about = list(book["about"].iter_rows(min_row=2, max_row=2, values_only=True))
    assert about == [("findings", 5, "only the first 3 rows fit; 3 texts cut to 32,767 characters")]
    assert book["findings"].max_row == 4


@pytest.mark.parametrize("name", ["", "a/b", "x" * 32, "About", "history", "'a"])
def test_a_name_that_no_sheet_can_have_is_refused(tmp_path, name):
    with pytest.raises(InvalidValueError, match="sheet name"):
        write_excel({name: findings_frame([])}, tmp_path / "x.xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl", ".xlsx", ".batchnb", ".CSV"])
def test_export_goes_by_the_name_of_the_file(tmp_path, suffix):
    written = export(dataset(), tmp_path / f"x{suffix}", frame="coverage")
    starts = {
        ".csv": b'"job_id"',
        ".parquet": b"PAR1",
        ".jsonl": b'{"job_id"',
        ".xlsx": b"PK",
        ".batchnb": b"PK",
    }
    assert written.read_bytes().startswith(starts[suffix.lower()])
    assert [path.name for path in tmp_path.iterdir()] == [f"x{suffix}"]


@pytest.mark.parametrize("name", ["x.txt", "x", "csv", ".csv"])
def test_another_ending_is_refused_with_those_that_are_known(tmp_path, name):
    with pytest.raises(InvalidValueError, match=r"\.csv, \.parquet, \.jsonl, \.xlsx, \.batchnb"):
        export(dataset(), tmp_path / name)


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(UnknownNameError, match=r"frame 'finding'.*findings"):
        export(dataset(), tmp_path / "x.csv", frame="finding")
    with pytest.raises(InvalidValueError, match="source"):
        export([1], tmp_path / "x.csv")
    with pytest.raises(InvalidValueError, match="no folder"):
        export(dataset(), tmp_path / "no" / "x.csv")
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(InvalidValueError, match="it is a folder"):
        export(dataset(), tmp_path / "x.csv")


@pytest.mark.parametrize("write", [write_csv, write_parquet, write_json_lines])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, write):
    target = tmp_path / "x"
    target.write_text("old")
    odd = pd.DataFrame({"a": [1, "x", object()]})
    with pytest.raises(InvalidValueError, match="frame"):
        write(odd, target)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_json_cannot_hold_is_an_error_and_no_half_file(tmp_path):
    endless = pd.DataFrame({"a": [1.0, float("inf")]})
    with pytest.raises(InvalidValueError, match="JSON"):
        write_json_lines(endless, tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_an_empty_dataset_is_no_surprise(tmp_path):
    empty = Dataset.from_records()
    for suffix in (".csv", ".parquet", ".jsonl", ".xlsx", ".batchnb"):
        assert export(empty, tmp_path / f"x{suffix}").stat().st_size >= 0
