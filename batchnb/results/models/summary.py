"""What a written summary says of each model: how much was measured, what was reported, and how often."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import Severity
from batchnb.results.severity import CellState

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSummary:
    """One model. Its name is untrusted text."""

    model: str
    states: Counter[CellState]
    """How far its apps were measured."""
    severities: Counter[Severity]
    """What was reported in all its apps: a lower bound unless all were measured."""
    used: int
    """Apps that the rates are about: measured completely, and no placeholders as far as that is known."""
    used_findings: int
    """What was reported in these."""
    lines: int | None
    """Lines of code of these; None: not known of all of them."""

    @property
    def apps(self) -> int:
        """Number of apps."""
        return self.states.total()

    @property
    def findings(self) -> int | None:
        """What was reported in all its apps; None: nothing was measured, so there is no number."""
        seen = self.states[CellState.MEASURED] or self.states[CellState.PARTLY]
        return self.severities.total() if seen else None

    @property
    def is_lower_bound(self) -> bool:
        """Whether there may be more findings where nobody looked."""
        return bool(self.states[CellState.PARTLY] or self.states[CellState.NOT_MEASURED])

    @property
    def per_app(self) -> float | None:
        """Findings per app; None: no app to count in."""
        return self.used_findings / self.used if self.used else None

    @property
    def per_kloc(self) -> float | None:
        """Findings per 1,000 lines of code; None: no app to count in, or lines not known."""
        return 1000 * self.used_findings / self.lines if self.used and self.lines else None


def summarize_models(dataset: Dataset) -> tuple[ModelSummary, ...]:
    """Return a summary of each model that has an app, by name; of several jobs the newest counts."""
    newest = dataset.latest()
    states: dict[str, dict[int, CellState]] = {}
    frame = newest.app_states()
    for model, number, state in zip(frame["model"], frame["app_num"], frame["state"], strict=True):
        states.setdefault(model, {})[int(number)] = CellState(state)
    apps = newest.portfolio
    sizes = {
        (model, int(number)): (None if placeholder else int(lines))
        for model, number, placeholder, lines in zip(
            apps["model"], apps["app_num"], apps["placeholder"], apps["lines"], strict=True
        )
    }
    found: Counter[tuple[str, int]] = Counter()
    severities: dict[str, Counter[Severity]] = {model: Counter() for model in states}
    rows = newest.findings
    for model, number, severity in zip(rows["model"], rows["app_num"], rows["severity"], strict=True):
        found[model, int(number)] += 1
        severities[model][Severity(severity)] += 1
    return tuple(_summary(model, states[model], severities[model], found, sizes) for model in sorted(states))


def _summary(
    model: str,
    states: dict[int, CellState],
    severities: Counter[Severity],
    found: Counter[tuple[str, int]],
    sizes: dict[tuple[str, int], int | None],
) -> ModelSummary:
    measured = [(model, number) for number, state in states.items() if state is CellState.MEASURED]
    used = [app for app in measured if sizes.get(app, 0) is not None]
    known = [lines for app in used if (lines := sizes.get(app)) is not None]
    return ModelSummary(
        model=model,
        states=Counter(states.values()),
        severities=severities,
        used=len(used),
        used_findings=sum(found[app] for app in used),
        lines=sum(known) if len(known) == len(used) else None,
    )
