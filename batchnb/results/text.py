"""Untrusted text made fit for a reader: nothing invisible, nothing that reorders, nothing endless."""

from __future__ import annotations

_KEPT = frozenset("\n\t")


def visible(text: str, *, one_line: bool = False) -> str:
    r"""Return `text` with every character that cannot be seen written as its escape.

    Control characters (C0, C1), bidirectional overrides, zero-width and other format characters, unusual
    spaces, lone surrogates and unassigned code points become `\x1b`, `\u202e` and the like; these are what
    Python's `repr` escapes. What is left can be encoded as UTF-8. It is not HTML: escape it for its sink.

    Args:
        text: any text.
        one_line: also turn line ends and tabs into single spaces.
    """
    if text.isprintable():
        return text
    if one_line:
        text = " ".join(text.split("\n")).replace("\t", " ").replace("\r", " ")
    return "".join(char if char.isprintable() or char in _KEPT else _escape(char) for char in text)


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis as the last one if it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shorten_middle(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis in the middle if it is longer."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
