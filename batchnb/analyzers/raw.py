"""What an analysis collected: the tools' output as it came, and what is needed to read it again later.

A raw analysis is plain data. It can be kept in a file and parsed again, by a later version say, without the
app and without a tool.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from batchnb.records import CoverageStatus
from batchnb.records.clock import utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.process import Ending, RawOutput

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
MAX_KEPT_BYTES = 48 << 20
"""Size, as JSON, above which a raw analysis is not kept; the findings are, in any case."""
_UNREADABLE = (
    *(gzip.BadGzipFile, zlib.error, EOFError),
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedFiles:
    """An app's files as the tools were given them."""

    origins: dict[str, str] = field(default_factory=dict)
    """Path in the staged copy -> path in the app, both POSIX and relative."""
    sources: dict[str, str] = field(default_factory=dict)
    """Path in the staged copy -> its text as the app has it, undecodable bytes as backslash escapes."""
    not_utf8: tuple[str, ...] = ()
    """Those paths in the copy whose content is not UTF-8, or that Python reads in another encoding."""
    unread: tuple[tuple[str, str], ...] = ()
    """Files, and folders that may hold some, that were left out: path in the app, reason."""
    foreign: tuple[tuple[str, str], ...] = ()
    """Folders that are not the app's own: path in the app, what they are."""
    silenced: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Path in the copy -> lines about which the app asked the tools to be silent; 0: about the whole file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RawTarget:
    """One app of a raw analysis."""

    model: str
    app_num: int
    files: StagedFiles | None = None
    """What was staged; None: the analysis does not read sources."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolRun:
    """One call of one tool, for one app or for several."""

    tool: str
    targets: tuple[int, ...]
    """Which apps, as indices into `RawAnalysis.targets`."""
    status: CoverageStatus = CoverageStatus.OK
    """OK: there is a report to parse. Otherwise why there is none."""
    detail: str = ""
    version: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    """Of the whole call."""
    output: str = ""
    """The report as the tool wrote it. Undecodable bytes are lone surrogates (`surrogateescape`)."""
    stderr_tail: str = ""
    stderr_cut: bool = False
    root: str = ""
    """The folder that the tool was given, one subfolder per app: paths in its report may begin with it."""

    def as_output(self) -> RawOutput:
        """Return the call as `run_tool` reported it."""
        return RawOutput(
            argv=(),
            ending=Ending.EXITED,
            returncode=self.exit_code,
            stdout=self.output.encode("utf-8", "surrogateescape"),
            stderr=self.stderr_tail.encode("utf-8", "surrogateescape"),
            stderr_truncated=self.stderr_cut,
            seconds=self.seconds,
            started_at=utc_now(),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RawAnalysis:
    """All that one call collected, for one app or several."""

    analysis_type: str
    options: dict[str, Any]
    """The options as JSON values."""
    targets: tuple[RawTarget, ...]
    runs: tuple[ToolRun, ...]

    def keep(self, path: Path) -> bool:
        """Write it to a new file, whole or not at all; False: it is larger than is kept.

        Raises:
            OSError: if it cannot be written.
        """
        if self._least_bytes() > MAX_KEPT_BYTES:  # asked first: as JSON it would be there several times
            return False
        text = json.dumps({"format": FORMAT, **asdict(self)}).encode()
        if len(text) > MAX_KEPT_BYTES:
            return False
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with gzip.open(unfinished, "xb", compresslevel=1) as file:
                file.write(text)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return True

    def _least_bytes(self) -> int:
        """Return how large its JSON is at least: each character of the long texts is a byte or more."""
        sources = (text for target in self.targets if target.files for text in target.files.sources.values())
        return sum(map(len, sources)) + sum(len(run.output) for run in self.runs)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one that was kept.

        Raises:
            OSError: if there is no such file.
            ReportError: if it is not one of ours, is damaged, or of another format.
        """
        try:
            with gzip.open(path, "rb") as file:
                values = json.loads(file.read(MAX_KEPT_BYTES + 1))
            if values.pop("format") != FORMAT:
                raise ReportError(f"{path.name} was kept by another version of batchnb")
            values["targets"] = tuple(map(_target, values["targets"]))
            values["runs"] = tuple(map(_run, values["runs"]))
            return cls(**values)
        except _UNREADABLE as error:
            raise ReportError(f"{path.name} is no raw analysis: {error}") from error


def _target(values: dict[str, Any]) -> RawTarget:
    files = values.pop("files")
    return RawTarget(**values, files=None if files is None else _files(files))


def _files(values: dict[str, Any]) -> StagedFiles:
    values["not_utf8"] = tuple(values["not_utf8"])
    values["unread"] = tuple((path, reason) for path, reason in values["unread"])
    values["foreign"] = tuple((path, what) for path, what in values["foreign"])
    values["silenced"] = {path: tuple(lines) for path, lines in values["silenced"].items()}
    return StagedFiles(**values)


def _run(values: dict[str, Any]) -> ToolRun:
    names = {each.name for each in fields(ToolRun)}
    values["targets"], values["status"] = tuple(values["targets"]), CoverageStatus(values["status"])
    return ToolRun(**{name: value for name, value in values.items() if name in names})
