"""The numbers that models are compared by: findings per model and app, and which of them may be compared.

Apps with the same number answer the same task, so they are one block. A count is compared only where the app
was read completely by every tool that measured anything at all: elsewhere a low count may only mean that
nobody looked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from batchnb.records import Severity, TaskStatus
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.drawing.view import current
from batchnb.results.models.scope import without_mute_tools
from batchnb.results.severity import CellState
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.dataset import Dataset

COUNTS = ("findings", "consensus")
NO_APP, PLACEHOLDER = "no such app", "placeholder"
_FAILED = frozenset({str(TaskStatus.FAILED), str(TaskStatus.TIMED_OUT)})
Numbers = np.ndarray[Any, Any]
Flags = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counting:
    """What is counted, and in which apps."""

    count: str = "findings"
    severity: str | None = None
    without_rules: Sequence[str] = ()
    without_tags: Sequence[str] = ()
    use_partly: bool = False
    with_placeholders: bool = False

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            UnknownNameError: for another thing to count, or a severity that does not exist.
            InvalidValueError: for a text where several texts belong.
        """
        if self.count not in COUNTS:
            raise UnknownNameError("count", self.count, COUNTS)
        if self.severity is not None and self.severity not in list(Severity):
            raise UnknownNameError("severity", self.severity, list(map(str, Severity)))
        for what, value in (("without_rules", self.without_rules), ("without_tags", self.without_tags)):
            if isinstance(value, str):
                raise InvalidValueError(what, value, f"a list of texts, such as [{value!r}]")

    @property
    def noun(self) -> str:
        """What is counted, in words."""
        what = "consensus findings" if self.count == "consensus" else "findings"
        return f"{what} of {self.severity} severity" if self.severity else what


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cells:
    """One cell per model (first axis) and block, that is app number (second axis)."""

    models: tuple[str, ...]
    numbers: tuple[int, ...]
    counts: Numbers
    """What was found; nan where nothing was measured. A lower bound where measured in part."""
    lines: Numbers
    """Lines of code; nan: not known."""
    states: np.ndarray[Any, Any]
    """CellState; empty: the model has no such app, or it was not part of the batch."""
    placeholder: Flags
    why: np.ndarray[Any, Any]
    """Why the cell is not compared; empty: it is."""
    failed: Numbers
    """Failed and timed out tasks per model."""
    found: pd.DataFrame
    """The findings behind the counts: model and block (places in the axes), rule (`tool:rule`), cwe, unit."""
    counting: Counting
    notes: tuple[str, ...] = ()
    """What was left aside. Untrusted text."""

    @property
    def usable(self) -> Flags:
        """Which cells are compared."""
        return np.asarray(self.why == "")

    def row(self, model: str) -> int:
        """Return the place of a model.

        Raises:
            UnknownNameError: if it is not among those compared.
        """
        if model not in self.models:
            raise UnknownNameError("model", model, self.models)
        return self.models.index(model)


def read_cells(source: object, counting: Counting, models: Sequence[str] | None = None) -> Cells:
    """Return the cells of a job or a dataset; of several jobs each cell as the newest has it.

    Raises:
        InvalidValueError: if `source` has no dataset.
        UnknownNameError: if a model or rule does not occur.
    """
    dataset, notes = current(source)
    dataset, muted = without_mute_tools(dataset.select(models=models))
    kept = dataset.select(without_rules=counting.without_rules, without_tags=counting.without_tags)
    left_out = len(dataset.findings) - len(kept.findings)
    notes = (*notes, *muted, *_left_out_note(counting, left_out))
    states = kept.app_states()
    names = kept.models if models is None else tuple(sorted(set(models)))
    numbers = tuple(sorted({int(number) for number in states["app_num"]}))
    shape = (len(names), len(numbers))
    places = _Places(names, numbers)
    found = _found(kept, counting, places)
    counts = np.zeros(shape)
    units = found.drop_duplicates("unit")
    np.add.at(counts, (units["model"].to_numpy(), units["block"].to_numpy()), 1)
    cells = Cells(
        models=names,
        numbers=numbers,
        counts=counts,
        lines=_spread(kept.portfolio, "lines", places, np.full(shape, np.nan)),
        states=_spread(states, "state", places, np.full(shape, "", dtype=object)),
        placeholder=_spread(kept.portfolio, "placeholder", places, np.zeros(shape, dtype=bool)),
        why=np.full(shape, "", dtype=object),
        failed=_failed(kept, places),
        found=found,
        counting=counting,
        notes=notes,
    )
    return _judged(cells)


