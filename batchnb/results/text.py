"""Texts for a reader: untrusted ones with nothing invisible, reordering or endless; counts and durations."""

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


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis as the last one if it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shorten_middle(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis in the middle if it is longer."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def plural(count: int, noun: str) -> str:
    """Return `count` and the noun, such as `1 task` or `1,200 tasks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a time such as `40 ms`, `2.4 s`, `42 s`, `3 min 5 s` or `2 h 1 min`."""
    if seconds < 0.1:
        return f"{max(0, round(1000 * seconds))} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
