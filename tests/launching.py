"""For tests that start apps: a cache with the apps' packages, made without a network, and small apps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import pytest

from batchnb.analyzers.base import AnalysisContext
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.launch import environments
from batchnb.tools.launch.prepare import python_packages
from batchnb.tools.launch.recipe import Recipe
from batchnb.tools.layout import AppFolder
from batchnb.tools.own_places import CACHE_VARIABLE as VARIABLE

PORTFOLIO = Path(__file__).parents[1] / "examples/portfolio"
STARTING = (
    *(("atlas-4", number) for number in (1, 2, 3, 4)),
    *(("birch-mini", number) for number in (1, 2)),
    *(("comet-large", number) for number in (3, 4)),
)
"""The sample apps whose backends start."""
PACKAGES = (
    *("Flask", "Werkzeug", "Jinja2", "MarkupSafe", "itsdangerous", "click", "blinker"),
    *("flask-cors", "PyYAML"),
)

needs_sandbox = pytest.mark.skipif(
    not (shutil.which("bwrap") and shutil.which("nsenter")),
    reason="bubblewrap or nsenter is not installed",
)


def shared_cache(tmp_path_factory) -> Path:
    """Return one cache folder for all workers of this test session."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "batchnb-cache"
    folder.mkdir(exist_ok=True)
    return folder


def use_cache(monkeypatch, folder: Path, *backends: Path) -> None:
    """Use this cache, and have the environments of these Flask backends in it."""
    monkeypatch.setenv(VARIABLE, str(folder))
    for backend in backends:
        seed_flask(backend)


def seed_flask(backend: Path) -> None:
    """Make the environment of a Flask backend from the packages that run these tests."""
    wanted = python_packages(backend, Recipe(framework="flask"))
    place = environments.python_place(wanted)
    environments._cached(place, Deadline.after(60), CancelToken(), _copy_packages)


def _copy_packages(folder: Path) -> None:
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", folder], check=True)
    target = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))
    for name in PACKAGES:
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), target / file)
    (folder / environments.LOCK_NAME).write_text("{}", encoding="utf-8")


def make_app(base: Path, files: dict[str, str], *, model: str = "m", app_num: int = 1) -> AppFolder:
    """Write an app with these files, paths relative to it."""
    path = base / model / f"app{app_num}"
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return AppFolder(model=model, app_num=app_num, path=path)


def make_context(
    scratch: Path, *, seconds: float = 60.0, cancel: CancelToken | None = None
) -> AnalysisContext:
    """Return what an analysis gets."""
    scratch.mkdir(exist_ok=True)
    return AnalysisContext(
        scratch=scratch,
        deadline=Deadline.after(seconds),
        cancel=cancel or CancelToken(),
        progress=lambda _percent: None,
    )
