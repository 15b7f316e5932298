"""Findings by severity: per app, model, analysis or tool."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from batchnb.records import Severity
from batchnb.results.drawing.bars import BarRow, BarsInfo, bar_row, row_text
from batchnb.results.drawing.base import NOTHING
from batchnb.results.drawing.tool_cells import tool_cells
from batchnb.results.drawing.view import (
    LOWER_BOUND,
    app_states,
    apps_text,
    counts_text,
    current,
    joint_state,
    severity_counts,
    states_text,
)
from batchnb.results.severity import CellState, SeverityCell, SeverityInfo
from batchnb.results.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.results.dataset import Dataset
    from batchnb.results.drawing.view import Counts

_MOST_ROWS = 40
_TITLES = {"model": "Findings by model", "analysis": "Findings by analysis", "tool": "Findings by tool"}
GROUPINGS = ("app", *_TITLES)
"""What findings can be counted by."""
_UNTOLD = "no tool said what it read"
_Members = dict[str, list[tuple[str, int, CellState]]]


def app_severity_info(source: object) -> SeverityInfo:
    """Return what the severity chart per app shows; its counts come from the frames.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    dataset, _ = current(source)
    counts = severity_counts(dataset.findings, ["model", "app_num"])
    none: Counts = {}
    return SeverityInfo(
        cells=tuple(
            SeverityCell(
                model=app.model,
                app_num=app.app_num,
                **{
                    str(level): counts.get((app.model, app.app_num), none).get(level, 0) for level in Severity
                },
                state=app.state,
                reasons=app.reasons,
            )
            for app in app_states(dataset)
        )
    )


def severity_bars_info(source: object, by: str) -> BarsInfo:
    """Return the findings per model, analysis or tool, with how far the apps of each were measured.

    Args:
        source: a job or a dataset.
        by: `model`, `analysis` or `tool`.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    dataset, notes = current(source)
    column = {"model": "model", "analysis": "analysis_type", "tool": "tool"}[by]
    counts = {str(name): each for name, each in severity_counts(dataset.findings, [column]).items()}
    members = _members(dataset, by)
    names = sorted({*counts, *members})
    rows = [_row(name, counts.get(name, {}), members.get(name, [])) for name in names]
    shown, more = rows[:_MOST_ROWS], rows[_MOST_ROWS:]
    if any(row.state is CellState.PARTLY for row in shown):
        notes += (LOWER_BOUND,)
    if more:
        left_out = sum(row.total for row in more)
        notes += (f"And {plural(len(more), f'more {by}')} with {plural(left_out, 'finding')}.",)
    return BarsInfo(
        title=_TITLES[by],
        rows=tuple(shown),
        summary=tuple(map(row_text, shown)),
        notes=notes,
        nothing="No tool has reported." if by == "tool" else NOTHING,
    )


def _members(dataset: Dataset, by: str) -> _Members:
    """Return group -> its apps and their states."""
    members: _Members = defaultdict(list)
    if by == "tool":
        for cell in tool_cells(dataset):
            if cell.tool:
                members[cell.tool].append((cell.model, cell.app_num, cell.state))
        return members
    for app in app_states(dataset, by_analysis=by == "analysis"):
        group = app.analysis_type if by == "analysis" else app.model
        members[group].append((app.model, app.app_num, app.state))
    return members


def _row(name: str, counts: Mapping[Severity, int], members: list[tuple[str, int, CellState]]) -> BarRow:
    state = joint_state(state for *_, state in members)
    total = sum(counts.values())
    if total and state is not CellState.MEASURED:
        state = CellState.PARTLY  # what was found is there, whatever was not measured
    hover = [counts_text(counts, state), states_text(state for *_, state in members) if members else _UNTOLD]
    for wanted in (CellState.NOT_MEASURED, CellState.PARTLY):
        apps = apps_text((model, number) for model, number, each in members if each is wanted)
        hover += [f"{wanted}: {apps}"] if apps else []
    measured = sum(each is CellState.MEASURED for *_, each in members)
    if measured and state is CellState.MEASURED:
        hover.append(f"{total / measured:,.1f} findings per measured app")
    return bar_row(name, counts, state, hover)
