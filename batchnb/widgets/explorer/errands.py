"""What the explorer does beside showing: decide, compare, write files. What the page says is untrusted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import BatchnbError, InvalidValueError
from batchnb.results.dataset import as_dataset
from batchnb.results.identity.compare import compare
from batchnb.widgets.explorer.desk import Outcome
from batchnb.widgets.explorer.exports import FORMATS, export_view
from batchnb.widgets.explorer.triage import read_wish, stored_decisions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from batchnb.widgets.explorer.desk import Desk
    from batchnb.widgets.explorer.loaded import Loaded
    from batchnb.widgets.explorer.query import Query
    from batchnb.widgets.explorer.triage import Decide, Wish, Withdraw

_MOST_TEXT, _MOST_RULES = 4_000, 100
Baselines = tuple[tuple[str, "Callable[[], object]"], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Errands:
    """Starts wishes on the desk; each method takes a message as it came."""

    desk: Desk
    source: object
    decide: Decide | None
    withdraw: Withdraw | None
    baselines: Baselines
    folder: Path

    def decide_on(self, message: Mapping[str, Any], rows: pd.DataFrame) -> None:
        """Have `rows`, one row of a sheet, decided about, or take back what was decided."""
        try:
            wish = read_wish(message)
        except BatchnbError as error:
            self.desk.refuse("decide", str(error))
            return
        decision = rows["decision_id"].iloc[0]
        if wish.verdict and self.decide is not None:
            self.desk.start("decide", partial(_decide, self.decide, rows, wish))
        elif not wish.verdict and self.withdraw is not None and decision == decision:  # noqa: PLR0124 - missing
            self.desk.start("decide", partial(_withdraw, self.withdraw, int(decision), wish))

    def compare(self, message: Mapping[str, Any], loaded: Loaded) -> None:
        """Compare with one of the baselines."""
        index = message.get("index")
        if type(index) is int and 0 <= index < len(self.baselines):
            label, make = self.baselines[index]
            self.desk.start("compare", partial(_compare, label, make, loaded))

    def models(self, message: Mapping[str, Any], loaded: Loaded) -> None:
        """Compare the models."""
        text = message.get("without")
        if not isinstance(text, str) or len(text) > _MOST_TEXT:
            return
        try:
            rules = _rule_list(text)
        except BatchnbError as error:
            self.desk.refuse("models", str(error))
            return
        self.desk.start("models", partial(_models, loaded, rules))

    def export(self, message: Mapping[str, Any], loaded: Loaded, query: Query) -> None:
        """Write a file."""
        ending = message.get("ending")
        if isinstance(ending, str) and ending in FORMATS:
            self.desk.start("export", partial(_export, loaded, query, self.source, ending, self.folder))


def _rule_list(text: str) -> tuple[str, ...]:
    """Return the rules that a reader typed, such as `B104, ruff:S105`."""
    rules = tuple(rule for part in text.split(",") if (rule := part.strip()))
    if len(rules) > _MOST_RULES:
        raise InvalidValueError("rules to leave out", len(rules), f"at most {_MOST_RULES}")
    return rules


def _decide(decide: Decide, rows: pd.DataFrame, wish: Wish) -> Outcome:
    made = stored_decisions(
        decide(rows, wish.verdict, reason=wish.reason, expires=wish.expires, **wish.named)
    )
    said = f"Decided: {wish.verdict.replace('_', ' ')}."
    return Outcome(said=said, decisions=made, read_again=not made)


def _withdraw(withdraw: Withdraw, decision_id: int, wish: Wish) -> Outcome:
    gone = stored_decisions(withdraw(decision_id, reason=wish.reason, **wish.named))
    return Outcome(said="The decision was withdrawn.", decisions=gone, read_again=not gone)


def _compare(label: str, make: Callable[[], object], loaded: Loaded) -> Outcome:
    comparison = compare(as_dataset(make()), loaded.dataset)
    return Outcome(said=comparison.text, comparison=comparison, label=label)


def _models(loaded: Loaded, rules: tuple[str, ...]) -> Outcome:
    from batchnb.widgets.explorer.models import compare_outputs  # noqa: PLC0415 - statistics take their time to load

    without = f" without {', '.join(rules)}" if rules else ""
    outputs = compare_outputs(loaded.dataset, rules)
    return Outcome(said=f"Models compared{without}: see below.", outputs=outputs)


def _export(loaded: Loaded, query: Query, source: object, ending: str, folder: Path) -> Outcome:
    return Outcome(said=export_view(loaded, query, source, ending, folder))
