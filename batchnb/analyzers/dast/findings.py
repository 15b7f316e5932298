"""From what a tool of this analysis saw to findings: where in the source it is, and its identity."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast.endpoints import is_path_of
from batchnb.records import Finding, fingerprint
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.raw import RawTarget
    from batchnb.records import Confidence, Severity

MAX_MESSAGE = 1_000
MAX_SNIPPET = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One fault as a tool saw it."""

    rule: str
    """The tool's rule."""
    method: str
    path: str
    """Of the route (with braces), or of the request."""
    where: str
    """The place in it, such as `parameter q`; may be empty."""
    what: str
    """What was seen."""
    evidence: str
    """The request and what proves it."""
    severity: Severity
    confidence: Confidence | None
    cwe: int | None
    tags: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class FindingMaker:
    """Makes the findings of one tool in one app."""

    analysis_type: str
    tool: str
    target: RawTarget
    routes: Sequence[Mapping[str, Any]]
    """The route records as they were given to the tool, in JSON form."""
    _occurrences: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def make(self, seen: Seen) -> Finding:
        """Make the finding of one fault."""
        file, line, shown = self._place(seen.method, seen.path)
        subject = f"{seen.method} {shown}{', ' if seen.where else ''}{seen.where}"
        # Evidence holds random words, so the identity is what was tested, not what came back.
        key = (seen.rule, file, subject)
        occurrence = self._occurrences[key]
        self._occurrences[key] += 1
        return Finding(
            model=self.target.model,
            app_num=self.target.app_num,
            analysis_type=self.analysis_type,
            tool=self.tool,
            rule=seen.rule,
            severity=seen.severity,
            confidence=seen.confidence,
            cwe=seen.cwe,
            path=file,
            line=line,
            message=visible(f"{subject}: {seen.what}", one_line=True)[:MAX_MESSAGE],
            snippet=visible(seen.evidence)[:MAX_SNIPPET],
            fingerprint=fingerprint(self.tool, seen.rule, file, subject, occurrence),
            tags=seen.tags,
        )

    def _place(self, method: str, path: str) -> tuple[str, int | None, str]:
        """Return file and line of the route that a request belongs to, or the address itself."""
        same = [route for route in self.routes if route["method"] == method]
        exact = [route for route in same if route["path"] == path]
        for route in exact or [route for route in same if is_path_of(str(route["path"]), path)]:
            return str(route["source"]), int(route["line"]), str(route["path"])
        shown = visible(path, one_line=True)[:300]
        return shown, None, shown
