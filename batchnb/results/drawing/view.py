"""What the charts look at: a dataset in which every app counts once, counted without a loop over findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records import Severity, format_app_range
from batchnb.results.dataset import as_dataset
from batchnb.results.severity import CellState
from batchnb.results.text import plural, shorten_middle
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from batchnb.results.dataset import Dataset

MOST_COLUMNS = 60
"""Columns of a chart with one per app number; more are put together."""
Counts = dict[Severity, int]
_NAME_LETTERS, _RANGE_LETTERS = 40, 60
MANY_JOBS = "Several jobs: each app and analysis counts once, as the newest job has it."
LOWER_BOUND = "≥ marks a lower bound: what was not measured may hold more."


@dataclass(frozen=True, kw_only=True, slots=True)
class AppState:
    """How far one app was measured."""

    model: str
    app_num: int
    analysis_type: str
    """Empty: over all analyses."""
    state: CellState
    reasons: tuple[str, ...]
    """Why not fully. Untrusted text."""


def current(source: object) -> tuple[Dataset, tuple[str, ...]]:
    """Return the dataset of `source` with every cell from its newest job only, and a note if that cut it.

    Raises:
        InvalidValueError: if it has no dataset.
    """
    dataset = as_dataset(source)
    ids: set[int] = set()
    for frame in (dataset.tasks, dataset.coverage, dataset.findings, dataset.measurements):
        ids |= set(frame["job_id"].dropna().unique())
    return (dataset.latest(), (MANY_JOBS,)) if len(ids) > 1 else (dataset, ())


def app_states(dataset: Dataset, *, by_analysis: bool = False) -> tuple[AppState, ...]:
    """Return every app's state, by model and app."""
    frame = dataset.app_states(by_analysis=by_analysis)
    kinds = frame["analysis_type"] if by_analysis else [""] * len(frame)
    rows = zip(frame["model"], frame["app_num"], kinds, frame["state"], frame["reasons"], strict=True)
    return tuple(
        AppState(
            model=str(model),
            app_num=int(app_num),
            analysis_type=str(kind),
            state=CellState(state),
            reasons=_reasons(reasons, CellState(state)),
        )
        for model, app_num, kind, state, reasons in rows
    )


def _reasons(text: str, state: CellState) -> tuple[str, ...]:
    if not text and state is CellState.PARTLY:
        return ("no tool said what it read",)
    return tuple(line for line in text.split("\n") if line)


def joint_state(states: Iterable[CellState]) -> CellState:
    """Return how far several apps together were measured."""
    found = Counter(states)
    applicable = found.total() - found[CellState.NOT_APPLICABLE]
    if applicable == 0:
        return CellState.NOT_APPLICABLE if found else CellState.NOT_MEASURED
    if found[CellState.MEASURED] == applicable:
        return CellState.MEASURED
    return CellState.NOT_MEASURED if found[CellState.NOT_MEASURED] == applicable else CellState.PARTLY


def severity_counts(findings: pd.DataFrame, keys: Sequence[str]) -> dict[Any, Counts]:
    """Return group -> number of findings per severity; a group is one value, or a tuple of several."""
    rows = findings.groupby([*keys, "severity"], observed=True, dropna=False).size()
    counts: dict[Any, Counts] = {}
    for group, number in rows.items():
        *names, severity = group
        key = names[0] if len(names) == 1 else tuple(names)
        counts.setdefault(key, dict.fromkeys(Severity, 0))[Severity(severity)] = int(number)
    return counts


def total_counts(counts: Iterable[Mapping[Severity, int]]) -> Counts:
    """Return the sum of several counts."""
    total = dict.fromkeys(Severity, 0)
    for each in counts:
        for severity, number in each.items():
            total[severity] += number
    return total


def counts_text(counts: Mapping[Severity, int], state: CellState = CellState.MEASURED) -> str:
    """Return counts in words, such as `at least 2 high, 0 medium, 1 low`."""
    if state in {CellState.NOT_MEASURED, CellState.NOT_APPLICABLE}:
        return str(state)
    bound = "at least " if state is CellState.PARTLY else ""
    return bound + ", ".join(f"{counts.get(severity, 0):,} {severity}" for severity in Severity)


def count_label(total: float, state: CellState) -> str:
    """Return a number as a chart writes it: `3`, `≥3`, `n/a`, or nothing where nothing was measured."""
    number = f"{total:,.0f}" if float(total).is_integer() else f"{total:,.1f}"
    return {
        CellState.MEASURED: number,
        CellState.PARTLY: f"≥{number}",
        CellState.NOT_MEASURED: "",
        CellState.NOT_APPLICABLE: "n/a",
    }[state]


def states_text(states: Iterable[CellState], noun: str = "app") -> str:
    """Return a sentence such as `12 apps: 10 measured, 2 not measured`."""
    found = Counter(states)
    parts = ", ".join(f"{found[state]:,} {state}" for state in CellState if found[state])
    return f"{plural(found.total(), noun)}: {parts}" if parts else f"no {noun}"


def apps_text(apps: Iterable[tuple[str, int]], most: int = 4) -> str:
    """Return apps as `gpt-4o 1-3,7; claude 2`, at most `most` models; the names are untrusted text."""
    numbers: dict[str, set[int]] = {}
    for model, app_num in apps:
        numbers.setdefault(model, set()).add(app_num)
    named = [
        f"{shorten_middle(visible(model, one_line=True), _NAME_LETTERS)} {_range_text(found)}"
        for model, found in sorted(numbers.items())
    ]
    more = len(named) - most
    return "; ".join(named[:most]) + (f"; and {plural(more, 'more model')}" if more > 0 else "")


def app_bins(numbers: Iterable[int], most: int = MOST_COLUMNS) -> tuple[tuple[int, ...], ...]:
    """Return app numbers in order, in at most `most` groups of neighbours."""
    found = sorted(set(numbers))
    size = -(-len(found) // most)
    return tuple(tuple(found[start : start + size]) for start in range(0, len(found), max(1, size)))


def bin_label(group: Sequence[int]) -> str:
    """Return the label of a group of app numbers, such as `3` or `10-19`."""
    return str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}"


def group_numbers(frame: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Return the number of each row's group; what is computed with numbers does not touch untrusted names."""
    return frame.groupby(list(keys), observed=True, sort=True).ngroup()


def _range_text(numbers: set[int]) -> str:
    text = format_app_range(numbers)
    if len(text) <= _RANGE_LETTERS:
        return text
    return f"{text[:_RANGE_LETTERS].rpartition(',')[0]}, ... ({plural(len(numbers), 'app')})"
