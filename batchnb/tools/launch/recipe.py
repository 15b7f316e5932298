"""How a backend is started: which framework, which file, found in its source without running it."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.routes.find import CAPS
from batchnb.tools.routes.modules import Project
from batchnb.tools.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.tools.routes.modules import Module

_NAMES = ("app", "main", "run", "server", "wsgi", "manage", "api", "application", "__init__")
_SCRIPTS = ("server.js", "index.js", "app.js", "main.js", "src/server.js", "src/index.js", "src/app.js")
_FACTORIES = frozenset({"create_app", "make_app"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to start one backend."""

    framework: str
    """`flask`, `fastapi` or `express`."""
    file: str = ""
    """A file to run as a program, relative to the backend."""
    module: str = ""
    """Or the module with the application: `main`, for FastAPI `main:app`."""


def find_recipe(folder: Path) -> Recipe:
    """Return how to start the backend in `folder`.

    Raises:
        AppNotRunningError: says what was looked for.
    """
    project, faults = _python(folder)
    modules = sorted(project.modules.values(), key=_preference)
    fastapi = [module for module in modules if module.imports_from("fastapi")]
    flask = any(module.imports_from("flask") for module in modules)
    for module in fastapi:
        for name, value in module.assigned.items():
            if _calls(value, "FastAPI"):
                return Recipe(framework="fastapi", module=f"{module.name}:{name}")
    if flask:
        found = _flask(modules)
        if found:
            return found
    express = _express(folder)
    if express:
        return express
    if faults:
        raise AppNotRunningError(f"the backend cannot be started: {faults[0]}")
    looked = "no Flask or FastAPI application, and no Express server, was found in its source"
    raise AppNotRunningError(f"the backend cannot be started: {looked}")


def _python(folder: Path) -> tuple[Project, list[str]]:
    project, faults = Project(), []
    for file in Tree(folder, frozenset({".py"}), CAPS).files():
        if file.content is None:
            faults.append(f"{file.path} {file.reason}")
            continue
        try:
            project.add(file.path, file.path, file.content)
        except SyntaxError as error:
            faults.append(f"{file.path} cannot be parsed, line {error.lineno}: {error.msg}")
        except (ValueError, RecursionError, MemoryError) as error:
            faults.append(f"{file.path} cannot be parsed: {type(error).__name__}: {error}"[:300])
    return project, faults


def _flask(modules: list[Module]) -> Recipe | None:
    """Prefer the file that its author runs; then a module that Flask's own command can serve."""
    for module in modules:
        if _runs_itself(module):
            return Recipe(framework="flask", file=module.source)
    for module in modules:
        made = any(_calls(value, "Flask") for value in module.assigned.values())
        if made or _FACTORIES & module.definitions.keys():
            return Recipe(framework="flask", module=module.name)
    return None


def _runs_itself(module: Module) -> bool:
    """Whether it has `if __name__ == "__main__":` with a call of some `run` in it."""
    for node in module.tree.body:
        match node:
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                return any(
                    isinstance(part, ast.Call)
                    and isinstance(part.func, ast.Attribute)
                    and part.func.attr in {"run", "serve_forever"}
                    for part in ast.walk(node)
                )
    return False


def _calls(node: ast.expr, name: str) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
            return called == name
    return False


def _preference(module: Module) -> tuple[int, int, str]:
    """Sort by depth, then by the usual names."""
    last = module.name.rpartition(".")[2]
    rank = _NAMES.index(last) if last in _NAMES else len(_NAMES)
    return len(PurePosixPath(module.source).parts), rank, module.name


def _express(folder: Path) -> Recipe | None:
    files = {
        file.path: file.content
        for file in Tree(folder, frozenset({".js", ".mjs", ".cjs", ".json"}), CAPS).files()
        if file.content is not None
    }
    named = [*_named_in_package(files.get("package.json", b"")), *_SCRIPTS]
    for name in named:
        content = files.get(name, b"")
        if b"express" in content:
            return Recipe(framework="express", file=name)
    return None


def _named_in_package(content: bytes) -> list[str]:
    """Return the files that `package.json` names: of its start script, and its main file."""
    try:
        document = json.loads(content)
        scripts, main = document.get("scripts") or {}, document.get("main")
        started = [str(scripts.get(name, "")).split() for name in ("start", "serve", "dev")]
    except (ValueError, RecursionError, AttributeError):
        return []
    named = [words[-1] for words in started if len(words) > 1 and words[0] in {"node", "nodemon"}]
    named += [main] if isinstance(main, str) else []
    return [str(PurePosixPath(name)) for name in named]
