"""A grid of cells in blocks: what a heat map and every matrix says, as plain data, with its words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.results.drawing.base import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MOST_CELLS = 4_000
"""A chart with more cells than this is aggregated first."""
FEW_CELLS = 600
"""Up to this many cells, each has room for several lines of explanation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellKind:
    """One entry of the legend: a fill, and a mark or pattern as its second cue."""

    name: str
    """Our own text."""
    marker: Mapping[str, Any]
    """Plotly's description of the fill and pattern."""
    ink: str
    """Colour of the text inside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridCell:
    """One cell."""

    kind: str
    """Name of its kind."""
    mark: str = ""
    """What stands in it: a number or a sign, our own text."""
    partial: bool = False
    """Whether it is a lower bound, so that it gets dots."""
    hover: tuple[str, ...] = ()
    """What it says. Untrusted text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridRow:
    """One row: a cell per column, None where there is nothing to show, such as an app that does not exist."""

    label: str
    """Untrusted text; empty: none."""
    cells: tuple[GridCell | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GridBlock:
    """Rows under one heading, such as those of one model."""

    heading: str
    """Untrusted text; empty: none."""
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GridInfo:
    """What a grid says."""

    title: str
    """Our own text."""
    across: str
    """What the columns are, such as `app`; our own text."""
    columns: tuple[str, ...]
    """Untrusted texts."""
    kinds: tuple[CellKind, ...]
    """The legend, in order; only kinds that occur are shown."""
    blocks: tuple[GridBlock, ...]
    summary: tuple[str, ...]
    """The chart in sentences. Untrusted text."""
    notes: tuple[str, ...] = ()
    """What stands below the chart. Untrusted text."""
    dots: str = "lower bound"
    """What the dots of a partial cell mean; our own text."""
    nothing: str = NOTHING
    """What is said where there is no cell; our own text."""

    @property
    def rows(self) -> tuple[GridRow, ...]:
        """All rows, from top to bottom."""
        return tuple(row for block in self.blocks for row in block.rows)

    @property
    def cells(self) -> Iterator[GridCell]:
        """All cells, row by row."""
        return (cell for row in self.rows for cell in row.cells if cell is not None)


def grid_text(info: GridInfo) -> str:
    """Return the chart in words; it quotes untrusted names."""
    return " ".join((f"{info.title}.", *(info.summary or (info.nothing,)), *info.notes))


def kinds_text(cells: Iterable[GridCell]) -> str:
    """Return how many cells are of which kind, such as `10 met, 2 not met`, the most frequent first."""
    found = Counter(cell.kind for cell in cells)
    return ", ".join(f"{count:,} {kind}" for kind, count in found.most_common())
