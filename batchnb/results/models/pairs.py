"""Every two models side by side, on the apps that were measured in both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from batchnb.results.columns import Column
from batchnb.results.frames import make_frame
from batchnb.results.models.stats import (
    exchanges,
    holm,
    is_exact,
    mean_interval,
    paired_test,
    rank_biserial,
    smallest_p,
)

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.models.cells import Cells

MODEL_PAIRS = (
    Column("first", "category", "One model"),
    Column("second", "category", "The other"),
    Column("blocks", "Int64", "App numbers compared: those whose app is usable in both models"),
    Column("left_out", "Int64", "App numbers not compared"),
    Column("why", "string", "Why they are left out"),
    Column("mean_first", "Float64", "Reported per app by the first, in the blocks compared"),
    Column("mean_second", "Float64", "Reported per app by the second, in the same blocks"),
    Column("difference", "Float64", "First minus second, per app; below 0: the first has fewer reported"),
    Column(
        "low", "Float64", "Lower end of its 95 % interval (bootstrap over blocks, BCa); missing: see note"
    ),
    Column("high", "Float64", "Upper end of that interval"),
    Column("p", "Float64", "Two-sided p of the paired permutation test of the mean difference"),
    Column("p_holm", "Float64", "The same, corrected for the number of pairs (Holm)"),
    Column("p_smallest", "Float64", "The least p that so few blocks can give, before the correction"),
    Column("exact", "boolean", "Whether every exchange of the two was tried; else a random choice of them"),
    Column("rank_biserial", "Float64", "Effect size, -1 to 1: matched-pairs rank-biserial correlation"),
    Column("more_in_first", "Int64", "Blocks in which the first has more reported"),
    Column("more_in_second", "Int64", "Blocks in which the second has more reported"),
    Column("note", "string", "Why there is no interval, or what is to be known about it"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    first: str
    second: str
    blocks: int
    left_out: int
    why: str
    mean_first: float | None
    mean_second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    p_smallest: float | None
    exact: bool | None
    rank_biserial: float | None
    more_in_first: int
    more_in_second: int
    note: str


class PairTest(NamedTuple):
    """The test of two models, by their places; without a block in both there is none."""

    one: int
    other: int
    p: float | None
    p_holm: float | None
    tries: int


def pair_tests(cells: Cells, *, resamples: int, seed: int) -> list[PairTest]:
    """Return the test of every two models, corrected for the number of pairs that can be compared (Holm)."""
    pairs = list(combinations(range(len(cells.models)), 2))
    both = {pair: cells.usable[pair[0]] & cells.usable[pair[1]] for pair in pairs}
    compared = [pair for pair in pairs if both[pair].any()]
    tries = exchanges(resamples, len(compared))
    values = [
        paired_test(
            cells.counts[one][both[one, other]],
            cells.counts[other][both[one, other]],
            resamples=tries,
            seed=seed,
        )
        for one, other in compared
    ]
    found = {
        pair: PairTest(*pair, p, p_holm, tries)
        for pair, p, p_holm in zip(compared, values, holm(values), strict=True)
    }
    return [found.get(pair, PairTest(*pair, None, None, tries)) for pair in pairs]


def pairs_frame(cells: Cells, *, resamples: int, seed: int) -> pd.DataFrame:
    """Return one row per two models: `MODEL_PAIRS`."""
    tests = pair_tests(cells, resamples=resamples, seed=seed)
    return make_frame(MODEL_PAIRS, [_pair(cells, test, resamples, seed) for test in tests])


def _pair(cells: Cells, test: PairTest, resamples: int, seed: int) -> _Pair:
    both = cells.usable[test.one] & cells.usable[test.other]
    first, second = cells.counts[test.one][both], cells.counts[test.other][both]
    differences, blocks = first - second, int(both.sum())
    interval = mean_interval(differences, resamples=resamples, seed=seed)
    return _Pair(
        first=cells.models[test.one],
        second=cells.models[test.other],
        blocks=blocks,
        left_out=len(cells.numbers) - blocks,
        why=why_left_out(cells, test.one, test.other),
        mean_first=float(first.mean()) if blocks else None,
        mean_second=float(second.mean()) if blocks else None,
        difference=float(differences.mean()) if blocks else None,
        low=interval.low,
        high=interval.high,
        p=test.p,
        p_holm=test.p_holm,
        p_smallest=smallest_p(blocks, test.tries) if blocks else None,
        exact=is_exact(blocks, test.tries) if blocks else None,
        rank_biserial=rank_biserial(differences) if blocks else None,
        more_in_first=int((differences > 0).sum()),
        more_in_second=int((differences < 0).sum()),
        note=interval.note if blocks else "no block was measured in both",
    )


def why_left_out(cells: Cells, one: int, other: int) -> str:
    """Return why blocks are not compared, such as `2 not measured in m1, 1 placeholder in m2`."""
    reasons = Counter(
        (reason, cells.models[row])
        for block in range(len(cells.numbers))
        for row in (one, other)
        if (reason := cells.why[row, block])
    )
    return ", ".join(f"{count} {reason} in {model}" for (reason, model), count in sorted(reasons.items()))
