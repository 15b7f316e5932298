"""What reads sources: an adapter of an outside scanner, or a check in plain Python; nothing more."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.records.errors import ReportError
from batchnb.tools.limits import Limits
from batchnb.tools.tree import suffix_of

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    tags: tuple[str, ...] = ()
    """Marks of the finding; see `records.finding.TAGS`."""
    secret: str = ""
    """The secret that it is about, if the tool tells it: it is shown nowhere."""


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
    note: str = ""
    """What a reader should know although every file was read: what the tool's data are silent about, say."""
    scanned: frozenset[str] | None = None
    """Staged paths that the tool says it read; None: it does not say."""


class SourceTool(ABC):
    """What scanners and checks have in common: a name, and the files that they are for."""

    name: ClassVar[str]
    suffixes: ClassVar[frozenset[str]]
    """Lower-case suffixes of the files that it is for; its coverage counts those."""
    names: ClassVar[frozenset[str]] = frozenset()
    """Lower-case names of files that it is for, whatever their suffix, such as "dockerfile"."""
    install_hint: ClassVar[str] = ""
    self_test: ClassVar[tuple[str, str, str] | None] = None
    """A tiny faulty app: path, text, and the rule that has to be found in it."""

    def is_for(self, path: str) -> bool:
        """Whether a file of the app is one that it should see."""
        return suffix_of(path) in self.suffixes or path.rpartition("/")[2].lower() in self.names


class Scanner(SourceTool):
    """An adapter. `argv` and `parse` are pure, so they can be tested on recorded reports."""

    utf8_only: ClassVar[bool] = False
    """Whether the tool passes over files that are not UTF-8, or takes them for it, and does not say so."""
    limits: ClassVar[Limits] = Limits(memory_bytes=2 << 30)
    """What it may use; an app is at most 64 MiB of source, and a parser gone wild is stopped."""
    distribution: ClassVar[str] = ""
    """The Python package that has it, if it runs on this interpreter."""
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Variables that it needs beside those that every tool gets."""

    @abstractmethod
    def command(self) -> tuple[str, ...] | None:
        """Return the beginning of the command line, or None if the tool is not installed."""

    @abstractmethod
    def argv(self, root: Path) -> tuple[str, ...]:
        """Return the arguments to scan the folder `root` with our configuration only.

        It holds one subfolder per app (`000`, `001`, ...).
        """

    @abstractmethod
    def parse(self, raw: RawOutput) -> ScanReport:
        """Read the tool's report, with paths as the tool wrote them.

        Raises:
            ReportError: if it is not a complete report; then nothing of it counts.
        """


class SourceCheck(SourceTool):
    """A check in plain Python, without a program."""

    @abstractmethod
    def version(self) -> str:
        """Return the version of its rules or data."""

    def available(self) -> str:
        """Return why it cannot run here; empty: it can."""
        return ""

    def offline(self) -> str:
        """Return which source of data is not there; empty: none is missing."""
        return ""

    @abstractmethod
    def check(self, files: Mapping[str, str]) -> ScanReport:
        """Read one app's files: path in the app -> text. Paths in the report are those."""


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
