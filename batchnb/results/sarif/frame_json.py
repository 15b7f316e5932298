"""Frames as plain JSON and back. What comes back is checked value by value: a file may be hostile."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records.errors import ReportError
from batchnb.records.ranges import MAX_APP_NUM
from batchnb.results.columns import FRAMES, TIME
from batchnb.results.frames import make_frame
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from batchnb.results.columns import Column

_IDS = frozenset({"job_id", "task_id"})
_COUNTS = frozenset({"issues_count", "high_severity", "medium_severity", "low_severity"})
_TIMES = frozenset({"started_at", "completed_at", "seconds"})
_SCAN = frozenset({"scan_start_time", "scan_end_time", "duration_seconds"})
_MAY_LACK = {
    "jobs": _TIMES | {"task_timeout_seconds", "max_tasks", "continues"},
    "tasks": _TIMES | {"error_category", "error_message"},
    "results": _IDS | _COUNTS | _SCAN,
    "findings": _IDS | {"confidence", "cwe", "line", "column"},
    "measurements": _IDS | {"value", "low", "high", "samples"},
    "coverage": _IDS | {"exit_code"},
    "portfolio": frozenset({"requirements"}),
    "decisions": frozenset({"expires_at", "withdrawn_at"}),
}
"""Frame -> the columns in which a value may be missing."""
_INFINITE = {"inf": math.inf, "-inf": -math.inf}
"""How JSON, which has no such number, says it."""


def column_values(column: pd.Series) -> list[Any]:
    """Return the values of a column as JSON has them; a missing one is None, a time is ISO 8601 text."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return [None if value is pd.NaT else value.isoformat() for value in column]
    values = column.astype(object)
    plain: list[Any] = values.where(values.notna(), None).tolist()
    if column.dtype.kind != "f":
        return plain
    return [str(value) if value is not None and math.isinf(value) else value for value in plain]


def frame_to_json(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Return column name -> values."""
    return {name: column_values(frame[name]) for name in frame.columns}


class Rows:
    """The rows of a frame as JSON values by column name, each made when it is asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take the columns out of pandas, once."""
        self._columns = frame_to_json(frame)
        self._count = len(frame)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[number] for number in range(self._count))

    def __getitem__(self, number: int) -> dict[str, Any]:
        return {name: values[number] for name, values in self._columns.items()}


def frame_from_json(name: str, data: object) -> pd.DataFrame:
    """Return the frame `name` from what `frame_to_json` gave.

    Raises:
        ReportError: if a column is missing, or a value is none that the column can have.
    """
    columns = FRAMES[name]
    if not isinstance(data, dict):
        raise ReportError(f"{name} is no object of columns")
    lists = [data.get(column.name) for column in columns]
    if (
        not all(isinstance(values, list) for values in lists)
        or len({len(values or ()) for values in lists}) > 1
    ):
        raise ReportError(f"{name} does not have all its columns, equally long")
    return frame_from_rows(name, list(zip(*(values or () for values in lists), strict=True)))


def frame_from_rows(name: str, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return the frame `name` from rows of JSON values, in the order of its declared columns.

    Raises:
        ReportError: if a value is none that its column can have; the message names column and row.
    """
    columns = FRAMES[name]
    lists = zip(*rows, strict=True) if rows else ([] for _ in columns)
    checked = [_checked(name, column, values) for column, values in zip(columns, lists, strict=True)]
    sources = [replace(column, source=itemgetter(place)) for place, column in enumerate(columns)]
    return make_frame(sources, list(zip(*checked, strict=True)))


def _checked(frame: str, column: Column, values: Iterable[Any]) -> list[Any]:
    read, found = _reader(column), []
    for row, value in enumerate(values):
        try:
            if value is not None:
                found.append(read(value))
            elif column.name in _MAY_LACK[frame]:
                found.append(None)
            else:
                raise ValueError("must not be missing")  # noqa: TRY301 - told with its place, like the others
        except (TypeError, ValueError, OverflowError) as error:
            raise ReportError(f"{frame} row {row}: {column.name} {error}") from None
    return found


def _reader(column: Column) -> Callable[[Any], Any]:
    if column.name == "app_num":
        return lambda value: _number(value, 1, MAX_APP_NUM)
    if column.dtype in {"Int32", "Int64"}:
        most = 1 << int(column.dtype[3:]) - 1
        return lambda value: _number(value, -most, most - 1)
    if column.categories:
        return lambda value: _word(value, column.categories)
    return {"category": _name, "Float64": _float, "boolean": _boolean, TIME: _time}.get(column.dtype, _text)


def _number(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"is no whole number from {least} to {most}")
    return value


def _float(value: Any) -> float:
    if type(value) is str and value in _INFINITE:
        return _INFINITE[value]
    if type(value) not in {int, float}:
        raise TypeError("is no number")
    return float(value)


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError("is neither true nor false")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("is no text")
    return value


def _name(value: Any) -> str:
    return visible(_text(value))  # as the frames' texts are; names of ours are no others


def _word(value: Any, words: Sequence[str]) -> str:
    if value not in words:
        raise ValueError(f"is none of {', '.join(words)}")
    return str(value)


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        raise ValueError("is a time without a time zone")
    return time
