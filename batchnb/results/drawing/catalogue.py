"""All charts by name, each with its two halves and its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from batchnb.results.drawing.agreement import agreement_info
from batchnb.results.drawing.apps import severity_figure
from batchnb.results.drawing.bars import bars_figure, bars_text
from batchnb.results.drawing.coverage import coverage_info
from batchnb.results.drawing.grid import grid_text
from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.drawing.heat import heat_map_info
from batchnb.results.drawing.latency import latency_info, latency_text
from batchnb.results.drawing.latency_figure import latency_figure
from batchnb.results.drawing.requirements import requirements_info
from batchnb.results.drawing.severity import app_severity_info, severity_bars_info
from batchnb.results.drawing.throughput import throughput_figure, throughput_info, throughput_text
from batchnb.results.drawing.timeline import timeline_info, timeline_text
from batchnb.results.drawing.timeline_figure import timeline_figure
from batchnb.results.drawing.trend import trend_info, trend_text
from batchnb.results.drawing.trend_figure import trend_figure
from batchnb.results.drawing.weakness import cwe_info, owasp_info, top_rules_info
from batchnb.results.severity import severity_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.results.drawing._plotly import Figure


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: `info` is what it says, as plain data; the other two show that in a figure and in words."""

    info: Callable[..., Any]
    """Of a job or a dataset, and the chart's options."""
    figure: Callable[[Any], Figure]
    text: Callable[[Any], str]
    """It quotes untrusted names: escape it for its sink."""


CHARTS: dict[str, Chart] = {
    "severity": Chart(app_severity_info, severity_figure, severity_text),
    "severity_by_model": Chart(partial(severity_bars_info, by="model"), bars_figure, bars_text),
    "severity_by_analysis": Chart(partial(severity_bars_info, by="analysis"), bars_figure, bars_text),
    "severity_by_tool": Chart(partial(severity_bars_info, by="tool"), bars_figure, bars_text),
    "heat_map": Chart(heat_map_info, grid_figure, grid_text),
    "cwe": Chart(cwe_info, bars_figure, bars_text),
    "owasp": Chart(owasp_info, bars_figure, bars_text),
    "top_rules": Chart(top_rules_info, bars_figure, bars_text),
    "coverage": Chart(coverage_info, grid_figure, grid_text),
    "agreement": Chart(agreement_info, grid_figure, grid_text),
    "requirements": Chart(requirements_info, grid_figure, grid_text),
    "latency": Chart(latency_info, latency_figure, latency_text),
    "throughput": Chart(throughput_info, throughput_figure, throughput_text),
    "timeline": Chart(timeline_info, timeline_figure, timeline_text),
    "trend": Chart(trend_info, trend_figure, trend_text),
}
"""Chart name -> the chart."""
