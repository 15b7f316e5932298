"""Running source scanners over staged copies of several apps at once, and isolating the app that breaks one.

All apps of a call lie under one folder, one subfolder each, so that one start of a tool serves them all. When
a tool dies, hangs or writes nonsense there, the apps are split into halves and each half is scanned anew,
until the app that does it is alone: only its own cell suffers.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from batchnb.analyzers.raw import RawTarget, StagedFiles, ToolRun
from batchnb.records import CoverageStatus
from batchnb.records.errors import ReportError, ToolMissingError
from batchnb.tools.cancellation import Deadline
from batchnb.tools.process import Ending, run_tool
from batchnb.tools.staging import Staging
from batchnb.tools.version import own_version, tool_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.analyzers.checks.online import OnlineAudit
    from batchnb.analyzers.scanners.base import Scanner, SourceCheck, SourceTool
    from batchnb.tools.layout import AppFolder
    from batchnb.tools.process import RawOutput

SHARED_SECONDS = 30.0
"""How long a tool may take for several apps before they are split, and ..."""
SHARED_SECONDS_EACH = 5.0
"""... how much longer for each of them."""
TOOL_SHARE = 0.5
"""Of the time that is left, what one tool may use while others have yet to run."""
READING_SECONDS = 20.0
"""Time that is kept for reading what the tools wrote, and ..."""
READING_SHARE = 0.1
"""... of how much of the time that is left it is at most."""
SHARED_BYTES = 96 << 20
"""Source that one call takes on; apps beyond it are analysed alone."""

_ENDINGS = {
    Ending.TIMED_OUT: (CoverageStatus.TIMED_OUT, "stopped: it had used up its share of the task's time"),
    Ending.CANCELLED: (CoverageStatus.CANCELLED, "stopped because the job was cancelled"),
    Ending.OUTPUT_CAP: (CoverageStatus.FAILED, "wrote more output than is allowed"),
    Ending.LOST: (CoverageStatus.FAILED, "its supervisor died"),
    Ending.NOT_STARTED: (CoverageStatus.FAILED, "could not be started"),
}


@dataclass(slots=True)
class SourceCollection:
    """One call: which apps were staged, and what the tools wrote about them."""

    context: AnalysisContext
    tools: Sequence[SourceTool]
    targets: list[RawTarget] = field(default_factory=list)
    runs: list[ToolRun] = field(default_factory=list)
    _folders: list[Path] = field(default_factory=list)
    _groups: int = 0

    def stage(self, apps: Sequence[AppFolder], part: str, *, beside: bool) -> None:
        """Copy the apps' files that one of the tools is for; what does not fit any more is left out.

        Args:
            apps: the apps.
            part: the folder of each that is wanted, such as "backend".
            beside: whether files right in the app's own folder are wanted too (docker-compose.yml).
        """
        suffixes: frozenset[str] = frozenset().union(*(tool.suffixes for tool in self.tools))
        names: frozenset[str] = frozenset().union(*(tool.names for tool in self.tools))
        home = self.context.scratch / "apps"
        size = 0
        for number, app in enumerate(apps):
            folder = home / f"{number:03d}"
            self._folders.append(folder)
            files = None
            if size < SHARED_BYTES:
                staging = Staging(folder)
                staging.add(app.path / part, suffixes=suffixes, names=names, prefix=part)
                if beside:
                    staging.add(app.path, suffixes=suffixes, names=names, shallow=True)
                tree = staging.tree()
                size += sum(map(len, tree.sources.values()))
                files = StagedFiles(
                    origins=tree.origins,
                    sources=tree.sources,
                    not_utf8=tuple(sorted(tree.not_utf8)),
                    unread=tree.unread,
                    foreign=tree.foreign,
                    silenced=tree.silenced,
                )
            self.targets.append(RawTarget(model=app.model, app_num=app.app_num, files=files))

    def check(self, check: SourceCheck) -> None:
        """Note whether a check can run; it runs when the collection is read."""
        lack, offline = check.available(), check.offline()
        state = CoverageStatus.TOOL_MISSING if lack else CoverageStatus.OFFLINE
        self._add(
            ToolRun(
                tool=check.name,
                targets=tuple(self._staged()),
                status=state if lack or offline else CoverageStatus.OK,
                detail=lack or offline,
                version="" if lack else check.version(),
            )
        )

    def ask(self, audit: OnlineAudit) -> None:
        """Ask a registry about each app that has a file for it."""
        for number in self._staged():
            files = self.files_for(audit, number)
            if not files or audit.command() is None:
                lack = CoverageStatus.TOOL_MISSING if files else CoverageStatus.NOT_APPLICABLE
                hint = f"not installed: {audit.install_hint}"
                self._add(ToolRun(tool=audit.name, targets=(number,), status=lack, detail=hint))
                continue
            scratch = self.context.scratch / f"{audit.name}-{number}"
            scratch.mkdir(mode=0o700)
            said, seconds = audit.ask_all(files, scratch, self.context.deadline, self.context.cancel)
            self._add(ToolRun(tool=audit.name, targets=(number,), output=said, seconds=round(seconds, 3)))

    def files_for(self, tool: SourceTool, number: int) -> dict[str, str]:
        """Return the texts of an app's files that a tool is for, by their paths in the app."""
        files = self.targets[number].files
        return {} if files is None else texts_for(tool, files)

    def scan(self, scanner: Scanner) -> None:
        """Run a scanner over all apps that have a file for it."""
        wanted = [number for number, target in enumerate(self.targets) if _has_file_for(scanner, target)]
        idle = tuple(number for number in self._staged() if number not in wanted)
        command = scanner.command()
        if command is None:
            status = CoverageStatus.TOOL_MISSING
            detail = f"not installed: {scanner.install_hint}"
            self._add(ToolRun(tool=scanner.name, targets=tuple(wanted), status=status, detail=detail))
        elif wanted:
            self._scan(scanner, command, wanted)
        if idle:  # what they lack is told when the files are looked at
            self._add(ToolRun(tool=scanner.name, targets=idle, status=CoverageStatus.NOT_APPLICABLE))

    def _staged(self) -> list[int]:
        return [number for number, target in enumerate(self.targets) if target.files is not None]

    def _scan(self, scanner: Scanner, command: tuple[str, ...], wanted: list[int]) -> None:
        context = self.context
        try:
            version = own_version(command, scanner.distribution) or tool_version(
                command, context.deadline, context.cancel
            )
            pending = [wanted]
            while pending:
                group = pending.pop()
                run = self._call(scanner, command, group, version)
                if run.status is CoverageStatus.OK or len(group) == 1 or self._is_over():
                    self._add(run)
                else:
                    middle = len(group) // 2
                    pending += [group[middle:], group[:middle]]
        except ToolMissingError as error:
            done = {number for run in self.runs if run.tool == scanner.name for number in run.targets}
            left = tuple(number for number in wanted if number not in done)
            status = CoverageStatus.TOOL_MISSING
            self._add(ToolRun(tool=scanner.name, targets=left, status=status, detail=str(error)))

    def _is_over(self) -> bool:
        return self.context.cancel.cancelled or self.context.deadline.expired

    def _call(
        self, scanner: Scanner, command: tuple[str, ...], group: Sequence[int], version: str
    ) -> ToolRun:
        """Run a scanner over a group of apps and look whether what it wrote is a report."""
        with self._gathered(group) as root, self._deadline(len(group)) as deadline:
            raw = run_tool(
                (*command, *scanner.argv(root)),
                deadline=deadline,
                cancel=self.context.cancel,
                limits=scanner.limits,
                env=scanner.environment,
            )
        status, detail = self._judge(scanner, raw, group, root)
        return ToolRun(
            tool=scanner.name,
            targets=tuple(group),
            status=status,
            detail=detail,
            version=version,
            exit_code=raw.returncode,
            seconds=round(raw.seconds, 3),
            output=raw.stdout.decode("utf-8", "surrogateescape") if status is CoverageStatus.OK else "",
            stderr_tail=raw.stderr.decode("utf-8", "surrogateescape"),
            stderr_cut=raw.stderr_truncated,
            root=str(root),
        )

    def _judge(
        self, scanner: Scanner, raw: RawOutput, group: Sequence[int], root: Path
    ) -> tuple[CoverageStatus, str]:
        """Return whether a call left a report about the apps of the group, and otherwise why not."""
        if raw.ending is not Ending.EXITED:
            status, detail = _ENDINGS[raw.ending]
            return status, ": ".join(part for part in (detail, raw.start_error) if part)
        try:
            said = scanner.parse(raw)
        except ReportError as error:
            return CoverageStatus.FAILED, str(error)
        given = {place_in(str(root), issue.path) for issue in said.issues}
        foreign = [place for place in given if not self._was_given(place, group)]
        if foreign:  # a report about other files is not a report about these apps
            return CoverageStatus.FAILED, f"its report names {len(foreign)} files that it was not given"
        if said.doubt and len(group) > 1:  # alone, it is known which app it is about
            return CoverageStatus.FAILED, said.doubt
        return CoverageStatus.OK, ""

    def _was_given(self, place: tuple[int, str], group: Sequence[int]) -> bool:
        number, path = place
        files = self.targets[number].files if number in group else None
        return files is not None and path in files.origins

    @contextmanager
    def _deadline(self, apps: int) -> Iterator[Deadline]:
        """Give the deadline of one call; it follows when the task's is moved.

        A tool that has others after it gets half of the time that is left, and some is kept for reading what
        they all wrote: one file that a tool chokes on must not cost what the others found.
        """
        began, whole = time.monotonic(), self.context.deadline
        patience = SHARED_SECONDS + SHARED_SECONDS_EACH * apps if len(self.targets) > 1 else math.inf
        is_last = len({run.tool for run in self.runs}) + 1 >= len(self.tools)

        def at() -> float:
            left = whole.at - began
            share = (left - min(READING_SECONDS, left * READING_SHARE)) * (1.0 if is_last else TOOL_SHARE)
            return began + min(share, patience)

        deadline = Deadline(at())
        unsubscribe = whole.subscribe(lambda: deadline.move(at()))
        try:
            yield deadline
        finally:
            unsubscribe()

    def _gathered(self, group: Sequence[int]) -> _Gathered:
        self._groups += 1
        root = self.context.scratch / f"scan{self._groups}"
        return _Gathered(root, [self._folders[number] for number in group])

    def _add(self, run: ToolRun) -> None:
        self.runs.append(run)
        self.context.progress(min(95, 5 + 90 * len({each.tool for each in self.runs}) // len(self.tools)))


class _Gathered:
    """The folders of some apps under one root while a tool reads them; then they go back."""

    def __init__(self, root: Path, folders: Sequence[Path]) -> None:
        self._root, self._folders = root, folders

    def __enter__(self) -> Path:
        self._root.mkdir(mode=0o700)
        for folder in self._folders:
            folder.rename(self._root / folder.name)
        return self._root

    def __exit__(self, *exc: object) -> None:
        for folder in self._folders:
            (self._root / folder.name).rename(folder)


def texts_for(tool: SourceTool, files: StagedFiles) -> dict[str, str]:
    """Return the texts of the files that a tool is for, by their paths in the app."""
    return {origin: files.sources[path] for path, origin in files.origins.items() if tool.is_for(origin)}


def eligible(tool: SourceTool, files: StagedFiles) -> tuple[list[str], list[tuple[str, str]]]:
    """Return which staged paths a tool is for, and which files for it were left out, with the reasons.

    What was left out and has no suffix may be a folder with anything in it, so it counts for every tool.
    """
    staged = [path for path, origin in files.origins.items() if tool.is_for(origin)]
    left_out = [(path, why) for path, why in files.unread if tool.is_for(path) or _may_hold_any(path, why)]
    return staged, left_out


def _may_hold_any(path: str, why: str) -> bool:
    name = path.rpartition("/")[2]
    return "." not in name.lstrip(".") or why.startswith(("folder", "deeper", "more than", "version", "inst"))


def _has_file_for(tool: SourceTool, target: RawTarget) -> bool:
    return target.files is not None and any(map(tool.is_for, target.files.origins.values()))


def place_in(root: str, reported: str) -> tuple[int, str]:
    """Return which app of a call a reported path belongs to, and the path in its copy; -1: to none."""
    path = PurePosixPath(reported)
    if path.is_absolute() and path.is_relative_to(root):
        path = path.relative_to(root)
    folder, *inner = path.parts or ("",)
    is_app = folder.isascii() and folder.isdigit() and ".." not in inner
    return (int(folder), "/".join(inner)) if is_app else (-1, reported)
