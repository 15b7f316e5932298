"""App ranges such as `"1-3,5,8"`: read, checked with errors that point at the wrong part, and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.records.errors import AppRangeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_APP_NUM = 999_999
"""The largest app number; it bounds what a mistyped range can ask for."""


def parse_app_range(text: str, source: str = "") -> tuple[int, ...]:
    """Return the app numbers that `text` names, sorted, each once.

    Args:
        text: numbers and ranges, separated by commas, such as `"1-3,5,8"`; spaces are allowed.
        source: where the text came from, for the error message.

    Raises:
        AppRangeError: if a part is not a number or a range, is not within 1-999999, or runs downwards.
    """
    numbers: set[int] = set()
    for part, position in _parts(text):
        low, high = _bounds(text, part, position, source)
        numbers.update(range(low, high + 1))
    return tuple(sorted(numbers))


def format_app_range(numbers: Iterable[int]) -> str:
    """Return the shortest range text for `numbers`: the inverse of parse_app_range."""
    parts: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if parts and parts[-1][1] == number - 1:
            parts[-1] = (parts[-1][0], number)
        else:
            parts.append((number, number))
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)


def _parts(text: str) -> Iterator[tuple[str, int]]:
    position = 0
    for raw in text.split(","):
        part = raw.strip()
        yield part, position + len(raw) - len(raw.lstrip()) if part else position
        position += len(raw) + 1


def _bounds(text: str, part: str, position: int, source: str) -> tuple[int, int]:
    ends = [end.strip() for end in part.split("-")]
    if not part:
        raise AppRangeError(text, part, position, "is empty", source)
    if len(ends) > 2 or not all(end.isascii() and end.isdigit() for end in ends):
        raise AppRangeError(text, part, position, "is not a number or a range such as 2-4", source)
    if any(len(end) > 6 or not 1 <= int(end) <= MAX_APP_NUM for end in ends):
        raise AppRangeError(text, part, position, f"is not within 1-{MAX_APP_NUM}", source)
    low, high = int(ends[0]), int(ends[-1])
    if high < low:
        raise AppRangeError(text, part, position, f"runs downwards ({low} to {high})", source)
    return low, high
