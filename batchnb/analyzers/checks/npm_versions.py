"""Versions and ranges of npm, as far as the lowest version of a range is concerned (https://semver.org)."""

from __future__ import annotations

import re

Key = tuple[tuple[int, int, int], tuple[tuple[int, int, str], ...]]

_VERSION = re.compile(
    r"[v=\s]*(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,64}))?(?:\+[0-9A-Za-z.-]*)?"
)
_NUMBER = r"(\d{1,9}|[xX*])"
_PARTIAL = re.compile(
    rf"([~^]|>=|>|<=|<|=)?v?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?"
    r"(-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]*)?"
)
_AFTER_OPERATOR = re.compile(r"([~^<>=])\s+")
_LONGEST = 200
_RELEASE = ((1, 0, ""),)


def key(version: str) -> Key | None:
    """Return what to compare a version by, None if it is none; a pre-release is before its release."""
    match = _VERSION.fullmatch(version[:_LONGEST])
    if match is None:
        return None
    numbers = (int(match[1]), int(match[2]), int(match[3]))
    if not match[4]:
        return numbers, _RELEASE
    parts = (p for p in match[4].split("."))
    return numbers, tuple((0, int(p), "") if p.isdecimal() else (0, 1 << 40, p) for p in parts)


def exact(wanted: str) -> str:
    """Return the version if a wanted range is one version, else nothing."""
    return wanted.strip().lstrip("=v ") if key(wanted) else ""


def lowest(wanted: str) -> str:
    """Return the lowest version that a range allows; empty if it is an address, a tag or `*`."""
    if len(wanted) > _LONGEST:
        return ""
    if wanted.startswith("npm:"):
        wanted = wanted.rpartition("@")[2]
    found = [_lowest_of(part.strip()) for part in wanted.split("||")]
    keys = {version: key(version) for version in found}
    if not all(keys.values()):
        return ""
    return min(found, key=lambda version: keys[version] or ((0, 0, 0), ()))


def _lowest_of(part: str) -> str:
    """Return the lowest version of a range without `||`."""
    first = _AFTER_OPERATOR.sub(r"\1", part.partition(" - ")[0])
    bounds = []
    for word in first.split():
        match = _PARTIAL.fullmatch(word)
        if match is None:
            return ""
        operator, *numbers, release = match.groups()
        if operator in {"<", "<="}:
            continue
        if numbers[0] in {"x", "X", "*"}:
            return ""
        told = [number if number and number.isdecimal() else "0" for number in numbers]
        bounds.append(".".join(told) + (release or ""))
    return bounds[0] if bounds else ""
