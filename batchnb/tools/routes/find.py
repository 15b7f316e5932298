"""Finding the routes of a backend in its source. Nothing of it is executed."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from batchnb.tools.routes.express import SUFFIXES as SCRIPTS
from batchnb.tools.routes.express import ExpressRoutes
from batchnb.tools.routes.modules import Project
from batchnb.tools.routes.python_routes import PythonRoutes, unique
from batchnb.tools.routes.route import RouteMap, TooLargeError
from batchnb.tools.text import visible
from batchnb.tools.tree import Caps, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from batchnb.tools.routes.route import Route

CAPS = Caps(files=1_000, entries=20_000, file_bytes=512 << 10, total_bytes=8 << 20, depth=12)
"""What is looked at, at most. What is left out is in `RouteMap.unread`."""


def find_routes(folder: Path, prefix: str = "backend") -> RouteMap:
    """Return the routes that the Flask, FastAPI or Express backend in `folder` declares.

    Links are not followed, installed packages not looked into. What is declared in ways that cannot be told
    from the source (paths from a database, say) is missing.

    Args:
        folder: the backend's folder, staged or as it lies; a missing one has no route.
        prefix: put before each file's path, so that it is relative to the app.
    """
    unread: list[tuple[str, str]] = []
    python, scripts = Project(), ExpressRoutes()
    tree = Tree(folder, frozenset({".py"}) | SCRIPTS, CAPS)
    for file in tree.files():
        source = str(PurePosixPath(prefix, file.path))
        if file.content is None:
            unread.append((source, file.reason))
            continue
        add = python.add if file.path.endswith(".py") else scripts.add
        reason = _tried(add, file.path, source, file.content)
        if reason:
            unread.append((source, reason))
    unread.extend((str(PurePosixPath(prefix, one.path)), one.gap) for one in tree.foreign() if one.gap)
    found = [
        *_collected(PythonRoutes(python).routes, prefix, unread),
        *_collected(scripts.routes, prefix, unread),
    ]
    return RouteMap(routes=unique(found), unread=tuple(sorted(unread)))


def _tried(add: Callable[[str, str, bytes], None], path: str, source: str, content: bytes) -> str:
    """Return why a parser refuses a file; empty if it does not."""
    try:
        add(path, source, content)
    except SyntaxError as error:
        return visible(f"line {error.lineno}: {error.msg}"[:200], one_line=True)
    except (ValueError, RecursionError, MemoryError) as error:
        return visible(f"{type(error).__name__}: {error}"[:200], one_line=True)
    return ""


def _collected(
    routes: Callable[[], Iterable[Route]], prefix: str, unread: list[tuple[str, str]]
) -> list[Route]:
    """Return the routes up to where a source that was made to exhaust the reader stops it, if it does."""
    found: list[Route] = []
    try:
        found.extend(routes())
    except RecursionError:
        unread.append((prefix, "the source is nested too deeply to find all routes"))
    except TooLargeError:
        unread.append((prefix, "the source takes too long to look through; routes are missing"))
    return found
