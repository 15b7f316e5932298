"""The trend over jobs: findings by severity, how much was measured, and which jobs cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records import Severity
from batchnb.results.dataset import as_dataset
from batchnb.results.drawing.view import (
    LOWER_BOUND,
    app_states,
    counts_text,
    joint_state,
    severity_counts,
    states_text,
)
from batchnb.results.severity import CellState
from batchnb.results.text import plural

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset
    from batchnb.results.drawing.view import Counts

MOST_JOBS = 40
_CELL = ["model", "app_num", "analysis_type"]
_Scope = frozenset[tuple[str, int, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendJob:
    """One job."""

    job_id: int
    name: str
    """Untrusted text."""
    day: str
    """When it was made, such as `2026-03-02`; empty: not known."""
    counts: Counts
    state: CellState
    measured: int
    """Planned cells (app and analysis) that were measured in full."""
    planned: int
    """Planned cells that apply to their app."""
    is_comparable: bool
    """Whether it was about the same apps and analyses as the newest job."""
    hover: tuple[str, ...]
    """What the chart says about it. Untrusted text."""

    @property
    def total(self) -> int:
        """Findings of any severity."""
        return sum(self.counts.values())

    @property
    def share(self) -> float | None:
        """Share of the planned cells that was measured in full; None: nothing was planned."""
        return self.measured / self.planned if self.planned else None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendInfo:
    """What the trend says."""

    jobs: tuple[TrendJob, ...]
    """The oldest first; only those that are shown."""
    notes: tuple[str, ...] = ()


def trend_info(source: object) -> TrendInfo:
    """Return findings and coverage per job, the oldest first, at most the newest 40.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    dataset = as_dataset(source)
    frames = (dataset.tasks, dataset.coverage, dataset.findings)
    ids = sorted({int(each) for frame in frames for each in frame["job_id"].dropna().unique()})
    made = dict(zip(dataset.jobs["job_id"], dataset.jobs["created_at"], strict=True))
    ids.sort(key=lambda each: (made.get(each) or pd.Timestamp.min.tz_localize("UTC"), each))
    shown = ids[-MOST_JOBS:]
    parts = {each: dataset.select(jobs=[each]) for each in shown}
    scopes = {each: _scope(part) for each, part in parts.items()}
    jobs = tuple(_job(each, parts[each], scopes[each], scopes[shown[-1]]) for each in shown)
    notes = []
    if any(not job.is_comparable for job in jobs):
        notes.append("Crossed: about other apps or analyses than the newest job, so not comparable with it.")
    if any(job.state is CellState.PARTLY for job in jobs):
        notes.append(LOWER_BOUND)
    if len(ids) > len(shown):
        notes.append(f"And {plural(len(ids) - len(shown), 'older job')}.")
    return TrendInfo(jobs=jobs, notes=tuple(notes))


def trend_text(info: TrendInfo) -> str:
    """Return the trend in words."""
    said = [
        f"Job {job.job_id}{f' of {job.day}' if job.day else ''}: {counts_text(job.counts, job.state)}, "
        f"{job.measured:,} of {job.planned:,} measured in full"
        + ("." if job.is_comparable else ", not comparable with the newest.")
        for job in info.jobs
    ]
    return " ".join(("Findings per job.", *(said or ["There is no job."]), *info.notes))


def _scope(part: Dataset) -> _Scope:
    frames = (part.tasks,) if len(part.tasks) else (part.coverage, part.findings)
    return frozenset(
        (str(model), int(number), str(kind))
        for frame in frames
        for model, number, kind in frame[_CELL].drop_duplicates().itertuples(index=False)
    )


def _job(job_id: int, part: Dataset, scope: _Scope, newest: _Scope) -> TrendJob:
    states = [cell.state for cell in app_states(part, by_analysis=True)]
    counts = severity_counts(part.findings.assign(job=job_id), ["job"]).get(
        job_id, dict.fromkeys(Severity, 0)
    )
    state = joint_state(states)
    if sum(counts.values()) and state is not CellState.MEASURED:
        state = CellState.PARTLY
    row = part.jobs.iloc[0] if len(part.jobs) else None
    day = "" if row is None or pd.isna(row["created_at"]) else f"{row['created_at']:%Y-%m-%d}"
    name = "" if row is None else str(row["name"])
    hover = [f"job {job_id}{f' of {day}' if day else ''}: {name}" if name else f"job {job_id}"]
    hover += [counts_text(counts, state), states_text(states, "cell")]
    if scope != newest:
        hover.append(
            f"not comparable with the newest job: {len(scope - newest):,} cells only here, "
            f"{len(newest - scope):,} only there"
        )
    return TrendJob(
        job_id=job_id,
        name=name,
        day=day,
        counts=counts,
        state=state,
        measured=sum(each is CellState.MEASURED for each in states),
        planned=sum(each is not CellState.NOT_APPLICABLE for each in states),
        is_comparable=scope == newest,
        hover=tuple(hover),
    )
