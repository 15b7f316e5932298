"""The ranking of the models, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from batchnb.results.columns import Column
from batchnb.results.frames import make_frame
from batchnb.results.models.stats import LEAST_FOR_INTERVAL, advantages, middle_ranks, rank_chances

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.models.cells import Cells, Numbers

MODEL_RANKS = (
    Column("model", "category", "AI model that wrote the apps"),
    Column("blocks", "Int64", "App numbers behind it: usable in this model and in at least one other"),
    Column(
        "against_others",
        "Float64",
        "Reported per app more (above 0) or fewer (below 0) than the other models: the mean of the "
        "differences from each, on the app numbers that both share",
    ),
    Column(
        "rank", "Float64", "1: the fewest reported; models that tie share the middle; missing: not ranked"
    ),
    Column("rank_low", "Int64", "Lower end of the 95 % interval of the rank (bootstrap over blocks)"),
    Column("rank_high", "Int64", "Upper end of that interval"),
    Column("note", "string", "Why there is no rank or no interval"),
)
RANK_CHANCES = (
    Column("model", "category", "AI model that wrote the apps"),
    Column("rank", "Int64", "Rank, 1: the fewest reported"),
    Column("chance", "Float64", "Share of the resampled sets of blocks in which the model has this rank"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rank:
    model: str
    blocks: int
    against_others: float | None = None
    rank: float | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chance:
    model: str
    rank: int
    chance: float


def ranks_frames(cells: Cells, *, resamples: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the ranks, fewest reported first (`MODEL_RANKS`), and their chances (`RANK_CHANCES`)."""
    shared = cells.usable & (cells.usable.sum(axis=0) > 1)
    blocks = shared.sum(axis=1)
    ranked = np.flatnonzero(blocks)
    rows = [
        _Rank(model=cells.models[row], blocks=0, note="no app of it can be compared")
        for row in np.flatnonzero(blocks == 0)
    ]
    if not len(ranked):
        return make_frame(MODEL_RANKS, rows), make_frame(RANK_CHANCES, [])
    counts, usable = (
        each[np.ix_(ranked, np.flatnonzero(shared.any(axis=0)))] for each in (cells.counts, shared)
    )
    against = advantages(counts, usable)[0]
    ranks = middle_ranks(against)
    least = int(blocks[ranked].min())
    chances: Numbers = np.zeros((len(ranked), 0))
    if least >= LEAST_FOR_INTERVAL:
        chances = rank_chances(counts, usable, resamples=resamples, seed=seed)
    order = sorted(range(len(ranked)), key=lambda n: (ranks[n], cells.models[ranked[n]]))
    found = [
        _rank(cells.models[ranked[n]], int(blocks[ranked[n]]), against[n], ranks[n], chances[n])
        for n in order
    ]
    listed = [
        _Chance(model=cells.models[ranked[n]], rank=rank, chance=float(chance))
        for n in order
        for rank, chance in enumerate(chances[n], start=1)
    ]
    return make_frame(MODEL_RANKS, [*found, *rows]), make_frame(RANK_CHANCES, listed)


def _rank(model: str, blocks: int, against: float, rank: float, chances: Numbers) -> _Rank:
    if not len(chances):
        few = f"too few blocks for an interval: {LEAST_FOR_INTERVAL} of every ranked model are needed"
        return _Rank(model=model, blocks=blocks, against_others=float(against), rank=float(rank), note=few)
    summed = np.cumsum(chances)
    return _Rank(
        model=model,
        blocks=blocks,
        against_others=float(against),
        rank=float(rank),
        rank_low=int(np.searchsorted(summed, 0.025)) + 1,
        rank_high=int(np.searchsorted(summed, 0.975 - 1e-9)) + 1,
    )
