"""The charts of a job or a dataset, one function each.

Every one takes a Job or a Dataset and returns a Plotly figure; `describe` says the same in words, for those
who cannot see it. What was not measured is hatched and never a zero, a count that may be too low reads "≥4",
and of several jobs each app counts once, as the newest job has it (`trend` shows them side by side). What
stands behind one as plain data, without Plotly:
`batchnb.results.drawing.catalogue.CHARTS[name].info(source)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records.errors import UnknownNameError
from batchnb.results.drawing.apps import severity_figure
from batchnb.results.severity import severity_info

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.records import BatchAnalysisTask, Coverage, Finding
    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.drawing.catalogue import Chart

__all__ = [
    "agreement",
    "coverage",
    "cwe",
    "describe",
    "heat_map",
    "latency",
    "names",
    "owasp",
    "requirements",
    "severity",
    "severity_chart",
    "severity_figure",
    "throughput",
    "timeline",
    "top_rules",
    "trend",
]
_GROUPINGS = {
    "app": "severity",
    "model": "severity_by_model",
    "analysis": "severity_by_analysis",
    "tool": "severity_by_tool",
}


def severity_chart(
    findings: Iterable[Finding], coverage: Iterable[Coverage], tasks: Iterable[BatchAnalysisTask] = ()
) -> Figure:
    """Return the severity chart of one job's records; `severity_info` explains the arguments.

    Raises:
        ImportError: if plotly is not installed.
    """
    return severity_figure(severity_info(findings, coverage, tasks))


def severity(source: object, by: str = "app") -> Figure:
    """Return the findings by severity.

    Args:
        source: a Job or a Dataset.
        by: `app`, `model`, `analysis` or `tool`.

    Raises:
        UnknownNameError: if `by` is none of these.
    """
    if by not in _GROUPINGS:
        raise UnknownNameError("grouping", by, _GROUPINGS)
    return _draw(_GROUPINGS[by], source)


def heat_map(source: object, severity: str | None = None) -> Figure:
    """Return the findings per app, a row per model and a column per app number.

    Args:
        source: a Job or a Dataset.
        severity: count only these, such as `high`; None: all.

    Raises:
        UnknownNameError: if there is no such severity.
    """
    return _draw("heat_map", source, severity=severity)


def cwe(source: object) -> Figure:
    """Return the findings per weakness of the Common Weakness Enumeration, the most frequent first."""
    return _draw("cwe", source)


def owasp(source: object) -> Figure:
    """Return the findings per category of the OWASP Top 10 of 2021."""
    return _draw("owasp", source)


def top_rules(source: object) -> Figure:
    """Return the findings per rule, the most frequent first."""
    return _draw("top_rules", source)


def coverage(source: object) -> Figure:
    """Return what each tool did for each app."""
    return _draw("coverage", source)


def agreement(source: object) -> Figure:
    """Return, per pair of tools, the share of faults that both report."""
    return _draw("agreement", source)


def requirements(source: object) -> Figure:
    """Return which requirement each app meets: met, not met, cannot tell, or not checked."""
    return _draw("requirements", source)


def latency(source: object, by: str = "endpoint") -> Figure:
    """Return the latency percentiles of load tests with their intervals, the slowest first.

    Args:
        source: a Job or a Dataset.
        by: `endpoint`, or `app` for all requests of an app together.

    Raises:
        UnknownNameError: if `by` is neither.
    """
    return _draw("latency", source, by=by)


def throughput(source: object) -> Figure:
    """Return the answers per second over the time of a load test, for the apps that answered the least."""
    return _draw("throughput", source)


def timeline(source: object) -> Figure:
    """Return when each task ran and what became of it; of many tasks, how many ran at a time."""
    return _draw("timeline", source)


def trend(source: object) -> Figure:
    """Return findings and coverage per job, the oldest first; what cannot be compared is crossed out."""
    return _draw("trend", source)


def names() -> tuple[str, ...]:
    """Return the names of all charts, for `describe`."""
    from batchnb.results.drawing.catalogue import CHARTS  # noqa: PLC0415 - pandas is wanted only here

    return tuple(CHARTS)


def describe(name: str, source: object, **options: Any) -> str:
    """Return a chart in words. It quotes names from the data: escape it where markup is read.

    Args:
        name: one of `names()`, such as `heat_map` or `severity_by_model`.
        source: a Job or a Dataset.
        options: those of the chart's function, such as `by="app"` for `latency`.

    Raises:
        UnknownNameError: if there is no such chart.
    """
    chart = _chart(name)
    return chart.text(chart.info(source, **options))


def _draw(name: str, source: object, **options: Any) -> Figure:
    chart = _chart(name)
    return chart.figure(chart.info(source, **options))


def _chart(name: str) -> Chart:
    from batchnb.results.drawing.catalogue import CHARTS  # noqa: PLC0415 - pandas is wanted only here

    if name not in CHARTS:
        raise UnknownNameError("chart", name, CHARTS)
    return CHARTS[name]
