"""What a report says when there are models to compare: words, tables and caveats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records import Severity
from batchnb.results.models.comparison import compare_models
from batchnb.results.models.summary import summarize_models
from batchnb.results.models.text import p_text
from batchnb.results.reports.table import MISSING, Head, Table, table_of
from batchnb.results.severity import CellState

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset
    from batchnb.results.models.comparison import ModelComparison
    from batchnb.results.models.summary import ModelSummary

_RATES = {
    "model": "Model",
    "apps": "Apps",
    "used": "Compared",
    "per_app": "Per app",
    "app_interval": "95 % interval",
    "per_kloc": "Per 1,000 lines",
    "kloc_interval": "95 % interval",
    "bounds": "Could be, per app",
    "placeholders": "Placeholders",
    "failed_tasks": "Failed tasks",
    "note": "Note",
}
_PAIRS = {
    "first": "Model",
    "second": "and model",
    "blocks": "Blocks",
    "difference": "Difference per app",
    "interval": "95 % interval",
    "p": "p",
    "p_holm": "p, corrected",
    "rank_biserial": "Effect (rank-biserial)",
    "why": "Left out",
}
_RULES = {
    "rule": "Rule",
    "tool": "Tool",
    "findings": "Findings",
    "share": "Share of all",
    "apps_share": "Share of the apps",
    "order_changes": "Order changes without it",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelsPart:
    """The models of a report, compared."""

    comparison: ModelComparison

    @property
    def lines(self) -> list[str]:
        """The comparison in words. Untrusted text."""
        return self.comparison.text.split("\n")

    @property
    def tables(self) -> tuple[Table, ...]:
        """Rates, pairs and rules."""
        return self._rates, self._pairs, self._rules

    @property
    def _rates(self) -> Table:
        rates = self.comparison.rates
        frame = rates.assign(
            app_interval=_intervals(rates, "per_app_low", "per_app_high"),
            kloc_interval=_intervals(rates, "per_kloc_low", "per_kloc_high"),
            bounds=_intervals(rates, "per_app_least", "per_app_most"),
        )
        caption = "Rates over the apps that can be compared; what was not measured widens the bounds."
        return table_of(frame, _RATES, caption)

    @property
    def _pairs(self) -> Table:
        pairs = self.comparison.pairs
        frame = pairs.assign(
            interval=_intervals(pairs, "low", "high"),
            **{name: [_p(value) for value in pairs[name]] for name in ("p", "p_holm")},
        )
        caption = "Every two models on the blocks measured in both; below 0: the first has fewer reported."
        return table_of(frame, _PAIRS, caption)

    @property
    def _rules(self) -> Table:
        rules = self.comparison.rules
        frame = rules.assign(**{name: _shares(rules[name]) for name in ("share", "apps_share")})
        caption = (
            "Rules by their share of what was reported: a ranking can hang on one that fires everywhere."
        )
        return table_of(frame, _RULES, caption, most=20)


def models_part(newest: Dataset) -> ModelsPart | None:
    """Return the models of a dataset compared; None: there are not two."""
    if len(newest.models) < 2:
        return None
    return ModelsPart(comparison=compare_models(newest))


def model_table(newest: Dataset) -> Table:
    """Return what was reported per model and how far its apps were measured; ≥ marks a lower bound."""
    heads = [Head(label="Model")]
    labels = ["Apps", *map(str, CellState), "Findings", *map(str, Severity), "Per app", "Per 1,000 lines"]
    heads += [Head(label=label[0].upper() + label[1:], is_number=True) for label in labels]
    rows = tuple(_summary(each) for each in summarize_models(newest))
    caption = (
        "≥: a lower bound, because something was not measured. "
        f"{MISSING}: not measured, or not known. Rates are over the apps measured completely, without "
        "placeholders. A count says what the tools reported, not how safe an app is."
    )
    return Table(caption=caption, heads=tuple(heads), rows=rows, total=len(rows))


def _summary(model: ModelSummary) -> tuple[str, ...]:
    bound = "≥ " if model.is_lower_bound else ""
    counts = [model.findings, *(model.severities[level] for level in Severity)]
    told = [MISSING if model.findings is None else f"{bound}{count:,}" for count in counts]
    states = [f"{model.states[state]:,}" for state in CellState]
    rates = [MISSING if rate is None else f"{rate:,.2f}" for rate in (model.per_app, model.per_kloc)]
    return (model.model, f"{model.apps:,}", *states, *told, *rates)


def _intervals(frame: pd.DataFrame, low: str, high: str) -> list[str]:
    return [
        MISSING if pd.isna(start) or pd.isna(end) else f"{start:.1f} to {end:.1f}"
        for start, end in zip(frame[low], frame[high], strict=True)
    ]


def _shares(values: pd.Series) -> list[str]:
    return [MISSING if pd.isna(value) else f"{value:.0%}" for value in values]


def _p(value: float) -> str:
    return MISSING if pd.isna(value) else p_text(value)
