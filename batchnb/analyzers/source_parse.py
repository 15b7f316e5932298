"""Reading what source scanners wrote about staged apps: findings on the app's own paths, and coverage."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from batchnb.analyzers.checks.online import OnlineAudit
from batchnb.analyzers.findings import FindingMaker
from batchnb.analyzers.hiding import SecretLines, raw_snippet
from batchnb.analyzers.raw import StagedFiles
from batchnb.analyzers.scanners.base import Scanner, ScanReport, SourceCheck
from batchnb.analyzers.source_collect import failure
from batchnb.analyzers.staged_files import eligible, place_in, texts_for
from batchnb.records import AnalysisReport, Coverage, CoverageStatus, UnreadFile
from batchnb.records.errors import OfflineError, ReportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from batchnb.analyzers.raw import RawAnalysis, RawTarget, ToolRun
    from batchnb.analyzers.scanners.base import Issue, SourceTool
    from batchnb.records import Finding

_log = logging.getLogger(__name__)
_NOT_UTF8 = "is not UTF-8, or says that it is not"
MAX_UNREAD_NAMES = 200


def read_sources(raw: RawAnalysis, tools: Mapping[str, SourceTool]) -> tuple[AnalysisReport, ...]:
    """Return one report per target of a raw analysis.

    Args:
        raw: what was collected.
        tools: name -> scanner or check, for each tool that ran.
    """
    readers = [_Reader(raw.analysis_type, target) for target in raw.targets]
    for collected in raw.runs:
        tool = tools[collected.tool]
        run, by_target = _split(tool, collected)
        for number in run.targets:
            readers[number].read(tool, run, by_target.get(number, ScanReport(issues=())))
    return tuple(reader.report() for reader in readers)


def _split(tool: SourceTool, run: ToolRun) -> tuple[ToolRun, dict[int, ScanReport]]:
    """Return what a scanner said, by app, with paths as they are in the app's staged copy.

    The call is one that failed if its report, which another version could read, is none to this one.
    """
    if run.status is not CoverageStatus.OK or not isinstance(tool, Scanner):
        return run, {}
    try:
        whole = tool.parse(run.as_output())
    except Exception as error:  # noqa: BLE001 - see `SourceCollection.run`
        why = str(error) if isinstance(error, ReportError) else failure(error)
        return replace(run, status=CoverageStatus.FAILED, detail=why), {}
    parts = {number: _Part() for number in run.targets}
    for issue in whole.issues:
        number, path = _place_in(run, issue.path)
        parts[number].issues.append((path, issue))
    for wanted, given in (("unparsed", whole.unparsed), ("incomplete", whole.incomplete)):
        for reported, why in given.items():
            number, path = _place_in(run, reported)
            getattr(parts[number], wanted)[path] = why
    for reported in whole.scanned or ():
        number, path = _place_in(run, reported)
        parts[number].scanned.add(path)
    return run, {number: part.report(whole) for number, part in parts.items()}


def _place_in(run: ToolRun, reported: str) -> tuple[int, str]:
    """Return the app and the path; what belongs to none is told of the first, as a file that it lacks."""
    number, path = place_in(run.root, reported)
    return (number, path) if number in run.targets else (run.targets[0], reported)


@dataclass(slots=True)
class _Part:
    """What a scanner said about one app."""

    issues: list[tuple[str, Issue]] = field(default_factory=list)
    unparsed: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    scanned: set[str] = field(default_factory=set)

    def report(self, whole: ScanReport) -> ScanReport:
        return ScanReport(
            issues=tuple(replace(issue, path=path) for path, issue in self.issues),
            unparsed=self.unparsed,
            incomplete=self.incomplete,
            doubt=whole.doubt,
            note=whole.note,
            scanned=None if whole.scanned is None else frozenset(self.scanned),
        )


class _Reader:
    """Makes the report of one app."""

    def __init__(self, analysis_type: str, target: RawTarget) -> None:
        self._type, self._target = analysis_type, target
        self._files = target.files or StagedFiles()  # without files there are no runs either
        texts = {origin: self._files.sources[path] for path, origin in self._files.origins.items()}
        self._secrets = SecretLines(texts)
        self._findings: list[tuple[Finding, Issue]] = []
        self._coverage: list[Coverage] = []

    def report(self) -> AnalysisReport:
        """Return what was read; that a line holds a secret, another tool may have said later."""
        issues = tuple(self._secrets.shown(finding, issue) for finding, issue in self._findings)
        return AnalysisReport(issues=issues, coverage=tuple(self._coverage))

    def read(self, tool: SourceTool, run: ToolRun, said: ScanReport) -> None:
        staged, left_out = eligible(tool, self._files)
        cell = _Cell(tool, run, self._files, staged, left_out)
        if not staged:
            self._coverage.append(self._cell(run, cell, *cell.nothing_to_do(), counts=False))
            return
        if run.status is not CoverageStatus.OK:
            cell.unread = [UnreadFile(path=path, reason=why) for path, why in left_out]
            self._coverage.append(self._cell(run, cell, run.status, run.detail))
            return
        try:
            if isinstance(tool, SourceCheck):
                said = self._placed(tool.check(texts_for(tool, self._files)), staged)
            elif isinstance(tool, OnlineAudit):
                answers = tool.read_all(run.output, texts_for(tool, self._files))
                said = self._placed(answers, staged)
        except (OfflineError, ReportError) as error:
            status = CoverageStatus.OFFLINE if isinstance(error, OfflineError) else CoverageStatus.FAILED
            self._coverage.append(self._cell(run, cell, status, str(error)))
            return
        except Exception as error:  # noqa: BLE001 - a check reads hostile files, and may be a stranger's
            _log.warning("%s failed", tool.name, exc_info=True)
            self._coverage.append(self._cell(run, cell, CoverageStatus.FAILED, failure(error)))
            return
        status, detail = cell.judge(said)
        if status.is_measured:
            self._make(tool, said)
        self._coverage.append(self._cell(run, cell, status, detail))

    def _placed(self, said: ScanReport, staged: Sequence[str]) -> ScanReport:
        """Return a report with the paths of the copy; it names the files as the app does."""
        places = {self._files.origins[path]: path for path in staged}

        def placed(named: Mapping[str, str]) -> dict[str, str]:
            return {places.get(path, path): why for path, why in named.items()}

        return replace(
            said,
            issues=tuple(replace(issue, path=places.get(issue.path, issue.path)) for issue in said.issues),
            unparsed=placed(said.unparsed),
            incomplete=placed(said.incomplete),
            scanned=None if said.scanned is None else frozenset(places.get(p, p) for p in said.scanned),
        )

    def _cell(
        self, run: ToolRun, cell: _Cell, status: CoverageStatus, detail: str, *, counts: bool = True
    ) -> Coverage:
        seen = cell.eligible - len(cell.unread) if status.is_measured else 0
        foreign = "; ".join(f"{path} left out ({what})" for path, what in self._files.foreign[:5])
        shares = len(run.targets)
        return Coverage(
            model=self._target.model,
            app_num=self._target.app_num,
            analysis_type=self._type,
            tool=run.tool,
            status=status,
            files_eligible=cell.eligible,
            files_seen=seen,
            unread=tuple(cell.unread[:MAX_UNREAD_NAMES]),
            exit_code=run.exit_code if counts else None,
            tool_version=run.version,
            seconds=round(run.seconds / shares, 3) if counts else 0.0,
            stderr_tail=_shown(run.stderr_tail) if shares == 1 else "",  # of several apps: of none of them
            detail="; ".join(part for part in (detail, foreign) if part),
        )

    def _make(self, tool: SourceTool, said: ScanReport) -> None:
        """Attach path, snippet and identity to what was reported, in order of place."""
        maker = FindingMaker(analysis_type=self._type, tool=tool.name, target=self._target)
        placed = [
            replace(issue, path=self._files.origins[issue.path], tags=self._tags(issue))
            for issue in said.issues
        ]
        for issue in sorted(placed, key=_place):
            snippet = raw_snippet(self._secrets.lines(issue.path), issue)
            self._findings.append((maker.make(issue, snippet=snippet, identity=snippet), issue))
            self._secrets.note(issue)

    def _tags(self, issue: Issue) -> tuple[str, ...]:
        silenced = self._files.silenced.get(issue.path, ())
        last = max(issue.line or 0, issue.end_line or 0)
        if 0 in silenced or any((issue.line or 0) <= line <= last for line in silenced):
            return tuple(dict.fromkeys((*issue.tags, "suppressed")))
        return issue.tags


@dataclass(slots=True)
class _Cell:
    """How much of one app one tool saw."""

    tool: SourceTool
    run: ToolRun
    files: StagedFiles
    staged: list[str]
    left_out: list[tuple[str, str]]
    unread: list[UnreadFile] = field(default_factory=list)

    @property
    def eligible(self) -> int:
        return len(self.staged) + len(self.left_out)

    def nothing_to_do(self) -> tuple[CoverageStatus, str]:
        """Return what an app is to a tool that it has no readable file for."""
        if not self.left_out:
            return CoverageStatus.NOT_APPLICABLE, "the app has no file for it"
        own = (each for each in self.left_out if self.tool.is_for(each[0]))
        path, reason = next(own, self.left_out[0])  # the others are its files only if they are folders
        self.unread = [UnreadFile(path=path, reason=why) for path, why in self.left_out]
        return CoverageStatus.FAILED, f"no file could be read: {path} ({reason})"

    def judge(self, said: ScanReport) -> tuple[CoverageStatus, str]:
        """Return how much a report is worth."""
        named = {issue.path for issue in said.issues}
        foreign = [path for path in named if path not in self.files.origins]
        if foreign:  # a report about other files is not a report about this app
            return CoverageStatus.FAILED, f"its report names {len(foreign)} files that it was not given"
        self.unread = unread = self._unread(said)
        incomplete = self._incomplete(said)
        nothing = len(unread) >= self.eligible
        gaps = sorted((*unread, *incomplete), key=lambda file: file.path)
        self.unread = gaps
        if not gaps and not said.doubt:
            return CoverageStatus.OK, said.note
        told = (self._named("not read", unread), self._named("read in part", incomplete))
        detail = "; ".join(part for part in (*told, said.doubt, said.note) if part)
        return (CoverageStatus.FAILED if nothing else CoverageStatus.PARTIAL), detail

    def _named(self, what: str, gaps: Sequence[UnreadFile]) -> str:
        if not gaps:
            return ""
        first = f"{gaps[0].path} ({gaps[0].reason}){', ...' if len(gaps) > 1 else ''}"
        return f"{len(gaps)} of {self.eligible} files {what}: {first}"

    def _unread(self, said: ScanReport) -> list[UnreadFile]:
        reasons = dict(self.left_out)
        if isinstance(self.tool, Scanner) and self.tool.utf8_only:
            ours = set(self.staged)
            reasons |= {self.files.origins[path]: _NOT_UTF8 for path in self.files.not_utf8 if path in ours}
        for path, reason in said.unparsed.items():
            reasons[self.files.origins.get(path, path)] = reason[:200]
        if said.scanned is not None:
            for path in self.staged:
                if path not in said.scanned:
                    reasons.setdefault(self.files.origins[path], "not in the tool's list of scanned files")
        return [UnreadFile(path=path, reason=reason) for path, reason in sorted(reasons.items())]

    def _incomplete(self, said: ScanReport) -> list[UnreadFile]:
        """Return the files that the tool read, but not to the end; findings in them may be missing."""
        known = {file.path for file in self.unread}
        named = _origins(self.files.origins, said.incomplete.items())
        return [UnreadFile(path=path, reason=why[:200]) for path, why in named if path not in known]


def _origins(origins: Mapping[str, str], named: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(origins[path], why) for path, why in named if path in origins]


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode(errors="backslashreplace")[-2_000:]


def _place(issue: Issue) -> tuple[str, int, int, str, str]:
    return issue.path, issue.line or 0, issue.column or 0, issue.rule, issue.message
