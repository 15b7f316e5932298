"""The lines of a source without its comments and docstrings, as far as one look can tell them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

from batchnb.analyzers.llm.rows import lines_of

_HASH = frozenset({".py"})
_HTML = frozenset({".html", ".htm", ".vue", ".svelte"})
_GOES_ON = tuple("(,=[+{%\\")
"""Line ends after which a text is an argument or a value, and no docstring."""


@lru_cache(maxsize=256)
def code_lines(text: str, path: str) -> tuple[str, ...]:
    """Return the lines of a source with its comments and docstrings blanked.

    It takes time in proportion to the text, whatever is in it, and knows no grammar. A comment mark in a
    regular expression may cut a line short, which costs a proof. A lone apostrophe before a comment mark, as
    in the text of a page, hides the mark, and quoted texts are code anyway: an app can be written so that its
    words count as a proof.
    """
    scanner = _Scanner(PurePosixPath(path).suffix.lower())
    return tuple(map(scanner.line, lines_of(text)))


class _Scanner:
    """Goes through the lines in order and remembers what is open at the end of each."""

    def __init__(self, suffix: str) -> None:
        self._is_python, self._is_html = suffix in _HASH, suffix in _HTML
        self._until = ""  # what ends the comment or long text that is open
        self._keeps = False  # whether that one is code (a long text as a value)
        self._before = ""  # the end of the code so far

    def line(self, line: str) -> str:
        """Return the code of the next line."""
        code: list[str] = []
        at, quote = 0, ""
        while at < len(line):
            if self._until:
                at = self._inside(line, at, code)
            elif quote:
                at, quote = _quoted(line, at, quote, code)
            elif self._is_rest_comment(line, at):
                break
            elif opened := self._opens(line, at, "".join(code).strip() if self._is_python else ""):
                at += opened
            else:
                quote = line[at] if line[at] in "\"'`" else ""
                code.append(line[at])
                at += 1
        found = "".join(code)
        self._before = found.rstrip() or self._before
        return found

    def _inside(self, line: str, at: int, code: list[str]) -> int:
        end = line.find(self._until, at)
        stop = len(line) if end < 0 else end + len(self._until)
        if self._keeps:
            code.append(line[at:stop])
        if end >= 0:
            self._until = ""
        return stop

    def _is_rest_comment(self, line: str, at: int) -> bool:
        if self._is_python:
            return line[at] == "#"
        return line.startswith("//", at) and not line.startswith(":", max(0, at - 1))

    def _opens(self, line: str, at: int, before: str) -> int:
        """Note what opens here, and return how long its mark is; 0: nothing opens."""
        if self._is_python:
            mark = line[at : at + 3]
            if mark not in {'"""', "'''"}:
                return 0
            is_value = before.rstrip("rRbBuUfF") or (not before and self._before.endswith(_GOES_ON))
            self._until, self._keeps = mark, bool(is_value)
            return 3
        if line.startswith("/*", at):
            self._until, self._keeps = "*/", False
            return 2
        if self._is_html and line.startswith("<!--", at):
            self._until, self._keeps = "-->", False
            return 4
        return 0


def _quoted(line: str, at: int, quote: str, code: list[str]) -> tuple[int, str]:
    """Take one character of a short text, two after a backslash; return where to go on, and in which text."""
    width = 2 if line[at] == "\\" else 1
    code.append(line[at : at + width])
    return at + width, "" if line[at] == quote else quote
