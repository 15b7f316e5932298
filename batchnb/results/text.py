"""Texts for a reader: none endless; counts and durations in words."""

from __future__ import annotations


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
