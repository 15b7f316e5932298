"""The figure of values with intervals: a row each, what was not measured hatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import (
    empty_layout,
    framed_layout,
    heading,
    hover_lines,
    pixel_axis,
    value_axis,
)
from batchnb.results.drawing.style import GREY, MET_COLOUR, UNMEASURED_MARKER, plotly_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.models.intervals import IntervalRow, IntervalsInfo

_ROW, _LABEL, _DETAIL, _MARK = 58, 10, 25, 40  # pixels: a row; from its top to label, detail and mark
_LETTERS = 64
_CLEAR, _UNCLEAR, _VALUE = "told apart, with 95 % interval", "not told apart", "with 95 % interval"
_BOUNDS, _UNMEASURED = "what the unmeasured leaves open", "not measured"


def intervals_figure(info: IntervalsInfo) -> Figure:
    """Return the figure of values with intervals; what was not measured is hatched over the full width.

    Raises:
        ImportError: if plotly is not installed.
    """
    rows = info.rows
    if not rows:
        return make_figure([], empty_layout("There is nothing to compare."))
    values = _extent(info)
    traces = [_hatch(rows), _bounds(rows), *_marks(info), _hover(rows)]
    traces = [trace for trace in traces if any(x is not None for x in trace["x"])]
    body = _ROW * len(rows)
    names = [trace["name"] for trace in traces if trace["showlegend"]]
    layout = framed_layout(body, title=info.title, legend=names, notes=info.notes, below=38)
    layout["barmode"] = "overlay"
    layout["xaxis"] = {"range": [0, 1], "visible": False, "fixedrange": True}
    layout["xaxis2"] = value_axis(info.axis, overlaying="x", anchor="y", range=values)
    layout["yaxis"] = pixel_axis(body)
    layout["annotations"] += _labels([(row.label, row.detail) for row in rows])
    if info.is_difference:
        layout["shapes"] = [_zero_line()]
    return make_figure(traces, layout)


def _labels(texts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    labels = []
    for number, (label, detail) in enumerate(texts):
        labels.append(heading(plotly_text(label, _LETTERS), number * _ROW + _LABEL))
        if detail:
            labels.append(heading(plotly_text(detail, _LETTERS + 12), number * _ROW + _DETAIL, size=10))
    return labels


def _extent(info: IntervalsInfo) -> list[float]:
    found = [0.0]
    for row in info.rows:
        if row.value is not None:
            found += [x for x in (row.value, row.low, row.high, row.least, row.most) if x is not None]
    room = (max(found) - min(found) or 1) * 0.06
    return [min(found) - (room if info.is_difference else 0), max(found) + room]


def _places(rows: Sequence[object], mark: float = _MARK) -> list[float]:
    return [number * _ROW + mark for number in range(len(rows))]


def _hatch(rows: Sequence[IntervalRow]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": _UNMEASURED,
        "x": [1 if row.value is None else None for row in rows],
        "y": _places(rows),
        "width": 14,
        "marker": UNMEASURED_MARKER,
        "hoverinfo": "skip",
        "showlegend": True,
    }


def _bounds(rows: Sequence[IntervalRow]) -> dict[str, Any]:
    places: list[float | None] = []
    heights: list[float | None] = []
    for row, height in zip(rows, _places(rows, _MARK + 6), strict=True):
        if row.value is not None and row.least is not None and row.most is not None and row.least < row.most:
            places += [row.least, row.most, None]
            heights += [height, height, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _BOUNDS,
        "xaxis": "x2",
        "x": places,
        "y": heights,
        "line": {"color": GREY, "width": 2, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": True,
    }


def _marks(info: IntervalsInfo) -> list[dict[str, Any]]:
    if not info.is_difference:
        return [_mark(info.rows, _VALUE, "circle", MET_COLOUR)]
    clear = [row.is_clear for row in info.rows]
    return [
        _mark(info.rows, _CLEAR, "diamond", MET_COLOUR, clear),
        _mark(info.rows, _UNCLEAR, "circle-open", GREY, [not each for each in clear]),
    ]


def _mark(
    rows: Sequence[IntervalRow], name: str, symbol: str, colour: str, wanted: Sequence[bool] | None = None
) -> dict[str, Any]:
    shown = wanted or [True] * len(rows)

    def beyond(row: IntervalRow, end: float | None) -> float:
        return abs(end - row.value) if end is not None and row.value is not None else 0

    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "xaxis": "x2",
        "x": [row.value if each else None for row, each in zip(rows, shown, strict=True)],
        "y": _places(rows),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [beyond(row, row.high) for row in rows],
            "arrayminus": [beyond(row, row.low) for row in rows],
            "color": colour,
            "thickness": 2,
            "width": 4,
        },
        "marker": {"symbol": symbol, "size": 10, "color": colour, "line": {"color": colour, "width": 2}},
        "hoverinfo": "skip",
        "showlegend": True,
    }


def _hover(rows: Sequence[IntervalRow]) -> dict[str, Any]:
    """Return invisible bars over the full width: wherever one points in a row, all is told about it."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": "hover",
        "x": [1] * len(rows),
        "y": _places(rows, _ROW / 2),
        "width": _ROW,
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [hover_lines(row.hover) for row in rows],
        "showlegend": False,
    }


def _zero_line() -> dict[str, Any]:
    line = {"color": GREY, "width": 1, "dash": "dash"}
    return {"type": "line", "xref": "x2", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": line}
