"""What a comparison of two runs says: states, frames, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from batchnb.records import Severity
from batchnb.results.columns import APP, Column
from batchnb.results.identity.matching import How
from batchnb.results.severity import SEVERITY_RANK
from batchnb.results.text import plural

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    import pandas as pd

    from batchnb.results.dataset import Dataset
    from batchnb.results.identity.reading import Cell


class Change(StrEnum):
    """What became of a finding from one run to the other."""

    NEW = "new"
    """It is there now; the tool read the file before, and did not report it."""
    REOPENED = "reopened"
    """It is there now, was not there before, but was in an earlier run."""
    MOVED = "moved"
    """It is in another file now."""
    UNCHANGED = "unchanged"
    """It is in the same file, on whatever line."""
    FIXED = "fixed"
    """It was there before; the tool read the app now, and does not report it."""
    NOT_REMEASURED = "not re-measured"
    """It was there before; now its tool did not read its file, so that it may still be there."""
    NOT_MEASURED_BEFORE = "not measured before"
    """It is there now; before, its tool did not read its file, so that it may have been there."""


UNSURE = frozenset({Change.NOT_REMEASURED, Change.NOT_MEASURED_BEFORE})
"""States that are no change that anybody saw: one of the runs did not look."""


class Found(NamedTuple):
    """A row of a findings frame, without pandas."""

    model: str
    app_num: int
    analysis_type: str
    tool: str
    rule: str
    severity: str
    cwe: int | None
    path: str
    line: int | None
    message: str
    snippet: str
    fingerprint: str
    tags: str
    clone_key: str

    @property
    def cell(self) -> Cell:
        """Where and by what it was found."""
        return self.model, self.app_num, self.analysis_type, self.tool


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One finding of either run, or of both."""

    state: Change
    reason: str | None
    now: Found
    """As it is now; what is gone: as it was."""
    one: Found | None
    """As it was; None: it was not there."""
    other: Found | None
    """As it is; None: it is not there."""
    row_before: int | None
    row_after: int | None
    recognised: How | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCounts:
    """The findings of one model by state."""

    model: str
    counts: Counter[Change]


def _before(name: str) -> Callable[[Row], Any]:
    return lambda row: None if row.one is None else getattr(row.one, name)


def _after(name: str) -> Callable[[Row], Any]:
    return lambda row: None if row.other is None else getattr(row.other, name)


def _count(change: Change) -> Callable[[ModelCounts], int]:
    return lambda row: row.counts[change]


def _severity_change(row: Row) -> str | None:
    if row.one is None or row.other is None or row.one.severity == row.other.severity:
        return None
    ranks = [SEVERITY_RANK[Severity(each.severity)] for each in (row.one, row.other)]
    return "raised" if ranks[1] < ranks[0] else "lowered"


_SEVERITIES = tuple(str(level) for level in reversed(Severity))
COMPARISON = (
    Column("state", "category", "What became of it", categories=tuple(str(change) for change in Change)),
    Column("reason", "string", "Why nobody can say what became of it; missing: known"),
    *(Column(each.name, each.dtype, each.doc, f"now.{each.name}") for each in APP),
    Column("analysis_type", "category", "Analysis, such as backend_security", "now.analysis_type"),
    Column("tool", "category", "Tool that reported it", "now.tool"),
    Column("rule", "string", "The tool's own rule id, such as B608", "now.rule"),
    Column("severity", "category", "How bad it is; of what is gone: was", "now.severity", _SEVERITIES),
    Column(
        "severity_before", "category", "How bad it was; missing: not there", _before("severity"), _SEVERITIES
    ),
    Column(
        "severity_change",
        "category",
        "Whether it got worse; missing: neither",
        _severity_change,
        ("lowered", "raised"),
    ),
    Column(
        "cwe", "Int64", "Number in the Common Weakness Enumeration; missing: the rule has none", "now.cwe"
    ),
    Column(
        "path_before",
        "string",
        "File before, relative to the app's folder; missing: not there",
        _before("path"),
    ),
    Column("line_before", "Int64", "Line before; missing: not there, or the whole file", _before("line")),
    Column("path_after", "string", "File now; missing: not there", _after("path")),
    Column("line_after", "Int64", "Line now; missing: not there, or the whole file", _after("line")),
    Column(
        "recognised",
        "category",
        "How both are known to be one: the same source, edited nearby, or moved; missing: there is only one",
        categories=tuple(str(how) for how in How),
    ),
    Column("message", "string", "What the tool says; of what is gone: said", "now.message"),
    Column("tags", "string", "Marks such as noise or suppressed, joined by a space", "now.tags"),
    Column("fingerprint", "string", "Identity within the app; of what is gone: before", "now.fingerprint"),
    Column("clone_key", "string", "Identity of the flaw without its place", "now.clone_key"),
    Column("row_before", "Int64", "Its row in `Comparison.before.findings`; missing: not there"),
    Column("row_after", "Int64", "Its row in `Comparison.after.findings`; missing: not there"),
)
COUNTS = (
    Column("model", "category", "AI model that wrote the apps"),
    *(Column(str(each), "Int64", f"Findings that are {each}", _count(each)) for each in Change),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Two runs compared; the texts in its frames and notes are untrusted."""

    before: Dataset
    """The earlier run, each app and analysis from its newest job."""
    after: Dataset
    """The later run, likewise."""
    frame: pd.DataFrame
    """One row per finding of either run, by state, model, app and place: see `COMPARISON`."""
    counts: pd.DataFrame
    """One row per model with the number of its findings in each state: see `COUNTS`."""
    notes: tuple[str, ...] = ()
    """What else may have made a difference, such as another version of a tool."""

    @property
    def totals(self) -> dict[Change, int]:
        """The number of findings in each state, over all models."""
        return {change: int(self.counts[str(change)].sum()) for change in Change}

    @property
    def text(self) -> str:
        """The comparison in words."""
        totals = self.totals
        if not any(totals.values()):
            return "Neither run has a finding to compare."
        sure = [change for change in Change if change not in UNSURE]
        parts = [f"{totals[change]:,} {change}" for change in sure]
        sentences = [f"{plural(sum(totals.values()), 'finding')}: {', '.join(parts)}."]
        if gone := totals[Change.NOT_REMEASURED]:
            sentences.append(
                f"{gone:,} were not re-measured: they may still be there, and do not count as fixed."
            )
        if seen := totals[Change.NOT_MEASURED_BEFORE]:
            sentences.append(
                f"{seen:,} are where nothing was measured before: they may be old, and do not count as new."
            )
        return " ".join([*sentences, *(f"{note}." for note in self.notes)])

    def __repr__(self) -> str:
        """Say how many findings are in which state, on one line."""
        parts = ", ".join(f"{count:,} {change}" for change, count in self.totals.items() if count)
        return f"<Comparison: {parts or 'no findings'}>"
