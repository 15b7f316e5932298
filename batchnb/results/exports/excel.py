"""Frames as an Excel workbook in which a text is never a formula and never a link."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import xlsxwriter

from batchnb.records.errors import InvalidValueError
from batchnb.results.text import plural, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

MOST_ROWS = 1_048_575
"""Rows that a sheet holds below its header."""
MOST_CHARACTERS = 32_767
"""Characters that a cell holds."""
_AT_ONCE = 5_000
_ABOUT = "about"
_FORBIDDEN = frozenset("[]:*?/\\'")
_WIDTHS = {"message": 60, "snippet": 60, "path": 36, "reason": 40, "detail": 40, "rule": 20}


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What became of one frame."""

    name: str
    rows: int
    written: int
    cut: int

    @property
    def remark(self) -> str:
        left_out = f"only the first {self.written:,} rows fit" if self.written < self.rows else ""
        cut = f"{plural(self.cut, 'text')} cut to {MOST_CHARACTERS:,} characters" if self.cut else ""
        return "; ".join(filter(None, (left_out, cut)))


def write_workbook(frames: Mapping[str, pd.DataFrame], file: Path) -> None:
    """Write each frame into a sheet of its own, and before them a sheet that lists them.

    Raises:
        InvalidValueError: if a name cannot be that of a sheet.
        OSError: if the file cannot be written.
    """
    for name in frames:
        _require_sheet_name(name)
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
        "tmpdir": str(file.parent),
    }
    book = xlsxwriter.Workbook(str(file), options)
    try:
        bold = book.add_format({"bold": True, "bottom": 1})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        about = book.add_worksheet(_ABOUT)
        sheets = [
            _write_sheet(book.add_worksheet(name), name, frame, bold, time) for name, frame in frames.items()
        ]
        _write_about(about, sheets, bold)
    finally:
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(getattr(error.args[0], "errno", 0), str(error)) from error


def _require_sheet_name(name: str) -> None:
    if not 1 <= len(name) <= 31 or _FORBIDDEN & set(name) or name.lower() in {_ABOUT, "history"}:
        allowed = "1 to 31 characters without []:*?/\\', and neither 'about' nor 'history'"
        raise InvalidValueError("sheet name", name, allowed)


def _write_sheet(sheet: Any, name: str, frame: pd.DataFrame, bold: Any, time: Any) -> _Sheet:
    shown = frame.iloc[:MOST_ROWS]
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(shown), max(0, len(frame.columns) - 1))
    for place, column in enumerate(frame.columns):
        sheet.set_column(place, place, _WIDTHS.get(str(column), 14))
        sheet.write_string(0, place, _text(str(column))[0], bold)
    cut = 0
    for start in range(0, len(shown), _AT_ONCE):
        part = shown.iloc[start : start + _AT_ONCE]
        columns = [part[column].astype(object).where(part[column].notna(), None) for column in part.columns]
        for row, values in enumerate(zip(*columns, strict=True), start=start + 1):
            for place, value in enumerate(values):
                if value is not None:
                    cut += _write_cell(sheet, row, place, value, time)
    return _Sheet(name, len(frame), len(shown), cut)


def _write_cell(sheet: Any, row: int, place: int, value: Any, time: Any) -> bool:
    """Write one value that is not missing; return whether it was cut."""
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value, time)
    elif isinstance(value, (int, float)) and math.isfinite(value):
        sheet.write_number(row, place, value)
    else:
        text, is_cut = _text(str(value))
        sheet.write_string(row, place, text)
        return is_cut
    return False


def _text(text: str) -> tuple[str, bool]:
    text = visible(text)
    return shorten(text, MOST_CHARACTERS), len(text) > MOST_CHARACTERS


def _write_about(sheet: Any, sheets: list[_Sheet], bold: Any) -> None:
    sheet.set_column(0, 2, 20)
    for place, title in enumerate(("sheet", "rows", "remark")):
        sheet.write_string(0, place, title, bold)
    for row, each in enumerate(sheets, start=1):
        sheet.write_string(row, 0, each.name)
        sheet.write_number(row, 1, each.rows)
        sheet.write_string(row, 2, each.remark)
    sheet.write_string(len(sheets) + 2, 0, "Times are in UTC. An empty cell is a missing value, never 0.")
