"""Where the rows of a chart stand, and how its axes, legend and hover look."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from batchnb.results.drawing.base import base_layout
from batchnb.results.drawing.style import GREY, GRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.drawing.rows import ChartRow

_TOP, _LABELS, _BOTTOM, _NOTE = 56, 54, 4, 40  # pixels: legend above, axis labels under each row, margin


def axis_number(index: int) -> str:
    """Return how Plotly numbers the axis at `index` (from 0): the first has no number."""
    return "" if index == 0 else str(index + 1)


def chart_layout(rows: Sequence[ChartRow], highest: int, note: str = "") -> dict[str, Any]:
    """Return the layout of stacked rows, all on one scale from 0 to `highest` and a little more.

    Row n has x axis n and two y axes: 2n, hidden, from 0 to 1, for backdrops, and over it 2n + 1 for counts.
    """
    plot = 300 if len(rows) == 1 else 130  # pixels of one row without its labels
    inner = len(rows) * (plot + _LABELS)
    bottom = _BOTTOM + (_NOTE if note else 0)
    layout = base_layout(height=_TOP + inner + bottom)
    layout["margin"] = {"l": 56, "r": 12, "t": _TOP, "b": bottom, "autoexpand": False}
    layout["barmode"] = "stack"
    layout["annotations"] = [_below(note)] if note else []
    for number in range(len(rows)):
        top = 1 - number * (plot + _LABELS) / inner
        end = top - plot / inner
        first, second = axis_number(2 * number), axis_number(2 * number + 1)
        layout[f"xaxis{axis_number(number)}"] = _x_axis(second)
        layout[f"yaxis{first}"] = {
            "domain": [end, top],
            "range": [0, 1],
            "visible": False,
            "fixedrange": True,
            "anchor": f"x{axis_number(number)}",
        }
        layout[f"yaxis{second}"] = _y_axis(highest, f"y{first}", f"x{axis_number(number)}")
    return layout


def _below(note: str) -> dict[str, Any]:
    lines = "<br>".join(textwrap.wrap(note, 72))
    place = {
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "xshift": -44,
        "yref": "paper",
        "y": 0,
        "yanchor": "top",
    }
    return {"text": lines, "align": "left", "showarrow": False, "font": {"color": GREY, "size": 11}, **place}


def _x_axis(count_axis: str) -> dict[str, Any]:
    return {
        "type": "multicategory",
        "anchor": f"y{count_axis}",
        "fixedrange": True,
        "showgrid": False,
        "tickfont": {"color": GREY},
        "dividercolor": GRID,
        "linecolor": GREY,
        "showline": True,
    }


def _y_axis(highest: int, under: str, x_axis: str) -> dict[str, Any]:
    top = max(1, highest) * 1.18  # room for the total above the tallest bar
    return {
        "overlaying": under,
        "side": "left",
        "anchor": x_axis,
        "range": [0, top],
        "tickmode": "auto",
        "nticks": 5,
        "tickformat": ",d",
        **({"dtick": 1, "tickmode": "linear"} if highest <= 4 else {}),
        "gridcolor": GRID,
        "zeroline": False,
        "tickfont": {"color": GREY},
        "title": {"text": "findings", "font": {"color": GREY, "size": 11}, "standoff": 6},
    }
