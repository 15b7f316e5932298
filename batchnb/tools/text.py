"""Untrusted text made safe to look at: in a log, in an error, in a frame, in a panel."""

from __future__ import annotations

_KEPT = frozenset("\n\t")
_WITHOUT_KEPT = str.maketrans(dict.fromkeys(_KEPT, ""))


def visible(text: str, *, one_line: bool = False) -> str:
    r"""Return `text` with every character that cannot be seen written as its escape.

    Control characters (C0, C1), bidirectional overrides, zero-width and other format characters, unusual
    spaces, lone surrogates and unassigned code points become `\x1b`, `\u202e` and the like; these are what
    Python's `repr` escapes. What is left can be encoded as UTF-8. It is not HTML: escape it for its sink.

    Args:
        text: any text.
        one_line: also turn line ends and tabs into single spaces.
    """
    if text.isprintable() or (not one_line and text.translate(_WITHOUT_KEPT).isprintable()):
        return text
    if one_line:
        text = " ".join(text.split("\n")).replace("\t", " ").replace("\r", " ")
    return "".join(char if char.isprintable() or char in _KEPT else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
