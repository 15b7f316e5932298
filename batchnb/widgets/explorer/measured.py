"""What was measured of the part that a filter looks at: counts alone would take a gap for a clean app."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.results.gaps import find_gaps, is_complete
from batchnb.results.rebuild import coverage_records, task_records
from batchnb.results.severity import CellState, state_of
from batchnb.results.text import plural, shorten
from batchnb.tools.text import visible
from batchnb.widgets.outcome import gap_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.results.dataset import Dataset
    from batchnb.results.gaps import Gap

_LINE = 300
_SCOPE = ("model", "app", "analysis", "tool")
"""The facets that say which measurements a filter is about; others only pick among what was found."""
_App = tuple[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """How far the apps of a selection were measured."""

    apps: Mapping[_App, CellState]
    gaps: tuple[Gap, ...]

    @property
    def counts(self) -> Counter[CellState]:
        """The number of apps in each state."""
        return Counter(self.apps.values())

    @property
    def is_complete(self) -> bool:
        """Whether every app that there is something to measure of was measured completely."""
        return set(self.counts) - {CellState.NOT_APPLICABLE} == {CellState.MEASURED}

    @property
    def text(self) -> str:
        """The state of the selection in one sentence."""
        counts = self.counts
        relevant = sum(counts.values()) - counts[CellState.NOT_APPLICABLE]
        if not relevant:
            return "Nothing was measured in this selection."
        blind, partly = counts[CellState.NOT_MEASURED], counts[CellState.PARTLY]
        if not blind and not partly:
            return f"Measured completely: {plural(relevant, 'app')} in this selection."
        parts = [f"{blind:,} not measured"] * bool(blind) + [f"{partly:,} measured in part"] * bool(partly)
        which = f"Of {plural(relevant, 'app')} in this selection, {' and '.join(parts)}"
        return f"{which}: not measured is not clean."

    def empty_text(self, *, found_nothing: bool) -> str:
        """Return what no row in the table means."""
        head = "There is no finding." if found_nothing else "No finding matches."
        counts = self.counts
        if counts[CellState.NOT_MEASURED] or counts[CellState.PARTLY]:
            return f"{head} That does not mean that there is none: {self.text[0].lower()}{self.text[1:]}"
        return f"{head} {self.text}"

    @property
    def lines(self) -> tuple[str, ...]:
        """What was not measured, one line per tool and cause (capped)."""
        return tuple(shorten(visible(line, one_line=True), _LINE) for line in gap_texts(self.gaps))


class Measuring:
    """What the tools of a dataset did, asked for selections."""

    def __init__(self, dataset: Dataset) -> None:
        """Read the coverage, the tasks and the findings of `dataset`."""
        cells, planned = coverage_records(dataset.coverage), task_records(dataset.tasks)
        self._gaps = find_gaps(cells, planned)
        self._complete = {
            (cell.model, cell.app_num, str(cell.analysis_type), cell.tool)
            for cell in cells
            if is_complete(cell)
        }
        names = ["model", "app_num", "analysis_type", "tool"]
        rows = dataset.findings[names].drop_duplicates()
        self._found = {(str(m), int(n), str(k), str(t)) for m, n, k, t in rows.itertuples(index=False)}
        self.apps = self.look({}).apps

    def look(self, chosen: Mapping[str, Iterable[Any]]) -> Measured:
        """Return how far what the chosen models, apps, analyses and tools name was measured."""
        wanted = [set(chosen[name]) if name in chosen else None for name in _SCOPE]

        def covers(*cell: Any) -> bool:
            return all(among is None or value in among for value, among in zip(cell, wanted, strict=True))

        gaps: defaultdict[_App, list[Gap]] = defaultdict(list)
        for gap in self._gaps:
            # a gap without a tool is one of every tool of the analysis
            tools = wanted[3] if not gap.tool and wanted[3] else (gap.tool,)
            if any(covers(gap.model, gap.app_num, gap.analysis_type, tool) for tool in tools):
                gaps[gap.model, gap.app_num].append(gap)
        complete = {cell[:2] for cell in self._complete if covers(*cell)}
        found = {cell[:2] for cell in self._found if covers(*cell)}
        return Measured(
            apps={
                app: state_of(gaps[app], complete=app in complete, found=app in found)
                for app in sorted({*gaps, *complete, *found})
            },
            gaps=tuple(gap for each in gaps.values() for gap in each),
        )
