"""Decisions applied to findings: what is settled, what is open, and which decisions are of no use (any more).

* A decision is about a fault, whichever tools report it: it holds for a consensus finding if any of the
  findings that it was made about is recognised in it. A tool that comes in later, or does not run this time,
  changes nothing; evidence that is new is named in the decision's note.
* It holds for one app, and only for the same code (`results.recognition`): white space, quotes and the place
  may change, the code may not. What leads to that code may have changed all the same: give decisions an end.
* The newest decision about a fault counts, and it replaces the older ones for good: they do not come back
  when it expires. Withdrawing it is as if it had never been made.
* If a consensus finding has findings about which different things were decided, the verdict that hides least
  counts: confirmed before accepted before false positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records import Verdict, utc_now
from batchnb.results.columns import Column
from batchnb.results.dataset import as_dataset
from batchnb.results.decisions.decision_states import decision_records, states_frame, states_text
from batchnb.results.decisions.ruling import rule
from batchnb.results.frames import make_frame
from batchnb.results.identity.consensus import consensus, members

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from batchnb.records import Decision

VERDICT_COLUMNS = (
    Column(
        "verdict",
        "category",
        "What was decided about it; missing: nothing that holds",
        categories=tuple(map(str, Verdict)),
    ),
    Column("decision_id", "Int64", "Id of the decision that holds; missing: none"),
)
"""What `Triage.findings` and `Triage.consensus` have more than the frames that they are made of."""
UNDECIDED = "undecided"
VERDICT_COUNTS = (
    Column(
        "verdict",
        "category",
        "What was decided, or undecided",
        categories=(*map(str, Verdict), UNDECIDED),
    ),
    Column("consensus", "Int64", "Number of consensus findings"),
    Column("findings", "Int64", "Number of findings of the tools"),
)
_SETTLED = (str(Verdict.FALSE_POSITIVE), str(Verdict.ACCEPTED))


@dataclass(frozen=True, kw_only=True, eq=False)
class Triage:
    """A dataset with the decisions that hold for it."""

    findings: pd.DataFrame
    """The findings frame, and `consensus_id`, `verdict`, `decision_id`."""
    consensus: pd.DataFrame
    """The consensus frame, and `verdict`, `decision_id`."""
    decisions: pd.DataFrame
    """Every decision with its `state`, how much it holds for, and a `note`: `results.decision_states`."""

    @property
    def counts(self) -> pd.DataFrame:
        """How many consensus findings and findings have each verdict; see `VERDICT_COUNTS`."""
        return verdict_counts(self)

    @property
    def text(self) -> str:
        """What there is to know, in words: counts, and every decision that does not hold, and why."""
        return triage_text(self)


@dataclass(frozen=True, slots=True)
class _Verdict:
    verdict: str | None = None
    decision_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Count:
    verdict: str
    consensus: int
    findings: int


def apply_decisions(
    source: object, decisions: Iterable[Decision] | None = None, *, now: datetime | None = None
) -> Triage:
    """Return the findings of `source` with the decisions that hold for them; see the module's text.

    Args:
        source: a Job or a Dataset.
        decisions: None: those of the dataset.
        now: at which time they are to hold; None: now.

    Raises:
        InvalidValueError: if `source` is neither a Job nor a Dataset.
    """
    dataset = as_dataset(source)
    known = decision_records(dataset.decisions) if decisions is None else decisions
    ordered = sorted(known, key=lambda decision: decision.id)
    faults = members(dataset)
    codes, ids = pd.factorize(faults)
    ruling = rule(dataset, codes.tolist(), ordered, now or utc_now())

    none = _Verdict()
    verdicts = {
        code: _Verdict(str(ordered[at].verdict), ordered[at].id) for code, at in ruling.holding.items()
    }
    by_finding = [verdicts.get(code, none) for code in codes.tolist()]
    table = consensus(dataset)
    by_id = {ids[code]: verdict for code, verdict in verdicts.items()}
    by_fault = [by_id.get(each, none) for each in table["consensus_id"].tolist()]
    return Triage(
        findings=_joined(dataset.findings.assign(consensus_id=faults), by_finding),
        consensus=_joined(table, by_fault),
        decisions=states_frame(ordered, ruling.uses),
    )


def is_open(frame: pd.DataFrame) -> pd.Series:
    """Return which rows of a frame with a `verdict` are neither false positives nor accepted."""
    return ~frame["verdict"].isin(_SETTLED)


def open_findings(triage: Triage) -> pd.DataFrame:
    """Return the findings that are open: undecided or confirmed."""
    return triage.findings[is_open(triage.findings)].reset_index(drop=True)


def open_consensus(triage: Triage) -> pd.DataFrame:
    """Return the consensus findings that are open: undecided or confirmed."""
    return triage.consensus[is_open(triage.consensus)].reset_index(drop=True)


def verdict_counts(triage: Triage) -> pd.DataFrame:
    """Return how many consensus findings and findings have each verdict; see `VERDICT_COUNTS`."""
    faults, findings = (
        frame["verdict"].astype(object).fillna(UNDECIDED).value_counts().to_dict()
        for frame in (triage.consensus, triage.findings)
    )
    words = (*map(str, Verdict), UNDECIDED)
    rows = [_Count(word, faults.get(word, 0), findings.get(word, 0)) for word in words]
    return make_frame(VERDICT_COUNTS, rows)


def triage_text(triage: Triage) -> str:
    """Return what there is to know, in words: counts, and every decision that does not hold, and why."""
    counts = dict(
        zip(*(verdict_counts(triage)[name].tolist() for name in ("verdict", "consensus")), strict=True)
    )
    shares = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in counts.items())
    open_now = int(is_open(triage.consensus).sum())
    found = f"Consensus findings: {shares}. Open (undecided or confirmed): {open_now:,}."
    return f"{found}\n{states_text(triage.decisions)}"


def _joined(frame: pd.DataFrame, verdicts: list[_Verdict]) -> pd.DataFrame:
    added = make_frame(VERDICT_COLUMNS, verdicts).set_axis(frame.index)
    return pd.concat([frame.drop(columns=[*added], errors="ignore"), added], axis=1)
