"""The figure of a grid. It is drawn with bars, because only they can be hatched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import (
    EDGE,
    LETTER,
    empty_layout,
    framed_layout,
    heading,
    hover_lines,
    pixel_axis,
)
from batchnb.results.drawing.rows import model_labels
from batchnb.results.drawing.style import GREY, PARTLY_MARKER, plotly_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.drawing.grid import CellKind, GridCell, GridInfo, GridRow

_ROW, _HEADING, _GAP = 22, 22, 6  # pixels: a row, a block's heading, the room between blocks
_LABEL_LETTERS, _HEADING_LETTERS, _COLUMN_LETTERS = 20, 60, 20
_LABELLED, _NARROW = 31, 420
"""With more columns not every one is labelled, but as many as have room in a narrow window (pixels)."""
_WIDE_CELLS = 8
"""With fewer columns than this the cells do not fill the width, so that one app is no wall."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A cell and where it stands."""

    column: int
    top: float
    cell: GridCell


def grid_figure(info: GridInfo) -> Figure:
    """Return the figure of `info`: a block of rows per heading; what was not measured is hatched.

    Raises:
        ImportError: if plotly is not installed.
    """
    if not info.rows or not info.columns:
        return make_figure([], empty_layout(info.nothing))
    tops, headings, body = _places(info)
    placed = list(_placed(info, tops))
    traces = [_trace(kind, [each for each in placed if each.cell.kind == kind.name]) for kind in info.kinds]
    traces = [trace for trace in traces if trace["x"]]
    if any(each.cell.partial for each in placed):
        traces.append(_legend_only(info.dots, PARTLY_MARKER))
    left = max(
        [EDGE, *(EDGE + 8 + LETTER * min(_LABEL_LETTERS, len(row.label)) for row in info.rows if row.label)]
    )
    names = [trace["name"] for trace in traces]
    layout = framed_layout(
        body, title=info.title, legend=names, notes=info.notes, left=left, above=_above(info), below=6
    )
    layout["barmode"] = "overlay"
    layout["uniformtext"] = {"minsize": 8, "mode": "hide"}
    layout["xaxis"] = _columns(info)
    ticks = [(top + _ROW / 2, _row_label(row)) for row, top in zip(info.rows, tops, strict=True)]
    layout["yaxis"] = pixel_axis(body, ticks)
    layout["annotations"] += [heading(text, place, left - EDGE) for text, place in headings]
    layout["annotations"].append(
        {**heading(info.across, 1, left - EDGE, size=11), "yref": "paper", "yshift": _above(info) - 12}
    )
    return make_figure(traces, layout)


def _row_label(row: GridRow) -> str:
    return plotly_text(row.label, _LABEL_LETTERS)


def _places(info: GridInfo) -> tuple[list[float], list[tuple[str, float]], float]:
    """Return the top of every row, the headings with their middles, and the height of it all."""
    labels = model_labels([block.heading for block in info.blocks], _HEADING_LETTERS)
    tops: list[float] = []
    headings: list[tuple[str, float]] = []
    place = 0.0
    for block in info.blocks:
        if block.heading:
            headings.append((labels[block.heading], place + _HEADING / 2 + 2))
            place += _HEADING
        for _ in block.rows:
            tops.append(place)
            place += _ROW
        place += _GAP
    return tops, headings, place


def _placed(info: GridInfo, tops: list[float]) -> Iterator[_Placed]:
    for row, top in zip(info.rows, tops, strict=True):
        for column, cell in enumerate(row.cells):
            if cell is not None:
                yield _Placed(column, top, cell)


def _trace(kind: CellKind, placed: list[_Placed]) -> dict[str, Any]:
    marker = dict(kind.marker)
    if any(each.cell.partial for each in placed):
        dots = {**PARTLY_MARKER["pattern"], "fgcolor": kind.ink, "fgopacity": 0.28, "size": 6}
        marker["pattern"] = {**dots, "shape": ["." if each.cell.partial else "" for each in placed]}
    return {
        "type": "bar",
        "name": kind.name,
        "x": [each.column for each in placed],
        "base": [each.top + 1 for each in placed],
        "y": [_ROW - 2] * len(placed),
        "width": 0.94,
        "marker": marker,
        "text": [each.cell.mark for each in placed],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": kind.ink, "size": 11},
        "hoverinfo": "text",
        "hovertext": [hover_lines(each.cell.hover, 100) for each in placed],
        "showlegend": True,
    }


def _legend_only(name: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {"type": "bar", "name": name, "x": [None], "y": [None], "marker": marker, "showlegend": True}


def _columns(info: GridInfo) -> dict[str, Any]:
    count = len(info.columns)
    labels = [plotly_text(text, _COLUMN_LETTERS) for text in info.columns]
    step = 1 if count <= _LABELLED else math.ceil(count * (_longest(info) + 1) * LETTER / _NARROW)
    return {
        "range": [-0.5, max(count, _WIDE_CELLS) - 0.5],
        "side": "top",
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "tickmode": "array",
        "tickvals": list(range(0, count, step)),
        "ticktext": labels[::step],
        "tickfont": {"color": GREY, "size": 11},
        **({"tickangle": -40} if _is_aslant(info) else {}),
    }


def _longest(info: GridInfo) -> int:
    return max(min(_COLUMN_LETTERS, len(text)) for text in info.columns)


def _is_aslant(info: GridInfo) -> bool:
    return _longest(info) > 4 and len(info.columns) <= _LABELLED


def _above(info: GridInfo) -> float:
    """Return the room for the columns' labels and title: long labels stand aslant."""
    return 28 + _longest(info) * LETTER * 0.72 if _is_aslant(info) else 38
