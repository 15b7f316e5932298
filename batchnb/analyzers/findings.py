"""Making findings of what the tools reported: caps, and an identity that is each one's own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.records import Finding, fingerprint
from batchnb.records.finding import folded

if TYPE_CHECKING:
    from batchnb.analyzers.raw import RawTarget
    from batchnb.analyzers.scanners.base import Issue

MAX_MESSAGE = 1_000


@dataclass(kw_only=True, slots=True)
class FindingMaker:
    """Makes the findings of one tool in one app."""

    analysis_type: str
    tool: str
    target: RawTarget
    _occurrences: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def make(self, issue: Issue, *, snippet: str, identity: str) -> Finding:
        """Make the finding of a fault, as it is: see `hiding` before it is shown.

        Args:
            issue: the fault; its path is the app's.
            snippet: what is shown of the source, or what proves it.
            identity: what tells it from others of the same rule and file; equal ones are counted.
        """
        key = (issue.rule, issue.path, folded(identity))
        occurrence = self._occurrences[key]
        self._occurrences[key] += 1
        return Finding(
            model=self.target.model,
            app_num=self.target.app_num,
            analysis_type=self.analysis_type,
            tool=self.tool,
            rule=issue.rule,
            severity=issue.severity,
            confidence=issue.confidence,
            cwe=issue.cwe,
            path=issue.path,
            line=issue.line,
            column=issue.column,
            message=issue.message[:MAX_MESSAGE],
            snippet=snippet,
            fingerprint=fingerprint(self.tool, issue.rule, issue.path, identity, occurrence),
            tags=issue.tags,
        )
