"""What every chart has in common: title, legend, margins, notes, hover. All lengths are pixels."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from batchnb.results.drawing.style import FONT, GREY, GRID, plotly_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EDGE = 12
"""Free room at the left and right edge."""
LETTER = 6.6
"""Width of an average letter of an axis label."""
_TITLE, _LEGEND_LINE, _NOTE_LINE = 28, 21, 16
_NARROW = 456
"""The width that legends and notes are broken for: a narrow window."""
_NOTE_LETTERS = 72
_LEGEND_SYMBOL = 52
NOTHING = "No app was analysed."
_NO_FILL = "rgba(0,0,0,0)"


def base_layout(height: float, *, title: str = "") -> dict[str, Any]:
    """Return the layout without axes: no background, grey text, legend on top; `title` is our own text."""
    layout: dict[str, Any] = {
        "height": round(height),
        "paper_bgcolor": _NO_FILL,
        "plot_bgcolor": _NO_FILL,
        "font": FONT,
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
            "xref": "container",
            "xanchor": "left",
            "y": 1 - (_TITLE / height if title else 0),
            "yref": "container",
            "yanchor": "top",
            "traceorder": "normal",
        },
    }
    if title:
        layout["title"] = {
            "text": f"<b>{title}</b>",
            "font": {"size": 14, "color": GREY},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": EDGE, "t": 8},
        }
    return layout


def framed_layout(
    body: float,
    *,
    title: str,
    legend: Iterable[str] = (),
    notes: Sequence[str] = (),
    left: float = EDGE,
    above: float = 6,
    below: float = 22,
) -> dict[str, Any]:
    """Return the layout around a plot of `body` pixels height; axes are still to be set.

    Args:
        body: height of the plot.
        title: our own text.
        legend: the legend's entries, to leave room for them in a narrow window.
        notes: what stands below the plot; untrusted text.
        left: room for the labels at the left.
        above: room for what stands between legend and plot.
        below: room for the axis labels below the plot.
    """
    lines = [line for note in notes for line in textwrap.wrap(note, _NOTE_LETTERS)]
    top = _TITLE + _LEGEND_LINE * _legend_lines(legend) + above
    bottom = below + _NOTE_LINE * len(lines) + 8
    layout = base_layout(top + body + bottom, title=title)
    layout["margin"] = {"l": left, "r": EDGE, "t": top, "b": bottom, "autoexpand": False}
    layout["annotations"] = []
    if lines:
        layout["annotations"].append(_note(lines, left, below))
    return layout


def pixel_axis(body: float, ticks: Sequence[tuple[float, str]] = ()) -> dict[str, Any]:
    """Return the y axis that counts pixels from the top of the plot; `ticks` are places and safe labels."""
    return {
        "range": [body, 0],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "tickmode": "array",
        "tickvals": [place for place, _ in ticks],
        "ticktext": [label for _, label in ticks],
        "tickfont": {"color": GREY, "size": 11},
        "ticks": "",
    }


def value_axis(title: str = "", **more: Any) -> dict[str, Any]:
    """Return an axis of numbers with quiet grid lines."""
    axis = {
        "fixedrange": True,
        "gridcolor": GRID,
        "zeroline": False,
        "tickfont": {"color": GREY, "size": 11},
        "automargin": False,
        "tickmode": "auto",
        "nticks": 6,
    }
    if title:
        axis["title"] = {"text": title, "font": {"color": GREY, "size": 11}, "standoff": 4}
    return {**axis, **more}


def heading(text: str, place: float, left: float = 0, *, size: int = 12) -> dict[str, Any]:
    """Return a text (safe for Plotly) over a row, `left` pixels before the plot's left edge."""
    return {
        "text": text,
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "xshift": -left,
        "yref": "y",
        "y": place,
        "yanchor": "middle",
        "align": "left",
        "showarrow": False,
        "font": {"color": GREY, "size": size},
    }


def hover_lines(lines: Iterable[str], limit: int = 110) -> str:
    """Return untrusted lines as one hover text, the first in bold."""
    first, *rest = [plotly_text(line, limit) for line in lines]
    return "<br>".join([f"<b>{first}</b>", *rest])


def empty_layout(text: str) -> dict[str, Any]:
    """Return the layout of a figure that has nothing to show but `text`, which is our own."""
    note = {
        "text": "<br>".join(textwrap.wrap(text, 56)),
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"color": GREY, "size": 15},
    }
    hidden = {"visible": False}
    layout = base_layout(height=180)
    margin = {"l": EDGE, "r": EDGE, "t": EDGE, "b": EDGE}
    return {**layout, "margin": margin, "xaxis": hidden, "yaxis": hidden, "annotations": [note]}


def _legend_lines(names: Iterable[str]) -> int:
    """Return the legend's lines in a narrow window: one if all fit, else columns as wide as the widest."""
    widths = [len(name) * LETTER + _LEGEND_SYMBOL for name in names]
    if sum(widths) <= _NARROW:
        return min(1, len(widths))
    columns = max(1, int(_NARROW / max(widths)))
    return -(-len(widths) // columns)


def _note(lines: Sequence[str], left: float, below: float) -> dict[str, Any]:
    return {
        "text": "<br>".join(plotly_text(line) for line in lines),
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "xshift": EDGE - left,
        "yref": "paper",
        "y": 0,
        "yanchor": "top",
        "yshift": -below,
        "align": "left",
        "showarrow": False,
        "font": {"color": GREY, "size": 11},
    }
