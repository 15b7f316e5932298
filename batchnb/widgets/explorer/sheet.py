"""A sheet: a frame that can be searched, filtered and sorted fast, and shown a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from batchnb.results.text import shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from batchnb.widgets.explorer.facets import Facet

PAGE = 50
"""Rows of a page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A column as a reader sees it."""

    name: str
    title: str
    sort_by: tuple[str, ...]
    """Columns of the frame that it is sorted by."""
    text: Callable[[Any], str]
    """From a row to its untrusted text."""
    limit: int = 80
    """Most characters that are shown."""
    worst_first: bool = False
    """Whether the first click sorts downwards."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sheet:
    """A frame, prepared. What it is asked for is computed from masks and orders that are kept."""

    name: str
    noun: str
    """What a row is called."""
    frame: pd.DataFrame
    """Rows by number, from 0."""
    columns: tuple[Shown, ...]
    worst: tuple[tuple[str, bool], ...]
    """The order without a choice: columns, and whether upwards."""
    facets: Mapping[str, Facet]
    haystack: pd.Series
    """Each row's texts in lower case."""
    _orders: dict[tuple[str, bool], np.ndarray] = field(default_factory=dict)
    _found: dict[str, np.ndarray] = field(default_factory=dict)
    """The last search, so that a page or a facet does not search again."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    def masks(self, search: str, chosen: Mapping[str, Iterable[Any]]) -> dict[str, np.ndarray]:
        """Return which rows each part of a query leaves: the search as "", and each facet in use."""
        by_facet = {name: self.facets[name].mask(values) for name, values in chosen.items()}
        return {"": self._searched(search), **by_facet}

    def order(self, column: str, *, descending: bool) -> np.ndarray:
        """Return the numbers of all rows, sorted; equal ones, and column "": the worst first."""
        key = (column, descending)
        if key not in self._orders:
            if not column:
                names, upwards = [name for name, _ in self.worst], [up for _, up in self.worst]
                ordered = self.frame[names].sort_values(names, ascending=upwards, kind="stable")
            else:
                names = list(next(each.sort_by for each in self.columns if each.name == column))
                base = self.frame[names].iloc[self.order("", descending=False)]
                ordered = base.sort_values(names, ascending=not descending, kind="stable")
            self._orders[key] = ordered.index.to_numpy()
        return self._orders[key]

    def rows(self, positions: np.ndarray) -> list[dict[str, Any]]:
        """Return what the page shows of some rows, plain and without anything invisible."""
        shown = []
        for position, row in zip(
            positions.tolist(), self.frame.iloc[positions].itertuples(index=False), strict=True
        ):
            cells = [
                shorten(visible(column.text(row), one_line=True), column.limit) for column in self.columns
            ]
            shown.append({"row": position, "cells": cells})
        return shown

    def _searched(self, text: str) -> np.ndarray:
        wanted = text.casefold()
        if not wanted:
            return np.ones(len(self), dtype=bool)
        if wanted not in self._found:
            self._found.clear()
            self._found[wanted] = self.haystack.str.contains(wanted, regex=False).to_numpy(dtype=bool)
        return self._found[wanted]


def all_of(masks: Mapping[str, np.ndarray], *, without: tuple[str, ...] = ()) -> np.ndarray:
    """Return the rows that are in all masks but those of the facets in `without`."""
    left = masks[""].copy()
    for name, mask in masks.items():
        if name and name not in without:
            left &= mask
    return left
