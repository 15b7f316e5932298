"""The figure of load-test latencies: a mark per percentile, with the interval around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.results.drawing._plotly import make_figure
from batchnb.results.drawing.base import (
    empty_layout,
    framed_layout,
    heading,
    hover_lines,
    pixel_axis,
    value_axis,
)
from batchnb.results.drawing.latency import PERCENTILES, row_name
from batchnb.results.drawing.rows import model_labels
from batchnb.results.drawing.style import GREY, UNMEASURED_MARKER, plotly_text
from batchnb.results.drawing.view import apps_text
from batchnb.results.text import plural, shorten_middle
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.drawing.latency import LatencyInfo, LatencyRow, Percentile

_ROW, _LABEL, _FIRST, _STEP = (
    50,
    11,
    24,
    6,
)  # pixels: a row, its label's middle, its first line, the next ones
_LABEL_LETTERS, _MODEL_LETTERS, _ENDPOINT_LETTERS = 62, 22, 32
_LOOKS = dict(
    zip(
        PERCENTILES,
        (("#2F6FB5", "circle"), ("#4FA3A5", "diamond"), ("#E8A317", "square"), ("#C62828", "triangle-up")),
        strict=True,
    )
)
_WIDE = 40
"""A longest latency this many times the shortest asks for a logarithmic axis."""


def latency_figure(info: LatencyInfo) -> Figure:
    """Return the figure of `info`; what has no latency is one hatched row.

    Raises:
        ImportError: if plotly is not installed.
    """
    hatched = _hatched(info)
    if not info.rows and not hatched:
        return make_figure([], empty_layout("No load test left a latency."))
    models = model_labels(sorted({row.model for row in info.rows}), _MODEL_LETTERS)
    labels = [plotly_text(lines[0], _LABEL_LETTERS) for lines in hatched]
    labels += [_label(row, models[row.model]) for row in info.rows]
    offset = len(hatched)
    traces = [_hatches(offset), *(_marks(info.rows, offset, name) for name in PERCENTILES)]
    traces = [trace for trace in traces if trace["y"]]
    traces.append(_hover(info, hatched))
    body = _ROW * len(labels)
    legend = [trace["name"] for trace in traces if trace["showlegend"]]
    layout = framed_layout(body, title=info.title, legend=legend, notes=info.notes, below=38)
    layout["xaxis"] = {"range": [0, 1], "visible": False, "fixedrange": True}
    layout["xaxis2"] = _axis([each for row in info.rows for each in row.percentiles])
    layout["yaxis"] = pixel_axis(body)
    layout["annotations"] += [heading(label, _ROW * number + _LABEL) for number, label in enumerate(labels)]
    return make_figure(traces, layout)


def _label(row: LatencyRow, model: str) -> str:
    app = f"{model}, app {row.app_num}"
    room = max(_ENDPOINT_LETTERS, _LABEL_LETTERS - len(app) - 3)
    endpoint = shorten_middle(visible(row.endpoint, one_line=True), room)
    return f"{plotly_text(endpoint)} · {app}" if endpoint else app


def _axis(numbers: list[Percentile]) -> dict[str, Any]:
    shared = {"overlaying": "x", "anchor": "y"}
    ends = [end for each in numbers for end in (each.value, each.low, each.high) if end is not None]
    positive = [end for end in ends if end > 0]
    if positive and max(positive) > _WIDE * min(positive) and len(positive) == len(ends):
        return value_axis("milliseconds (logarithmic)", type="log", **shared)
    return value_axis("milliseconds", range=[0, max(ends, default=1) * 1.05], **shared)


def _marks(rows: tuple[LatencyRow, ...], offset: int, name: str) -> dict[str, Any]:
    colour, symbol = _LOOKS[name]
    found = [
        (number, each)
        for number, row in enumerate(rows, start=offset)
        for each in row.percentiles
        if each.name == name
    ]
    line = _FIRST + _STEP * PERCENTILES.index(name)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "xaxis": "x2",
        "x": [each.value for _, each in found],
        "y": [_ROW * number + line for number, _ in found],
        "marker": {"color": colour, "symbol": symbol, "size": 8, "line": {"color": GREY, "width": 0.5}},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [0 if each.high is None else max(0, each.high - each.value) for _, each in found],
            "arrayminus": [0 if each.low is None else max(0, each.value - each.low) for _, each in found],
            "color": colour,
            "thickness": 1.5,
            "width": 2,
        },
        "hoverinfo": "skip",
        "showlegend": True,
    }


def _hatched(info: LatencyInfo) -> list[list[str]]:
    """Return what is said about rows without a number, the label first."""
    found = []
    if info.untested:
        where = apps_text(info.untested)
        found.append([f"not measured: {plural(len(info.untested), 'app')}: {where}", where])
    if info.silent:
        named = [f"{row_name(row)}: {row.reason}" for row in info.silent]
        more = info.silent_count - len(named)
        label = f"{info.silent_count:,} without any answer but failures: {row_name(info.silent[0])}"
        found.append([label, *named, *([f"and {more:,} more"] if more else [])])
    return found


def _hatches(offset: int) -> dict[str, Any]:
    return {
        **_bar([_ROW * place + _FIRST + 1.5 * _STEP for place in range(offset)], 20),
        "name": "not measured",
        "marker": UNMEASURED_MARKER,
        "hoverinfo": "skip",
        "showlegend": True,
    }


def _hover(info: LatencyInfo, hatched: list[list[str]]) -> dict[str, Any]:
    """Return invisible bars over the full width: wherever one points in a row, all is told about it."""
    texts = [hover_lines(lines) for lines in hatched]
    texts += [hover_lines((row_name(row), *_told(row))) for row in info.rows]
    return {
        **_bar([_ROW * (number + 0.5) for number in range(len(texts))], _ROW),
        "name": "hover",
        "marker": {"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        "hoverinfo": "text",
        "hovertext": texts,
        "showlegend": False,
    }


def _bar(places: list[float], width: float) -> dict[str, Any]:
    return {"type": "bar", "orientation": "h", "x": [1] * len(places), "y": places, "width": width}


def _told(row: LatencyRow) -> list[str]:
    found = {each.name: each for each in row.percentiles}
    return [_in_words(name, found.get(name)) for name in PERCENTILES]


def _in_words(name: str, each: Percentile | None) -> str:
    if each is None:
        return f"{name}: could not be told"
    text = f"{name}: {each.value:,.1f} ms"
    if each.low is not None and each.high is not None:
        text += f" ({each.low:,.1f} to {each.high:,.1f})"
    return text + (f", {plural(each.samples, 'answer')}" if each.samples else "")
