"""From what a tool of this analysis saw to findings: where in the source it is, and its identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast.endpoints import is_path_of
from batchnb.analyzers.hiding import hide
from batchnb.analyzers.scanners.base import Issue
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.findings import FindingMaker
    from batchnb.records import Confidence, Finding, Severity

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


class RouteFindings:
    """Makes the findings of one tool in one app."""

    def __init__(self, maker: FindingMaker, routes: Sequence[Mapping[str, Any]]) -> None:
        """Make them with `maker`; `routes` are the records that the tool was given, in JSON form."""
        self._maker, self._routes = maker, routes

    def make(self, seen: Seen) -> Finding:
        """Make the finding of one fault."""
        file, line, shown = self._place(seen.method, seen.path)
        subject = f"{seen.method} {shown}{', ' if seen.where else ''}{seen.where}"
        issue = Issue(
            path=file,
            rule=seen.rule,
            severity=seen.severity,
            confidence=seen.confidence,
            cwe=seen.cwe,
            line=line,
            end_line=line,
            column=None,
            message=visible(hide(f"{subject}: {seen.what}"), one_line=True),
            tags=seen.tags,
        )
        # Evidence holds random words, so the identity is what was tested, not what came back.
        return self._maker.make(issue, snippet=visible(hide(seen.evidence))[:MAX_SNIPPET], identity=subject)

    def _place(self, method: str, path: str) -> tuple[str, int | None, str]:
        """Return file and line of the route that a request belongs to, or the address itself."""
        same = [route for route in self._routes if route["method"] == method]
        exact = [route for route in same if route["path"] == path]
        for route in exact or [route for route in same if is_path_of(str(route["path"]), path)]:
            return str(route["source"]), int(route["line"]), str(route["path"])
        shown = visible(path, one_line=True)[:300]
        return shown, None, shown
