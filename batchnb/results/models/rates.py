"""Findings per app and per 1,000 lines of each model, with intervals and with what was not measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from batchnb.results.columns import Column
from batchnb.results.frames import make_frame
from batchnb.results.models.stats import Interval, mean_interval, ratio_interval
from batchnb.results.severity import CellState

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.models.cells import Cells

MODEL_RATES = (
    Column("model", "category", "AI model that wrote the apps"),
    Column("apps", "Int64", "Apps that were to be analysed"),
    Column("measured", "Int64", "Apps that every tool read completely"),
    Column(
        "partly_measured", "Int64", "Apps of which a tool or a file is missing: their counts are lower bounds"
    ),
    Column("not_measured", "Int64", "Apps of which nothing was read: they have no count, not even 0"),
    Column("not_applicable", "Int64", "Apps that have nothing for any of the tools"),
    Column("placeholders", "Int64", "Apps, of whatever state, in which there is (almost) nothing to analyse"),
    Column("failed_tasks", "Int64", "Tasks that failed or timed out"),
    Column("used", "Int64", "Apps that the rates are about"),
    Column("findings", "Int64", "What was reported in them"),
    Column("lines", "Int64", "Their lines of code; missing: not known"),
    Column("per_app", "Float64", "Reported per app; missing: nothing to count"),
    Column(
        "per_app_low",
        "Float64",
        "Lower end of its 95 % interval (bootstrap over apps, BCa); missing: see note",
    ),
    Column("per_app_high", "Float64", "Upper end of that interval"),
    Column("per_kloc", "Float64", "Reported per 1,000 lines of code; missing: lines not known"),
    Column("per_kloc_low", "Float64", "Lower end of its 95 % interval; missing: see note"),
    Column("per_kloc_high", "Float64", "Upper end of that interval"),
    Column(
        "per_app_least", "Float64", "Per app if what was not measured held nothing: the least that it can be"
    ),
    Column(
        "per_app_most",
        "Float64",
        "Per app if every app not fully measured held as much as the worst measured app of any model",
    ),
    Column("note", "string", "Why there is no interval, or what is to be known about it"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rate:
    model: str
    apps: int
    measured: int
    partly_measured: int
    not_measured: int
    not_applicable: int
    placeholders: int
    failed_tasks: int
    used: int
    findings: int
    lines: int | None
    per_app: float | None
    per_app_low: float | None
    per_app_high: float | None
    per_kloc: float | None
    per_kloc_low: float | None
    per_kloc_high: float | None
    per_app_least: float | None
    per_app_most: float | None
    note: str


def rates_frame(cells: Cells, *, resamples: int, seed: int) -> pd.DataFrame:
    """Return one row per model: `MODEL_RATES`."""
    return make_frame(MODEL_RATES, [_rate(cells, row, resamples, seed) for row in range(len(cells.models))])


def _rate(cells: Cells, row: int, resamples: int, seed: int) -> _Rate:
    states = list(cells.states[row])
    usable = cells.usable[row]
    counts, lines = cells.counts[row][usable], cells.lines[row][usable]
    by_app = mean_interval(counts, resamples=resamples, seed=seed)
    sized = lines > 0  # false where the lines are not known
    by_line = Interval()
    if sized.any():
        by_line = ratio_interval(counts[sized], lines[sized] / 1000, resamples=resamples, seed=seed)
    notes = [by_app.note]
    if len(counts) > sized.sum():
        notes.append(f"lines of code known for {sized.sum()} of {len(counts)} apps")
    least, most = _bounds(cells, row)
    return _Rate(
        model=cells.models[row],
        apps=sum(state != "" for state in states),
        measured=states.count(CellState.MEASURED),
        partly_measured=states.count(CellState.PARTLY),
        not_measured=states.count(CellState.NOT_MEASURED),
        not_applicable=states.count(CellState.NOT_APPLICABLE),
        placeholders=int((cells.placeholder[row] & (cells.states[row] != "")).sum()),
        failed_tasks=int(cells.failed[row]),
        used=len(counts),
        findings=int(counts.sum()),
        lines=int(lines[sized].sum()) if sized.any() else None,
        per_app=float(counts.mean()) if len(counts) else None,
        per_app_low=by_app.low,
        per_app_high=by_app.high,
        per_kloc=float(1000 * counts[sized].sum() / lines[sized].sum()) if sized.any() else None,
        per_kloc_low=by_line.low,
        per_kloc_high=by_line.high,
        per_app_least=least,
        per_app_most=most,
        note="; ".join(note for note in notes if note),
    )


def _bounds(cells: Cells, row: int) -> tuple[float | None, float | None]:
    """Return what the rate would be if what was not measured held nothing, and if it held very much."""
    states = cells.states[row]
    wanted = (states != "") & (states != CellState.NOT_APPLICABLE)
    if not cells.counting.with_placeholders:
        wanted &= ~cells.placeholder[row]
    if not wanted.any() or not cells.usable.any():
        return None, None
    worst = float(cells.counts[cells.usable].max())
    least = np.nan_to_num(cells.counts[row][wanted], nan=0)
    full = states[wanted] == CellState.MEASURED
    return float(least.mean()), float(np.where(full, least, np.maximum(least, worst)).mean())
