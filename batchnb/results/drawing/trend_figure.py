"""The figure of the trend: stacked bars per job, and below them how much of each job was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records import Severity
from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import empty_layout, framed_layout, hover_lines, value_axis
from batchnb.results.drawing.style import (
    GREY,
    PARTLY_MARKER,
    TEXT_COLOURS,
    UNMEASURED_MARKER,
    hatch_marker,
    plain_marker,
    severity_marker,
)
from batchnb.results.drawing.view import count_label
from batchnb.results.severity import CellState

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.drawing.trend import TrendInfo, TrendJob

_COUNTS, _GAP, _SHARES = 240, 24, 56  # pixels: the bars, the room below them, the measured shares
_OTHER_SCOPE = hatch_marker("x", strength=0.6, outline=0.5)
_WIDE_BARS = 8
"""With fewer jobs than this the bars do not fill the width."""
_DATED = 12
"""Up to this many jobs there is room for their days."""
_MEASURED, _MEASURED_COLOUR = "measured in full", "#4A7C7E"


def trend_figure(info: TrendInfo) -> Figure:
    """Return the figure of `info`.

    A job that measured nothing is hatched, a partly measured one has dots behind its bar and a total such as
    "≥4", and one about other apps or analyses than the newest job has a crossed ground.

    Raises:
        ImportError: if plotly is not installed.
    """
    jobs = info.jobs
    if not jobs:
        return make_figure([], empty_layout("There is no job."))
    traces = [
        _ground(jobs, "other scope", _OTHER_SCOPE, lambda job: not job.is_comparable),
        _ground(jobs, "not measured", UNMEASURED_MARKER, lambda job: job.state is CellState.NOT_MEASURED),
        _ground(jobs, "partly measured", PARTLY_MARKER, lambda job: job.state is CellState.PARTLY),
        *(_bars(jobs, severity) for severity in Severity),
        _totals(jobs),
        *_shares(jobs),
        _hover(jobs),
    ]
    body = _COUNTS + _GAP + _SHARES
    legend = [trace["name"] for trace in traces if trace["showlegend"]]
    layout = framed_layout(body, title="Findings per job", legend=legend, notes=info.notes, left=56, below=40)
    layout["barmode"] = "overlay"
    highest = max([1, *(job.total for job in jobs)])
    upper = [(_SHARES + _GAP) / body, 1]
    layout["xaxis"] = _job_axis(jobs)
    layout["yaxis"] = {"domain": upper, "range": [0, 1], "visible": False, "fixedrange": True}
    layout["yaxis2"] = value_axis(
        "findings", overlaying="y", side="left", anchor="x", range=[0, highest * 1.15], tickformat=",d"
    )
    if highest < 5:
        layout["yaxis2"] |= {"tickmode": "linear", "dtick": 1}
    layout["yaxis3"] = value_axis(
        "measured",
        domain=[0, _SHARES / body],
        anchor="x",
        range=[0, 1],
        tickformat=".0%",
        tickmode="array",
        tickvals=[0, 1],
    )
    return make_figure(traces, layout)


def _job_axis(jobs: tuple[TrendJob, ...]) -> dict[str, Any]:
    labels = [
        f"{job.job_id}<br>{job.day[5:]}" if job.day and len(jobs) <= _DATED else str(job.job_id)
        for job in jobs
    ]
    return {
        "range": [-0.5, max(len(jobs), _WIDE_BARS) - 0.5],
        "anchor": "y3",
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "tickmode": "array",
        "tickvals": list(range(len(jobs))),
        "ticktext": labels,
        "tickfont": {"color": GREY, "size": 11},
        "title": {"text": "job", "font": {"color": GREY, "size": 11}, "standoff": 2},
    }


def _bar(jobs: tuple[TrendJob, ...], width: float) -> dict[str, Any]:
    return {"type": "bar", "x": list(range(len(jobs))), "width": width, "hoverinfo": "skip"}


def _ground(
    jobs: tuple[TrendJob, ...], name: str, marker: dict[str, Any], wanted: Callable[[TrendJob], bool]
) -> dict[str, Any]:
    return {
        **_bar(jobs, 0.9),
        "name": name,
        "y": [1 if wanted(job) else None for job in jobs],
        "marker": marker,
        "showlegend": any(map(wanted, jobs)),
    }


def _bars(jobs: tuple[TrendJob, ...], severity: Severity) -> dict[str, Any]:
    worse = list(Severity)[: list(Severity).index(severity)]
    counts = [job.counts[severity] or None for job in jobs]
    return {
        **_bar(jobs, 0.66),
        "name": str(severity),
        "yaxis": "y2",
        "y": counts,
        "base": [sum(job.counts[each] for each in worse) for job in jobs],
        "text": [f"{count:,}" if count else "" for count in counts],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": TEXT_COLOURS[severity], "size": 11},
        "marker": severity_marker(severity),
        "showlegend": True,
    }


def _totals(jobs: tuple[TrendJob, ...]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "text",
        "name": "total",
        "yaxis": "y2",
        "x": list(range(len(jobs))),
        "y": [None if job.state is CellState.NOT_MEASURED else job.total for job in jobs],
        "text": [f"<b>{count_label(job.total, job.state)}</b>" for job in jobs],
        "textposition": "top center",
        "textfont": {"color": GREY, "size": 11},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _shares(jobs: tuple[TrendJob, ...]) -> list[dict[str, Any]]:
    """Return the measured share of each job, and what is missing to all of it, hatched."""
    told = {"yaxis": "y3", "hoverinfo": "text", "hovertext": [hover_lines(job.hover) for job in jobs]}
    shares = [job.share for job in jobs]
    return [
        {
            **_bar(jobs, 0.66),
            **told,
            "name": _MEASURED,
            "y": shares,
            "text": ["" if share is None else f"{share:.0%}" for share in shares],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "textfont": {"color": "#FFFFFF", "size": 11},
            "marker": plain_marker(_MEASURED_COLOUR),
            "showlegend": True,
        },
        {
            **_bar(jobs, 0.66),
            **told,
            "name": "not",
            "y": [None if share is None else 1 - share for share in shares],
            "base": [share or 0 for share in shares],
            "marker": UNMEASURED_MARKER,
            "showlegend": False,
        },
    ]


def _hover(jobs: tuple[TrendJob, ...]) -> dict[str, Any]:
    """Return invisible bars over the full height: wherever one points at a job, all is told about it."""
    return {
        **_bar(jobs, 1),
        "name": "hover",
        "y": [1] * len(jobs),
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": [hover_lines(job.hover) for job in jobs],
        "showlegend": False,
    }
