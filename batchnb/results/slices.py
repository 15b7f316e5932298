"""The usual slices of a frame, as words: `findings.batchnb.of(model="gpt-4o").batchnb.worst(5)`.

An accessor rather than functions: it reads from left to right like the sentence that is meant, a notebook's
completion offers it behind the frame that one has, and pandas' own slicing stays what it is.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records import parse_app_range
from batchnb.records.errors import InvalidValueError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    _Key = tuple[Any, ...]

_ALIASES = {"app": "app_num", "apps": "app_num", "analysis": "analysis_type"}
_MEASURED_BY = ("model", "app_num", "analysis_type", "tool")


@pd.api.extensions.register_dataframe_accessor("batchnb")
class Slices:
    """Slices of one of batchnb's frames; each method returns a new frame, which has them too."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def of(self, **wanted: Any) -> pd.DataFrame:
        """Return the rows with these values: `of(model="gpt-4o", severity=["high", "medium"], apps="1-3")`.

        Args:
            wanted: column -> a value or several; `analysis` and `app` are short for the columns' names, and
                apps may be a range.

        Raises:
            UnknownNameError: if the frame lacks the column, or the value neither occurs nor is a level of it.
        """
        frame = self._frame
        for key, value in wanted.items():
            name = _ALIASES.get(key, key)
            column = self._column(name)
            frame = frame[frame[name].isin(_chosen(key, column, value))]
        return frame.reset_index(drop=True)

    def at_least(self, **levels: str) -> pd.DataFrame:
        """Return the rows at or above a level: `at_least(severity="medium")`.

        Raises:
            UnknownNameError: for an unknown level. InvalidValueError: if the column has no order.
        """
        frame = self._frame
        for name, level in levels.items():
            column = self._column(name)
            if not getattr(column.dtype, "ordered", False):
                ordered = [each for each in frame if getattr(frame[each].dtype, "ordered", False)]
                raise InvalidValueError("column", name, f"it has no order; these have: {', '.join(ordered)}")
            _chosen(name, column, level)
            frame = frame[frame[name] >= level]
        return frame.reset_index(drop=True)

    def worst(self, n: int = 10) -> pd.DataFrame:
        """Return the `n` worst findings: by severity, then by how sure the tool is, then as they come."""
        self._column("severity")
        keys = [name for name in ("severity", "confidence") if name in self._frame]
        ranked = self._frame.sort_values(keys, ascending=False, kind="stable", na_position="last")
        return ranked.head(n).reset_index(drop=True)

    def in_files(self, *patterns: str) -> pd.DataFrame:
        """Return the rows whose path fits one of the patterns: `in_files("backend/*.py")`.

        In a pattern `*` is any text, also across folders, `?` one character, and case counts.
        """
        paths = self._column("path")
        fitting = [
            path
            for path in paths.dropna().unique()
            if any(fnmatchcase(path, pattern) for pattern in patterns)
        ]
        return self._frame[paths.isin(fitting)].reset_index(drop=True)

    def cwe(self, *numbers: int | str) -> pd.DataFrame:
        """Return the findings of these weaknesses, exactly: `cwe(79, 89)` or `cwe("CWE-79")`.

        Raises:
            InvalidValueError: for something that is no CWE number.
        """
        return self._frame[self._column("cwe").isin([_cwe(number) for number in numbers])].reset_index(
            drop=True
        )

    def without_tags(self, *tags: str) -> pd.DataFrame:
        """Return the findings that carry none of these marks; see `batchnb.records.finding.TAGS`."""
        unwanted = frozenset(tags)
        column = self._column("tags")
        marked = [text for text in column.dropna().unique() if not unwanted.isdisjoint(text.split())]
        return self._frame[~column.isin(marked)].reset_index(drop=True)

    def without_noise(self) -> pd.DataFrame:
        """Return the findings without those of rules that fire in nearly every app."""
        return self.without_tags("noise")

    def by(self, *columns: str, coverage: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return how many rows there are for each value of the columns, the last one's side by side.

        A zero says that something was measured. So a combination without a row is missing, unless `coverage`
        has a tool that did measure there: then it is 0.

        Args:
            columns: such as `"model", "severity"`; with one, the result has the one column `count`.
            coverage: the coverage frame that belongs to the rows.

        Raises:
            UnknownNameError: if the frame lacks a column.
        """
        names = [_ALIASES.get(each, each) for each in columns]
        if not names:
            raise InvalidValueError("columns", columns, f"one or more of {', '.join(self._frame)}")
        for name in names:
            self._column(name)
        counts = _counts(self._frame, names)
        if coverage is not None:
            counts = {**_zeros(self._frame, names, coverage), **counts}
        return _side_by_side(counts, names, [_levels_and_none(self._frame[name]) for name in names])

    def _column(self, name: str) -> pd.Series:
        if name not in self._frame:
            raise UnknownNameError("column", name, map(str, self._frame.columns), "this frame's columns")
        return self._frame[name]


def _chosen(key: str, column: pd.Series, value: Any) -> list[Any]:
    """Return what was asked for as a list of values that the column has, or could have."""
    if key == "apps" and isinstance(value, str):
        return list(parse_app_range(value))
    values = [value] if isinstance(value, (str, int, float)) else list(value)
    known = _levels(column)
    for each in values:
        if each not in known:
            raise UnknownNameError(key, each, map(str, known))
    return values


def _levels(column: pd.Series) -> Sequence[Any]:
    """Return the values of a column in order: an ordered one's whole vocabulary, else those that occur."""
    if getattr(column.dtype, "ordered", False):
        return list(column.cat.categories)
    return sorted(column.dropna().unique().tolist())


def _levels_and_none(column: pd.Series) -> list[Any]:
    return [*_levels(column), None] if column.isna().any() else [*_levels(column)]


def _counts(frame: pd.DataFrame, names: list[str]) -> dict[_Key, Any]:
    sizes = frame.groupby(names, observed=True, dropna=False).size()
    return {_plain(key): int(n) for key, n in sizes.items()}


def _zeros(frame: pd.DataFrame, names: list[str], coverage: pd.DataFrame) -> dict[_Key, Any]:
    """Return the combinations that could have been found: 0 where a tool measured, missing where none did."""
    shared = [name for name in names if name in _MEASURED_BY]
    cells = coverage.assign(all=0)
    measured = cells.groupby(shared or ["all"], observed=True)["measured"].any()
    values: dict[_Key, Any] = {}
    for cell, was_measured in measured.items():
        found = dict(zip(shared, _plain(cell), strict=False))
        choices = [[found[name]] if name in found else _levels_and_none(frame[name]) for name in names]
        values |= dict.fromkeys(product(*choices), 0 if was_measured else pd.NA)
    return values


def _side_by_side(counts: dict[_Key, Any], names: list[str], levels: list[Sequence[Any]]) -> pd.DataFrame:
    """Return counts by key as a table, sorted by the columns' levels; what has none comes last."""
    ranks = [_ranks({key[place] for key in counts}, order) for place, order in enumerate(levels)]
    keys = sorted(counts, key=lambda key: [rank[value] for rank, value in zip(ranks, key, strict=True)])
    rows = list(dict.fromkeys(key[:-1] if len(names) > 1 else key for key in keys))
    index = _index(rows, names[:-1] or names)
    if len(names) == 1:
        return pd.DataFrame({"count": pd.array([counts[key] for key in keys], dtype="Int64")}, index=index)
    across = sorted({key[-1] for key in keys}, key=ranks[-1].__getitem__)
    table = pd.DataFrame(
        {
            place: pd.array([counts.get((*row, value), pd.NA) for row in rows], dtype="Int64")
            for place, value in enumerate(across)
        },
        index=index,
    )
    return table.set_axis(pd.Index(across, dtype=object, name=names[-1]), axis="columns")


def _ranks(values: set[Any], levels: Sequence[Any]) -> dict[Any, int]:
    """Return value -> its place: that of the levels, if they are all there are, and what is missing last."""
    if not values <= set(levels):  # such as a model that nothing was found for
        levels = [*sorted(values - {None}), None]
    return {value: place for place, value in enumerate(levels)}


def _index(rows: list[_Key], names: list[str]) -> pd.Index:
    if len(names) == 1:
        return pd.Index([row[0] for row in rows], dtype=object, name=names[0])
    return pd.MultiIndex.from_tuples(rows, names=names)


def _plain(key: Any) -> _Key:
    """Return a group's key as a tuple in which None stands for a missing value."""
    return tuple(None if pd.isna(value) else value for value in (key if isinstance(key, tuple) else (key,)))


def _cwe(number: int | str) -> int:
    found = re.fullmatch(r"(?:CWE-)?([1-9][0-9]{0,5})", str(number), re.IGNORECASE)
    if found is None:
        raise InvalidValueError("CWE", number, "a number such as 79, or 'CWE-79'")
    return int(found[1])
