"""Whether a tool read a file of an app, in one dataset, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.records import CoverageStatus
from batchnb.results.gaps import COVERAGE_WORDS
from batchnb.results.rebuild import coverage_records

if TYPE_CHECKING:
    from batchnb.records import Coverage
    from batchnb.results.dataset import Dataset

    Cell = tuple[str, int, str, str]
    """Model, app number, analysis type and tool."""


class Reading:
    """What the tools read in a dataset."""

    def __init__(self, dataset: Dataset) -> None:
        """Look at the dataset's coverage and tasks."""
        self._cells: dict[Cell, Coverage] = {
            (cell.model, cell.app_num, str(cell.analysis_type), cell.tool): cell
            for cell in coverage_records(dataset.coverage)
        }
        self._unread = {
            key: {file.path: file.reason for file in cell.unread} for key, cell in self._cells.items()
        }
        self._apps = {key[:2] for key in self._cells}
        for frame in (dataset.tasks, dataset.findings):
            self._apps |= set(zip(frame["model"], frame["app_num"], strict=True))

    def gap(self, cell: Cell, path: str) -> str:
        """Return why nobody can say what the tool would have found in a file; empty: it read the file.

        An app that has no file for the tool (any more) leaves nothing unsaid.
        """
        found = self._cells.get(cell)
        if found is None:
            return "the tool did not report" if cell[:2] in self._apps else "the app is not in it"
        if found.status is CoverageStatus.NOT_APPLICABLE:
            return ""
        unread = self._unread[cell]
        if path in unread and found.status.is_measured:
            return f"file not read: {unread[path]}"
        unnamed = found.files_eligible - found.files_seen - len(unread)
        doubtful = found.status is CoverageStatus.PARTIAL and not unread
        if found.status.is_measured and not doubtful:
            return f"{unnamed} more files not read, it is not known which" if unnamed > 0 else ""
        return COVERAGE_WORDS[found.status] + (f": {found.detail}" if found.detail else "")

    def has_read(self, cell: Cell, path: str) -> bool:
        """Whether the tool had something to read in the app, and did not leave out the file."""
        found = self._cells.get(cell)
        return found is not None and found.status.is_measured and not self.gap(cell, path)

    def is_unread(self, cell: Cell, path: str) -> bool:
        """Whether the file is there, but the tool did not read it (to its end)."""
        return path in self._unread.get(cell, ())

    def versions(self) -> dict[str, set[str]]:
        """Return tool -> the versions of it that measured something."""
        versions: dict[str, set[str]] = {}
        for cell in self._cells.values():
            if cell.status.is_measured and cell.tool_version:
                versions.setdefault(cell.tool, set()).add(cell.tool_version)
        return versions
