"""A dataset: one or more jobs as tidy frames. What every chart, comparison, test and export takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.columns import FRAMES
from batchnb.results.frames import (
    coverage_frame,
    decisions_frame,
    findings_frame,
    jobs_frame,
    make_frame,
    measurements_frame,
    portfolio_frame,
    results_frame,
    tasks_frame,
)
from batchnb.results.scope import Scope
from batchnb.results.states import app_states

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from batchnb.records import (
        BatchAnalysisJob,
        BatchAnalysisResult,
        BatchAnalysisTask,
        Coverage,
        Decision,
        Finding,
        Measurement,
        Portfolio,
    )
    from batchnb.records.portfolio import Apps

FRAME_NAMES = ("jobs", "tasks", "results", "findings", "measurements", "coverage", "portfolio", "decisions")
"""The frames of a dataset, in the order of their fields; `describe_columns(name)` explains each."""
_CELL = ["model", "app_num", "analysis_type"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Frames that belong together. They are shared, not copied: do not change them in place."""

    jobs: pd.DataFrame
    tasks: pd.DataFrame
    results: pd.DataFrame
    findings: pd.DataFrame
    measurements: pd.DataFrame
    coverage: pd.DataFrame
    portfolio: pd.DataFrame
    """One row per app; empty: not known, so there are no lines of code to divide by."""
    decisions: pd.DataFrame
    """Decisions about findings (triage), whichever job they were made on."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Where it all comes from: versions, settings, digests, times. JSON-able."""

    @classmethod
    def from_records(  # noqa: PLR0913 - one kind of record each, by its name
        cls,
        *,
        jobs: Iterable[BatchAnalysisJob] = (),
        tasks: Iterable[BatchAnalysisTask] = (),
        results: Iterable[BatchAnalysisResult] = (),
        findings: Iterable[Finding] = (),
        measurements: Iterable[Measurement] = (),
        coverage: Iterable[Coverage] = (),
        portfolio: Portfolio | None = None,
        decisions: Iterable[Decision] = (),
        provenance: Mapping[str, Any] | None = None,
    ) -> Dataset:
        """Return the dataset of records; what is not given is an empty frame."""
        return cls(
            jobs=jobs_frame(jobs),
            tasks=tasks_frame(tasks),
            results=results_frame(results),
            findings=findings_frame(findings),
            measurements=measurements_frame(measurements),
            coverage=coverage_frame(coverage),
            portfolio=make_frame(FRAMES["portfolio"], [])
            if portfolio is None
            else portfolio_frame(portfolio),
            decisions=decisions_frame(decisions),
            provenance=dict(provenance or {}),
        )

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The frames by name."""
        return {name: getattr(self, name) for name in FRAME_NAMES}

    @property
    def models(self) -> tuple[str, ...]:
        """The models that something was planned for or reported about, sorted."""
        found: set[str] = set()
        for frame in (self.tasks, self.coverage, self.findings, self.measurements):
            found |= set(frame["model"].dropna().unique())
        return tuple(sorted(found))

    def select(  # noqa: PLR0913 - what a user may choose, each by its name
        self,
        *,
        jobs: Sequence[int] | None = None,
        models: Sequence[str] | None = None,
        apps: Apps = None,
        analyses: Sequence[str] | None = None,
        tools: Sequence[str] | None = None,
        severities: Sequence[str] | None = None,
        without_rules: Sequence[str] = (),
        without_tags: Sequence[str] = (),
    ) -> Dataset:
        """Return the part that the arguments name; all frames are cut alike.

        Args:
            jobs: job ids; None: all, as for all that follows.
            models: model names.
            apps: a range text such as `"1-3,5"`, numbers, or one of these per model.
            analyses: analysis types.
            tools: tools; cuts findings, measurements and coverage.
            severities: cuts findings only.
            without_rules: rules that do not count, such as `"B104"` or, of one tool, `"bandit:B104"`.
            without_tags: marks of findings that do not count, such as `"noise"`.

        Raises:
            UnknownNameError: if a job, model, analysis, tool, severity or rule does not occur.
            InvalidValueError: for a range that is none.
        """
        scope = Scope(self.frames, self.models)
        masks = scope.masks(jobs=jobs, models=models, apps=apps, analyses=analyses, tools=tools)
        frames = {name: frame[masks[name]] for name, frame in self.frames.items()}
        findings = frames["findings"]
        if severities is not None:
            known = findings["severity"].cat.categories
            for level in severities:
                if level not in known:
                    raise UnknownNameError("severity", level, known)
            findings = findings[findings["severity"].isin(list(severities))]
        findings = findings[~scope.excluded(findings, without_rules, without_tags)]
        frames["findings"] = findings
        return replace(self, **{name: frame.reset_index(drop=True) for name, frame in frames.items()})

    def latest(self) -> Dataset:
        """Return each (model, app, analysis) only from the newest job that planned or reported it."""
        keys = pd.concat(
            [
                frame[["job_id", *_CELL]].astype({"model": object, "analysis_type": object})
                for frame in self._by_cell()
            ]
        )
        newest = keys.groupby(_CELL, dropna=False)["job_id"].max()
        frames = {}
        for name in ("tasks", "results", "findings", "measurements", "coverage"):
            frame = self.frames[name]
            wanted = pd.MultiIndex.from_frame(frame[_CELL].astype({"model": object, "analysis_type": object}))
            best = newest.reindex(wanted).to_numpy()
            kept = frame["job_id"].fillna(0).to_numpy() == pd.Series(best).fillna(0).to_numpy()
            frames[name] = frame[kept].reset_index(drop=True)
        return replace(self, **frames)

    def _by_cell(self) -> tuple[pd.DataFrame, ...]:
        return (self.tasks, self.results, self.findings, self.measurements, self.coverage)

    def app_states(self, *, by_analysis: bool = False) -> pd.DataFrame:
        """Return how far each app was measured: `model`, `app_num`, [`analysis_type`,] `state`, `reasons`.

        `state` is a `CellState`; `reasons` says in one line per tool why it is not fully measured.
        """
        return app_states(self.tasks, self.coverage, self.findings, by_analysis=by_analysis)

    def __repr__(self) -> str:
        """Say how much is in it, on one line."""
        counts = ", ".join(f"{len(frame):,} {name}" for name, frame in self.frames.items() if len(frame))
        return f"<Dataset: {counts or 'empty'}>"


def as_dataset(source: object) -> Dataset:
    """Return `source` if it is a dataset, or the dataset of what has one, such as a job.

    Raises:
        InvalidValueError: if it is neither.
    """
    found = source if isinstance(source, Dataset) else getattr(source, "dataset", None)
    if not isinstance(found, Dataset):
        raise InvalidValueError("source", f"{source!r:.80}", "a Job or a Dataset (batchnb.load, read_sarif)")
    return found
