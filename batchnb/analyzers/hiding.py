"""No secret in what is shown: a report with live keys in it would hand them to whoever reads it.

What a tool found a secret in is not shown at all, whichever tool points there; in all other texts, what has
the form of a secret is hidden. The source itself and the tools' raw output stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from batchnb.analyzers.secret_names import WELL_KNOWN, is_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.scanners.base import Issue
    from batchnb.records import Finding

SECRET_CWES = frozenset({259, 260, 321, 547, 798})
"""Hard-coded passwords, passwords in configuration, hard-coded keys, constants and credentials."""
HIDDEN = "[hidden]"
MASKED = "(not shown: it may hold the secret; #{})"
MOST_LINES = 200
"""Lines of one finding that are not shown: a key can take some dozens."""
MAX_SNIPPET_LINES = 3
MAX_SNIPPET_CHARS = 400
_BEFORE_CUT = 2_000
"""Characters of a text that are looked through, of which the first are shown."""
_LITERALS_IN = 20_000
"""Characters around a finding in which the texts are looked for that its message may quote."""

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY.*?(?:-----END[A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL
)
# What an address says before its host: `user:password@`, or a token alone. `{` begins a value put in later.
_BEFORE_HOST = re.compile(r"""(://(?:[^\s/@:"'<>]{0,100}:)?+)(?![{$%<]|git@)[^\s/@"'<>]{1,300}@""")
_ASSIGNED = re.compile(
    r"""(?<![\w-])([A-Za-z_][\w-]{0,80})(["'\]]{0,2}\s{0,4}(?::\s{0,4}\w{1,30}\s{0,4})?[!:=]{1,3}\s{0,4})"""
    r"""(["'])([^"'\s{}]{4,300})\3"""
)
_LITERAL = re.compile(r"""(["'`])((?:(?!\1)[^\\\n]|\\.){3,500})\1(?!\s{0,4}[\]:])""")


def hide(text: str) -> str:
    """Return `text` with `[hidden]` for what has the form of a secret.

    Hidden are keys of well-known services, private keys, what addresses say before their host, and texts in
    quotes that are given to a name such as `password`.
    """
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = WELL_KNOWN.sub(lambda match: HIDDEN if any(map(str.isdigit, match[0])) else match[0], text)
    text = _BEFORE_HOST.sub(rf"\1{HIDDEN}@", text)
    return _ASSIGNED.sub(_hide_value, text)


def _hide_value(match: re.Match[str]) -> str:
    name, sign, quote, value = match.groups()
    return f"{name}{sign}{quote}{HIDDEN}{quote}" if is_secret(name, value) else match[0]


@dataclass(slots=True)
class SecretLines:
    """The lines of one app's files that hold a secret, as far as any tool has said so."""

    texts: Mapping[str, str]
    """Path in the app -> text."""
    _lines: dict[str, list[str]] = field(default_factory=dict)
    _secret: dict[str, set[int]] = field(default_factory=dict)

    def lines(self, path: str) -> Sequence[str]:
        """Return the lines of a file, split once for all."""
        if path not in self._lines:
            self._lines[path] = self.texts[path].split("\n")
        return self._lines[path]

    def note(self, issue: Issue) -> None:
        """Remember the lines of a finding, if it is about a secret; its path is the app's."""
        if issue.cwe not in SECRET_CWES or not issue.line or issue.line < 1:
            return
        last = min(max(issue.end_line or 0, issue.line), issue.line + MOST_LINES)
        span = range(issue.line, last + 1)
        lines = self.lines(issue.path)
        # bandit points at a whole call or function, in which others may find something else
        holds = [at for at in span if issue.secret and at <= len(lines) and issue.secret in lines[at - 1]]
        self._secret.setdefault(issue.path, set()).update(holds or span)

    def shown(self, finding: Finding, issue: Issue) -> Finding:
        """Return a finding as it may be shown, once all findings of the app are noted."""
        message, snippet = issue.message, finding.snippet
        if issue.cwe in SECRET_CWES:
            message = self._without_texts(message[:_BEFORE_CUT], issue)
            snippet = _masked(snippet) if snippet else ""
        elif snippet:
            snippet = self._rows(issue)
        # cut only now: of a secret that is cut off, nobody sees any more that it is one
        return replace(
            finding,
            message=hide(message[:_BEFORE_CUT])[: len(finding.message)],
            snippet=hide(snippet[:_BEFORE_CUT])[:MAX_SNIPPET_CHARS],
        )

    def _rows(self, issue: Issue) -> str:
        secret = self._secret.get(issue.path, ())
        rows = enumerate(snippet_lines(self.lines(issue.path), issue), start=issue.line or 0)
        return "\n".join(_masked(row) if at in secret else row.rstrip() for at, row in rows)

    def _without_texts(self, message: str, issue: Issue) -> str:
        """Return a message without the texts in quotes that stand where it points at: one is the secret."""
        if issue.line is None or issue.line < 1:
            return message
        last = max(issue.end_line or 0, issue.line)
        text = "\n".join(self.lines(issue.path)[issue.line - 1 : min(last, issue.line + MOST_LINES)])
        start = max(0, (issue.column or 1) - _LITERALS_IN // 2)
        quoted = {match[2] for match in _LITERAL.finditer(text[start : start + _LITERALS_IN])}
        for literal in sorted((each for each in quoted if each in message), key=len, reverse=True):
            message = message.replace(literal, HIDDEN)
        return message


def raw_snippet(lines: Sequence[str], issue: Issue) -> str:
    """Return the lines that a finding points at, as they are: for its identity, not to be shown."""
    return "\n".join(line.rstrip() for line in snippet_lines(lines, issue))[:MAX_SNIPPET_CHARS]


def snippet_lines(lines: Sequence[str], issue: Issue) -> Sequence[str]:
    """Return the first lines that a finding points at; none if it names no line that there is."""
    if issue.line is None or issue.line < 1:
        return ()
    last = min(issue.end_line or issue.line, issue.line + MAX_SNIPPET_LINES - 1)
    return lines[issue.line - 1 : last]


def _masked(text: str) -> str:
    """Return what stands for a text; equal texts have the same, so that clones are still told from others."""
    folded = "".join(text.split())
    return MASKED.format(blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest())
