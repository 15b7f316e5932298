"""Load-test throughput over time: answers per second, a line per app."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import empty_layout, framed_layout, hover_lines, value_axis
from batchnb.results.drawing.latency import untested_apps
from batchnb.results.drawing.rows import model_labels
from batchnb.results.drawing.style import GREY
from batchnb.results.drawing.view import apps_text, current, group_numbers
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.drawing._plotly import Figure

MOST_LINES = 8
_METRIC = "throughput"
_MOST_POINTS = 240
_TITLE = "Throughput under load"
_SECOND = re.compile(r"t=(\d+)s")
_LOOKS = (
    ("#2F6FB5", "solid", "circle"),
    ("#E8A317", "dash", "square"),
    ("#C62828", "dot", "diamond"),
    ("#4FA3A5", "dashdot", "triangle-up"),
    ("#9A7FB8", "longdash", "cross"),
    ("#8C6D3F", "solid", "x"),
    ("#6FA8DC", "dash", "star"),
    ("#D46A9F", "dot", "hexagon"),
)
"""Colour, dash and symbol of each line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThroughputPoint:
    """One stretch of time."""

    second: int
    """Its begin, since the start of a run."""
    rate: float | None
    """Answers without failure per second; None: could not be told."""
    low: float | None
    high: float | None
    detail: str
    """Such as `warm-up` or `3 failed`. Untrusted text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThroughputLine:
    """One app."""

    model: str
    app_num: int
    points: tuple[ThroughputPoint, ...]

    @property
    def mean(self) -> float | None:
        """The mean rate of its points; None: it could not be told at any of them."""
        rates = [point.rate for point in self.points if point.rate is not None]
        return sum(rates) / len(rates) if rates else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ThroughputInfo:
    """What the throughput chart says."""

    lines: tuple[ThroughputLine, ...]
    """The slowest first; only those that are shown."""
    warm_up: float = 0.0
    """Seconds at the start that do not count in the figures of the load test."""
    summary: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def throughput_info(source: object) -> ThroughputInfo:
    """Return the throughput over time of the eight apps that answered the least.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    dataset, notes = current(source)
    frame = dataset.measurements
    frame = frame[frame["metric"] == _METRIC]
    group = group_numbers(frame, ["model", "app_num"])
    means = frame["value"].astype(float).groupby(group).mean()
    ranked = means.sort_values(kind="stable", na_position="last").index
    lines = tuple(_line(frame[group == number]) for number in ranked[:MOST_LINES])
    said = list(notes)
    if len(ranked) > MOST_LINES:
        said.append(f"The {MOST_LINES} apps that answered the least, of {len(ranked):,}.")
    untested = untested_apps(dataset)
    if untested:
        said.append(f"Not measured: {apps_text(untested)}.")
    ends = [point.second for line in lines for point in line.points if "warm-up" in point.detail]
    named = [f"{visible(line.model, one_line=True)} app {line.app_num}: {_rate(line.mean)}" for line in lines]
    return ThroughputInfo(
        lines=lines,
        warm_up=max(ends, default=-1) + 1,
        summary=(f"Mean rates: {'; '.join(named)}.",) if named else ("No load test left a throughput.",),
        notes=tuple(said),
    )


def throughput_text(info: ThroughputInfo) -> str:
    """Return the chart in words; it quotes untrusted names."""
    return " ".join((f"{_TITLE}.", *info.summary, *info.notes))


def throughput_figure(info: ThroughputInfo) -> Figure:
    """Return the figure of `info`; the warm-up has a grey ground, and a gap is where nothing could be told.

    Raises:
        ImportError: if plotly is not installed.
    """
    if not info.lines:
        return make_figure([], empty_layout("No load test left a throughput."))
    labels = _labels(info.lines)
    traces = [
        _trace(line, label, look) for line, label, look in zip(info.lines, labels, _LOOKS, strict=False)
    ]
    layout = framed_layout(260, title=_TITLE, legend=labels, notes=info.notes, left=56, below=38)
    layout["xaxis"] = value_axis("seconds since the start")
    layout["yaxis"] = value_axis("answers per second", rangemode="tozero")
    layout["legend"]["itemwidth"] = 40
    if info.warm_up:
        layout["shapes"] = [
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": 0,
                "x1": info.warm_up,
                "y0": 0,
                "y1": 1,
                "fillcolor": "rgba(121,121,121,0.15)",
                "line": {"width": 0},
                "layer": "below",
                "label": {"text": "warm-up", "font": {"color": GREY, "size": 11}, "textposition": "top left"},
            }
        ]
    return make_figure(traces, layout)


def _line(frame: pd.DataFrame) -> ThroughputLine:
    rows = list(frame.itertuples(index=False))
    points = [
        ThroughputPoint(
            second=int(found[1]),
            rate=None if pd.isna(row.value) else float(row.value),
            low=None if pd.isna(row.low) else float(row.low),
            high=None if pd.isna(row.high) else float(row.high),
            detail=str(row.detail),
        )
        for row in rows
        if (found := _SECOND.fullmatch(str(row.subject)))
    ]
    points.sort(key=lambda point: point.second)
    step = -(-len(points) // _MOST_POINTS) or 1
    return ThroughputLine(
        model=str(rows[0].model), app_num=int(rows[0].app_num), points=tuple(points[::step])
    )


def _labels(lines: Sequence[ThroughputLine]) -> list[str]:
    names = model_labels(sorted({line.model for line in lines}), 30)
    return [f"{names[line.model]}, app {line.app_num}" for line in lines]


def _trace(line: ThroughputLine, label: str, look: tuple[str, str, str]) -> dict[str, Any]:
    colour, dash, symbol = look
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label,
        "x": [point.second for point in line.points],
        "y": [point.rate for point in line.points],
        "connectgaps": False,
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"color": colour, "symbol": symbol, "size": 6},
        "hoverinfo": "text",
        "hovertext": [hover_lines(_told(line, point)) for point in line.points],
        "showlegend": True,
    }


def _told(line: ThroughputLine, point: ThroughputPoint) -> list[str]:
    rate = _rate(point.rate)
    spread = "" if point.low is None or point.high is None else f" ({point.low:,.1f} to {point.high:,.1f})"
    said = [f"{line.model}, app {line.app_num}", f"second {point.second}: {rate}{spread}"]
    return [*said, point.detail] if point.detail else said


def _rate(rate: float | None) -> str:
    return "could not be told" if rate is None else f"{rate:,.1f} per second"
