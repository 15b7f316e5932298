"""doctor(): what is installed, which versions, what is missing and how to get it."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.store_file import sqlite_is_sound, sqlite_version
from batchnb.records.errors import AnalyzerError, ToolMissingError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.version import tool_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.analyzers.base import ToolNeed

_PACKAGES = {
    "pandas": "frames",
    "plotly": "charts",
    "jinja2": "reports",
    "ipywidgets": "panels",
    "jupyterlab": "panels",
}
_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that batchnb can use."""

    name: str
    used_for: str
    version: str
    """Empty: it is not there, or does not run."""
    place: str
    how_to_get: str

    @property
    def found(self) -> bool:
        """Whether it is there and runs."""
        return bool(self.version)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What doctor() found; a table in a notebook, plain text elsewhere."""

    checks: tuple[Check, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of what is not there or does not run."""
        return tuple(check.name for check in self.checks if not check.found)

    def __repr__(self) -> str:
        """Return the table as text."""
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (zip(row, widths, strict=True) for row in rows)
        return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head, *body = self._rows()
        cells = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in head)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in body)
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"

    def _rows(self) -> list[tuple[str, ...]]:
        found = [
            (c.name, c.used_for, c.version or "missing", c.place if c.found else c.how_to_get)
            for c in self.checks
        ]
        return [("name", "used for", "version", "where / how to get it"), *found]


def doctor() -> Diagnosis:
    """Check every package and tool that the analyses, frames and panels use."""
    return Diagnosis((_python(), _sqlite(), *_packages(), *_tools()))


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


def _tools() -> Iterator[Check]:
    registry = AnalyzerRegistry()
    for key in registry.keys:
        try:
            analyzer = registry[key](".")
        except AnalyzerError as error:
            yield Check(name=key, used_for="a plug-in", version="", place="", how_to_get=str(error))
            continue
        for need in analyzer.needs():
            yield _tool(need, analyzer.title)


def _tool(need: ToolNeed, used_for: str) -> Check:
    found, hint = "", need.install_hint
    if need.command:
        try:
            found = tool_version(need.command, Deadline.after(_SECONDS), CancelToken())
            hint = f"{need.command[0]} is there but does not run; {hint}"
        except ToolMissingError as error:
            hint = f"{error}; {hint}"
    place = " ".join(need.command or ())
    return Check(name=need.name, used_for=used_for, version=found, place=place, how_to_get=hint)
