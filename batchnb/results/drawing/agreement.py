"""Agreement between tools: of the faults that two tools could both have seen, the share that both report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.results.drawing.grid import CellKind, GridBlock, GridCell, GridInfo, GridRow
from batchnb.results.drawing.style import (
    CELL_HATCH,
    CLEAN_MARKER,
    GREY,
    SHARE_COLOURS,
    SHARE_INKS,
    plain_marker,
)
from batchnb.results.drawing.view import current
from batchnb.results.identity.agreement import agreement
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.results.dataset import Dataset

_MOST_TOOLS = 25
_NOTHING_COMMON = "no fault that both could have seen"
_NOTHING = "There are no two tools with findings."
_NEVER = "0 %"
_CLASSES = ("up to 25 %", "up to 50 %", "up to 75 %", "up to 100 %")
_KINDS = (
    CellKind(name=_NEVER, marker=CLEAN_MARKER, ink=GREY),
    *(
        CellKind(name=name, marker=plain_marker(colour), ink=ink)
        for name, colour, ink in zip(_CLASSES, SHARE_COLOURS, SHARE_INKS, strict=True)
    ),
    CellKind(name=_NOTHING_COMMON, marker=CELL_HATCH, ink=GREY),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    both: int
    only_one: int
    only_other: int
    share: float | None

    @property
    def turned(self) -> _Pair:
        return _Pair(both=self.both, only_one=self.only_other, only_other=self.only_one, share=self.share)


def agreement_info(source: object) -> GridInfo:
    """Return how far each two tools agree, those with the most findings first.

    A tool without a finding has no row; a note names it.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    dataset, notes = current(source)
    pairs = _pairs(dataset)
    found = {
        str(tool): int(count) for tool, count in dataset.findings["tool"].value_counts().items() if count
    }
    tools = sorted(found, key=lambda tool: (-found[tool], tool))
    shown = tools[:_MOST_TOOLS] if len(tools) > 1 else []
    coverage = dataset.coverage
    idle = sorted(set(coverage.loc[coverage["measured"], "tool"].unique()) - set(tools))
    if idle:
        named = ", ".join(visible(tool, one_line=True) for tool in idle[:_MOST_TOOLS])
        notes += (f"Without a finding, so there is nothing to agree about: {named}.",)
    if len(tools) > len(shown) > 0:
        notes += (f"And {plural(len(tools) - len(shown), 'more tool')}.",)
    rows = tuple(
        GridRow(label=tool, cells=tuple(_cell(tool, each, pairs.get((tool, each))) for each in shown))
        for tool in shown
    )
    return GridInfo(
        title="Agreement between tools",
        across="the faults of both tools that both report",
        columns=tuple(shown),
        kinds=_KINDS,
        blocks=(GridBlock(heading="", rows=rows),) if rows else (),
        summary=_summary(pairs, shown),
        notes=notes,
        nothing=_NOTHING,
    )


def _pairs(dataset: Dataset) -> dict[tuple[str, str], _Pair]:
    """Return both directions of each pair of tools."""
    pairs = {}
    for row in agreement(dataset).itertuples(index=False):
        pair = _Pair(
            both=int(row.both),
            only_one=int(row.only_a),
            only_other=int(row.only_b),
            share=None if pd.isna(row.share) else float(row.share),
        )
        pairs[str(row.tool_a), str(row.tool_b)] = pair
        pairs[str(row.tool_b), str(row.tool_a)] = pair.turned
    return pairs


def _cell(tool: str, other: str, pair: _Pair | None) -> GridCell | None:
    if pair is None:
        return None
    where = f"{tool} and {other}"
    if pair.share is None:
        return GridCell(kind=_NOTHING_COMMON, hover=(where, _NOTHING_COMMON))
    kind = _CLASSES[min(3, int(4 * pair.share - 1e-9))] if pair.share else _NEVER
    hover = (
        where,
        f"both report {plural(pair.both, 'fault')}: {pair.share:.0%} of those that either reports",
        f"only {tool}: {pair.only_one:,}",
        f"only {other}: {pair.only_other:,}",
        "counted are faults in what both tools read",
    )
    return GridCell(kind=kind, mark=f"{pair.share:.0%}", hover=hover)


def _summary(pairs: Mapping[tuple[str, str], _Pair], shown: Sequence[str]) -> tuple[str, ...]:
    told = [
        f"{visible(a, one_line=True)} and {visible(b, one_line=True)}: {pair.share:.0%} "
        f"({pair.both:,} of {pair.both + pair.only_one + pair.only_other:,})"
        for (a, b), pair in pairs.items()
        if a in shown and b in shown and a < b and pair.share is not None
    ]
    if not shown:
        return ()
    if not told:
        return ("No two tools could have seen the same fault.",)
    return (f"Faults that both report, of those that either reports: {'; '.join(told[:12])}.",)
