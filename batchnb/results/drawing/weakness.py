"""What kinds of weakness were reported: by CWE, by category of the OWASP Top 10, and by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.results.drawing.bars import BarRow, BarsInfo, bar_row, row_text
from batchnb.results.drawing.view import (
    LOWER_BOUND,
    app_states,
    counts_text,
    current,
    joint_state,
    severity_counts,
    states_text,
)
from batchnb.results.identity import cwe_tree
from batchnb.results.severity import CellState
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from batchnb.results.drawing.view import AppState, Counts

_MOST_ROWS = 25
_NO_CWE = "No CWE given by the tool"
_NO_CATEGORY = "In none of the ten, or no CWE given by the tool"
_NOT_NONE = "0 says that no tool reported one, not that there is none."
_APP = ["model", "app_num"]


def cwe_info(source: object) -> BarsInfo:
    """Return the findings per weakness (CWE), the most frequent first, and how many have none.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    table = _Table.of(source)
    names = {int(cwe): cwe_tree.title(int(cwe)) for cwe in table.findings["cwe"].dropna().unique()}
    rows = table.rows(table.findings["cwe"].map(names).fillna(_NO_CWE))
    return table.info("Findings by weakness (CWE)", _most_first(rows), "weakness")


def owasp_info(source: object) -> BarsInfo:
    """Return the findings per category of the OWASP Top 10 of 2021; all ten are named.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    table = _Table.of(source)
    numbers = table.findings["cwe"].dropna().unique()
    names = {int(cwe): cwe_tree.owasp_top10(int(cwe)) or _NO_CATEGORY for cwe in numbers}
    found = {row.label: row for row in table.rows(table.findings["cwe"].map(names).fillna(_NO_CATEGORY))}
    rows = [found.get(name) or table.row(name, {}, {}) for name in cwe_tree.owasp_categories()]
    rows += [found[_NO_CATEGORY]] if _NO_CATEGORY in found else []
    notes = () if table.state is CellState.NOT_MEASURED else (_NOT_NONE,)
    title = "Findings by category of the OWASP Top 10"
    return table.info(title, rows if table.apps else [], "category", notes)


def top_rules_info(source: object) -> BarsInfo:
    """Return the findings per rule, the most frequent first, with each rule's share of all findings.

    A rule that fires in nearly every app can decide a comparison of models alone;
    `Dataset.select(without_rules=...)` leaves it out.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    table = _Table.of(source)
    tools = table.findings["tool"].map(lambda tool: visible(tool, one_line=True)).astype(str)
    names = table.findings["rule"].astype(str) + " (" + tools + ")"
    return table.info("Findings by rule", _most_first(table.rows(names)), "rule")


def _most_first(rows: Sequence[BarRow]) -> list[BarRow]:
    return sorted(rows, key=lambda row: (-row.total, row.label))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """Findings to be grouped, and how far their apps were measured."""

    findings: pd.DataFrame
    apps: tuple[AppState, ...]
    state: CellState
    """Of all apps together; with a finding, nothing counts as unmeasured."""
    notes: tuple[str, ...]

    @classmethod
    def of(cls, source: object) -> _Table:
        dataset, notes = current(source)
        apps = app_states(dataset)
        state = joint_state(app.state for app in apps)
        return cls(findings=dataset.findings, apps=apps, state=state, notes=notes)

    def rows(self, names: pd.Series) -> list[BarRow]:
        """Return a row per name that occurs; `names` has one per finding."""
        named = self.findings[[*_APP, "severity"]].assign(name=names)
        counts = severity_counts(named, ["name"])
        apps = named[["name", *_APP]].drop_duplicates().groupby("name", observed=True)
        spread: dict[str, dict[str, int]] = {
            "app": apps.size().to_dict(),
            "model": apps["model"].nunique().to_dict(),
        }
        return [
            self.row(name, each, {what: int(found[name]) for what, found in spread.items()})
            for name, each in counts.items()
        ]

    def row(self, name: str, counts: Counts, spread: dict[str, int]) -> BarRow:
        """Return one row; `spread` says in how many apps and models it occurs."""
        total, everything = sum(counts.values()), len(self.findings)
        hover = [counts_text(counts, self.state)]
        if total:
            places = " of ".join(plural(count, what) for what, count in spread.items())
            hover += [f"in {places}", f"{100 * total / everything:.1f} % of all findings"]
        return bar_row(name, counts, self.state, hover)

    def info(self, title: str, rows: Sequence[BarRow], noun: str, notes: tuple[str, ...] = ()) -> BarsInfo:
        """Return the chart of `rows`, capped, with what is to be known about it."""
        if not rows and self.apps:
            rows = [self.row(f"Any {noun}", {}, {})]  # nothing found, or nothing measured: the row tells
        shown, more = rows[:_MOST_ROWS], rows[_MOST_ROWS:]
        said = list(notes)
        if self.state is CellState.PARTLY:
            said.append(LOWER_BOUND)
        if more:
            left_out = plural(sum(row.total for row in more), "finding")
            said.append(f"{len(more):,} more with {left_out} are not shown.")
        return BarsInfo(
            title=title,
            rows=tuple(shown),
            summary=(f"{states_text(app.state for app in self.apps)}.", *map(row_text, shown)),
            notes=(*self.notes, *said),
        )
