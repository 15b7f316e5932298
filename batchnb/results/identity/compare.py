"""Two runs compared: what is new, fixed, moved, unchanged or reopened, and what nobody can say."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from batchnb.records import Severity
from batchnb.results.dataset import Dataset, as_dataset
from batchnb.results.frames import make_frame
from batchnb.results.identity.comparison import (
    COMPARISON,
    COUNTS,
    Change,
    Comparison,
    Found,
    ModelCounts,
    Row,
)
from batchnb.results.identity.matching import Sighting, match
from batchnb.results.identity.reading import Reading
from batchnb.results.severity import SEVERITY_RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    import pandas as pd

    from batchnb.results.identity.matching import Pair

_App = tuple[str, int]
_RANK = {change: rank for rank, change in enumerate(Change)}


def compare(before: object, after: object, *, earlier: Iterable[object] = ()) -> Comparison:
    """Compare the findings of two runs, app by app.

    A finding is "fixed" only if its tool read the file again, and "new" only if its tool had read it before.

    Args:
        before: the earlier run: a Job or a Dataset; of several jobs the newest of each app and analysis.
        after: the later run.
        earlier: runs before `before`; what is new and was in one of them is "reopened".

    Raises:
        InvalidValueError: if one of them is neither a Job nor a Dataset.
    """
    one, other, *past = [_Side(as_dataset(each).latest()) for each in (before, after, *earlier)]
    rows = sorted(_Comparing(one, other, past).rows(), key=_order)
    return Comparison(
        before=one.dataset,
        after=other.dataset,
        frame=make_frame(COMPARISON, rows),
        counts=_counts(rows, {*one.dataset.models, *other.dataset.models}),
        notes=tuple(_notes(one, other)),
    )


class _Side:
    """The findings of one run, by app."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        columns = [dataset.findings[name].astype(object) for name in Found._fields]
        self.found = [
            Found(*values) for values in zip(*(c.where(c.notna(), None) for c in columns), strict=True)
        ]
        self.reading = Reading(dataset)
        self.apps: defaultdict[_App, list[int]] = defaultdict(list)
        for n, each in enumerate(self.found):
            self.apps[each.model, each.app_num].append(n)

    def sightings(self, app: _App, other: Reading | None = None) -> list[Sighting]:
        """Return the findings of an app, as they are compared with those of another run."""
        return [
            Sighting(
                each.tool,
                each.rule,
                each.path,
                each.line,
                each.snippet or each.message,
                each.fingerprint,
                pinned=other is not None and other.is_unread(each.cell, each.path),
            )
            for each in (self.found[n] for n in self.apps[app])
        ]


class _Comparing:
    def __init__(self, before: _Side, after: _Side, past: Sequence[_Side]) -> None:
        self._before, self._after, self._past = before, after, past

    def rows(self) -> Iterator[Row]:
        for app in sorted({*self._before.apps, *self._after.apps}):
            ones, others = self._before.apps[app], self._after.apps[app]
            pairs = match(
                self._before.sightings(app, self._after.reading),
                self._after.sightings(app, self._before.reading),
            )
            yield from (self._both(ones[pair.before], others[pair.after], pair) for pair in pairs)
            known, still = {pair.before for pair in pairs}, {pair.after for pair in pairs}
            yield from (self._gone(n) for place, n in enumerate(ones) if place not in known)
            appeared = [place for place in range(len(others)) if place not in still]
            seen = self._seen_earlier(app) if appeared else frozenset()
            yield from (self._appeared(others[place], seen=place in seen) for place in appeared)

    def _both(self, before: int, after: int, pair: Pair) -> Row:
        one, other = self._before.found[before], self._after.found[after]
        state = Change.UNCHANGED if one.path == other.path else Change.MOVED
        return Row(
            state=state,
            reason=None,
            now=other,
            one=one,
            other=other,
            row_before=before,
            row_after=after,
            recognised=pair.how,
        )

    def _gone(self, n: int) -> Row:
        one = self._before.found[n]
        gap = self._after.reading.gap(one.cell, one.path)
        state = Change.NOT_REMEASURED if gap else Change.FIXED
        return Row(
            state=state,
            reason=gap or None,
            now=one,
            one=one,
            other=None,
            row_before=n,
            row_after=None,
            recognised=None,
        )

    def _appeared(self, n: int, *, seen: bool) -> Row:
        other = self._after.found[n]
        gap = self._before.reading.gap(other.cell, other.path)
        state = Change.NOT_MEASURED_BEFORE if gap else Change.REOPENED if seen else Change.NEW
        return Row(
            state=state,
            reason=gap or None,
            now=other,
            one=None,
            other=other,
            row_before=None,
            row_after=n,
            recognised=None,
        )

    def _seen_earlier(self, app: _App) -> frozenset[int]:
        """Return the places of the app's findings now that have a partner of their own in an earlier run."""
        now = self._after.sightings(app)
        return frozenset(
            pair.after for past in self._past if app in past.apps for pair in match(past.sightings(app), now)
        )


def _order(row: Row) -> tuple[Any, ...]:
    now = row.now
    place = (now.path, now.line or 0, now.tool, now.rule, now.fingerprint)
    return _RANK[row.state], now.model, now.app_num, SEVERITY_RANK[Severity(now.severity)], *place


def _counts(rows: Iterable[Row], models: Iterable[str]) -> pd.DataFrame:
    counts: dict[str, Counter[Change]] = {model: Counter() for model in sorted(models)}
    for row in rows:
        counts[row.now.model][row.state] += 1
    return make_frame(COUNTS, [ModelCounts(model=model, counts=each) for model, each in counts.items()])


def _notes(before: _Side, after: _Side) -> Iterator[str]:
    """Say what else may have made a difference."""
    versions = before.reading.versions(), after.reading.versions()
    for tool in sorted(versions[0].keys() & versions[1].keys()):
        old, new = (", ".join(sorted(side[tool])) for side in versions)
        if old != new:
            yield f"{tool} was {old} before and is {new} now, which alone can add and remove findings"
    for side, there, missing in ((0, "before", "now"), (1, "now", "before")):
        tools = sorted(versions[side].keys() - versions[1 - side].keys())
        if tools:
            yield f"measured {there} but not {missing}: {', '.join(tools)}"
