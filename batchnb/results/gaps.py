"""What was not measured, and why: from the tools' coverage and from tasks that left none."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import CoverageStatus, TaskStatus, format_app_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.records import BatchAnalysisTask, Coverage

COVERAGE_WORDS = {
    CoverageStatus.OK: "measured",
    CoverageStatus.PARTIAL: "partly measured",
    CoverageStatus.NOT_APPLICABLE: "not applicable",
    CoverageStatus.TOOL_MISSING: "tool missing",
    CoverageStatus.OFFLINE: "data source offline",
    CoverageStatus.FAILED: "failed",
    CoverageStatus.TIMED_OUT: "timed out",
    CoverageStatus.CANCELLED: "cancelled",
}
"""What a reader sees for each coverage status."""
NO_REPORT = "no report"
_TASK_WORDS = {
    TaskStatus.PENDING: "not started yet",
    TaskStatus.RUNNING: "still running",
    TaskStatus.COMPLETED: "no tool said what it read",
    TaskStatus.FAILED: "failed",
    TaskStatus.TIMED_OUT: "timed out",
    TaskStatus.CANCELLED: "cancelled",
    TaskStatus.SKIPPED: "skipped",
}
_NAMED_FILES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Something of one app that was not measured, or does not apply to it. The texts are untrusted."""

    model: str
    app_num: int
    analysis_type: str
    tool: str
    """Empty: the whole analysis, because no tool came to report."""
    word: str
    """What happened, such as `timed out`."""
    detail: str = ""
    partial: bool = False
    """Whether a part was measured, so that the findings are a lower bound."""
    applicable: bool = True
    """False: the app has nothing for this tool, which is no fault."""

    @property
    def text(self) -> str:
        """The gap in one line, such as `ruff (backend_security): timed out, stopped after 60 s`."""
        who = f"{self.tool} ({self.analysis_type})" if self.tool else self.analysis_type
        return f"{who}: {self.word}" + (f", {self.detail}" if self.detail else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class GapGroup:
    """Gaps of one tool with one cause. The texts are untrusted."""

    tool: str
    """Empty: the whole analysis."""
    analysis_type: str
    word: str
    partial: bool
    apps: dict[str, str]
    """Model -> its apps, as a range text such as `1-3,5`."""
    count: int
    """Number of apps."""
    details: tuple[str, ...]
    """The different explanations."""


def is_complete(cell: Coverage) -> bool:
    """Whether the tool read every file that it is for; only then does no finding mean "clean"."""
    return cell.status is CoverageStatus.OK and cell.files_seen >= cell.files_eligible


def find_gaps(coverage: Iterable[Coverage], tasks: Iterable[BatchAnalysisTask] = ()) -> tuple[Gap, ...]:
    """Return every gap, by model, app, analysis and tool.

    Args:
        coverage: what the tools did. A tool that reported for some apps of an analysis, and is silent on
            another app of the same analysis, is a gap of that app.
        tasks: the tasks that were planned; one that did not complete, or that left no coverage, is a gap even
            where no tool came to report. Without them such an app cannot be seen.
    """
    cells = list(coverage)
    gaps = [_cell_gap(cell) for cell in cells if not is_complete(cell)] + _silent_tools(cells)
    reported = {_key(cell) for cell in cells}
    open_cells = {_key(gap) for gap in gaps if gap.applicable}
    gaps += [
        _task_gap(task)
        for task in tasks
        if (_key(task) not in reported) or (_is_broken(task) and _key(task) not in open_cells)
    ]
    return tuple(sorted(gaps, key=lambda gap: (*_key(gap), gap.tool)))


def gap_groups(gaps: Iterable[Gap]) -> list[GapGroup]:
    """Return the gaps that are no "not applicable", by tool and cause: unmeasured first, then the widest."""
    groups: dict[tuple[bool, str, str, str], list[Gap]] = defaultdict(list)
    for gap in gaps:
        if gap.applicable:
            groups[gap.partial, gap.tool, gap.analysis_type, gap.word].append(gap)
    made = [_gap_group(members) for _, members in sorted(groups.items())]
    return sorted(made, key=lambda group: (group.partial, -group.count))


def _gap_group(gaps: list[Gap]) -> GapGroup:
    apps: dict[str, set[int]] = defaultdict(set)
    for gap in gaps:
        apps[gap.model].add(gap.app_num)
    return GapGroup(
        tool=gaps[0].tool,
        analysis_type=gaps[0].analysis_type,
        word=gaps[0].word,
        partial=gaps[0].partial,
        apps={model: format_app_range(numbers) for model, numbers in sorted(apps.items())},
        count=sum(map(len, apps.values())),
        details=tuple(dict.fromkeys(gap.detail for gap in gaps if gap.detail)),
    )


def _silent_tools(cells: list[Coverage]) -> list[Gap]:
    tools: dict[str, set[str]] = defaultdict(set)
    reported: dict[tuple[str, int, str], set[str]] = defaultdict(set)
    for cell in cells:
        tools[str(cell.analysis_type)].add(cell.tool)
        reported[_key(cell)].add(cell.tool)
    return [
        Gap(model=model, app_num=app_num, analysis_type=kind, tool=tool, word=NO_REPORT)
        for (model, app_num, kind), found in reported.items()
        for tool in tools[kind] - found
    ]


def _key(record: Coverage | BatchAnalysisTask | Gap) -> tuple[str, int, str]:
    return (record.model, record.app_num, str(record.analysis_type))


def _is_broken(task: BatchAnalysisTask) -> bool:
    return task.status is not TaskStatus.COMPLETED and not _is_not_applicable(task)


def _is_not_applicable(task: BatchAnalysisTask) -> bool:
    return task.status is TaskStatus.SKIPPED and task.error is None


def _cell_gap(cell: Coverage) -> Gap:
    partial = cell.status.is_measured
    return Gap(
        model=cell.model,
        app_num=cell.app_num,
        analysis_type=str(cell.analysis_type),
        tool=cell.tool,
        word=COVERAGE_WORDS[CoverageStatus.PARTIAL if partial else cell.status],
        detail=cell.detail or _unread_text(cell),
        partial=partial,
        applicable=cell.status is not CoverageStatus.NOT_APPLICABLE,
    )


def _unread_text(cell: Coverage) -> str:
    missing = cell.files_eligible - cell.files_seen
    if not cell.status.is_measured or missing <= 0:
        return ""
    named = ", ".join(f"{file.path} ({file.reason})" for file in cell.unread[:_NAMED_FILES])
    more = ", ..." if named and missing > _NAMED_FILES else ""
    return f"{missing} of {cell.files_eligible} files not read" + (f": {named}{more}" if named else "")


def _task_gap(task: BatchAnalysisTask) -> Gap:
    applicable = not _is_not_applicable(task)
    return Gap(
        model=task.model,
        app_num=task.app_num,
        analysis_type=str(task.analysis_type),
        tool="",
        word=_TASK_WORDS[task.status] if applicable else COVERAGE_WORDS[CoverageStatus.NOT_APPLICABLE],
        detail=task.error.message if task.error else "",
        applicable=applicable,
    )
