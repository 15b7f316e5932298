"""Which decision holds for which fault of a dataset; the rules are in `results.triage`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from batchnb.records import Verdict
from batchnb.results.decisions.decision_states import DecisionState, Use, standing
from batchnb.results.decisions.recognition import Recognition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from batchnb.records import Decision
    from batchnb.results.dataset import Dataset

_WEIGHT = {verdict: weight for weight, verdict in enumerate(Verdict)}
"""The verdict that hides least weighs most."""
_NAMED = 3


class Ruling(NamedTuple):
    """What holds."""

    holding: dict[int, int]
    """Fault -> position of the decision that holds for it."""
    uses: list[Use]
    """What became of each decision, in their order."""


def rule(dataset: Dataset, faults: Sequence[int], decisions: Sequence[Decision], now: datetime) -> Ruling:
    """Return which decision holds for which fault.

    Args:
        dataset: what they are applied to.
        faults: for each row of the findings, the number of its fault.
        decisions: the newest is the last.
        now: the time at which they are to hold.
    """
    ruling = _Ruling(dataset, faults, decisions, now)
    ruling.claim()
    holding = ruling.settle()
    ruling.count(holding)
    return Ruling(holding, ruling.uses)


class _Ruling:
    def __init__(
        self, dataset: Dataset, faults: Sequence[int], decisions: Sequence[Decision], now: datetime
    ) -> None:
        apps = {(decision.model, decision.app_num) for decision in decisions}
        self.uses = standing(decisions, now)
        self._faults, self._decisions = faults, decisions
        self._known = Recognition(dataset.findings, dataset.coverage, apps)
        self._claims: dict[int, int] = {}
        """Row of the findings -> position of the newest decision that was made about it."""
        self._rows: defaultdict[int, list[int]] = defaultdict(list)
        """Fault -> its rows, of the apps about which something was decided."""
        for row in self._known.seen:
            self._rows[faults[row]].append(row)

    def claim(self) -> None:
        """Give every finding to the newest decision about it, also to one that has expired."""
        for at in range(len(self._decisions) - 1, -1, -1):
            use = self.uses[at]
            if use.state in {DecisionState.ACTIVE, DecisionState.EXPIRED}:
                self._claim(at, use)

    def _claim(self, at: int, use: Use) -> None:
        decision = self._decisions[at]
        found = [self._known.find(decision.model, decision.app_num, each) for each in decision.members]
        rows = {row for each in found for row in each.rows}
        free = [row for row in rows if row not in self._claims]
        newer = {self._claims[row] for row in rows if row in self._claims}
        self._claims.update(dict.fromkeys(free, at))
        if use.state is DecisionState.EXPIRED or free:
            return
        if newer:
            use.state, use.note = DecisionState.SUPERSEDED, f"by decision {self._decisions[max(newer)].id}"
            return
        doubts = [each.doubt for each in found if each.doubt]
        tools = {member.tool for member in decision.members}
        if doubts:
            use.state, use.note = DecisionState.AMBIGUOUS, "; ".join(doubts[:_NAMED])
        elif self._known.is_measured(decision.model, decision.app_num, tools):
            use.state = DecisionState.UNUSED
        else:
            use.state = DecisionState.NOT_MEASURED

    def settle(self) -> dict[int, int]:
        """Return fault -> the decision that holds for it."""
        among: defaultdict[int, set[int]] = defaultdict(set)
        for row, at in self._claims.items():
            if self.uses[at].state is DecisionState.ACTIVE:
                among[self._faults[row]].add(at)
        return {
            fault: max(candidates, key=lambda at: (_WEIGHT[self._decisions[at].verdict], at))
            for fault, candidates in among.items()
        }

    def count(self, holding: dict[int, int]) -> None:
        """Note what each decision holds for, what is new about that, and what outweighs it."""
        held: defaultdict[int, list[int]] = defaultdict(list)
        for fault, at in holding.items():
            held[at].append(fault)
        outweighed = {
            at: holding[self._faults[row]]
            for row, at in self._claims.items()
            if holding.get(self._faults[row], at) != at
        }
        for at, use in enumerate(self.uses):
            if use.state is not DecisionState.ACTIVE:
                continue
            rows = [row for fault in held[at] for row in self._rows[fault]]
            use.faults, use.findings = len(held[at]), len(rows)
            notes = self._news(self._decisions[at], rows)
            if at in outweighed:
                other = self._decisions[outweighed[at]]
                notes.append(f"decision {other.id} ({other.verdict}) holds for what is one with it now")
            use.note = "; ".join(notes)

    def _news(self, decision: Decision, rows: Sequence[int]) -> list[str]:
        seen = [self._known.seen[row] for row in rows]
        rules = {(each.tool, each.rule) for each in seen}
        rules -= {(member.tool, member.rule) for member in decision.members}
        paths = {each.path for each in seen} - {member.path for member in decision.members}
        new = ", ".join(f"{tool} {rule}" for tool, rule in sorted(rules)[:_NAMED])
        moved = ", ".join(sorted(paths)[:_NAMED])
        notes = [f"new evidence: {new}"] if new else []
        return [*notes, f"now in {moved}"] if moved else notes
