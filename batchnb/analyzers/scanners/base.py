"""What an adapter of a source scanner is: it says how to run the tool and reads its report, nothing more."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.records.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.records import Confidence, Severity
    from batchnb.tools.process import RawOutput


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """A fault as the tool reported it, on a path of the staged copy."""

    path: str
    rule: str
    severity: Severity
    confidence: Confidence | None
    cwe: int | None
    line: int | None
    """1-based."""
    end_line: int | None
    column: int | None
    """1-based."""
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanReport:
    """A tool's report, read."""

    issues: tuple[Issue, ...]
    unparsed: dict[str, str] = field(default_factory=dict)
    """Staged path -> why the tool could not read the file."""
    incomplete: dict[str, str] = field(default_factory=dict)
    """Staged path -> what the tool left undone in a file that it did read."""
    doubt: str = ""
    """Why more may be missing than is listed."""
    scanned: frozenset[str] | None = None
    """Staged paths that the tool says it read; None: it does not say."""


class Scanner(ABC):
    """An adapter. `argv` and `parse` are pure, so they can be tested on recorded reports."""

    name: ClassVar[str]
    utf8_only: ClassVar[bool] = False
    """Whether the tool passes over files that are not UTF-8, or takes them for it, and does not say so."""
    install_hint: ClassVar[str]

    @abstractmethod
    def command(self) -> tuple[str, ...] | None:
        """Return the beginning of the command line, or None if the tool is not installed."""

    @abstractmethod
    def argv(self, root: Path) -> tuple[str, ...]:
        """Return the arguments to scan the folder `root`, with our configuration only."""

    @abstractmethod
    def parse(self, raw: RawOutput) -> ScanReport:
        """Read the tool's report.

        Raises:
            ReportError: if it is not a complete report; then nothing of it counts.
        """


def load_json(raw: RawOutput, tool: str, form: type) -> Any:
    """Return the JSON document on standard output, a list or an object as `form` says.

    Raises:
        ReportError: if it is cut off, not JSON, or not of that form.
    """
    if raw.stdout_truncated:
        raise ReportError(f"{tool}'s report was cut off at {len(raw.stdout)} bytes")
    try:
        report = json.loads(raw.stdout)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{tool} wrote no readable report ({len(raw.stdout)} bytes): {error}") from error
    if not isinstance(report, form):
        raise ReportError(f"{tool}'s report is not of the known form: it is a {type(report).__name__}")
    return report


def place(value: object) -> int:
    """Return a line or column that a tool reported; TypeError if it is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r:.40} is no line or column")
    return value
