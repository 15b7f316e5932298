"""Reading requirements.txt: what pip would read, without asking pip.

The form is in https://pip.pypa.io under "Requirements File Format". pip itself may
run code of what a line names, so the lines are only parsed, with `packaging`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = frozenset(
    {
        *("requirements.txt", "requirements.in", "constraints.txt", "requirements-lock.txt"),
        *("requirements-dev.txt", "requirements_dev.txt", "dev-requirements.txt", "dev_requirements.txt"),
        *("requirements-test.txt", "requirements_test.txt", "test-requirements.txt", "requirements-prod.txt"),
        *("requirements_prod.txt", "requirements-base.txt", "requirements-production.txt"),
    }
)
"""Base names, in lower case, of files that are read."""
_LONGEST_LINE = 4_096
_MOST_LINES = 2_000
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_OPTION = re.compile(r"(--?[a-z][a-z-]*)(?:=|\s+|$)(.*)", re.IGNORECASE)
_OPTIONS_OF_A_LINE = re.compile(r"\s--(?:hash|config-settings?|global-option)[=\s].*$", re.IGNORECASE)
_SHORT = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "-f": "--find-links",
}
_KNOWN = frozenset(
    {
        *_SHORT.values(),
        *("--extra-index-url", "--no-index", "--trusted-host", "--no-binary", "--only-binary", "--pre"),
        *("--prefer-binary", "--require-hashes", "--use-feature"),
    }
)
_URL = re.compile(r"(?:[a-z][a-z0-9]*\+)?(?:https?|ftp|ssh|git|file)(?:://|@)\S+", re.IGNORECASE)
_PATH = re.compile(r"\.{1,2}(?:/.*)?|/.*|[\w./-]+\.(?:whl|zip|tar\.gz|tgz)(?:\[[\w, -]*\])?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One logical line: exactly one of the following fields is filled in, and `option` with its value."""

    number: int
    """1-based, of its first physical line."""
    requirement: Requirement | None = None
    option: str = ""
    """In its long form, such as `--extra-index-url`."""
    value: str = ""
    url: str = ""
    """An address in the place of a name."""
    path: str = ""
    """A local file or folder in the place of a name."""
    junk: str = ""
    """Why it is none of these."""


def read_lines(text: str) -> Iterator[Line]:
    """Yield the logical lines of a requirements file, without comments and empty lines."""
    for count, (number, line) in enumerate(_logical_lines(text)):
        if count >= _MOST_LINES:
            yield Line(number=number, junk=f"more than {_MOST_LINES} lines")
            return
        yield _read(number, line)


def pinned_version(requirement: Requirement) -> str:
    """Return the one version that a requirement allows; empty if it allows several."""
    exact = [each for each in requirement.specifier if each.operator in {"==", "==="}]
    versions = {each.version for each in exact if not each.version.endswith(".*")}
    return versions.pop() if len(versions) == 1 else ""


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, those that a backslash continues joined, without comments."""
    joined, first = "", 0
    for number, physical in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        first = first or number
        line = _COMMENT.sub("", physical) if len(physical) <= _LONGEST_LINE else physical
        if line.rstrip().endswith("\\") and len(joined) <= _LONGEST_LINE:
            joined += line.rstrip()[:-1] + " "
            continue
        whole = (joined + line).strip()
        if whole:
            yield first, whole
        joined, first = "", 0
    if joined.strip():
        yield first, joined.strip()


def _read(number: int, line: str) -> Line:
    if len(line) > _LONGEST_LINE:
        return Line(number=number, junk=f"line of {len(line)} characters")
    if line.startswith("-"):
        return _read_option(number, line)
    named = _OPTIONS_OF_A_LINE.sub("", line).strip()
    try:
        return Line(number=number, requirement=Requirement(named))
    except InvalidRequirement:
        pass
    if _URL.fullmatch(named):
        return Line(number=number, url=named)
    if _PATH.fullmatch(named):
        return Line(number=number, path=named)
    return Line(number=number, junk="is no requirement")


def _read_option(number: int, line: str) -> Line:
    match = _OPTION.fullmatch(line)
    option, value = (match[1].lower(), match[2].strip()) if match else ("", "")
    if option not in _KNOWN and line[:2] in _SHORT:  # -rother.txt is allowed too
        option, value = _SHORT[line[:2]], line[2:].strip().removeprefix("=")
    if option not in _KNOWN:
        return Line(number=number, junk="is no option of pip")
    return Line(number=number, option=option, value=value)
