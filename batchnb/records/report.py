"""What an analyzer hands back: findings, numbers and, for every tool, how much it saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records.coverage import Coverage
from batchnb.records.status import CoverageStatus, Severity, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.records.finding import Finding
    from batchnb.records.measurement import Measurement
    from batchnb.records.task import BatchAnalysisTask


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisReport:
    """The outcome of one analysis of one app."""

    issues: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]
    measurements: tuple[Measurement, ...] = ()

    @classmethod
    def unmeasured(
        cls,
        task: BatchAnalysisTask,
        tools: Iterable[str],
        status: TaskStatus,
        why: str,
        *,
        lacks: bool = False,
    ) -> AnalysisReport:
        """Make the report of a task that measured nothing: each of its tools says so, none is left out.

        Args:
            task: which app and analysis.
            tools: the tools that would have run.
            status: how the task ended.
            why: in a sentence.
            lacks: whether it was skipped because something is missing, not because nothing applies.
        """
        skipped = CoverageStatus.TOOL_MISSING if lacks else CoverageStatus.NOT_APPLICABLE
        states = {
            TaskStatus.TIMED_OUT: CoverageStatus.TIMED_OUT,
            TaskStatus.CANCELLED: CoverageStatus.CANCELLED,
            TaskStatus.SKIPPED: skipped,
        }
        cells = tuple(
            Coverage(
                model=task.model,
                app_num=task.app_num,
                analysis_type=task.analysis_type,
                tool=tool,
                status=states.get(status, CoverageStatus.FAILED),
                detail=why,
            )
            for tool in tools
        )
        return cls(issues=(), coverage=cells)

    @property
    def tool_status(self) -> dict[str, str]:
        """Tool name -> coverage status, as the seed's result dictionary has it."""
        return {cell.tool: cell.status.value for cell in self.coverage}

    @property
    def is_measured(self) -> bool:
        """Whether at least one tool read something."""
        return any(cell.status.is_measured for cell in self.coverage)


_NO_ISSUES = {"total": 0, **{level.value: 0 for level in Severity}}


def summarize(issues: Iterable[Finding]) -> dict[str, Any]:
    """Count `issues` by severity, tool, rule, CWE and file.

    Returns:
        `total`, `high`, `medium`, `low` and the mappings `by_tool`, `by_rule`, `by_cwe`, `by_file`
        (most frequent first).
    """
    found = list(issues)
    if not found:  # the most frequent case in a large batch
        return dict(_NO_ISSUES) | {name: {} for name in ("by_tool", "by_rule", "by_cwe", "by_file")}
    severities = Counter(issue.severity for issue in found)

    def ranked(values: Iterable[str]) -> dict[str, int]:
        return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))

    return {
        "total": len(found),
        **{level.value: severities[level] for level in Severity},
        "by_tool": ranked(issue.tool for issue in found),
        "by_rule": ranked(f"{issue.tool}:{issue.rule}" for issue in found),
        "by_cwe": ranked(f"CWE-{issue.cwe}" for issue in found if issue.cwe is not None),
        "by_file": ranked(issue.path for issue in found),
    }
