"""The rank chart: how often each model takes each rank when the blocks are resampled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.results.drawing.grid import CellKind, GridBlock, GridCell, GridInfo, GridRow
from batchnb.results.drawing.style import (
    CELL_HATCH,
    FAINT_MARKER,
    GREY,
    HEAT_COLOURS,
    HEAT_INKS,
    plain_marker,
)
from batchnb.results.models.text import FEWER
from batchnb.results.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.models.comparison import ModelComparison

MOST_MODELS = 40
_CLASSES = (("1 to 24 %", 0.25), ("25 to 49 %", 0.5), ("50 to 74 %", 0.75), ("75 to 100 %", 1.01))
_NEVER, _UNRANKED = "under 1 %", "not ranked"


def ranks_info(comparison: ModelComparison) -> GridInfo:
    """Return how often each model takes each rank in resampled blocks; the fewest reported first."""
    ranks, chances = comparison.ranks, comparison.rank_chances
    by_model = {str(model): list(group["chance"]) for model, group in chances.groupby("model", observed=True)}
    shown = ranks.head(MOST_MODELS)
    width = max([1, *(len(found) for found in by_model.values())]) if by_model else max(1, len(ranks))
    width = min(width, MOST_MODELS)
    notes = ["In % of resampled sets of blocks; by the differences on the blocks that each two models share."]
    notes += [f"{note.capitalize()}." for note in dict.fromkeys(shown["note"][shown["rank"].notna()]) if note]
    notes += [f"{row['model']}: {row['note']}." for row in shown[shown["rank"].isna()].to_dict("records")]
    if len(ranks) > MOST_MODELS:
        notes.append(f"And {plural(len(ranks) - MOST_MODELS, 'more model')}.")
    kinds = [CellKind(name=_NEVER, marker=FAINT_MARKER, ink=GREY)]
    kinds += [
        CellKind(name=name, marker=plain_marker(HEAT_COLOURS[n]), ink=HEAT_INKS[n])
        for n, (name, _) in enumerate(_CLASSES)
    ]
    kinds.append(CellKind(name=_UNRANKED, marker=CELL_HATCH, ink=GREY))
    return GridInfo(
        title=f"Rank by {comparison.cells.counting.noun} per app (1: fewest reported)",
        across="rank",
        columns=tuple(map(str, range(1, width + 1))),
        kinds=tuple(kinds),
        blocks=tuple(
            _rank_block(row, by_model.get(str(row["model"]), []), width) for row in shown.to_dict("records")
        ),
        summary=tuple(_rank_sentence(row) for row in shown.to_dict("records")),
        notes=(*notes, *comparison.cells.notes, FEWER),
    )


def _rank_block(row: Any, chances: Sequence[float], width: int) -> GridBlock:
    model = str(row["model"])
    if not chances:
        cell = GridCell(kind=_UNRANKED, hover=(model, row["note"]))
        return GridBlock(heading=model, rows=(GridRow(label="", cells=(cell,) * width),))
    cells = [
        GridCell(
            kind=_class(chance),
            mark=f"{100 * chance:.0f}" if chance >= 0.01 else "",
            hover=(f"{model}: rank {rank} in {chance:.1%} of the resampled sets", _rank_sentence(row)),
        )
        for rank, chance in enumerate(chances[:width], start=1)
    ]
    return GridBlock(heading=model, rows=(GridRow(label="", cells=tuple(cells)),))


def _class(chance: float) -> str:
    if chance < 0.01:
        return _NEVER
    return next(name for name, edge in _CLASSES if chance < edge)


def _rank_sentence(row: Any) -> str:
    if pd.isna(row["rank"]):
        return f"{row['model']} is not ranked: {row['note']}."
    sure = (
        row["note"] if pd.isna(row["rank_low"]) else f"95 % interval {row['rank_low']} to {row['rank_high']}"
    )
    against = f"{row['against_others']:+.1f} per app against the others"
    return f"{row['model']}: rank {row['rank']:g} ({sure}), {against}."
