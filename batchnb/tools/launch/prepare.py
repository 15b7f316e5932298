"""What starts one backend: its dependencies in place, and the command, inside and outside of a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.kit.finding import node
from batchnb.tools.launch import boot_flask
from batchnb.tools.launch.environments import node_environment, python_environment
from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.launch.requirements import Cleaned, clean_package, clean_requirements
from batchnb.tools.launch.sandbox import APP
from batchnb.tools.locate import find_program

if TYPE_CHECKING:
    from batchnb.tools.cancellation import CancelToken, Deadline
    from batchnb.tools.launch.recipe import Recipe

_ENV = "/env"
_BOOT = "/boot_flask.py"
_NEEDED = {"flask": ("flask",), "fastapi": ("fastapi", "uvicorn")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """How to start a backend."""

    command: tuple[str, ...]
    """As seen from inside the sandbox."""
    bare: tuple[str, ...]
    """Without one, in the folder of the copy."""
    binds: tuple[tuple[Path, str], ...]
    """What the command needs in the sandbox: where it is, where it is seen."""
    refused: tuple[tuple[str, str], ...]
    """Requirements that were not installed, with reasons."""


def prepare(
    recipe: Recipe, source: Path, port: int, memory_bytes: int, deadline: Deadline, cancel: CancelToken
) -> Prepared:
    """Return how to start the backend whose copy is `source`, with its dependencies installed.

    Raises:
        AppNotRunningError: if they cannot be installed.
    """
    if recipe.framework == "express":
        return _node(recipe, source, memory_bytes, deadline, cancel)
    wanted = python_packages(source, recipe)
    folder = python_environment(wanted, deadline, cancel).folder
    python, boot = str(folder / "bin/python"), Path(boot_flask.__file__)
    if recipe.file:
        return Prepared(
            command=(f"{_ENV}/bin/python", _BOOT, f"{APP}/{recipe.file}"),
            bare=(python, str(boot), str(source / recipe.file)),
            binds=((folder, _ENV), (boot, _BOOT)),
            refused=wanted.refused,
        )
    address = ("--host", "127.0.0.1", "--port", str(port))
    serve: tuple[str, ...] = ("-m", "flask", "--app", recipe.module, "run", *address, "--no-reload")
    if recipe.framework == "fastapi":
        serve = ("-m", "uvicorn", recipe.module, *address)
    return Prepared(
        command=(f"{_ENV}/bin/python", *serve),
        bare=(python, *serve),
        binds=((folder, _ENV),),
        refused=wanted.refused,
    )


def python_packages(source: Path, recipe: Recipe) -> Cleaned:
    """Return the app's requirements, with the framework and the server that it is started by."""
    cleaned = clean_requirements(_text(source / "requirements.txt", ""))
    missing = [name for name in _NEEDED[recipe.framework] if name not in cleaned.names]
    return replace(cleaned, lines=tuple(sorted((*cleaned.lines, *missing), key=str.lower)))


def _node(
    recipe: Recipe, source: Path, memory_bytes: int, deadline: Deadline, cancel: CancelToken
) -> Prepared:
    found = node() or find_program("node")  # an old one may well do for the app
    if found is None:
        raise AppNotRunningError("the program node is not installed; `batchnb tools install node` gets one")
    cleaned = clean_package(_text(source / "package.json", "{}"))
    packages = {"express": "*", **cleaned.packages}
    lines = tuple(f"{name}@{packages[name]}" for name in sorted(packages))
    wanted = replace(cleaned, packages=packages, lines=lines)
    modules = node_environment(wanted, deadline, cancel).folder / "node_modules"
    # Node looks for packages in the folders above the file: /node_modules inside, beside the copy outside.
    (source.parent / "node_modules").symlink_to(modules)
    program = found.resolve()
    binds: tuple[tuple[Path, str], ...] = ((modules, "/node_modules"),)
    if not program.is_relative_to("/usr"):
        binds = (*binds, (program.parent.parent, str(program.parent.parent)))
    heap = f"--max-old-space-size={max(64, (memory_bytes >> 20) * 3 // 4)}"
    return Prepared(
        command=(str(program), heap, f"{APP}/{recipe.file}"),
        bare=(str(program), heap, str(source / recipe.file)),
        binds=binds,
        refused=wanted.refused,
    )


def _text(path: Path, otherwise: str) -> str:
    """Return a file of our own copy as text."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else otherwise
