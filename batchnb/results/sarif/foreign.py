"""SARIF files of any tool as findings and coverage."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchnb.records import Coverage, CoverageStatus, Finding, fingerprint
from batchnb.records.errors import ReportError
from batchnb.results.dataset import Dataset
from batchnb.results.sarif.checked_json import get, part, parts
from batchnb.results.sarif.foreign_rules import confidence_of, cwe_of, message_of, rule_of, severity_of
from batchnb.results.sarif.places import located_path
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.records import Severity
    from batchnb.records.status import Confidence
    from batchnb.results.sarif.checked_json import Node
    from batchnb.results.sarif.places import AppPaths, Place

MAX_NAME = 200
MAX_SNIPPET_LINES = 3
MAX_SNIPPET = 400
_MOST_LISTED = 100
_MOST_NOTES = 3
_MAX_NUMBER = 1 << 31
_NO_FAULT = frozenset({"pass", "notApplicable", "informational"})
_UNSURE = frozenset({"open", "review"})
_WORST_FIRST = (CoverageStatus.FAILED, CoverageStatus.PARTIAL, CoverageStatus.OK)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """One result, before it has an identity."""

    place: Place
    rule: str
    severity: Severity
    confidence: Confidence | None
    cwe: int | None
    line: int | None
    column: int | None
    message: str
    snippet: str
    tags: tuple[str, ...]


@dataclass(kw_only=True, slots=True)
class ForeignLog:
    """Gathers the runs of one file."""

    paths: AppPaths
    analysis_type: str
    result_count: int = 0
    unassigned: list[str] = field(default_factory=list)
    unassigned_count: int = 0
    _left_out: Counter[str] = field(default_factory=Counter)
    _findings: list[Finding] = field(default_factory=list)
    _coverage: dict[tuple[str, int, str], list[Coverage]] = field(default_factory=lambda: defaultdict(list))
    _tools: list[dict[str, str]] = field(default_factory=list)

    def read_run(self, run: Node, place: str) -> None:
        """Add a run.

        Raises:
            ReportError: if something in it is not as SARIF has it; the message names the place.
        """
        where = place
        try:
            driver = part(run, "tool", "driver")
            tool = visible(get(driver, "name", str) or "unknown", one_line=True)[:MAX_NAME]
            version = get(driver, "semanticVersion", str) or get(driver, "version", str) or ""
            if parts(part(run, "externalPropertyFileReferences"), "results"):
                raise ReportError("its results are in another file")  # noqa: TRY301 - told with its place
            self._tools.append({"name": tool, "version": version})
            by_app: dict[tuple[str, int], list[_Seen]] = defaultdict(list)
            known: dict[int, dict[str, Node]] = {}
            for number, result in enumerate(parts(run, "results")):
                where = f"{place}.results[{number}]"
                seen = self._read_result(result, run, where, known)
                if seen is not None:
                    by_app[seen.place.model, seen.place.app_num].append(seen)
            where = place
            self._add(run, tool, version, by_app)
        except ReportError as error:
            raise ReportError(f"{where}: {error}") from None

    def _read_result(
        self, result: Node, run: Node, where: str, known: dict[int, dict[str, Node]]
    ) -> _Seen | None:
        self.result_count += 1
        kind = get(result, "kind", str) or "fail"
        if kind in _NO_FAULT or result.get("baselineState") == "absent":
            self._left_out["absent from this run" if kind not in _NO_FAULT else f"kind {kind}"] += 1
            return None
        locations = parts(result, "locations")
        physical = part(locations[0], "physicalLocation") if locations else {}
        try:
            place = self.paths.assign(located_path(part(physical, "artifactLocation"), run))
        except ReportError as error:
            self.unassigned_count += 1
            if len(self.unassigned) < _MOST_LISTED:
                self.unassigned.append(f"{where}: {error}")
            return None
        rule_id, rule = rule_of(result, run, known)
        region = part(physical, "region")
        line = _positive(region, "startLine")
        return _Seen(
            place=place,
            rule=rule_id,
            severity=severity_of(result, rule),
            confidence=confidence_of(result, rule),
            cwe=cwe_of(result, rule, run),
            line=line,
            column=None if line is None else _positive(region, "startColumn"),
            message=message_of(result, rule, run),
            snippet=_snippet(region, part(physical, "contextRegion"), line),
            tags=_tags(result, kind),
        )

    def _add(self, run: Node, tool: str, version: str, by_app: Mapping[tuple[str, int], list[_Seen]]) -> None:
        apps = set(by_app)
        if self.paths.model is not None and self.paths.app_num is not None:
            apps.add((self.paths.model, self.paths.app_num))
        for model, app_num in sorted(apps):
            found = by_app.get((model, app_num), [])
            shared: dict[str, Any] = {
                "model": model,
                "app_num": app_num,
                "analysis_type": self.analysis_type,
                "tool": tool,
            }
            self._findings += _with_identity(found, shared)
            status, detail, exit_code = _how_it_went(run, has_results=bool(found))
            self._coverage[model, app_num, tool].append(
                Coverage(
                    **shared,
                    status=status,
                    exit_code=exit_code,
                    tool_version=version[:100],
                    detail=detail,
                )
            )

    def dataset(self, origin: Mapping[str, str]) -> Dataset:
        """Return everything as a dataset; `origin` goes into its provenance."""
        said: dict[str, Any] = {**origin, "tools": self._tools, "results": self.result_count}
        if self._left_out:
            said["left_out"] = dict(self._left_out)
        if self.unassigned_count:
            said["unassigned"] = {"count": self.unassigned_count, "first": self.unassigned}
        cells = [_joined(cells) for cells in self._coverage.values()]
        return Dataset.from_records(findings=self._findings, coverage=cells, provenance={"sarif": said})


def _with_identity(found: list[_Seen], shared: Mapping[str, Any]) -> list[Finding]:
    occurrences: Counter[tuple[str, str, str]] = Counter()
    made = []
    for seen in sorted(found, key=lambda s: (s.place.path, s.line or 0, s.column or 0, s.rule, s.message)):
        # Without source, the message is what tells two results of one rule in one file apart.
        text = seen.snippet or seen.message
        key = (seen.rule, seen.place.path, " ".join(text.split()))
        made.append(
            Finding(
                **shared,
                rule=seen.rule,
                severity=seen.severity,
                confidence=seen.confidence,
                cwe=seen.cwe,
                path=seen.place.path,
                line=seen.line,
                column=seen.column,
                message=seen.message,
                snippet=seen.snippet,
                fingerprint=fingerprint(shared["tool"], seen.rule, seen.place.path, text, occurrences[key]),
                tags=seen.tags,
            )
        )
        occurrences[key] += 1
    return made


def _positive(node: Node, key: str) -> int | None:
    """Return a line or column; None for the 0 that some tools write where they have none."""
    value = get(node, key, int)
    if value is not None and value >= _MAX_NUMBER:
        raise ReportError(f"{key!r} is larger than any file")
    return value if value is not None and value > 0 else None


def _snippet(region: Node, context: Node, line: int | None) -> str:
    text = get(part(region, "snippet"), "text", str)
    if text is None and line is not None:
        # CodeQL gives the lines around it instead.
        lines = (get(part(context, "snippet"), "text", str) or "").split("\n")
        first = line - (_positive(context, "startLine") or line + 1)
        last = first + min((_positive(region, "endLine") or line) - line + 1, MAX_SNIPPET_LINES)
        text = "\n".join(lines[first:last]) if 0 <= first < len(lines) else ""
    lines = (text or "").split("\n")[:MAX_SNIPPET_LINES]
    return "\n".join(each.rstrip() for each in lines).rstrip()[:MAX_SNIPPET]


def _tags(result: Node, kind: str) -> tuple[str, ...]:
    silenced = [
        "suppressed" if suppression.get("kind") == "inSource" else "dismissed"
        for suppression in parts(result, "suppressions")
        if suppression.get("status") not in {"rejected", "underReview"}
    ]
    return tuple(dict.fromkeys((["unproven"] if kind in _UNSURE else []) + silenced))


def _how_it_went(run: Node, *, has_results: bool) -> tuple[CoverageStatus, str, int | None]:
    """Return what a run says about itself: status, why, exit code."""
    calls = parts(run, "invocations")
    codes = [code for call in calls if (code := get(call, "exitCode", int)) is not None]
    exit_code = codes[0] if len(codes) == 1 and abs(codes[0]) < _MAX_NUMBER else None
    errors = [text for call in calls for text in _errors(call)]
    told = "; ".join(errors[:_MOST_NOTES]) + ("; ..." if len(errors) > _MOST_NOTES else "")
    if get(run, "results", list) is None:
        return CoverageStatus.FAILED, told or "the run has no list of results", exit_code
    if any(get(call, "executionSuccessful", bool) is not True for call in calls):
        status = CoverageStatus.PARTIAL if has_results else CoverageStatus.FAILED
        return status, told or "the run did not end successfully", exit_code
    if errors:
        return CoverageStatus.PARTIAL, told, exit_code
    if not calls:
        return CoverageStatus.PARTIAL, "the file does not say whether the run succeeded", None
    return CoverageStatus.OK, "the file does not say which files were read", exit_code


def _errors(call: Node) -> list[str]:
    notes = parts(call, "toolExecutionNotifications") + parts(call, "toolConfigurationNotifications")
    return [
        (get(part(note, "message"), "text", str) or "an error without a text")[:200]
        for note in notes
        if note.get("level") == "error"
    ]


def _joined(cells: list[Coverage]) -> Coverage:
    """Return the cell of several runs of one tool over one app: as good as the worst of them."""
    worst = min(cells, key=lambda cell: _WORST_FIRST.index(cell.status))
    if worst.status is CoverageStatus.FAILED and any(cell.status.is_measured for cell in cells):
        return replace(worst, status=CoverageStatus.PARTIAL)
    return worst
