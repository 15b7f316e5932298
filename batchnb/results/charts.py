"""The severity chart: how many findings of which severity each app has, and which apps were not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records import Severity
from batchnb.results._plotly import make_figure
from batchnb.results.chart_layout import axis_number, chart_layout, empty_layout
from batchnb.results.chart_rows import wrap_rows
from batchnb.results.chart_style import GREY, TEXT_COLOURS, hatch_marker, plotly_text, severity_marker
from batchnb.results.severity import CellState, severity_info

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from batchnb.records import BatchAnalysisTask, Coverage, Finding
    from batchnb.results._plotly import Figure
    from batchnb.results.chart_rows import ChartRow
    from batchnb.results.severity import SeverityCell, SeverityInfo

_BACKDROPS = {
    CellState.NOT_MEASURED: hatch_marker("/", strength=0.9, outline=1),
    CellState.PARTLY: hatch_marker(".", strength=0.35, outline=0),
}
_MAX_REASONS = 6


def severity_chart(
    findings: Iterable[Finding], coverage: Iterable[Coverage], tasks: Iterable[BatchAnalysisTask] = ()
) -> Figure:
    """Return the severity chart of one job's records; `severity_info` explains the arguments.

    Raises:
        ImportError: if plotly is not installed.
    """
    return severity_figure(severity_info(findings, coverage, tasks))


def severity_figure(info: SeverityInfo) -> Figure:
    """Return the figure of `info`: stacked bars per app, on rows that wrap when there are many apps.

    An app that was not measured has no bar but a hatch over the full height, a partly measured one has dots
    behind its bars and a total such as "≥ 4"; a clean one shows "0".

    Raises:
        ImportError: if plotly is not installed.
    """
    rows = wrap_rows(info.cells)
    if not rows:
        return make_figure([], empty_layout("No app was analysed."))
    highest = max(cell.total for cell in info.cells)
    traces = [trace for number, row in enumerate(rows) for trace in _row_traces(row, number)]
    _show_each_legend_once(traces)
    return make_figure(traces, chart_layout(rows, highest))


def _row_traces(row: ChartRow, number: int) -> list[dict[str, Any]]:
    first, second = axis_number(2 * number), axis_number(2 * number + 1)
    shared = {
        "x": [list(row.models), list(row.apps)],
        "xaxis": f"x{axis_number(number)}",
        "hoverinfo": "text",
        "hovertext": [_hover(cell) for cell in row.cells],
    }
    traces = [{**shared, "yaxis": f"y{first}", **_backdrop(row, state)} for state in _BACKDROPS]
    traces += [{**shared, "yaxis": f"y{second}", **_bars(row, severity)} for severity in Severity]
    traces.append({**shared, "yaxis": f"y{second}", **_totals(row)})
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
