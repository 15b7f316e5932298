"""A published vulnerability of a package, and which versions it is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from batchnb.analyzers.checks import npm_versions
from batchnb.records import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.analyzers.checks.npm_versions import Key

_V = TypeVar("_V", Version, "Key")
_SEVERITIES = {"critical": Severity.HIGH, "high": Severity.HIGH, "low": Severity.LOW}


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Versions from `first` to before `below`, or up to `last`; an empty bound is none."""

    first: str = ""
    below: str = ""
    last: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advisory:
    """One published vulnerability of one package."""

    id: str
    """The name that it is known by: a GHSA, CVE, PYSEC or OSV number."""
    cve: str
    severity: Severity
    cwe: int | None
    summary: str
    fixed: str
    """The first version without it; empty: the data names none."""
    specifier: str = ""
    """Versions that it is about, as a PEP 440 specifier."""
    spans: tuple[Span, ...] = ()
    """The same as spans."""
    versions: frozenset[str] = frozenset()
    """The same one by one."""

    def is_about_python(self, version: str) -> bool:
        """Whether it is about a version of a Python package; InvalidVersion if that is none."""
        known = Version(version)
        if version in self.versions:
            return True
        if self.specifier:
            wanted = _specifier(self.specifier)
            return wanted is not None and wanted.contains(known, prereleases=True)
        return any(_is_in(span, known, _python_key) for span in self.spans)

    def is_about_npm(self, version: str) -> bool:
        """Whether it is about a version of an npm package."""
        known = npm_versions.key(version)
        if known is None:
            return False
        return version in self.versions or any(_is_in(span, known, npm_versions.key) for span in self.spans)


@lru_cache(maxsize=20_000)
def _specifier(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def severity_of(word: object) -> Severity:
    """Return the severity behind a data source's word; medium if it gives none."""
    return _SEVERITIES.get(str(word).lower(), Severity.MEDIUM)


def cwe_of(text: object) -> int | None:
    """Return the number in a text like "CWE-79", None if there is none."""
    number = str(text).upper().removeprefix("CWE-")
    return int(number) if number.isascii() and number.isdecimal() else None


def _python_key(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None


def _is_in(span: Span, version: _V, key: Callable[[str], _V | None]) -> bool:
    first, below, last = (key(bound) if bound else None for bound in (span.first, span.below, span.last))
    if span.first and span.first != "0" and (first is None or version < first):
        return False
    if span.below:
        return below is not None and version < below
    if span.last:
        return last is not None and version <= last
    return True
