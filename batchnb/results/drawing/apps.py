"""The figure of findings by severity per app: stacked bars, and which apps were not measured."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from batchnb.records import Severity
from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import NOTHING, empty_layout
from batchnb.results.drawing.layout import axis_number, chart_layout
from batchnb.results.drawing.rows import wrap_rows
from batchnb.results.drawing.style import (
    GREY,
    PARTLY_MARKER,
    TEXT_COLOURS,
    UNMEASURED_MARKER,
    plotly_text,
    severity_marker,
)
from batchnb.results.severity import CellState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.drawing.rows import ChartRow
    from batchnb.results.severity import SeverityCell, SeverityInfo

_BACKDROPS = {CellState.NOT_MEASURED: UNMEASURED_MARKER, CellState.PARTLY: PARTLY_MARKER}
_MAX_REASONS = 6
MOST_APPS = 300
"""Apps of one chart; of more, the worst are shown. The heat map shows any number."""


def severity_figure(info: SeverityInfo) -> Figure:
    """Return the figure of `info`: stacked bars per app, on rows that wrap when there are many apps.

    An app that was not measured has no bar but a hatch over the full height, a partly measured one has dots
    behind its bars and a total such as "≥ 4"; a clean one shows "0".

    Raises:
        ImportError: if plotly is not installed.
    """
    shown = _worst(info.cells)
    rows = wrap_rows(shown)
    if not rows:
        return make_figure([], empty_layout(NOTHING))
    highest = max(cell.total for cell in shown)
    traces = [trace for number, row in enumerate(rows) for trace in _row_traces(row, number)]
    _show_each_legend_once(traces)
    return make_figure(traces, chart_layout(rows, highest, _left_out(info.cells, len(shown))))


def _worst(cells: Sequence[SeverityCell]) -> list[SeverityCell]:
    """Return at most `MOST_APPS` cells, those with the most and the worst findings, in their own order."""
    if len(cells) <= MOST_APPS:
        return list(cells)
    ranked = sorted(cells, key=lambda cell: (-cell.high, -cell.medium, -cell.low, cell.model, cell.app_num))
    kept = {(cell.model, cell.app_num) for cell in ranked[:MOST_APPS]}
    return [cell for cell in cells if (cell.model, cell.app_num) in kept]


def _left_out(cells: Sequence[SeverityCell], shown: int) -> str:
    if shown == len(cells):
        return ""
    states = Counter(cell.state for cell in cells)
    missing = states[CellState.NOT_MEASURED]
    words = f"The {shown} apps with the most and worst findings, of {len(cells):,}"
    return words + (f"; {missing:,} of all were not measured." if missing else ".")


def _row_traces(row: ChartRow, number: int) -> list[dict[str, Any]]:
    first, second = axis_number(2 * number), axis_number(2 * number + 1)
    shared = {
        "x": [list(row.models), list(row.apps)],
        "xaxis": f"x{axis_number(number)}",
        "hoverinfo": "skip",
    }
    traces = [{**shared, "yaxis": f"y{first}", **_backdrop(row, state)} for state in _BACKDROPS]
    traces += [{**shared, "yaxis": f"y{second}", **_bars(row, severity)} for severity in Severity]
    traces.append({**shared, "yaxis": f"y{second}", **_totals(row)})
    traces.append({**shared, "yaxis": f"y{first}", **_hovers(row)})
    return traces


def _backdrop(row: ChartRow, state: CellState) -> dict[str, Any]:
    """Return bars over the full height of the hidden 0-1 axis, for the cells in `state` only."""
    return {
        "type": "bar",
        "name": str(state),
        "legendgroup": str(state),
        "y": [1 if cell.state is state else None for cell in row.cells],
        "marker": _BACKDROPS[state],
        "width": _width(row, 0.94),
    }


def _bars(row: ChartRow, severity: Severity) -> dict[str, Any]:
    def count(cell: SeverityCell) -> int | None:
        return cell.count(severity) or None  # no segment for 0; the total above the bar says it

    return {
        "type": "bar",
        "name": str(severity),
        "legendgroup": str(severity),
        "y": [count(cell) for cell in row.cells],
        "text": _texts(row, lambda cell: str(count(cell) or "")),
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": TEXT_COLOURS[severity], "size": 11},
        "marker": severity_marker(severity),
        "width": _width(row, 0.74),
    }


def _totals(row: ChartRow) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "text",
        "name": "total",
        "showlegend": False,
        "y": [None if cell.state is CellState.NOT_MEASURED else cell.total for cell in row.cells],
        "text": _texts(row, _total_text),
        "textposition": "top center",
        "textfont": {"color": GREY, "size": 11},
        "cliponaxis": False,
    }


def _hovers(row: ChartRow) -> dict[str, Any]:
    """Return invisible bars over the full height: wherever one points at an app, all is told about it."""
    return {
        "type": "bar",
        "name": "hover",
        "showlegend": False,
        "y": [1] * len(row.cells),
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "width": _width(row, 1),
        "hoverinfo": "text",
        "hovertext": [_hover(cell) for cell in row.cells],
    }


def _total_text(cell: SeverityCell) -> str:
    return {
        CellState.MEASURED: str(cell.total),
        CellState.PARTLY: f"<b>≥{cell.total}</b>",
        CellState.NOT_MEASURED: "",
        CellState.NOT_APPLICABLE: "n/a",
    }[cell.state]


def _texts(row: ChartRow, text: Callable[[SeverityCell], str]) -> list[str]:
    return [text(cell) for cell in row.cells]


def _hover(cell: SeverityCell) -> str:
    lines = [f"<b>{plotly_text(cell.model, 80)}</b>, app {cell.app_num}: {cell.state}"]
    if cell.state in {CellState.MEASURED, CellState.PARTLY}:
        bound = "at least " if cell.state is CellState.PARTLY else ""
        lines.append(bound + ", ".join(f"{cell.count(severity)} {severity}" for severity in Severity))
    lines += [plotly_text(reason, 110) for reason in cell.reasons[:_MAX_REASONS]]
    if len(cell.reasons) > _MAX_REASONS:
        lines.append(f"and {len(cell.reasons) - _MAX_REASONS} more")
    return "<br>".join(lines)


def _show_each_legend_once(traces: list[dict[str, Any]]) -> None:
    """Give every kind of bar one legend entry, and none to a kind of backdrop that does not occur."""
    for trace in traces:
        group = trace.get("legendgroup")
        peers = [other for other in traces if group and other.get("legendgroup") == group]
        wanted = any(value is not None for other in peers for value in other["y"]) or group in set(Severity)
        trace["showlegend"] = bool(peers) and trace is peers[0] and wanted


def _width(row: ChartRow, share: float) -> float:
    """Return the bar width in slots: `share`, less on a row with few apps, so that one app is no wall."""
    return share * min(1.0, len(row.cells) / 6)
