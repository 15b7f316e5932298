"""Running source scanners over staged copies of several apps at once, and isolating the app that breaks one.

All apps of a call lie under one folder, one subfolder each, so that one start of a tool serves them all. When
a tool dies, hangs or writes nonsense there, the apps are split into halves and each half is scanned anew,
until the app that does it is alone: only its own cell suffers.
"""

from __future__ import annotations

import logging
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.analyzers.checks.online import OnlineAudit
from batchnb.analyzers.raw import RawTarget, StagedFiles, ToolRun
from batchnb.analyzers.scanners.base import Scanner, SourceCheck
from batchnb.analyzers.staged_files import Gathered, has_file_for, place_in, staged_files, texts_for
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
    from batchnb.analyzers.scanners.base import SourceTool
    from batchnb.tools.layout import AppFolder
    from batchnb.tools.process import RawOutput

_log = logging.getLogger(__name__)
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
                files = staged_files(tree)
            self.targets.append(RawTarget(model=app.model, app_num=app.app_num, files=files))

    def run(self, tool: SourceTool) -> None:
        """Run a tool over the apps; an error in its adapter costs its own cells and no other's."""
        try:
            if isinstance(tool, Scanner):
                self._scan(tool)
            elif isinstance(tool, SourceCheck):
                self._check(tool)
            elif isinstance(tool, OnlineAudit):
                self._ask(tool)
        except Exception as error:  # noqa: BLE001 - an adapter may be a stranger's, and raise anything
            _log.warning("the adapter of %s failed", tool.name, exc_info=True)
            done = {number for run in self.runs if run.tool == tool.name for number in run.targets}
            left = tuple(number for number in self._staged() if number not in done)
            lacks = isinstance(error, ToolMissingError)
            status = CoverageStatus.TOOL_MISSING if lacks else CoverageStatus.FAILED
            detail = str(error) if lacks else failure(error)
            if left:
                self._add(ToolRun(tool=tool.name, targets=left, status=status, detail=detail))

    def _check(self, check: SourceCheck) -> None:
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

    def _ask(self, audit: OnlineAudit) -> None:
        """Ask a registry about each app that has a file for it, one after the other."""
        context, wanted = self.context, self._wanted(audit)
        command = self._command(audit, wanted)
        if command is None:
            return
        version = tool_version(command, context.deadline, context.cancel)
        for number in wanted:
            scratch = context.scratch / f"{audit.name}-{number}"
            scratch.mkdir(mode=0o700)
            texts = texts_for(audit, self.targets[number].files or StagedFiles())
            with self._deadline(audit, 1) as deadline:
                said = audit.ask_all(texts, scratch, deadline, context.cancel)
            status, detail = _ENDINGS.get(said.ending, (CoverageStatus.OK, ""))
            self._add(
                ToolRun(
                    tool=audit.name,
                    targets=(number,),
                    status=status,
                    detail=detail,
                    version=version,
                    seconds=round(said.seconds, 3),
                    output=said.output,
                )
            )

    def _command(self, tool: Scanner | OnlineAudit, wanted: Sequence[int]) -> tuple[str, ...] | None:
        """Return how to start a tool for the wanted apps; None: there is nothing to do, which is noted."""
        if idle := tuple(number for number in self._staged() if number not in wanted):
            # what they lack is told when the files are looked at
            self._add(ToolRun(tool=tool.name, targets=idle, status=CoverageStatus.NOT_APPLICABLE))
        if not wanted:
            return None
        command = tool.command()
        if command is None:
            status, detail = CoverageStatus.TOOL_MISSING, f"not installed: {tool.install_hint}"
            self._add(ToolRun(tool=tool.name, targets=tuple(wanted), status=status, detail=detail))
        return command

    def _wanted(self, tool: SourceTool) -> list[int]:
        return [number for number, target in enumerate(self.targets) if has_file_for(tool, target)]

    def _staged(self) -> list[int]:
        return [number for number, target in enumerate(self.targets) if target.files is not None]

    def _scan(self, scanner: Scanner) -> None:
        """Run a scanner over all apps that have a file for it."""
        context, wanted = self.context, self._wanted(scanner)
        command = self._command(scanner, wanted)
        if command is None:
            return
        version = own_version(command, scanner.distribution)
        version = version or tool_version(command, context.deadline, context.cancel)
        pending = [wanted]
        while pending:
            group = pending.pop()
            run = self._call(scanner, command, group, version)
            if run.status is CoverageStatus.OK or len(group) == 1 or self._is_over():
                self._add(run)
            else:
                middle = len(group) // 2
                pending += [group[middle:], group[:middle]]

    def _is_over(self) -> bool:
        return self.context.cancel.cancelled or self.context.deadline.expired

    def _call(
        self, scanner: Scanner, command: tuple[str, ...], group: Sequence[int], version: str
    ) -> ToolRun:
        """Run a scanner over a group of apps and look whether what it wrote is a report."""
        with self._gathered(group) as root, self._deadline(scanner, len(group)) as deadline:
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
        except Exception as error:  # noqa: BLE001 - as in `run`; here the app that causes it can be found
            _log.warning("the adapter of %s cannot read a report", scanner.name, exc_info=True)
            return CoverageStatus.FAILED, failure(error)
        named = {issue.path for issue in said.issues}
        if len(group) > 1:  # alone, a gap can only be the app's own
            named |= said.unparsed.keys() | said.incomplete.keys()
        given = {place_in(str(root), path) for path in named}
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
    def _deadline(self, tool: SourceTool, apps: int) -> Iterator[Deadline]:
        """Give the deadline of one call of a tool; it follows when the task's is moved.

        A tool that has others after it gets half of the time that is left, and some is kept for reading what
        they all wrote: one file that a tool chokes on must not cost what the others found.
        """
        began, whole = time.monotonic(), self.context.deadline
        patience = SHARED_SECONDS + SHARED_SECONDS_EACH * apps if len(self.targets) > 1 else math.inf
        is_last = len({tool.name, *(run.tool for run in self.runs)}) >= len(self.tools)

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

    def _gathered(self, group: Sequence[int]) -> Gathered:
        self._groups += 1
        root = self.context.scratch / f"scan{self._groups}"
        return Gathered(root, [self._folders[number] for number in group])

    def _add(self, run: ToolRun) -> None:
        self.runs.append(run)
        self.context.progress(min(95, 5 + 90 * len({each.tool for each in self.runs}) // len(self.tools)))


def failure(error: Exception) -> str:
    """Return what is said of an adapter that raised what it should not."""
    return f"its adapter failed: {type(error).__name__}: {error}"[:300]
