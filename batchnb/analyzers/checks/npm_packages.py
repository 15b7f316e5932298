"""Reading package.json and package-lock.json (versions 1 to 3): which packages an app has."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.checks import npm_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_PACKAGES = 20_000
_DEEPEST = 40
_KEY = re.compile(r"\s*(\"[^\"]*\")")
_LISTS = ("dependencies", "devDependencies", "optionalDependencies")


class UnreadableError(Exception):
    """A file is not what its name says; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A package that an app has or asks for."""

    name: str
    version: str
    is_exact: bool
    """False: the version is the lowest that the app allows; what is installed may be newer."""
    needle: str
    """What to look for in the file to find the package's line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packages:
    """What one file names."""

    found: tuple[Package, ...]
    unclear: tuple[str, ...] = field(default=())
    """Names of those whose version cannot be told from the file."""


def read_manifest(text: str) -> Packages:
    """Read a package.json.

    Raises:
        UnreadableError: if it is not JSON of its form.
    """
    document = read_object(text)
    found, unclear = [], []
    for group in _LISTS:
        wanted = document.get(group, {})
        if not isinstance(wanted, dict):
            raise UnreadableError(f"its {group} are no object")
        for name, version in list(wanted.items())[:_MOST_PACKAGES]:
            lowest = npm_versions.lowest(version) if isinstance(version, str) else ""
            if lowest:
                is_exact = bool(npm_versions.exact(version))
                found.append(
                    Package(
                        name=_real_name(name, version), version=lowest, is_exact=is_exact, needle=f'"{name}"'
                    )
                )
            else:
                unclear.append(name)
    return Packages(found=tuple(found), unclear=tuple(unclear))


def read_lock(text: str) -> Packages:
    """Read a package-lock.json: every package that would be installed, with its version.

    Raises:
        UnreadableError: if it is not JSON of its form.
    """
    document = read_object(text)
    packages = document.get("packages")
    rows: Iterator[tuple[str, Any]]
    if isinstance(packages, dict):  # versions 2 and 3
        rows = ((path, entry) for path, entry in packages.items() if path)
    elif isinstance(document.get("dependencies", {}), dict):  # version 1
        rows = _nested(document.get("dependencies", {}))
    else:
        raise UnreadableError("it has no packages")
    found, unclear = [], []
    for count, (path, entry) in enumerate(rows):
        if count >= _MOST_PACKAGES:
            raise UnreadableError(f"more than {_MOST_PACKAGES} packages")
        told = entry if isinstance(entry, dict) else {}
        name = str(told.get("name") or path.rpartition("node_modules/")[2])
        version = told.get("version")
        if isinstance(version, str) and npm_versions.key(version):
            found.append(Package(name=name, version=version, is_exact=True, needle=f'"{path}"'))
        elif not told.get("link"):
            unclear.append(name)
    return Packages(found=tuple(found), unclear=tuple(unclear))


def lines_by_key(text: str) -> dict[str, int]:
    """Return the first line, counted from 1, that begins with a quoted text, by that text in its quotes."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = _KEY.match(line)
        if match:
            lines.setdefault(match[1], number)
    return lines


def _nested(dependencies: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the packages of a lock file of version 1, which holds some within others."""
    waiting = [(dependencies, 0)]
    while waiting:
        group, depth = waiting.pop()
        if depth > _DEEPEST:
            raise UnreadableError(f"nested more than {_DEEPEST} deep")
        for name, entry in group.items():
            yield name, entry
            inner = entry.get("dependencies") if isinstance(entry, dict) else None
            if isinstance(inner, dict):
                waiting.append((inner, depth + 1))


def _real_name(name: str, wanted: str) -> str:
    """Return the package behind an alias such as `"a": "npm:b@^1"`."""
    return wanted.removeprefix("npm:").rpartition("@")[0] or name if wanted.startswith("npm:") else name


def read_object(text: str) -> dict[str, Any]:
    """Return the JSON object in a text.

    Raises:
        UnreadableError: if there is none.
    """
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"is not JSON: {error}"[:120]) from error
    if not isinstance(document, dict):
        raise UnreadableError("is no JSON object")
    return document
