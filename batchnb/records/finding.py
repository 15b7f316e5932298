"""A finding: one fault that one tool reported in one app."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchnb.records.status import Confidence, Severity


TAGS = {
    "noise": "the rule fires in nearly every app and seldom matters; kept, so that nothing is hidden",
    "suppressed": "the app's source asked the tools to be silent about this line",
    "unproven": "the tool holds it back: it cannot see where the data comes from",
    "placeholder": "looks like an example value, not like a secret",
    "heuristic": "found by a rule of thumb, not by a tool of its field",
}
"""What the marks of findings mean; a plug-in may use others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One reported fault. Its texts come from hostile code or a tool's report: data in every sink."""

    model: str
    app_num: int
    analysis_type: str
    tool: str
    rule: str
    """The tool's own rule id, such as B608 or S608."""
    severity: Severity
    confidence: Confidence | None = None
    """None: the tool does not say."""
    cwe: int | None = None
    """Number in the Common Weakness Enumeration; None: the rule has none."""
    path: str
    """POSIX path relative to the app's folder, such as `backend/app.py`."""
    line: int | None = None
    """1-based; None: the whole file."""
    column: int | None = None
    """1-based, in characters."""
    message: str
    snippet: str = ""
    """The source line(s) that the finding points at, capped."""
    fingerprint: str
    """Identity within the app: equal for the same fault after lines above it moved."""
    tags: tuple[str, ...] = ()
    """Marks, each `[a-z0-9-]+`: see `TAGS`."""
    clone_key: str = ""
    """Identity of the flaw without its place; made of tool, rule and snippet if it is not given."""
    job_id: int | None = None
    """None: the analyzer was used alone, outside a job."""
    task_id: int | None = None

    def __post_init__(self) -> None:
        """Complete the record: whoever reads a million from a store is given the keys."""
        if not self.clone_key:
            object.__setattr__(self, "clone_key", clone_key(self.tool, self.rule, self.snippet))


# Quotes become one kind and stay: text that becomes a name is another program.
_FORMATTING = {**dict.fromkeys(map(ord, "\\(),;")), ord("'"): '"'}
_TEXT = re.compile(
    r"""\"{3}(?:.|\n)*?(?:\"{3}|\Z)|'{3}(?:.|\n)*?(?:'{3}|\Z)"""
    r"""|"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\]|\\.)*+`?"""
)
"""A text in Python or JavaScript, or what a capped snippet has of it."""
_QUALIFIER = re.compile(r"(?<![\w$])[\w$]++\??\.(?=[A-Za-z_$])")
_KEPT = "False|None|True|await|def|except|false|for|function|if|import|in|lambda|new|not|null|return|true"
_NAME = re.compile(rf"(?<![\w$])(?!(?:{_KEPT})\b)[A-Za-z_$][\w$]*+(?!\s*\()")
"""A name that is not called, and no keyword that makes the shape."""
_NUMBER = re.compile(r"(?<![\w$])\d[\w.]*+")


def folded(snippet: str) -> str:
    """Return source without what formatters change: white space, which quotes, backslashes and `(),;`."""
    return "".join(snippet.split()).translate(_FORMATTING)


def fingerprint(tool: str, rule: str, path: str, snippet: str, occurrence: int) -> str:
    """Return the in-app identity of a finding: 16 hex digits.

    It survives that lines are inserted above and that the line is formatted anew. `occurrence` counts equal
    ones (by tool, rule, path and `folded` snippet) from the top of the file, so two identical lines stay two
    findings.
    """
    # The path is part of it: the same line in two files is two faults, and counting equal ones over the whole
    # app would renumber all of them whenever one comes or goes. Renamed files are the matching's task, which
    # sees both sides (results/identity/matching.py).
    return _digest(tool, rule, path, folded(snippet), str(occurrence))


def clone_key(tool: str, rule: str, snippet: str) -> str:
    """Return the identity of a flaw without its place: 16 hex digits, equal in every app that has it.

    The same flaw is the same rule of the same tool on code of the same shape: what is called, and how it is
    put together, count; the names of variables, the contents of texts and the numbers are each app's own.
    """
    return _digest(tool, rule, _shape(snippet))


@lru_cache(maxsize=1 << 15)  # portfolios repeat themselves
def _shape(snippet: str) -> str:
    bare = _QUALIFIER.sub("", _TEXT.sub("#", snippet))
    return folded(_NUMBER.sub("0", _NAME.sub("i", bare)))


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
