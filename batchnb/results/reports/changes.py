"""What a report says when it is given a comparison with an earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.results.identity.comparison import Change
from batchnb.results.reports.private import clean_texts
from batchnb.results.reports.table import Table, table_of

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.identity.comparison import Comparison

_LISTED = {
    Change.NEW: "New",
    Change.REOPENED: "Reopened",
    Change.FIXED: "Fixed",
    Change.NOT_REMEASURED: "Not re-measured",
    Change.NOT_MEASURED_BEFORE: "Not measured before",
    Change.MOVED: "Moved",
}
_EXPLAINED = {
    Change.NEW: "There now; the tool read the file before, and did not report it.",
    Change.REOPENED: "There now, not there before, but there in an earlier run.",
    Change.FIXED: "There before; the tool read the file again, and does not report it any more.",
    Change.NOT_REMEASURED: "There before; nobody looked again, so it may still be there. It is not fixed.",
    Change.NOT_MEASURED_BEFORE: "There now; nobody looked before, so it may be old. It is not new.",
    Change.MOVED: "There before and now, in another file.",
}
_COLUMNS = {
    "severity": "Severity",
    "model": "Model",
    "app_num": "App",
    "tool": "Tool",
    "rule": "Rule",
    "before": "Place before",
    "now": "Place now",
    "message": "Finding",
    "reason": "Why nobody knows",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangesPart:
    """A comparison, as a report shows it."""

    comparison: Comparison

    @property
    def counts(self) -> Table:
        """The number of findings per model and state."""
        labels = {"model": "Model"} | {str(each): str(each)[0].upper() + str(each)[1:] for each in Change}
        return table_of(self.comparison.counts, labels)

    @property
    def tables(self) -> list[tuple[str, Table]]:
        """Title and findings of every state that occurs and is worth a list, the worst first."""
        frame = self.comparison.frame
        found = [(change, frame[frame["state"] == str(change)]) for change in _LISTED]
        return [(_LISTED[change], _listed(change, rows)) for change, rows in found if len(rows)]


def _listed(change: Change, rows: pd.DataFrame) -> Table:
    rows = rows.sort_values("severity", ascending=False, kind="stable")
    rows = rows.assign(
        before=_places(rows["path_before"], rows["line_before"]),
        now=_places(rows["path_after"], rows["line_after"]),
        reason=clean_texts(rows["reason"]),
    )
    empty = [name for name in ("before", "now", "reason") if rows[name].isna().all()]
    return table_of(
        rows, {name: label for name, label in _COLUMNS.items() if name not in empty}, _EXPLAINED[change]
    )


def _places(paths: pd.Series, lines: pd.Series) -> pd.Series:
    return paths.where(lines.isna(), paths + ":" + lines.astype("string"))
