"""A rule of an own check, and how its finding is written."""

from __future__ import annotations

from dataclasses import dataclass

from batchnb.analyzers.scanners.base import Issue
from batchnb.records import Confidence, Severity

__all__ = ["Confidence", "Rule", "Severity"]

_LONGEST_QUOTE = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What a check looks for."""

    name: str
    severity: Severity
    cwe: int | None
    says: str
    """The message; `{}` stands for what was found."""
    confidence: Confidence = Confidence.HIGH
    tags: tuple[str, ...] = ()

    def at(self, path: str, line: int | None, what: str = "") -> Issue:
        """Return the finding of this rule in a file, about `what` of it."""
        return Issue(
            path=path,
            rule=self.name,
            severity=self.severity,
            confidence=self.confidence,
            cwe=self.cwe,
            line=line,
            end_line=line,
            column=None,
            message=self.says.format(shortened(what)),
            tags=self.tags,
        )


def shortened(text: str, longest: int = _LONGEST_QUOTE) -> str:
    """Return text of an app on one line, cut if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


NOT_RECOGNIZED = "its name does not tell that it is a file for this check"
"""Why a file that a check was given, though it is not for it, counts as unread: never as clean."""
