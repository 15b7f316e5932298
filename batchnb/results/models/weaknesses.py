"""Every two models side by side, on the apps that were measured in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from batchnb.results.columns import Column
from batchnb.results.frames import make_frame
from batchnb.results.identity import cwe_tree
from batchnb.results.models.stats import (
    exact_mcnemar,
    holm,
)

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.models.cells import Cells, Flags

MODEL_WEAKNESSES = (
    Column("cwe", "Int64", "Number in the Common Weakness Enumeration"),
    Column("weakness", "string", "Its number and name"),
    Column("first", "category", "One model"),
    Column("second", "category", "The other"),
    Column("blocks", "Int64", "App numbers compared: those whose app is usable in both models"),
    Column("both", "Int64", "Blocks in which it is reported in the apps of both"),
    Column("only_first", "Int64", "Blocks in which it is reported only in the first's app"),
    Column("only_second", "Int64", "Blocks in which it is reported only in the second's app"),
    Column("neither", "Int64", "Blocks in which it is reported in neither"),
    Column("p", "Float64", "Two-sided p of McNemar's test (exact)"),
    Column("p_holm", "Float64", "The same, corrected for the number of weaknesses (Holm)"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Weakness:
    cwe: int
    weakness: str
    first: str
    second: str
    blocks: int
    both: int
    only_first: int
    only_second: int
    neither: int
    p: float
    p_holm: float


def weaknesses_frame(cells: Cells, first: str, second: str) -> pd.DataFrame:
    """Return one row per weakness that either model has, the least p first: `MODEL_WEAKNESSES`."""
    one, other = cells.row(first), cells.row(second)
    usable = cells.usable[one] & cells.usable[other]
    found = {cwe: (_has(cells, one, cwe) & usable, _has(cells, other, cwe) & usable) for cwe in _cwes(cells)}
    found = {cwe: pair for cwe, pair in found.items() if pair[0].any() or pair[1].any()}
    values = [exact_mcnemar(int((a & ~b).sum()), int((b & ~a).sum())) for a, b in found.values()]
    rows = [
        _Weakness(
            cwe=cwe,
            weakness=cwe_tree.title(cwe),
            first=first,
            second=second,
            blocks=int(usable.sum()),
            both=int((a & b).sum()),
            only_first=int((a & ~b).sum()),
            only_second=int((b & ~a).sum()),
            neither=int((usable & ~a & ~b).sum()),
            p=p,
            p_holm=p_holm,
        )
        for (cwe, (a, b)), p, p_holm in zip(found.items(), values, holm(values), strict=True)
    ]
    return make_frame(MODEL_WEAKNESSES, sorted(rows, key=lambda row: (row.p, row.cwe)))


def _cwes(cells: Cells) -> list[int]:
    return sorted(int(cwe) for cwe in cells.found["cwe"].dropna().unique())


def _has(cells: Cells, row: int, cwe: int) -> Flags:
    blocks = cells.found["block"][(cells.found["model"] == row) & cells.found["cwe"].eq(cwe).fillna(False)]  # noqa: FBT003
    flags: Flags = np.isin(np.arange(len(cells.numbers)), blocks.unique())
    return flags
