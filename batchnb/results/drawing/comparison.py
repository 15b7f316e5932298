"""The comparison chart: per model, what became of its findings; what nobody can say is hatched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import (
    EDGE,
    empty_layout,
    framed_layout,
    heading,
    hover_lines,
    pixel_axis,
    value_axis,
)
from batchnb.results.drawing.style import GREY, hatch_marker, plotly_text
from batchnb.results.identity.comparison import Change

if TYPE_CHECKING:
    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.identity.comparison import Comparison

_ROW, _LABEL, _BAR = 42, 12, 18  # pixels: a row, the middle of its label, the height of its bar
_LABEL_LETTERS = 62
_FILLS = {
    Change.NEW: ("#C62828", "", "#FFFFFF"),
    Change.REOPENED: ("#E8A317", "-", "#111111"),
    Change.MOVED: ("#8E6BBF", ".", "#FFFFFF"),
    Change.UNCHANGED: ("#9A9A9A", "", "#111111"),
    Change.FIXED: ("#1B8A6B", "|", "#FFFFFF"),
}
"""Colour, pattern and colour of the text: apart also without colour."""
_HATCHES = {Change.NOT_REMEASURED: "/", Change.NOT_MEASURED_BEFORE: "\\"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonRow:
    """One model. Its name is untrusted."""

    model: str
    counts: dict[Change, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonInfo:
    """What the comparison chart says."""

    rows: tuple[ComparisonRow, ...]
    """By model name."""
    text: str
    """The comparison in words. Untrusted text."""
    notes: tuple[str, ...]
    """What else may have made a difference. Untrusted text."""


def comparison_info(comparison: Comparison) -> ComparisonInfo:
    """Return what the comparison chart shows."""
    return ComparisonInfo(
        rows=tuple(
            ComparisonRow(model=row["model"], counts={change: row[str(change)] for change in Change})
            for row in comparison.counts.to_dict("records")
        ),
        text=comparison.text,
        notes=comparison.notes,
    )


def comparison_text(info: ComparisonInfo) -> str:
    """Return the chart in words; it quotes untrusted names."""
    rows = [f"{row.model}: {_counts_text(row)}." for row in info.rows if len(info.rows) > 1]
    return " ".join([info.text, *rows])


def comparison_chart(comparison: Comparison) -> Figure:
    """Return the comparison chart: one bar per model, stacked by what became of its findings.

    Raises:
        ImportError: if plotly is not installed.
    """
    return comparison_figure(comparison_info(comparison))


def comparison_figure(info: ComparisonInfo) -> Figure:
    """Return the figure of `info`.

    Raises:
        ImportError: if plotly is not installed.
    """
    shown = [change for change in (*_FILLS, *_HATCHES) if any(row.counts[change] for row in info.rows)]
    if not shown:
        return make_figure([], empty_layout("Neither run has a finding to compare."))
    traces = [*(_bars(info, change) for change in shown), _totals(info), _hover(info)]
    body = _ROW * len(info.rows)
    layout = framed_layout(
        body,
        title="What became of the findings",
        legend=[str(change) for change in shown],
        notes=info.notes,
        below=38,
    )
    highest = max(1, *(sum(row.counts.values()) for row in info.rows))
    layout["barmode"] = "stack"
    layout["xaxis"] = value_axis("findings of either run", range=[0, highest * 1.12], tickformat=",d")
    layout["xaxis2"] = {"range": [0, 1], "visible": False, "fixedrange": True, "overlaying": "x"}
    if highest < 5:
        layout["xaxis"]["dtick"] = 1
    layout["yaxis"] = pixel_axis(body)
    layout["annotations"] += [
        heading(plotly_text(row.model, _LABEL_LETTERS), number * _ROW + _LABEL)
        for number, row in enumerate(info.rows)
    ]
    layout["margin"]["l"] = EDGE
    return make_figure(traces, layout)


def _bars(info: ComparisonInfo, change: Change) -> dict[str, Any]:
    counts = [row.counts[change] or None for row in info.rows]  # no segment for 0; the hover says it
    return {
        "type": "bar",
        "orientation": "h",
        "name": str(change),
        "x": counts,
        "y": [_place(number) for number in range(len(info.rows))],
        "width": _BAR,
        "text": [f"{count:,}" if count and change in _FILLS else "" for count in counts],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": _FILLS[change][2] if change in _FILLS else GREY, "size": 11},
        "marker": _marker(change),
        "hoverinfo": "skip",
        "showlegend": True,
    }


def _marker(change: Change) -> dict[str, Any]:
    if change in _HATCHES:
        return hatch_marker(_HATCHES[change], strength=0.9, outline=1)
    colour, shape, text = _FILLS[change]
    pattern = {
        "shape": shape,
        "fgcolor": text,
        "fgopacity": 0.35,
        "fillmode": "overlay",
        "size": 6,
        "solidity": 0.2,
    }
    return {
        "color": colour,
        "pattern": pattern if shape else {"shape": ""},
        "line": {"color": GREY, "width": 0.5},
    }


def _totals(info: ComparisonInfo) -> dict[str, Any]:
    totals = [sum(row.counts.values()) for row in info.rows]
    return {
        "type": "scatter",
        "mode": "text",
        "name": "total",
        "x": totals,
        "y": [_place(number) for number in range(len(info.rows))],
        "text": [f" {total:,}" for total in totals],
        "textposition": "middle right",
        "textfont": {"color": GREY, "size": 11},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _hover(info: ComparisonInfo) -> dict[str, Any]:
    """Return invisible bars over the full width: wherever one points in a row, all is told about it."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": "hover",
        "xaxis": "x2",
        "x": [1] * len(info.rows),
        "y": [(number + 0.5) * _ROW for number in range(len(info.rows))],
        "width": _ROW,
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [
            hover_lines((row.model, *(f"{row.counts[change]:,} {change}" for change in Change)))
            for row in info.rows
        ],
        "showlegend": False,
    }


def _place(number: int) -> float:
    return number * _ROW + _LABEL + 10 + _BAR / 2


def _counts_text(row: ComparisonRow) -> str:
    return ", ".join(f"{count:,} {change}" for change, count in row.counts.items() if count) or "no finding"
