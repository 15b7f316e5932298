"""The figure of the timeline: bars on lanes, or how many tasks ran at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records import TaskStatus
from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import (
    EDGE,
    empty_layout,
    framed_layout,
    hover_lines,
    pixel_axis,
    value_axis,
)
from batchnb.results.drawing.style import GREY, hatch_marker

if TYPE_CHECKING:
    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.drawing.timeline import TimelineInfo

_LANE = 20
_LEAST_WIDTH = 0.003
"""Of the whole span: a task that ended at once is still seen."""
_COLOURS = {
    TaskStatus.COMPLETED: ("#2F6FB5", ""),
    TaskStatus.RUNNING: ("#7FB2E5", "|"),
    TaskStatus.FAILED: ("#C62828", "x"),
    TaskStatus.TIMED_OUT: ("#E8A317", "-"),
    TaskStatus.CANCELLED: ("#9A7FB8", "."),
}
_UNITS = ((180 * 60, 3600, "hours"), (180, 60, "minutes"), (0, 1, "seconds"))


def timeline_figure(info: TimelineInfo) -> Figure:
    """Return the figure of `info`; the endings differ in colour and pattern, a skipped task is hatched.

    Raises:
        ImportError: if plotly is not installed.
    """
    if not info.bars and not info.running:
        return make_figure([], empty_layout("No task has started."))
    unit, name = next((unit, name) for least, unit, name in _UNITS if info.span >= least)
    traces = _lanes(info, unit) if info.bars else _areas(info, unit)
    body = _LANE * (1 + max(bar.lane for bar in info.bars)) if info.bars else 220
    left = EDGE if info.bars else 56
    legend = [trace["name"] for trace in traces]
    layout = framed_layout(body, title=info.title, legend=legend, notes=info.notes, left=left, below=38)
    layout["barmode"] = "overlay" if info.bars else "stack"
    layout["bargap"] = 0
    layout["xaxis"] = value_axis(name, range=[0, max(info.span / unit, 1e-9) * (1 + _LEAST_WIDTH)])
    layout["yaxis"] = pixel_axis(body) if info.bars else value_axis("tasks that ran", rangemode="tozero")
    return make_figure(traces, layout)


def status_marker(status: TaskStatus) -> dict[str, Any]:
    """Return the bar marker of a task's ending: colour and pattern."""
    if status not in _COLOURS:
        return hatch_marker("/", strength=0.9, outline=1)
    colour, shape = _COLOURS[status]
    pattern = {"shape": shape, "fgcolor": "#111111", "fgopacity": 0.35, "fillmode": "overlay", "size": 6}
    return {"color": colour, "pattern": pattern, "line": {"color": GREY, "width": 0.5}}


def _lanes(info: TimelineInfo, unit: float) -> list[dict[str, Any]]:
    least = info.span * _LEAST_WIDTH
    traces = []
    for status in TaskStatus:
        bars = [bar for bar in info.bars if bar.status is status]
        if bars:
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": _word(status),
                    "y": [_LANE * (bar.lane + 0.5) for bar in bars],
                    "base": [round(bar.start / unit, 5) for bar in bars],
                    "x": [round(max(bar.end - bar.start, least) / unit, 5) for bar in bars],
                    "width": _LANE - 4,
                    "marker": status_marker(status),
                    "hoverinfo": "text",
                    "hovertext": [hover_lines(bar.hover) for bar in bars],
                    "showlegend": True,
                }
            )
    return traces


def _areas(info: TimelineInfo, unit: float) -> list[dict[str, Any]]:
    width = (info.edges[1] - info.edges[0]) / unit
    return [
        {
            "type": "bar",
            "name": _word(status),
            "x": [round(edge / unit + width / 2, 5) for edge in info.edges],
            "y": list(counts),
            "width": width,
            "marker": {**status_marker(status), "line": {"width": 0}},
            "hovertemplate": f"%{{y:.1f}} that ended as {_word(status)}<extra></extra>",
            "showlegend": True,
        }
        for status, counts in info.running
    ]


def _word(status: TaskStatus) -> str:
    return status.replace("_", " ")
