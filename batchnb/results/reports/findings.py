"""The findings of a report: one row per fault with every tool's evidence for it, the worst first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import InvalidValueError
from batchnb.results.decisions.decision_states import DecisionState
from batchnb.results.decisions.triage import apply_decisions
from batchnb.results.identity import cwe_tree
from batchnb.results.reports.table import Table, table_of
from batchnb.results.sarif.frame_json import Rows

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.dataset import Dataset
    from batchnb.results.decisions.triage import Triage

_MOST_EVIDENCE = 12
"""Findings that are listed for one fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What one tool says about a fault. The texts are untrusted."""

    tool: str
    rule: str
    severity: str
    confidence: str | None
    line: int | None
    message: str
    snippet: str
    tags: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultRow:
    """One fault (consensus finding). The texts are untrusted."""

    severity: str
    model: str
    app_num: int
    analyses: tuple[str, ...]
    tools: tuple[str, ...]
    rules: tuple[str, ...]
    cwe: int | None
    path: str
    line: int | None
    end_line: int | None
    message: str
    verdict: str
    """What was decided about it, in words; empty: nothing that holds."""
    evidence: tuple[Evidence, ...]
    more: int
    """Findings about it that are not listed."""

    @property
    def weakness(self) -> str:
        """The name of its CWE; empty: there is none."""
        return "" if self.cwe is None else cwe_tree.title(self.cwe)


@dataclass(frozen=True, kw_only=True, eq=False)
class FindingsPart:
    """What a report says about findings and decisions."""

    triage: Triage
    rows: tuple[FaultRow, ...]
    """The worst faults, as many as fit into the table."""

    @property
    def faults(self) -> int:
        """Number of faults, shown or not."""
        return len(self.triage.consensus)

    @property
    def findings(self) -> int:
        """Number of findings of all tools."""
        return len(self.triage.findings)

    @property
    def is_cut(self) -> bool:
        """Whether there are faults that the table does not show."""
        return len(self.rows) < self.faults

    @property
    def has_decisions(self) -> bool:
        """Whether anything was decided, about these findings or others."""
        return not self.triage.decisions.empty

    @property
    def decision_lines(self) -> list[str]:
        """What there is to know about the decisions, in words. Untrusted text."""
        return self.triage.text.split("\n")

    @property
    def verdict_table(self) -> Table:
        """How many faults and findings have each verdict."""
        counts = self.triage.counts.assign(verdict=lambda frame: frame["verdict"].map(_words))
        return table_of(
            counts, {"verdict": "Verdict", "consensus": "Faults", "findings": "Findings of the tools"}
        )

    @property
    def decision_table(self) -> Table:
        """Every decision, those that do not hold too, with the reason why."""
        frame = self.triage.decisions
        frame = frame.assign(
            verdict=frame["verdict"].map(_words), idle=frame["state"] != DecisionState.ACTIVE
        )
        return table_of(
            frame.sort_values(["idle", "decision_id"], ascending=[False, True], kind="stable"),
            {
                "decision_id": "No.",
                "state": "State",
                "verdict": "Verdict",
                "model": "Model",
                "app_num": "App",
                "message": "About",
                "reason": "Reason",
                "author": "By",
                "decided_at": "Decided",
                "expires_at": "Until",
                "faults": "Faults",
                "note": "Note",
            },
            "Decisions that hold for nothing come first.",
        )


def findings_part(dataset: Dataset, triage: Triage | None, most: int) -> FindingsPart:
    """Return the findings of a dataset in which each app counts once.

    Args:
        dataset: the data.
        triage: its findings with the decisions about them; None: the dataset's own decisions are applied.
        most: faults that are shown.

    Raises:
        InvalidValueError: if `triage` is about other findings.
    """
    triage = apply_decisions(dataset) if triage is None else triage
    if len(triage.findings) != len(dataset.findings):
        raise InvalidValueError(
            "triage",
            f"of {len(triage.findings):,} findings",
            f"that of these {len(dataset.findings):,} findings",
        )
    order = ["severity", "n_tools", "model", "app_num", "path", "line"]
    ranked = triage.consensus.sort_values(
        order, ascending=[False, False, True, True, True, True], kind="stable", na_position="first"
    )
    shown = ranked.head(most)
    evidence = _evidence(triage.findings, shown)
    rows = tuple(_row(row, evidence[row["consensus_id"]]) for row in Rows(shown))
    return FindingsPart(triage=triage, rows=rows)


def _evidence(findings: pd.DataFrame, shown: pd.DataFrame) -> dict[int, list[dict[str, Any]]]:
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in Rows(findings[findings["consensus_id"].isin(shown["consensus_id"])]):
        found[row["consensus_id"]].append(row)
    return found


def _row(fault: dict[str, Any], members: list[dict[str, Any]]) -> FaultRow:
    names = list(Evidence.__dataclass_fields__)
    return FaultRow(
        **{name: fault[name] for name in ("severity", "model", "app_num", "cwe", "path", "line", "end_line")},
        message=fault["message"],
        analyses=_distinct(members, "analysis_type"),
        tools=_distinct(members, "tool"),
        rules=_distinct(members, "rule"),
        verdict=_words(fault["verdict"]),
        evidence=tuple(Evidence(**{name: row[name] for name in names}) for row in members[:_MOST_EVIDENCE]),
        more=max(0, len(members) - _MOST_EVIDENCE),
    )


def _distinct(rows: list[dict[str, Any]], name: str) -> tuple[str, ...]:
    return tuple(sorted({row[name] for row in rows}))


def _words(verdict: str | None) -> str:
    return "" if verdict is None else verdict.replace("_", " ")
