"""The dependencies that an app names, reduced to what may be installed: names and versions, nothing else.

An app's own files never reach an installer: they can name servers, folders, repositories and options that
run code. What is not a plain name with a version range is refused and told.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

MAX_LINES = 200
"""Requirements of one app; the rest is refused."""
_COMMENT = re.compile(r"(^|\s)#.*$")
_HASHES = re.compile(r"\s--hash=\S+")
_NPM_NAME = re.compile(r"(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*")
_NPM_RANGE = re.compile(r"[0-9xX*^~<>=|.\s+A-Za-z-]{1,100}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """What may be installed, and what was refused."""

    lines: tuple[str, ...] = ()
    """For Python: requirements. For npm: `name@range`. Sorted, each package once."""
    refused: tuple[tuple[str, str], ...] = ()
    """What was left out, and why."""
    packages: dict[str, str] = field(default_factory=dict)
    """npm only: name -> range."""

    @property
    def names(self) -> frozenset[str]:
        """The normalised names of the Python packages."""
        return frozenset(canonicalize_name(Requirement(line).name) for line in self.lines)


def clean_requirements(text: str) -> Cleaned:
    """Return the plain requirements of a `requirements.txt`.

    Kept are a name, extras and a version range (`flask`, `flask==3.1.0`, `uvicorn[standard]>=0.20`); a
    marker (`; python_version < "3.12"`) is applied. Refused are addresses, folders, editable installs, files
    that include others, and options.
    """
    kept: dict[str, str] = {}
    refused: list[tuple[str, str]] = []
    for number, raw in enumerate(_joined_lines(text)):
        line = _HASHES.sub("", _COMMENT.sub("", raw)).strip()
        if not line:
            continue
        reason = f"more than {MAX_LINES} lines" if number >= MAX_LINES else ""
        requirement, reason = (None, reason) if reason else _requirement(line)
        if requirement is None:
            if reason:
                refused.append((line[:200], reason))
            continue
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        kept[canonicalize_name(requirement.name)] = f"{requirement.name}{extras}{requirement.specifier}"
    return Cleaned(lines=tuple(kept[name] for name in sorted(kept)), refused=tuple(refused))


def _joined_lines(text: str) -> list[str]:
    return text.lstrip("\ufeff").replace("\\\r\n", " ").replace("\\\n", " ").splitlines()


def _requirement(line: str) -> tuple[Requirement | None, str]:
    """Return the requirement, or why there is none; neither if it is for another system."""
    if line.startswith("-"):
        return None, "an option, an include or an editable install"
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        return None, f"not a name with a version: {str(error).splitlines()[0]}"[:200]
    if requirement.url:
        return None, "an address instead of a version"
    if requirement.marker and not requirement.marker.evaluate():
        return None, ""
    if any(specifier.operator == "===" for specifier in requirement.specifier):
        return None, "an arbitrary version (===)"
    return requirement, ""


def clean_package(text: str) -> Cleaned:
    """Return the plain dependencies of a `package.json`: published names with version ranges or tags."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Cleaned(refused=(("package.json", f"cannot be parsed: {error}"[:200]),))
    listed: Any = document.get("dependencies") if isinstance(document, dict) else None
    packages: dict[str, str] = {}
    refused: list[tuple[str, str]] = []
    for name, wanted in listed.items() if isinstance(listed, dict) else ():
        if not _NPM_NAME.fullmatch(name) or len(name) > MAX_LINES:
            refused.append((name[:200], "not the name of a package"))
        elif not isinstance(wanted, str) or not _NPM_RANGE.fullmatch(wanted or "*"):
            refused.append((f"{name}: {wanted}"[:200], "not a version range of a published package"))
        elif len(packages) >= MAX_LINES:
            refused.append((name, f"more than {MAX_LINES} packages"))
        else:
            packages[name] = wanted or "*"
    lines = tuple(f"{name}@{packages[name]}" for name in sorted(packages))
    return Cleaned(lines=lines, refused=tuple(refused), packages=packages)