def _judged(cells: Cells) -> Cells:
    """Return the cells with the reasons against their use, and no count where nothing was measured."""
    counting, why = cells.counting, cells.why.copy()
    for state in CellState:
        if state is not CellState.MEASURED and not (counting.use_partly and state is CellState.PARTLY):
            why[cells.states == state] = str(state)
    if not counting.with_placeholders:
        why[cells.placeholder] = PLACEHOLDER
    why[cells.states == ""] = NO_APP
    measured = (cells.states == CellState.MEASURED) | (cells.states == CellState.PARTLY)
    return replace(cells, why=why, counts=np.where(measured, cells.counts, np.nan))


@dataclass(frozen=True, slots=True)
class _Places:
    models: tuple[str, ...]
    numbers: tuple[int, ...]

    def of(self, frame: pd.DataFrame) -> tuple[Any, Any]:
        """Return for each row the place of its model and of its app number; -1: not among the axes."""
        rows = pd.Index(self.models, dtype=object).get_indexer(frame["model"].astype(object))
        columns = pd.Index(self.numbers, dtype="int64").get_indexer(
            frame["app_num"].fillna(-1).astype("int64")
        )
        return rows, columns


def _spread(frame: pd.DataFrame, column: str, places: _Places, into: Any) -> Any:
    rows, columns = places.of(frame)
    values = frame[column].astype(object).to_numpy()
    inside = (rows >= 0) & (columns >= 0) & ~pd.isna(values)
    into[rows[inside], columns[inside]] = values[inside]
    return into


def _failed(dataset: Dataset, places: _Places) -> Numbers:
    tasks = dataset.tasks[dataset.tasks["status"].isin(_FAILED)]
    rows, _ = places.of(tasks)
    return np.bincount(rows[rows >= 0], minlength=len(places.models))


def _found(dataset: Dataset, counting: Counting, places: _Places) -> pd.DataFrame:
    """Return the findings that count; those with the same `unit` count once."""
    findings = dataset.findings
    rows, columns = places.of(findings)
    table = pd.DataFrame(
        {
            "model": rows,
            "block": columns,
            "rule": findings["tool"].astype(object) + ":" + findings["rule"].astype(object),
            "cwe": findings["cwe"],
            "unit": _units(dataset, counting),
            "level": findings["severity"].cat.codes,
        }
    )
    table = table[(rows >= 0) & (columns >= 0)]
    if counting.severity is not None:
        level = findings["severity"].cat.categories.get_loc(counting.severity)
        table = table[table.groupby("unit")["level"].transform("max") == level]
    return table.drop(columns="level").reset_index(drop=True)


def _units(dataset: Dataset, counting: Counting) -> Any:
    if counting.count == "findings":
        return np.arange(len(dataset.findings))
    from batchnb.results.identity.consensus import members  # noqa: PLC0415 - only this way of counting needs it

    return members(dataset).to_numpy(dtype="int64")


def _left_out_note(counting: Counting, left_out: int) -> tuple[str, ...]:
    marks = [f"rule {rule}" for rule in counting.without_rules]
    marks += [f"findings marked {tag}" for tag in counting.without_tags]
    if not left_out:
        return ()
    named = ", ".join(visible(mark, one_line=True) for mark in marks)
    return (f"{plural(left_out, 'finding')} not counted: {named}.",)
