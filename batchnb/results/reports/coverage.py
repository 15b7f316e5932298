"""What a report says about coverage: a matrix of apps and tools, gaps by cause, and the files not read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records import CoverageStatus
from batchnb.results.gaps import COVERAGE_WORDS, NO_REPORT, find_gaps, gap_groups, is_complete
from batchnb.results.reports.table import Table, table_of
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from batchnb.records import BatchAnalysisTask, Coverage
    from batchnb.results.gaps import Gap, GapGroup
    from batchnb.results.severity import SeverityInfo

MOST_APPS = 1_000
"""Rows of the matrix."""
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


_SILENT = MatrixCell(symbol="✗", word=NO_REPORT, kind="none")
_NOT_ASKED = MatrixCell(symbol="·", word="not asked for", kind="skip")


@dataclass(frozen=True, kw_only=True)
class CoveragePart:
    """The coverage of the apps of one report."""

    info: SeverityInfo
    """The apps, and how far each was measured."""
    coverage: tuple[Coverage, ...]
    tasks: tuple[BatchAnalysisTask, ...]

    @cached_property
    def _gaps(self) -> tuple[Gap, ...]:
        return find_gaps(self.coverage, self.tasks)

    @property
    def checks(self) -> tuple[int, int, int]:
        """Checks (app x tool that applies, or analysis without any tool): in full, in part, altogether."""
        complete = sum(is_complete(cell) for cell in self.coverage)
        open_gaps = [gap for gap in self._gaps if gap.applicable]
        return complete, sum(gap.partial for gap in open_gaps), complete + len(open_gaps)

    @cached_property
    def gap_groups(self) -> list[GapGroup]:
        """What was not measured, by tool and cause; the widest first."""
        return gap_groups(self._gaps)

    @cached_property
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
            if found is not None:
                return _matrix_cell(found)
            return _SILENT if (*app, kind) in asked else _NOT_ASKED

        return [
            (
                app.model,
                app.app_num,
                str(app.state),
                [cell((app.model, app.app_num), kind, tool) for kind, tool in self.matrix_columns],
            )
            for app in self.info.cells[:MOST_APPS]
        ]

    @property
    def unread(self) -> Table:
        """The files that a tool is for and did not read, as far as the tools name them."""
        names = ("model", "app_num", "tool", "path", "reason")
        rows = [
            (
                cell.model,
                cell.app_num,
                cell.tool,
                visible(file.path, one_line=True),
                visible(file.reason, one_line=True),
            )
            for cell in self.coverage
            for file in cell.unread
        ]
        labels = dict(zip(names, ("Model", "App", "Tool", "File", "Why"), strict=True))
        return table_of(
            pd.DataFrame(rows, columns=list(names)), labels, "Files that were not read.", most=500
        )

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
