"""Analyse real code that nobody here wrote: Flask applications and React packages from the registries.

Downloads source archives only (nothing of them is installed or executed), lays them out as a portfolio of two
"models", runs the batch and prints findings and coverage per app.

    python scripts/real_apps.py build/real-apps
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from pypi_simple import PyPISimple

import batchnb as bn


class Source(NamedTuple):
    """One app: a Flask application's source distribution and a React package beside it."""

    model: str
    app_num: int
    backend: tuple[str, str]
    """Project and version on the Python registry."""
    frontend: tuple[str, str]
    """Package and version on the npm registry."""


SOURCES = (
    Source("bazaar-a", 1, ("httpbin", "0.7.0"), ("react-toastify", "11.2.0")),
    Source("bazaar-a", 2, ("ihatemoney", "7.2.1"), ("react-big-calendar", "1.20.0")),
    Source("bazaar-a", 3, ("isso", "0.9"), ("react-markdown", "10.1.0")),
    Source("bazaar-a", 4, ("flaskbb", "3.0.0rc5"), ("react-quill", "2.0.0")),
    Source("bazaar-b", 1, ("moin", "2.0.0b5"), ("react-data-grid", "6.1.0")),
    Source("bazaar-b", 2, ("calibreweb", "0.6.27"), ("react-email-editor", "2.1.2")),
    Source("bazaar-b", 3, ("lektor", "3.4.0b9"), ("react-chat-elements", "12.0.18")),
    Source("bazaar-b", 4, ("octoprint", "2.0.0rc7"), ("react-admin", "5.15.4")),
)


def assemble(base: Path) -> None:
    """Download every source and lay it out under `base`; what is there already is kept."""
    for source in SOURCES:
        app = base / source.model / f"app{source.app_num}"
        for part, (name, version), fetch in (
            ("backend", source.backend, fetch_sdist),
            ("frontend", source.frontend, fetch_npm),
        ):
            if not (app / part).is_dir():
                unpack(lambda folder, n=name, v=version, f=fetch: f(n, v, folder), app / part)


def fetch_sdist(name: str, version: str, folder: Path) -> Path:
    """Download the source distribution of one version."""
    with PyPISimple() as index:
        packages = index.get_project_page(name).packages
        found = next(p for p in packages if p.version == version and p.package_type == "sdist")
        target = folder / "source.tar.gz"
        index.download_package(found, path=target)
        return target


def fetch_npm(name: str, version: str, folder: Path) -> Path:
    """Download the archive of one version; `npm pack` runs no script of a registry package."""
    command = [
        "npm",
        "pack",
        f"{name}@{version}",
        "--json",
        "--ignore-scripts",
        "--pack-destination",
        str(folder),
    ]
    packed = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=folder).stdout)
    return folder / packed[0]["filename"]


def unpack(fetch: object, target: Path) -> None:
    """Fetch an archive and move its one folder to `target`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        archive = fetch(folder)
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "content", filter="data")
        (content,) = (folder / "content").iterdir()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(content, target)


def run(base: Path) -> None:
    """Run the batch over the portfolio at `base` and print what came out."""
    with bn.open(base, store=":memory:") as workspace:
        print(repr(workspace.portfolio))
        for app in workspace.portfolio.apps:
            lines = ", ".join(f"{count} {language}" for language, count in app.lines_by_language.items())
            print(f"  {app.model}/app{app.app_num}: {lines}; {len(app.unparsed)} unparsed")
        job = workspace.run(analyses=["backend_security"]).wait()
        print(repr(job))
        findings = job.findings.groupby(["model", "app_num", "tool"], observed=True).size().rename("findings")
        columns = ["status", "files_seen", "files_eligible", "seconds", "detail"]
        coverage = job.coverage.set_index(["model", "app_num", "tool"])[columns]
        table = coverage.join(findings)
        print(table.to_string(max_colwidth=60))
        print("report:", job.report(base / "report.html"))


if __name__ == "__main__":
    portfolio = Path(sys.argv[1]).absolute()
    assemble(portfolio)
    run(portfolio)
