"""What the severity chart says, as plain data: per app the findings by severity, and what was measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from batchnb.records import Severity
from batchnb.results.gaps import find_gaps, is_complete
from batchnb.results.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.records import BatchAnalysisTask, Coverage, Finding
    from batchnb.results.gaps import Gap

    _App = tuple[str, int]

SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""Severity -> its place in a list, the worst first."""


class CellState(StrEnum):
    """How far one app was measured, over all tools that are for it."""

    MEASURED = "measured"
    """Every tool read everything: no finding means "clean"."""
    PARTLY = "partly measured"
    """A tool or a file is missing: the counts are a lower bound."""
    NOT_MEASURED = "not measured"
    """Nothing was read: there is no count, not even 0."""
    NOT_APPLICABLE = "not applicable"
    """The app has nothing for any of the tools."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeverityCell:
    """One app."""

    model: str
    app_num: int
    high: int
    medium: int
    low: int
    state: CellState
    reasons: tuple[str, ...] = ()
    """Why it is not (fully) measured, one text per tool. Untrusted text."""

    @property
    def total(self) -> int:
        """Findings of any severity; a lower bound if partly measured, meaningless if not measured."""
        return self.high + self.medium + self.low

    def count(self, severity: Severity) -> int:
        """Return the number of findings of one severity."""
        return {Severity.HIGH: self.high, Severity.MEDIUM: self.medium, Severity.LOW: self.low}[severity]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeverityInfo:
    """All apps, by model name and app number."""

    cells: tuple[SeverityCell, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The model names, in order."""
        return tuple(dict.fromkeys(cell.model for cell in self.cells))

    def count(self, severity: Severity) -> int:
        """Return the number of findings of one severity over all apps."""
        return sum(cell.count(severity) for cell in self.cells)

    @property
    def is_lower_bound(self) -> bool:
        """Whether something was not measured, so that there may be more findings."""
        return bool(self.apps_in(CellState.PARTLY) or self.apps_in(CellState.NOT_MEASURED))

    @property
    def has_measurement(self) -> bool:
        """Whether anything was measured; if not, there is no number of findings, not even 0."""
        return bool(self.apps_in(CellState.PARTLY) or self.apps_in(CellState.MEASURED))

    def apps_in(self, state: CellState) -> int:
        """Return the number of apps in `state`."""
        return sum(cell.state is state for cell in self.cells)


def worst_first(finding: Finding) -> tuple[Any, ...]:
    """Return the key that sorts findings for a reader: the worst first, then by app, place and rule."""
    place = (finding.path, finding.line or 0, finding.column or 0)
    return (
        SEVERITY_RANK[finding.severity],
        finding.model,
        finding.app_num,
        *place,
        finding.tool,
        finding.rule,
    )


def severity_info(
    findings: Iterable[Finding], coverage: Iterable[Coverage], tasks: Iterable[BatchAnalysisTask] = ()
) -> SeverityInfo:
    """Return what the severity chart shows.

    Args:
        findings: of one job.
        coverage: of the same job; without it no app counts as measured.
        tasks: of the same job; with them, an app whose task never came to run is shown as not measured
            instead of being left out.
    """
    cells = list(coverage)
    counts: dict[_App, Counter[Severity]] = defaultdict(Counter)
    for finding in findings:
        counts[finding.model, finding.app_num][finding.severity] += 1
    gaps: dict[_App, list[Gap]] = defaultdict(list)
    for gap in find_gaps(cells, tasks):
        gaps[gap.model, gap.app_num].append(gap)
    complete = {(cell.model, cell.app_num) for cell in cells if is_complete(cell)}
    apps = sorted({*counts, *gaps, *complete})
    return SeverityInfo(
        cells=tuple(_cell(app, counts[app], gaps[app], complete=app in complete) for app in apps)
    )


def severity_text(info: SeverityInfo) -> str:
    """Return the chart in words, for those who cannot see it: one sentence on findings, one on coverage."""
    if not info.cells:
        return "No app was analysed."
    found = ", ".join(f"{info.count(severity)} {severity}" for severity in Severity)
    states = [(state, info.apps_in(state)) for state in CellState]
    measured = ", ".join(f"{count} {state}" for state, count in states if count)
    apps, models = plural(len(info.cells), "app"), plural(len(info.models), "model")
    if not info.has_measurement:
        return (
            f"{apps} of {models}. Nothing was measured, so there is no number of findings. Apps: {measured}."
        )
    more = (
        " The counts are a lower bound: what was not measured may hold more." if info.is_lower_bound else ""
    )
    return f"{apps} of {models}. Findings by severity: {found}. Apps: {measured}.{more}"


def _cell(app: _App, counts: Counter[Severity], gaps: list[Gap], *, complete: bool) -> SeverityCell:
    found = counts.total() > 0
    reasons = tuple(gap.text for gap in gaps)
    if found and not gaps and not complete:
        reasons = ("no tool said what it read",)
    return SeverityCell(
        model=app[0],
        app_num=app[1],
        high=counts[Severity.HIGH],
        medium=counts[Severity.MEDIUM],
        low=counts[Severity.LOW],
        state=state_of(gaps, complete=complete, found=found),
        reasons=reasons,
    )


def state_of(gaps: list[Gap], *, complete: bool, found: bool) -> CellState:
    """Return how far something was measured, by its gaps and by whether a tool read all, or found any."""
    faults = [gap for gap in gaps if gap.applicable]
    if complete:
        return CellState.PARTLY if faults else CellState.MEASURED
    if found or any(gap.partial for gap in faults):
        return CellState.PARTLY
    return CellState.NOT_MEASURED if faults else CellState.NOT_APPLICABLE
