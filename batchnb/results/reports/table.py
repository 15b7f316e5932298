"""Tables of a report: a frame's columns as text, cut to what a page holds, with the true number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.results.text import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_ROWS = 200
"""Rows of a table, if nothing else is said."""
MISSING = "\N{EN DASH}"
_LETTERS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The head of a column."""

    label: str
    """Our own text."""
    is_number: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What a table shows. Its cells are untrusted text."""

    caption: str
    """Our own text."""
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    """Rows that there are; more than `rows` if it is cut."""

    @property
    def is_cut(self) -> bool:
        """Whether there are rows that are not shown."""
        return self.total > len(self.rows)


def table_of(
    frame: pd.DataFrame, labels: Mapping[str, str], caption: str = "", *, most: int = MOST_ROWS
) -> Table:
    """Return the first rows of a frame as a table.

    Args:
        frame: the data, in the order to show.
        labels: column -> its heading, in order.
        caption: our own text.
        most: rows that are shown.
    """
    shown = frame.head(most)
    columns = [[value_text(value) for value in shown[name]] for name in labels]
    return Table(
        caption=caption,
        heads=tuple(Head(label=label, is_number=_is_number(frame[name])) for name, label in labels.items()),
        rows=tuple(zip(*columns, strict=True)),
        total=len(frame),
    )


def value_text(value: Any) -> str:
    """Return a frame's value for a reader; a missing one is a dash, never a zero. Untrusted text."""
    if pd.isna(value):
        return MISSING
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return shorten(str(value), _LETTERS)


def _is_number(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))
