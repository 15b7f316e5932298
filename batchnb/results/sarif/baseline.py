"""What a comparison with an earlier run adds to a SARIF file."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Any

from batchnb.results.identity.comparison import Change
from batchnb.results.sarif.frame_json import Rows
from batchnb.results.sarif.notices import notice
from batchnb.results.text import plural

if TYPE_CHECKING:
    from batchnb.results.identity.comparison import Comparison
    from batchnb.results.sarif.pieces import Row

_STATES = {
    Change.NEW: "new",
    Change.REOPENED: "new",
    Change.NOT_MEASURED_BEFORE: "new",
    Change.MOVED: "updated",
    Change.UNCHANGED: "unchanged",
    Change.FIXED: "absent",
    # Not "absent": a service would close the alert, although nobody looked whether the fault is still there.
    Change.NOT_REMEASURED: "unchanged",
}
_MARKS = {
    Change.REOPENED: "reopened",
    Change.NOT_MEASURED_BEFORE: "notMeasuredBefore",
    Change.NOT_REMEASURED: "notRemeasured",
}
_GONE = (Change.FIXED, Change.NOT_REMEASURED)
_IDENTITY = ("job_id", "model", "app_num", "analysis_type", "tool", "fingerprint", "path", "line", "column")


class Baseline:
    """The changes of a comparison, to be looked up by finding; without a comparison there are none."""

    def __init__(self, comparison: Comparison | None) -> None:
        self._changes: defaultdict[tuple[Any, ...], deque[tuple[Change, str]]] = defaultdict(deque)
        self._gone: list[Row] = []
        self._unsure: Counter[tuple[str, int, str, str]] = Counter()
        if comparison is not None:
            self._take(comparison)

    def _take(self, comparison: Comparison) -> None:
        before, after = Rows(comparison.before.findings), Rows(comparison.after.findings)
        for row in Rows(comparison.frame):
            change, reason = Change(row["state"]), row["reason"] or ""
            if change not in _GONE:
                self._changes[_identity(after[row["row_after"]])].append((change, reason))
                continue
            self._gone.append(before[row["row_before"]] | {"change": (change, reason)})
            if change is Change.NOT_REMEASURED:
                self._unsure[row["model"], row["app_num"], row["analysis_type"], row["tool"]] += 1

    @property
    def gone(self) -> list[Row]:
        """The findings of the earlier run that the later one does not have."""
        return self._gone

    def mark(self, result: Row, row: Row) -> Row:
        """Return a result with its state in relation to the earlier run; unknown: as it is."""
        if "change" in row:
            change, reason = row["change"]
        elif known := self._changes.get(_identity(row)):
            change, reason = known.popleft()
        else:
            return result
        properties = dict(result["properties"])
        if change in _MARKS:
            properties[_MARKS[change]] = True
            properties["reason"] = reason
        return result | {"baselineState": _STATES[change], "properties": properties}

    def notices(self) -> list[Row]:
        """Return a notification for each app and tool whose earlier findings were not looked at again."""
        return [
            notice(
                "not_remeasured",
                "warning",
                f"{model} app {app_num}: {plural(count, 'earlier finding')} of {tool} not re-measured",
                model,
                app_num,
                analysisType=kind,
                tool=tool,
                findings=count,
            )
            for (model, app_num, kind, tool), count in sorted(self._unsure.items())
        ]


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _IDENTITY)
