"""What the explorer has read: a dataset with its decisions applied, and the sheets made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from batchnb.results.decisions.decision_states import decision_records
from batchnb.results.decisions.triage import VERDICT_COLUMNS, apply_decisions
from batchnb.results.frames import decisions_frame
from batchnb.widgets.explorer.kinds import comparison_sheet, consensus_sheet, findings_sheet
from batchnb.widgets.explorer.measured import Measuring

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from batchnb.records import Decision
    from batchnb.results.dataset import Dataset
    from batchnb.results.identity.comparison import Comparison
    from batchnb.widgets.explorer.sheet import Sheet

_ADDED = [column.name for column in VERDICT_COLUMNS]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Loaded:
    """A dataset, ready to be explored."""

    dataset: Dataset
    sheets: Mapping[str, Sheet]
    measuring: Measuring
    decisions: Mapping[int, Decision]
    """Every decision by its id, whether it holds or not."""
    comparison: Comparison | None = None

    def with_comparison(self, comparison: Comparison) -> Loaded:
        """Return this with a sheet of what changed."""
        sheets = {**self.sheets, "comparison": comparison_sheet(comparison.frame, self.measuring.apps)}
        return replace(self, sheets=sheets, comparison=comparison)

    def with_decisions(self, new: Iterable[Decision]) -> Loaded:
        """Return this with decisions that were made or withdrawn since; only their apps are judged again."""
        fresh = list(new)
        decisions = {**self.decisions, **{decision.id: decision for decision in fresh}}
        dataset = replace(self.dataset, decisions=decisions_frame(decisions.values()))
        apps = {(decision.model, decision.app_num) for decision in fresh}
        findings, faults = self.sheets["findings"].frame.copy(), self.sheets["consensus"].frame.copy()
        for model, app_num in sorted(apps):
            part = apply_decisions(_app(dataset, model, app_num), decisions.values())
            _put(findings, part.findings, model, app_num)
            _put(faults, part.consensus, model, app_num)
        sheets = _sheets(findings, faults, self.measuring)
        return replace(self, dataset=dataset, sheets={**self.sheets, **sheets}, decisions=decisions)


def load(dataset: Dataset) -> Loaded:
    """Read a dataset. This takes seconds if it is large."""
    triage, measuring = apply_decisions(dataset), Measuring(dataset)
    return Loaded(
        dataset=dataset,
        sheets=_sheets(triage.findings, triage.consensus, measuring),
        measuring=measuring,
        decisions={decision.id: decision for decision in decision_records(dataset.decisions)},
    )


def _sheets(findings: pd.DataFrame, faults: pd.DataFrame, measuring: Measuring) -> dict[str, Sheet]:
    return {
        "findings": findings_sheet(findings, measuring.apps),
        "consensus": consensus_sheet(faults, measuring.apps),
    }


def _app(dataset: Dataset, model: str, app_num: int) -> Dataset:
    """Return the part that decisions about one app depend on, in the same order."""
    findings, coverage = (
        frame[_of(frame, model, app_num)].reset_index(drop=True)
        for frame in (dataset.findings, dataset.coverage)
    )
    return replace(dataset, findings=findings, coverage=coverage)


def _of(frame: pd.DataFrame, model: str, app_num: int) -> np.ndarray:
    hit: Any = (frame["model"] == model) & (frame["app_num"] == app_num)
    return np.asarray(hit.to_numpy(dtype=bool, na_value=False))


def _put(frame: pd.DataFrame, part: pd.DataFrame, model: str, app_num: int) -> None:
    """Write the verdicts of one app into the whole frame; both have its rows in the same order."""
    rows = np.flatnonzero(_of(frame, model, app_num))
    for name in _ADDED:
        column = frame[name].copy()
        column.iloc[rows] = part[name].array
        frame[name] = column
