"""A facet: the values that a column of a sheet has, and how often each occurs among some rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Facet:
    """The values of one column. A row may have several, as marks; then it counts for each."""

    name: str
    title: str
    values: tuple[Any, ...]
    """The different values; None: rows that have none."""
    label: Callable[[Any], str]
    """From a value to what a reader sees: nothing invisible, and short."""
    _kinds: np.ndarray
    """Row -> kind of row: rows of one kind have the same values."""
    _of_kind: np.ndarray
    """The kinds again, once per value that they have ..."""
    _value: np.ndarray
    """... and the place of that value in `values`."""
    _kind_count: int

    def mask(self, chosen: Iterable[Any]) -> np.ndarray:
        """Return which rows have one of the `chosen` values."""
        wanted = set(chosen)
        known = np.array([value in wanted for value in self.values], dtype=bool)
        hit = np.zeros(self._kind_count, dtype=bool)
        hit[self._of_kind[known[self._value]]] = True
        return np.asarray(hit[self._kinds])

    def counts(self, mask: np.ndarray | None = None) -> np.ndarray:
        """Return for each value how many of the rows in `mask` have it; None: of all rows."""
        kinds = self._kinds if mask is None else self._kinds[mask]
        per_kind = np.bincount(kinds, minlength=self._kind_count)
        counted = np.bincount(self._value, weights=per_kind[self._of_kind], minlength=len(self.values))
        return counted.astype(np.int64)

    def places(self) -> np.ndarray:
        """Return for each row the place of its (first) value in `values`."""
        first = np.zeros(self._kind_count, dtype=np.int64)
        first[self._of_kind[::-1]] = self._value[::-1]
        return np.asarray(first[self._kinds])


def make_facet(
    name: str,
    title: str,
    column: pd.Series,
    *,
    label: Callable[[Any], str],
    order: tuple[Any, ...] = (),
    split: str = "",
    also: Iterable[Any] = (),
) -> Facet:
    """Return the facet of a column.

    Args:
        name: what messages call it.
        title: what a reader calls it.
        column: the values of all rows.
        label: from a value, or None, to what a reader sees.
        order: the values in the order in which they are listed; empty: the most frequent first.
        split: what stands between several values in one text; empty: a row has one value.
        also: values to be listed even if no row has them.
    """
    kinds, uniques = pd.factorize(column, use_na_sentinel=False)
    words = [None if pd.isna(each) else each for each in uniques.tolist()]
    parts = [_parts(word, split) for word in words]
    found: dict[Any, int] = {}
    pairs = [(kind, found.setdefault(part, len(found))) for kind, each in enumerate(parts) for part in each]
    for each in also:
        found.setdefault(each, len(found))
    of_kind, value = (
        np.array(side, dtype=np.int64) for side in (zip(*pairs, strict=True) if pairs else ((), ()))
    )
    per_kind = np.bincount(kinds, minlength=len(words))
    counts = np.bincount(value, weights=per_kind[of_kind], minlength=len(found))
    ranks = {word: rank for rank, word in enumerate(order)}
    values = list(found)
    listed = sorted(
        range(len(values)), key=lambda n: (ranks.get(values[n], len(ranks)), -counts[n], str(values[n]))
    )
    place = np.empty(len(values), dtype=np.int64)
    place[listed] = np.arange(len(values))
    return Facet(
        name=name,
        title=title,
        values=tuple(values[n] for n in listed),
        label=label,
        _kinds=kinds.astype(np.int64),
        _of_kind=of_kind,
        _value=place[value],
        _kind_count=len(words),
    )


def _parts(word: Any, split: str) -> list[Any]:
    if not split or word is None:
        return [word]
    return list(dict.fromkeys(part for part in word.split(split) if part)) or [None]
