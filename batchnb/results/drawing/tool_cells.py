"""What each tool did for each app: a cell per app, analysis and tool, also where the tool left no report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import CoverageStatus
from batchnb.results.gaps import COVERAGE_WORDS, find_gaps, is_complete
from batchnb.results.rebuild import coverage_records, task_records
from batchnb.results.severity import CellState

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset
    from batchnb.results.gaps import Gap

NO_TOOL = ""
"""The tool of a cell about the task itself: no tool of that analysis is known, or all of them reported."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCell:
    """What one tool did for one app. The texts are untrusted."""

    model: str
    app_num: int
    analysis_type: str
    tool: str
    state: CellState
    word: str
    """What happened, such as `timed out`."""
    detail: str = ""


def tool_cells(dataset: Dataset) -> tuple[ToolCell, ...]:
    """Return every cell, by model, app, analysis and tool.

    Where a task ended (or waits) without a report of its tools, every tool that reported elsewhere in the
    same analysis has a cell with the task's fate.
    """
    records = coverage_records(dataset.coverage)
    gaps = find_gaps(records, task_records(dataset.tasks))
    cells = [
        ToolCell(
            model=cell.model,
            app_num=cell.app_num,
            analysis_type=str(cell.analysis_type),
            tool=cell.tool,
            state=CellState.MEASURED,
            word=COVERAGE_WORDS[CoverageStatus.OK],
            detail=cell.detail,
        )
        for cell in records
        if is_complete(cell)
    ]
    cells += [_cell(gap, gap.tool) for gap in gaps if gap.tool]
    tools: dict[str, set[str]] = defaultdict(set)
    reported: dict[tuple[str, int, str], set[str]] = defaultdict(set)
    for cell in cells:
        tools[cell.analysis_type].add(cell.tool)
        reported[cell.model, cell.app_num, cell.analysis_type].add(cell.tool)
    for gap in gaps:
        if not gap.tool:
            silent = tools[gap.analysis_type] - reported[gap.model, gap.app_num, gap.analysis_type]
            cells += [_cell(gap, tool) for tool in silent or {NO_TOOL}]
    return tuple(sorted(cells, key=lambda cell: (cell.model, cell.app_num, cell.analysis_type, cell.tool)))


def _cell(gap: Gap, tool: str) -> ToolCell:
    state = CellState.PARTLY if gap.partial else CellState.NOT_MEASURED
    return ToolCell(
        model=gap.model,
        app_num=gap.app_num,
        analysis_type=gap.analysis_type,
        tool=tool,
        state=state if gap.applicable else CellState.NOT_APPLICABLE,
        word=gap.word,
        detail=gap.detail,
    )
