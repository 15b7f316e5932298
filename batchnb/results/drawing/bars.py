"""Horizontal bars of findings by severity, one row per group, its name above the bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records import Severity
from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import (
    EDGE,
    NOTHING,
    empty_layout,
    framed_layout,
    heading,
    hover_lines,
    pixel_axis,
    value_axis,
)
from batchnb.results.drawing.style import (
    GREY,
    PARTLY_MARKER,
    TEXT_COLOURS,
    UNMEASURED_MARKER,
    plotly_text,
    severity_marker,
)
from batchnb.results.drawing.view import count_label, counts_text
from batchnb.results.severity import CellState
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.results.drawing._plotly import Figure

_ROW, _LABEL, _BAR = 40, 12, 17  # pixels: a row, the middle of its label, the height of its bar
_LABEL_LETTERS = 62
_BACKDROPS = {CellState.NOT_MEASURED: UNMEASURED_MARKER, CellState.PARTLY: PARTLY_MARKER}


@dataclass(frozen=True, kw_only=True, slots=True)
class BarRow:
    """One group. Its texts are untrusted."""

    label: str
    high: int
    medium: int
    low: int
    state: CellState
    """How far it was measured: partly makes the counts a lower bound, not measured leaves none."""
    hover: tuple[str, ...] = ()
    """What the chart says about it, line by line."""

    @property
    def total(self) -> int:
        """Findings of any severity."""
        return self.high + self.medium + self.low

    def count(self, severity: Severity) -> int:
        """Return the number of findings of one severity."""
        return {Severity.HIGH: self.high, Severity.MEDIUM: self.medium, Severity.LOW: self.low}[severity]


@dataclass(frozen=True, kw_only=True, slots=True)
class BarsInfo:
    """What a bar chart says."""

    title: str
    """Our own text."""
    rows: tuple[BarRow, ...]
    """From top to bottom; only those that are shown."""
    summary: tuple[str, ...]
    """The chart in sentences. Untrusted text."""
    notes: tuple[str, ...] = ()
    """What stands below the chart. Untrusted text."""
    nothing: str = NOTHING
    """What is said where there is no row; our own text."""


def bar_row(label: str, counts: Mapping[Severity, int], state: CellState, hover: Iterable[str]) -> BarRow:
    """Return a row of a bar chart. Its texts are untrusted."""
    levels: dict[str, Any] = {str(level): counts.get(level, 0) for level in Severity}
    return BarRow(label=label, **levels, state=state, hover=tuple(hover))


def row_text(row: BarRow) -> str:
    """Return a row in words, such as `gpt-4o: at least 2 high, 0 medium, 1 low.`; the name is untrusted."""
    counts = {severity: row.count(severity) for severity in Severity}
    return f"{visible(row.label, one_line=True)}: {counts_text(counts, row.state)}."


def bars_text(info: BarsInfo) -> str:
    """Return the chart in words; it quotes untrusted names."""
    return " ".join((f"{info.title}.", *(info.summary if info.rows else (info.nothing,)), *info.notes))


def bars_figure(info: BarsInfo) -> Figure:
    """Return the figure of `info`.

    A group that was not measured is hatched over the full width, a partly measured one has dots behind its
    bar and a total such as "≥4".

    Raises:
        ImportError: if plotly is not installed.
    """
    if not info.rows:
        return make_figure([], empty_layout(info.nothing))
    traces = [
        *_backdrops(info),
        *(_bars(info, severity) for severity in Severity),
        _totals(info),
        _hover(info),
    ]
    body = _ROW * len(info.rows)
    names = [trace["name"] for trace in traces if trace.get("showlegend")]
    layout = framed_layout(body, title=info.title, legend=names, notes=info.notes, below=38)
    highest = max([1, *(row.total for row in info.rows if row.state is not CellState.NOT_MEASURED)])
    layout["barmode"] = "overlay"
    layout["xaxis"] = {"range": [0, 1], "visible": False, "fixedrange": True}
    layout["xaxis2"] = value_axis(
        "findings", overlaying="x", anchor="y", range=[0, highest * 1.12], tickformat=",d"
    )
    if all(row.state is CellState.NOT_MEASURED for row in info.rows):
        layout["xaxis2"]["showticklabels"] = False  # there is no number, not even 0
    elif highest < 5:
        layout["xaxis2"] |= {"tickmode": "linear", "dtick": 1}
    layout["yaxis"] = pixel_axis(body)
    layout["annotations"] += [
        heading(plotly_text(row.label, _LABEL_LETTERS), number * _ROW + _LABEL)
        for number, row in enumerate(info.rows)
    ]
    layout["margin"]["l"] = EDGE
    return make_figure(traces, layout)


def _place(number: int) -> float:
    return number * _ROW + _LABEL + 10 + _BAR / 2


def _shared(info: BarsInfo) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "y": [_place(number) for number in range(len(info.rows))],
        "width": _BAR,
        "hoverinfo": "skip",
    }


def _backdrops(info: BarsInfo) -> list[dict[str, Any]]:
    return [
        {
            **_shared(info),
            "name": str(state),
            "x": [1 if row.state is state else None for row in info.rows],
            "marker": marker,
            "showlegend": any(row.state is state for row in info.rows),
        }
        for state, marker in _BACKDROPS.items()
    ]


def _bars(info: BarsInfo, severity: Severity) -> dict[str, Any]:
    worse = [each for each in Severity if list(Severity).index(each) < list(Severity).index(severity)]
    counts = [row.count(severity) or None for row in info.rows]
    return {
        **_shared(info),
        "name": str(severity),
        "x": counts,
        "base": [sum(row.count(each) for each in worse) for row in info.rows],
        "xaxis": "x2",
        "text": [f"{count:,}" if count else "" for count in counts],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": TEXT_COLOURS[severity], "size": 11},
        "marker": severity_marker(severity),
        "showlegend": True,
    }


def _totals(info: BarsInfo) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "text",
        "name": "total",
        "xaxis": "x2",
        "x": [None if row.state is CellState.NOT_MEASURED else row.total for row in info.rows],
        "y": [_place(number) for number in range(len(info.rows))],
        "text": [f" <b>{count_label(row.total, row.state)}</b>" for row in info.rows],
        "textposition": "middle right",
        "textfont": {"color": GREY, "size": 11},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _hover(info: BarsInfo) -> dict[str, Any]:
    """Return invisible bars over the full width: wherever one points in a row, all is told about it."""
    return {
        **_shared(info),
        "name": "hover",
        "x": [1] * len(info.rows),
        "y": [(number + 0.5) * _ROW for number in range(len(info.rows))],
        "width": _ROW,
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [hover_lines((row.label, *row.hover)) for row in info.rows],
        "showlegend": False,
    }
