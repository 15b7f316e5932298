"""The figures of a report: each drawn only if it shows something, each with its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from batchnb.results.drawing.catalogue import CHARTS, Chart
from batchnb.results.drawing.comparison import comparison_figure, comparison_info, comparison_text
from batchnb.results.drawing.grid import grid_text
from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.models.interval_figure import intervals_figure
from batchnb.results.models.intervals import forest_info, intervals_text, rates_info
from batchnb.results.models.rank_chart import ranks_info
from batchnb.results.models.rule_chart import shares_figure, shares_info, shares_text
from batchnb.results.models.systemic_chart import systemic_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.results.dataset import Dataset
    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.identity.comparison import Comparison
    from batchnb.results.models.comparison import ModelComparison

_COMPARISON = Chart(comparison_info, comparison_figure, comparison_text)
_SYSTEMIC = Chart(systemic_info, grid_figure, grid_text)
_FINDINGS = {
    "severity_by_model": "Findings by model",
    "severity_by_analysis": "Findings by analysis",
    "severity_by_tool": "Findings by tool",
    "heat_map": "Findings per app",
    "cwe": "Weaknesses",
    "owasp": "OWASP Top 10",
    "top_rules": "Most frequent rules",
    "agreement": "Agreement of the tools",
}
_MEASUREMENTS = {
    "latency": "Latency",
    "throughput": "Throughput",
    "requirements": "Requirements",
}
_TIMELINE = {"timeline": "When the tasks ran"}
_TREND = {"trend": "Findings and coverage per job"}
_MODELS = {
    "rates_app": ("Rates per app", Chart(rates_info, intervals_figure, intervals_text)),
    "rates_kloc": (
        "Rates per 1,000 lines",
        Chart(partial(rates_info, per="kloc"), intervals_figure, intervals_text),
    ),
    "forest": ("Differences of every two models", Chart(forest_info, intervals_figure, intervals_text)),
    "ranks": ("Ranks", Chart(ranks_info, grid_figure, grid_text)),
    "rule_shares": ("Shares of the rules", Chart(shares_info, shares_figure, shares_text)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFigure:
    """One figure, or the words for one that would be empty. `text` is untrusted."""

    key: str
    """Our own id of it."""
    title: str
    text: str
    spec: str = ""
    """Plotly's JSON; empty: there is nothing to show."""
    height: int = 0
    """In pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureGroup:
    """The figures of one section, in order."""

    figures: tuple[ReportFigure, ...]

    @property
    def drawn(self) -> tuple[ReportFigure, ...]:
        """Those that show something."""
        return tuple(figure for figure in self.figures if figure.spec)

    @property
    def left_out(self) -> tuple[ReportFigure, ...]:
        """Those that have nothing to show; their texts say why."""
        return tuple(figure for figure in self.figures if not figure.spec)


def report_figures(
    dataset: Dataset,
    newest: Dataset,
    models: ModelComparison | None,
    comparison: Comparison | None,
) -> dict[str, FigureGroup]:
    """Return section -> its figures.

    Args:
        dataset: all jobs.
        newest: the same with each app and analysis from its newest job only.
        models: the models compared; None: there are not two.
        comparison: with an earlier run; None: there is none.
    """
    groups = {
        "overview": _catalogued({"severity": "Findings by severity"}, newest),
        "findings": [
            *_catalogued(_FINDINGS, newest),
            _figure("systemic", "Systemic flaws", _SYSTEMIC, newest),
        ],
        "measurements": _catalogued(_MEASUREMENTS, newest),
        "coverage": _catalogued({"coverage": "What each tool did"}, newest),
        "runs": _runs(dataset),
        "models": [
            _figure(key, title, chart, models)
            for key, (title, chart) in (_MODELS.items() if models is not None else ())
        ],
        "comparison": [
            _figure("comparison", "What became of the findings", _COMPARISON, each)
            for each in (comparison,)
            if each is not None
        ],
    }
    return {name: FigureGroup(figures=tuple(figures)) for name, figures in groups.items()}


def _runs(dataset: Dataset) -> list[ReportFigure]:
    found = _catalogued(_TIMELINE, dataset)
    if dataset.tasks["job_id"].nunique() > 1:
        return found + _catalogued(_TREND, dataset)
    return [
        *found,
        *(ReportFigure(key=key, title=title, text="one job has no trend.") for key, title in _TREND.items()),
    ]


def specs_json(groups: Iterable[FigureGroup]) -> str:
    """Return all figures as one JSON object, key -> what Plotly draws."""
    parts = [f'"{figure.key}":{figure.spec}' for group in groups for figure in group.drawn]
    return f"{{{','.join(parts)}}}"


def _catalogued(titles: Mapping[str, str], source: object) -> list[ReportFigure]:
    return [_figure(name, title, CHARTS[name], source) for name, title in titles.items()]


def _figure(key: str, title: str, chart: Chart, source: Any) -> ReportFigure:
    info = chart.info(source)
    figure: Figure = chart.figure(info)
    text = chart.text(info)
    if not figure.data:
        return ReportFigure(key=key, title=title, text=text)
    figure.layout.template = {}  # the charts set all that they need, and it would be in each of them
    return ReportFigure(
        key=key, title=title, text=text, spec=str(figure.to_json()), height=int(figure.layout.height or 0)
    )
