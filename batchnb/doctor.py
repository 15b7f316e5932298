"""doctor(): what is installed, which versions, what is missing and how to get it."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from html import escape
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from batchnb.analyzers.base import ToolNeed, own_context
from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.store_file import sqlite_is_sound, sqlite_version
from batchnb.records.errors import AnalyzerError, ToolMissingError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.kit.finding import node, npm
from batchnb.tools.locate import find_program
from batchnb.tools.text import visible
from batchnb.tools.version import tool_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.analyzers.base import Analyzer

_PACKAGES = {
    "pandas": "frames",
    "plotly": "charts",
    "jinja2": "reports",
    "ipywidgets": "panels",
    "jupyterlab": "panels",
}
_RUNNING = "running apps (performance, zap)"
_VERSION_SECONDS = 30.0
"""For a tool to say its version, and ..."""
_TEST_SECONDS = 120.0
"""... for an analysis to try all its scanners: several start at once, and some load much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that batchnb can use."""

    name: str
    used_for: str
    version: str
    """Empty: it is not there, or does not run."""
    place: str
    how_to_get: str
    fault: str = ""
    """What is wrong with it although it starts: it does not find what was planted for it, say."""
    optional: bool = False
    """Whether everything works without it."""
    tested: bool = False
    """Whether it was tried on a planted fault."""

    @property
    def found(self) -> bool:
        """Whether it is there, runs, and finds what it should."""
        return bool(self.version) and not self.fault


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What doctor() found; a table in a notebook, plain text elsewhere."""

    checks: tuple[Check, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of what is not there or does not work, but for what is optional."""
        return tuple(check.name for check in self.checks if not check.found and not check.optional)

    def __repr__(self) -> str:
        """Return the table as text."""
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (zip(row, widths, strict=True) for row in rows)
        return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head, *body = self._rows()
        left = 'style="text-align:left"'  # a notebook puts cells to the right
        cells = "".join(f"<th scope=col {left}>{escape(cell)}</th>" for cell in head)
        rows = "".join(
            f"<tr>{''.join(f'<td {left}>{escape(cell)}</td>' for cell in row)}</tr>" for row in body
        )
        return f'<table class="mathjax_ignore"><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>'

    def _rows(self) -> list[tuple[str, ...]]:
        found = [
            (c.name, c.used_for, c.version or _lack(c), _test(c), c.place if c.version else c.how_to_get)
            for c in self.checks
        ]
        return [("name", "used for", "version", "finds planted faults", "where / how to get it"), *found]


def _lack(check: Check) -> str:
    return "not there (optional)" if check.optional else "missing"


def _test(check: Check) -> str:
    return visible(check.fault, one_line=True) or ("yes" if check.tested else "")


def doctor(*, self_test: bool = True) -> Diagnosis:
    """Check every package and tool that the analyses, frames and panels use.

    Args:
        self_test: also let each scanner find a planted fault: that one starts does not say that it works.
            Takes a few seconds.
    """
    return Diagnosis((_python(), _sqlite(), *_packages(), *_helpers(), *_tools(self_test=self_test)))


def _python() -> Check:
    return Check(
        name="python",
        used_for="everything",
        version=platform.python_version(),
        place=sys.executable,
        how_to_get="",
    )


def _sqlite() -> Check:
    """Say which SQLite the store uses; one with the WAL-reset fault counts as missing."""
    found = sqlite_version()
    return Check(
        name="sqlite",
        used_for="the store",
        version=found if sqlite_is_sound() else "",
        place="inside the package apsw",
        how_to_get=f"{found} can damage a store that several kernels write: pip install --upgrade apsw",
    )


def _packages() -> Iterator[Check]:
    for package, used_for in _PACKAGES.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = ""
        hint = "pip install 'batchnb[all]'"
        yield Check(name=package, used_for=used_for, version=found, place="python package", how_to_get=hint)


def _helpers() -> Iterator[Check]:
    """Yield the programs that no analysis reports on, but that some cannot do without."""
    needs = (
        (_RUNNING, "bwrap", _found("bwrap"), "install the system's package bubblewrap"),
        (_RUNNING, "nsenter", _found("nsenter"), "install the system's package util-linux"),
        ("eslint, apps in JavaScript", "node", _node(), "batchnb tools install node"),
        ("npm-audit, apps in JavaScript", "npm", npm(), "batchnb tools install node"),
    )
    for used_for, name, command, hint in needs:
        need = ToolNeed(name=name, command=command, install_hint=hint, optional=True)
        yield replace(_tool(need, used_for, {}), place=command[0] if command else "")


def _found(name: str) -> tuple[str, ...] | None:
    program = find_program(name)
    return (str(program),) if program else None


def _node() -> tuple[str, ...] | None:
    program = node()  # a plain --version is answered with a "v" before the number
    return (str(program), "-p", "process.versions.node", "--") if program else None


def _tools(*, self_test: bool) -> Iterator[Check]:
    registry = AnalyzerRegistry()
    analyzers: list[Analyzer] = []
    for key in registry.keys:
        try:
            analyzers.append(registry[key]("."))
        except AnalyzerError as error:
            yield Check(name=key, used_for="a plug-in", version="", place="", how_to_get=str(error))
    with ThreadPoolExecutor(max_workers=max(1, len(analyzers))) as pool:
        faults = list(pool.map(_self_test if self_test else _no_test, analyzers))
    versions: dict[tuple[str, ...], str] = {}
    for analyzer, found in zip(analyzers, faults, strict=True):
        for need in analyzer.needs():
            check = _tool(need, analyzer.title, versions)
            fault = found.get(need.name, found.get("", "")) if check.version else ""
            tested = need.name in found and bool(check.version)
            yield replace(check, fault=fault, tested=tested)


def _self_test(analyzer: Analyzer) -> dict[str, str]:
    with own_context(analyzer, _TEST_SECONDS) as context:
        try:
            return analyzer.self_test(context)
        except Exception as error:  # noqa: BLE001 - a plug-in's may raise anything
            return {"": f"its test failed: {error}"}


def _no_test(analyzer: Analyzer) -> dict[str, str]:
    del analyzer
    return {}


def _tool(need: ToolNeed, used_for: str, versions: dict[tuple[str, ...], str]) -> Check:
    found, hint = "", need.install_hint
    if need.command == ():
        found = need.version or "built in"
    elif need.command:
        try:
            if need.command not in versions:
                versions[need.command] = tool_version(
                    need.command, Deadline.after(_VERSION_SECONDS), CancelToken()
                )
            found = versions[need.command]
            hint = f"{need.command[0]} is there but does not run; {hint}"
        except ToolMissingError as error:
            hint = f"{error}; {hint}"
    place = " ".join(need.command or ())
    return Check(
        name=need.name,
        used_for=used_for,
        version=found,
        place=place,
        how_to_get=hint,
        optional=need.optional,
    )
