"""A finding: one fault that one tool reported in one app."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
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
    job_id: int | None = None
    """None: the analyzer was used alone, outside a job."""
    task_id: int | None = None


def fingerprint(tool: str, rule: str, path: str, snippet: str, occurrence: int) -> str:
    """Return the in-app identity of a finding: 16 hex digits.

    It hashes what does not change when lines are inserted above or the code is re-indented: tool, rule, path
    and the snippet with white space folded. `occurrence` counts equal ones from the top of the file, so two
    identical lines stay two findings.
    """
    folded = " ".join(snippet.split())
    data = "\0".join((tool, rule, path, folded, str(occurrence)))
    return hashlib.blake2b(data.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def clone_key(tool: str, rule: str, snippet: str) -> str:
    """Return the identity of a flaw without its place: 16 hex digits, equal in every app that has it."""
    data = "\0".join((tool, rule, "".join(snippet.split())))
    return hashlib.blake2b(data.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
