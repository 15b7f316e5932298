"""Looking whether what the model quotes stands in the source, as code, where the model says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.analyzers.llm.code_lines import code_lines
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.analyzers.llm.answer import Evidence

SLACK = 4
"""Lines by which the model may be off."""
LEAST = 6
"""Characters, white space apart, that a quote needs: a bracket stands everywhere."""
MAX_LINES = 40
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A quote that was found."""

    path: str
    line: int
    """Where it begins."""
    quote: str


def find_evidence(evidence: Evidence, sources: Mapping[str, str]) -> Place | None:
    """Return where the quote stands, or None if it does not.

    It has to occur, white space folded and comments left out, within the named lines or up to `SLACK` lines
    beside them.

    Args:
        evidence: what the model says.
        sources: path in the app -> text, of all files that it was given.
    """
    source = sources.get(evidence.file)
    span = evidence.last_line - evidence.first_line
    if source is None or not 0 <= span <= MAX_LINES:
        return None
    lines = code_lines(source, evidence.file)
    quoted = _folded("\n".join(code_lines(evidence.quote, evidence.file)))
    if len(quoted) < LEAST or not _NOT_WORD.sub("", quoted):
        return None
    start = max(0, evidence.first_line - 1 - SLACK)
    window = [_folded(line) for line in lines[start : evidence.last_line + SLACK]]
    at = "".join(window).find(quoted)
    if at < 0:
        return None
    for offset, line in enumerate(window):
        if at < len(line):
            return Place(path=evidence.file, line=start + offset + 1, quote=evidence.quote[:400])
        at -= len(line)
    return None


def _folded(text: str) -> str:
    """Leave out all white space, and write what cannot be seen as the model was shown it."""
    return "".join(visible(text).split())
