"""Where the rows of a chart stand, and how its axes, legend and hover look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.results.chart_style import FONT, GREY, GRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.chart_rows import ChartRow

_TOP, _LABELS, _BOTTOM = 56, 54, 4  # pixels: legend above, axis labels under each row, margin


def axis_number(index: int) -> str:
    """Return how Plotly numbers the axis at `index` (from 0): the first has no number."""
    return "" if index == 0 else str(index + 1)


def chart_layout(rows: Sequence[ChartRow], highest: int) -> dict[str, Any]:
    """Return the layout of stacked rows, all on one scale from 0 to `highest` and a little more.

    Row n has x axis n and two y axes: 2n, hidden, from 0 to 1, for backdrops, and over it 2n + 1 for counts.
    """
    plot = 300 if len(rows) == 1 else 130  # pixels of one row without its labels
    inner = len(rows) * (plot + _LABELS)
    layout = _base_layout(height=_TOP + inner + _BOTTOM)
    for number in range(len(rows)):
        top = 1 - number * (plot + _LABELS) / inner
        bottom = top - plot / inner
        first, second = axis_number(2 * number), axis_number(2 * number + 1)
        layout[f"xaxis{axis_number(number)}"] = _x_axis(second)
        layout[f"yaxis{first}"] = {
            "domain": [bottom, top],
            "range": [0, 1],
            "visible": False,
            "fixedrange": True,
            "anchor": f"x{axis_number(number)}",
        }
        layout[f"yaxis{second}"] = _y_axis(highest, f"y{first}", f"x{axis_number(number)}")
    return layout


def _base_layout(height: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 56, "r": 12, "t": _TOP, "b": _BOTTOM, "autoexpand": False},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": FONT,
        "barmode": "stack",
        "uniformtext": {"minsize": 9, "mode": "hide"},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "#222222",
            "bordercolor": GREY,
            "font": {"color": "#FFFFFF"},
            "align": "left",
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "traceorder": "normal",
        },
    }


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


def empty_layout(text: str) -> dict[str, Any]:
    """Return the layout of a figure that has nothing to show but `text`."""
    note = {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"color": GREY, "size": 15},
    }
    hidden = {"visible": False}
    return {**_base_layout(height=180), "xaxis": hidden, "yaxis": hidden, "annotations": [note]}
