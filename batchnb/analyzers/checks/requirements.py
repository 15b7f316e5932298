"""Requirements that are not pinned, or come from elsewhere than the index.

CWE: 1357 (reliance on insufficiently trustworthy component), the class that MITRE files components under
whose origin or version nobody fixes; 319 for plain HTTP and 295 for a host whose certificate is not checked.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, ClassVar

from batchnb.analyzers.checks.requirements_file import NAMES, Line, pinned_version, read_lines
from batchnb.analyzers.checks.rule import NOT_RECOGNIZED, Rule, Severity, shortened
from batchnb.analyzers.scanners.base import Issue, ScanReport, SourceCheck

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_UNTRUSTED = 1357
UNPINNED = Rule(
    name="requirement-unpinned",
    severity=Severity.LOW,
    cwe=_UNTRUSTED,
    says="{} has no version: each install may bring another one",
)
RANGE = Rule(
    name="requirement-range",
    severity=Severity.LOW,
    cwe=_UNTRUSTED,
    says="{} allows several versions: each install may bring another one",
)
DIRECT = Rule(
    name="requirement-url",
    severity=Severity.MEDIUM,
    cwe=_UNTRUSTED,
    says="comes from an address, not from the index: {}",
)
LOCAL = Rule(
    name="requirement-local",
    severity=Severity.LOW,
    cwe=_UNTRUSTED,
    says="comes from a local folder or file, whose code runs at installation: {}",
)
EXTRA_INDEX = Rule(
    name="requirement-extra-index",
    severity=Severity.MEDIUM,
    cwe=_UNTRUSTED,
    says="another index than the usual one; with several, the highest version wins wherever it lies: {}",
)
PLAIN_HTTP = Rule(
    name="requirement-plain-http",
    severity=Severity.HIGH,
    cwe=319,
    says="code is fetched over plain HTTP: {}",
)
TRUSTED_HOST = Rule(
    name="requirement-trusted-host",
    severity=Severity.MEDIUM,
    cwe=295,
    says="the certificate of {} is not checked",
)
RULES = (UNPINNED, RANGE, DIRECT, LOCAL, EXTRA_INDEX, PLAIN_HTTP, TRUSTED_HOST)


class RequirementsCheck(SourceCheck):
    """Looks at requirements.txt and its like."""

    name: ClassVar[str] = "requirements"
    suffixes: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[frozenset[str]] = NAMES
    self_test: ClassVar[tuple[str, str, str] | None] = ("requirements.txt", "flask\n", UNPINNED.name)

    def version(self) -> str:
        """Return the version of the rules."""
        return "1"

    def check(self, files: Mapping[str, str]) -> ScanReport:
        """Return what is not pinned, by line; lines that are no requirements are told."""
        issues: list[Issue] = []
        unparsed: dict[str, str] = {}
        incomplete: dict[str, str] = {}
        for path, text in files.items():
            if not self.is_for(path):
                unparsed[path] = NOT_RECOGNIZED
                continue
            lines = list(read_lines(text))
            issues += (issue for line in lines for issue in _issues(path, line))
            gaps = [f"line {line.number} {line.junk}" for line in lines if line.junk]
            gaps += _missing_files(path, lines, files)
            if gaps:
                all_junk = all(line.junk for line in lines)
                where = unparsed if all_junk else incomplete
                where[path] = "; ".join(gaps[:5]) + (f"; and {len(gaps) - 5} more" if len(gaps) > 5 else "")
        return ScanReport(issues=tuple(issues), unparsed=unparsed, incomplete=incomplete)


def _missing_files(path: str, lines: list[Line], files: Mapping[str, str]) -> Iterator[str]:
    for line in lines:
        if line.option in {"--requirement", "--constraint"}:
            named = posixpath.normpath(posixpath.join(posixpath.dirname(path), line.value))
            if named not in files:
                yield f"line {line.number} names {shortened(line.value, 60)}, which was not read"


def _issues(path: str, line: Line) -> Iterator[Issue]:
    if line.requirement is not None:
        yield from _of_requirement(path, line)
    address = line.url
    if line.option == "--editable":
        if ":" in line.value:
            address = line.value
        else:
            yield LOCAL.at(path, line.number, line.value)
    if address:
        yield DIRECT.at(path, line.number, _without_password(address))
    if line.path:
        yield LOCAL.at(path, line.number, line.path)
    if line.option in {"--extra-index-url", "--index-url", "--find-links"}:
        yield EXTRA_INDEX.at(path, line.number, _without_password(line.value))
        address = line.value
    if line.option == "--trusted-host":
        yield TRUSTED_HOST.at(path, line.number, line.value)
    if _is_plain(address):
        yield PLAIN_HTTP.at(path, line.number, _without_password(address))


def _of_requirement(path: str, line: Line) -> Iterator[Issue]:
    requirement = line.requirement
    if requirement is None:
        return
    if requirement.url:
        yield DIRECT.at(path, line.number, _without_password(requirement.url))
        if _is_plain(requirement.url):
            yield PLAIN_HTTP.at(path, line.number, _without_password(requirement.url))
    elif not requirement.specifier:
        yield UNPINNED.at(path, line.number, requirement.name)
    elif not pinned_version(requirement):
        yield RANGE.at(path, line.number, f"{requirement.name}{requirement.specifier}")


def _is_plain(address: str) -> bool:
    return address.lower().rpartition("+")[2].startswith("http://")


def _without_password(address: str) -> str:
    """Return an address without the user and password that may stand in it."""
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}" if separator else address
