"""Audits that ask a registry, as tools of an analysis: only names and versions leave this machine."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from batchnb.analyzers.checks.npm_audit import NpmAudit
from batchnb.analyzers.checks.npm_packages import UnreadableError
from batchnb.analyzers.checks.pip_audit import PipAudit
from batchnb.analyzers.checks.requirements_file import NAMES
from batchnb.analyzers.scanners.base import ScanReport, SourceTool
from batchnb.records import CoverageStatus
from batchnb.records.clock import utc_now
from batchnb.records.errors import OfflineError
from batchnb.tools.process import Ending, RawOutput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from batchnb.analyzers.checks.answer import Answer
    from batchnb.analyzers.scanners.base import Issue
    from batchnb.tools.cancellation import CancelToken, Deadline


class Asked(NamedTuple):
    """What a tool wrote about an app's files."""

    output: str
    """As JSON, for `OnlineAudit.read_all`."""
    seconds: float
    ending: Ending
    """How its calls ended: the first other than `EXITED` was the last."""


class OnlineAudit(SourceTool):
    """A tool that asks a registry about one app at a time, about one file after the other."""

    suffixes: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def command(self) -> tuple[str, ...] | None:
        """Return how the tool is started, None if it is not installed."""

    @abstractmethod
    def ask(self, text: str, folder: Path, deadline: Deadline, cancel: CancelToken) -> RawOutput:
        """Run the tool on one file's text; `folder` does not exist yet."""

    @abstractmethod
    def answer(self, raw: RawOutput, path: str, text: str) -> Answer:
        """Read what the registry said about one file."""

    def ask_all(
        self, files: Mapping[str, str], scratch: Path, deadline: Deadline, cancel: CancelToken
    ) -> Asked:
        """Run the tool on each file, until it does not end by itself.

        Raises:
            ToolMissingError: if the tool is not installed.
        """
        said: dict[str, Any] = {}
        seconds = 0.0
        for number, (path, text) in enumerate(files.items()):
            try:
                raw = self.ask(text, scratch / f"{self.name}{number}", deadline, cancel)
            except UnreadableError as error:
                said[path] = {"unreadable": str(error)}
                continue
            seconds += raw.seconds
            if raw.ending is not Ending.EXITED:
                return Asked("", seconds, raw.ending)
            said[path] = {
                "exit": raw.returncode,
                "out": raw.stdout.decode("utf-8", "replace"),
                "err": raw.stderr.decode("utf-8", "replace"),
            }
        return Asked(json.dumps(said), seconds, Ending.EXITED)

    def read_all(self, output: str, files: Mapping[str, str]) -> ScanReport:
        """Read what `ask_all` returned.

        Raises:
            OfflineError: if the registry did not answer about one of the files.
            ReportError: if what the tool wrote is no report.
        """
        issues: list[Issue] = []
        unparsed: dict[str, str] = {}
        incomplete: dict[str, str] = {}
        for path, said in json.loads(output).items():
            if "unreadable" in said:
                unparsed[path] = said["unreadable"]
                continue
            raw = RawOutput(
                argv=(),
                ending=Ending.EXITED,
                returncode=said["exit"],
                stdout=said["out"].encode(),
                stderr=said["err"].encode(),
                started_at=utc_now(),
            )
            answer = self.answer(raw, path, files[path])
            if answer.status is not CoverageStatus.OK:
                raise OfflineError(answer.detail)
            issues += answer.issues
            if answer.incomplete:
                incomplete[path] = f"not judged: {answer.incomplete}"
        return ScanReport(issues=tuple(issues), unparsed=unparsed, incomplete=incomplete)


class OnlineNpmAudit(OnlineAudit):
    """`npm audit`; see npm_audit."""

    name: ClassVar[str] = NpmAudit.name
    names: ClassVar[frozenset[str]] = frozenset({"package-lock.json", "npm-shrinkwrap.json"})
    install_hint: ClassVar[str] = NpmAudit.install_hint

    def __init__(self, registry: str = "") -> None:
        """Make one that asks `registry`; empty: npm's own."""
        self._audit = NpmAudit(registry)

    def command(self) -> tuple[str, ...] | None:
        """Return how npm is started."""
        return self._audit.command()

    def ask(self, text: str, folder: Path, deadline: Deadline, cancel: CancelToken) -> RawOutput:
        """Run npm on a clean copy of a lock file."""
        return self._audit.run(text, folder=folder, deadline=deadline, cancel=cancel)

    def answer(self, raw: RawOutput, path: str, text: str) -> Answer:
        """Read npm's report."""
        return self._audit.parse(raw, path, text)


class OnlinePipAudit(OnlineAudit):
    """`pip-audit`; see pip_audit."""

    name: ClassVar[str] = PipAudit.name
    names: ClassVar[frozenset[str]] = NAMES
    install_hint: ClassVar[str] = PipAudit.install_hint

    def command(self) -> tuple[str, ...] | None:
        """Return how pip-audit is started."""
        return PipAudit().command()

    def ask(self, text: str, folder: Path, deadline: Deadline, cancel: CancelToken) -> RawOutput:
        """Run pip-audit on the pinned lines of a requirements file."""
        folder.mkdir(mode=0o700)
        return PipAudit().run(text, file=folder / "requirements.txt", deadline=deadline, cancel=cancel)

    def answer(self, raw: RawOutput, path: str, text: str) -> Answer:
        """Read pip-audit's report."""
        return PipAudit().parse(raw, path, text)
