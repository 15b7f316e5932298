"""Running source scanners over a staged copy, and turning what they say into findings and coverage."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import AnalysisReport, Coverage, CoverageStatus, Finding, UnreadFile, fingerprint
from batchnb.records.errors import ReportError, ToolMissingError
from batchnb.tools.process import Ending, Limits, run_tool
from batchnb.tools.version import tool_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.analyzers.scanners.base import Issue, Scanner, ScanReport
    from batchnb.tools.layout import AppFolder
    from batchnb.tools.process import RawOutput
    from batchnb.tools.staging import StagedTree

_LIMITS = Limits(memory_bytes=2 << 30)  # an app is at most 64 MiB of source; a parser gone wild is stopped
_NOT_UTF8 = "is not UTF-8, or says that it is not"
MAX_UNREAD_NAMES = 200
MAX_SNIPPET_LINES = 3
MAX_SNIPPET_CHARS = 400
MAX_MESSAGE_CHARS = 1_000

_ENDINGS = {
    Ending.TIMED_OUT: (CoverageStatus.TIMED_OUT, "stopped at the task's deadline"),
    Ending.CANCELLED: (CoverageStatus.CANCELLED, "stopped because the job was cancelled"),
    Ending.OUTPUT_CAP: (CoverageStatus.FAILED, "wrote more output than is allowed"),
    Ending.LOST: (CoverageStatus.FAILED, "its supervisor died"),
    Ending.NOT_STARTED: (CoverageStatus.FAILED, "could not be started"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceScan:
    """One analysis of one app's staged copy by several scanners."""

    app: AppFolder
    analysis_type: str
    tree: StagedTree
    scanners: Sequence[Scanner]
    context: AnalysisContext

    def run(self) -> AnalysisReport:
        """Run each scanner in turn; what one of them does never hides what another found."""
        findings: list[Finding] = []
        coverage: list[Coverage] = []
        for done, scanner in enumerate(self.scanners, start=1):
            found, cell = self._scan(scanner)
            findings.extend(found)
            coverage.append(cell)
            self.context.progress(100 * done // (len(self.scanners) + 1))
        return AnalysisReport(issues=tuple(findings), coverage=tuple(coverage))

    def _scan(self, scanner: Scanner) -> tuple[list[Finding], Coverage]:
        command = scanner.command()
        blocked = self._blocked(scanner, command)
        if blocked or command is None:
            unread = [UnreadFile(path=path, reason=reason) for path, reason in self.tree.unread]
            return [], self._cell(scanner, *(blocked or (CoverageStatus.TOOL_MISSING, "")), unread=unread)
        try:
            version = tool_version(command, self.context.deadline, self.context.cancel)
            raw = self._call((*command, *scanner.argv(self.tree.root)))
        except ToolMissingError as error:
            return [], self._cell(scanner, CoverageStatus.TOOL_MISSING, str(error))
        try:
            if raw.ending is Ending.EXITED:
                return self._settle(scanner, scanner.parse(raw), raw, version)
            status, detail = _ENDINGS[raw.ending]
            detail = ": ".join(part for part in (detail, raw.start_error) if part)
        except ReportError as error:
            status, detail = CoverageStatus.FAILED, str(error)
        return [], self._cell(scanner, status, detail, raw=raw, version=version)

    def _blocked(
        self, scanner: Scanner, command: tuple[str, ...] | None
    ) -> tuple[()] | tuple[CoverageStatus, str]:
        """Return why the scanner cannot be run at all, or nothing."""
        if self.tree.eligible == 0:
            return CoverageStatus.NOT_APPLICABLE, "the app has no file for it"
        if not self.tree.origins:
            path, reason = self.tree.unread[0]
            return CoverageStatus.FAILED, f"no file could be read: {path} ({reason})"
        if command is None:
            return CoverageStatus.TOOL_MISSING, f"not installed: {scanner.install_hint}"
        return ()

    def _call(self, argv: tuple[str, ...]) -> RawOutput:
        context = self.context
        return run_tool(argv, deadline=context.deadline, cancel=context.cancel, limits=_LIMITS)

    def _settle(
        self, scanner: Scanner, report: ScanReport, raw: RawOutput, version: str
    ) -> tuple[list[Finding], Coverage]:
        unread = self._unread(scanner, report)
        known = [(issue, self.tree.origin(issue.path)) for issue in report.issues]
        foreign = sum(origin is None for _, origin in known)
        if foreign:  # a report about other files is not a report about this app
            reason = f"its report names {foreign} files that it was not given"
            return [], self._cell(scanner, CoverageStatus.FAILED, reason, raw=raw, version=version)
        findings = self._findings(scanner, [(issue, origin) for issue, origin in known if origin])
        incomplete = self._incomplete(report, unread)
        gaps = sorted((*unread, *incomplete), key=lambda file: file.path)
        if not gaps and not report.doubt:
            return findings, self._cell(scanner, CoverageStatus.OK, "", raw=raw, version=version)
        nothing = len(unread) >= self.tree.eligible
        status = CoverageStatus.FAILED if nothing else CoverageStatus.PARTIAL
        detail = "; ".join(part for part in (self._named(gaps), report.doubt) if part)
        return findings, self._cell(scanner, status, detail, raw=raw, version=version, unread=gaps)

    def _named(self, gaps: Sequence[UnreadFile]) -> str:
        if not gaps:
            return ""
        first = f"{gaps[0].path} ({gaps[0].reason}){', ...' if len(gaps) > 1 else ''}"
        return f"{len(gaps)} of {self.tree.eligible} files not read: {first}"

    def _incomplete(self, report: ScanReport, unread: Sequence[UnreadFile]) -> list[UnreadFile]:
        """Return the files that the tool read, but not to the end; findings in them may be missing."""
        known = {file.path for file in unread}
        named = [(self.tree.origin(path), reason) for path, reason in report.incomplete.items()]
        return [
            UnreadFile(path=path, reason=reason[:200]) for path, reason in named if path and path not in known
        ]

    def _unread(self, scanner: Scanner, report: ScanReport) -> list[UnreadFile]:
        reasons = dict(self.tree.unread)
        if scanner.utf8_only:
            reasons |= {self.tree.origins[path]: _NOT_UTF8 for path in self.tree.not_utf8}
        for path, reason in report.unparsed.items():
            reasons[self.tree.origin(path) or path] = reason[:200]
        if report.scanned is not None:
            seen = {self.tree.origin(path) for path in report.scanned}
            for origin in self.tree.origins.values():
                if origin not in seen:
                    reasons.setdefault(origin, "not in the tool's list of scanned files")
        return [UnreadFile(path=path, reason=reason) for path, reason in sorted(reasons.items())]

    def _cell(
        self,
        scanner: Scanner,
        status: CoverageStatus,
        detail: str,
        *,
        raw: RawOutput | None = None,
        version: str = "",
        unread: Sequence[UnreadFile] = (),
    ) -> Coverage:
        seen = self.tree.eligible - len(unread) if status.is_measured else 0
        foreign = "; ".join(f"{path} left out ({what})" for path, what in self.tree.foreign[:5])
        return Coverage(
            model=self.app.model,
            app_num=self.app.app_num,
            analysis_type=self.analysis_type,
            tool=scanner.name,
            status=status,
            files_eligible=self.tree.eligible,
            files_seen=seen,
            unread=tuple(unread[:MAX_UNREAD_NAMES]),
            exit_code=raw.returncode if raw else None,
            tool_version=version,
            seconds=round(raw.seconds, 3) if raw else 0.0,
            stderr_tail=raw.stderr.decode(errors="backslashreplace")[-2_000:] if raw else "",
            detail="; ".join(part for part in (detail, foreign) if part),
        )

    def _findings(self, scanner: Scanner, issues: Iterable[tuple[Issue, str]]) -> list[Finding]:
        """Attach path, snippet and identity to what was reported, in order of place."""
        sources: dict[str, list[str]] = {}
        occurrences: Counter[tuple[str, str, str]] = Counter()
        findings = []
        for issue, origin in sorted(issues, key=lambda pair: _place(*pair)):
            if issue.path not in sources:
                sources[issue.path] = _lines(self.tree.root / issue.path)
            snippet = _snippet(sources[issue.path], issue)
            key = (issue.rule, origin, " ".join(snippet.split()))
            findings.append(
                Finding(
                    model=self.app.model,
                    app_num=self.app.app_num,
                    analysis_type=self.analysis_type,
                    tool=scanner.name,
                    rule=issue.rule,
                    severity=issue.severity,
                    confidence=issue.confidence,
                    cwe=issue.cwe,
                    path=origin,
                    line=issue.line,
                    column=issue.column,
                    message=issue.message[:MAX_MESSAGE_CHARS],
                    snippet=snippet,
                    fingerprint=fingerprint(scanner.name, issue.rule, origin, snippet, occurrences[key]),
                )
            )
            occurrences[key] += 1
        return findings


def _place(issue: Issue, origin: str) -> tuple[str, int, int, str, str]:
    return origin, issue.line or 0, issue.column or 0, issue.rule, issue.message


def _lines(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8", "backslashreplace").split("\n")


def _snippet(lines: Sequence[str], issue: Issue) -> str:
    if issue.line is None or issue.line < 1:
        return ""
    last = min(issue.end_line or issue.line, issue.line + MAX_SNIPPET_LINES - 1)
    return "\n".join(line.rstrip() for line in lines[issue.line - 1 : last])[:MAX_SNIPPET_CHARS]
