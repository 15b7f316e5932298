"""What a report says, as plain data: numbers, gaps by cause, the coverage matrix, where it all comes from."""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from batchnb.records import CoverageStatus, Severity
from batchnb.results.derived import seconds
from batchnb.results.gaps import COVERAGE_WORDS, NO_REPORT, find_gaps, gap_groups, is_complete
from batchnb.results.severity import CellState, severity_info, worst_first

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.records import (
        BatchAnalysisJob,
        BatchAnalysisTask,
        Coverage,
        Finding,
        Portfolio,
    )
    from batchnb.results.gaps import Gap, GapGroup
    from batchnb.results.severity import SeverityInfo

_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
_SYMBOLS = {CoverageStatus.OK: "✓", CoverageStatus.PARTIAL: "◐", CoverageStatus.NOT_APPLICABLE: "·"}


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixCell:
    """One app x tool: symbol, word, and files read of files there are."""

    symbol: str
    word: str
    kind: str
    """ok, partial, none or skip: the style class."""
    files: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """The records of one job and what the report's template asks of them."""

    job: BatchAnalysisJob
    tasks: tuple[BatchAnalysisTask, ...]
    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]
    portfolio: Portfolio | None
    versions: Mapping[str, str]
    title: str
    most_findings: int

    @cached_property
    def info(self) -> SeverityInfo:
        """What the chart shows; the numbers beside it are taken from here, so they agree."""
        return severity_info(self.findings, self.coverage, self.tasks)

    @property
    def shown_findings(self) -> list[Finding]:
        """The findings that fit into the table, worst first."""
        return heapq.nsmallest(self.most_findings, self.findings, key=worst_first)

    @property
    def severities(self) -> dict[str, int]:
        """Severity -> number of findings."""
        return {str(severity): self.info.count(severity) for severity in Severity}

    @property
    def app_states(self) -> dict[str, int]:
        """How far the apps were measured; only what occurs."""
        states = {str(state): self.info.apps_in(state) for state in CellState}
        return {state: count for state, count in states.items() if count}

    @property
    def task_states(self) -> dict[str, int]:
        """Task status -> number of tasks."""
        return dict(Counter(str(task.status).replace("_", " ") for task in self.tasks))

    @property
    def checks(self) -> tuple[int, int, int]:
        """Checks (app x tool that applies, or analysis without any tool): in full, in part, altogether."""
        complete = sum(is_complete(cell) for cell in self.coverage)
        open_gaps = [gap for gap in self._gaps if gap.applicable]
        return complete, sum(gap.partial for gap in open_gaps), complete + len(open_gaps)

    @property
    def gap_groups(self) -> list[GapGroup]:
        """What was not measured, by tool and cause; the widest first."""
        return gap_groups(self._gaps)

    @property
    def matrix_columns(self) -> list[tuple[str, str]]:
        """The (analysis type, tool) pairs that reported."""
        return sorted({(str(cell.analysis_type), cell.tool) for cell in self.coverage})

    @property
    def matrix_rows(self) -> list[tuple[str, int, str, list[MatrixCell]]]:
        """One row per app: model, number, state, and a cell per column of the matrix."""
        cells = {(c.model, c.app_num, str(c.analysis_type), c.tool): c for c in self.coverage}
        asked = {key[:3] for key in cells} | {(t.model, t.app_num, str(t.analysis_type)) for t in self.tasks}

        def cell(app: tuple[str, int], kind: str, tool: str) -> MatrixCell:
            found = cells.get((*app, kind, tool))
            return _matrix_cell(found) if found else _EMPTY_CELLS[(*app, kind) in asked]

        return [
            (
                app.model,
                app.app_num,
                str(app.state),
                [cell((app.model, app.app_num), kind, tool) for kind, tool in self.matrix_columns],
            )
            for app in self.info.cells
        ]

    @property
    def tool_versions(self) -> dict[str, str]:
        """Tool -> the versions that ran."""
        versions: dict[str, set[str]] = defaultdict(set)
        for cell in self.coverage:
            versions[cell.tool].add(cell.tool_version)
        return {
            tool: ", ".join(sorted(found - {""})) or "unknown" for tool, found in sorted(versions.items())
        }

    @property
    def error_outputs(self) -> list[Coverage]:
        """The cells whose tool failed and left error output."""
        return [cell for cell in self.coverage if cell.stderr_tail and not is_complete(cell)]

    @property
    def duration(self) -> float | None:
        """Seconds that the job took; None: it has not ended."""
        return seconds(self.job)

    @property
    def options(self) -> dict[str, Any]:
        """The job's analysis options, with the values of what looks like a secret left out."""
        hidden: dict[str, Any] = _without_secrets(self.job.analysis_options)
        return hidden

    @cached_property
    def _gaps(self) -> tuple[Gap, ...]:
        return find_gaps(self.coverage, self.tasks)


_EMPTY_CELLS = {
    True: MatrixCell(symbol="✗", word=NO_REPORT, kind="none"),
    False: MatrixCell(symbol="·", word="not asked for", kind="skip"),
}


def _matrix_cell(cell: Coverage) -> MatrixCell:
    if cell.status is CoverageStatus.NOT_APPLICABLE:
        return MatrixCell(symbol="·", word="not applicable", kind="skip", note=cell.detail)
    status = cell.status
    if status.is_measured:
        status = CoverageStatus.OK if is_complete(cell) else CoverageStatus.PARTIAL
    return MatrixCell(
        symbol=_SYMBOLS.get(status, "✗"),
        word=COVERAGE_WORDS[status],
        kind={CoverageStatus.OK: "ok", CoverageStatus.PARTIAL: "partial"}.get(status, "none"),
        files=f"{cell.files_seen}/{cell.files_eligible}" if status.is_measured else "",
        note=("from an earlier run; " if cell.cached else "") + cell.detail,
    )


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(inner, name) for inner in value]
    return "(hidden)" if _SECRET.search(name) and isinstance(value, str) and value else value
