"""Environments with an app's dependencies: made once, from wheels alone, kept in the cache.

No code of a package runs while it is installed: Python packages come as wheels, which are unpacked, and npm
runs no scripts. Their code runs in the sandbox only, so nothing here ever starts an environment's interpreter
once packages are in it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from batchnb.tools.kit.environment import installer_settings
from batchnb.tools.kit.finding import npm
from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.locate import find_program
from batchnb.tools.making import BusyError, building, made_by_one
from batchnb.tools.own_places import account_home, cache_folder
from batchnb.tools.process import Ending, Limits, RawOutput, run_tool
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from batchnb.tools.cancellation import CancelToken, Deadline
    from batchnb.tools.launch.requirements import Cleaned

LOCK_NAME = "installed.json"
"""Beside each environment: what was asked for and what was installed, with versions and hashes."""
_LIMITS = Limits(memory_bytes=None, file_bytes=2 << 30)
_SETTINGS_FILES = {"PIP_CONFIG_FILE": ".config/pip/pip.conf", "NPM_CONFIG_USERCONFIG": ".npmrc"}


@dataclass(frozen=True, slots=True)
class Environment:
    """A folder with an app's dependencies."""

    folder: Path
    """Python: a virtual environment. Node: holds `node_modules`."""
    made: bool
    """Whether it was made just now."""


def python_environment(wanted: Cleaned, deadline: Deadline, cancel: CancelToken) -> Environment:
    """Return a virtual environment of our interpreter's version that has `wanted`.

    Raises:
        AppNotRunningError: if a package has no wheel, does not exist, or the index cannot be reached.
    """
    folder = python_place(wanted)
    return _cached(folder, deadline, cancel, lambda place: _pip(place, wanted, deadline, cancel))


def python_place(wanted: Cleaned) -> Path:
    """Return where the environment with `wanted` is kept: named by its packages and our interpreter."""
    base = f"{sys.implementation.cache_tag} {sysconfig.get_platform()} {sys.base_prefix}"
    return _place(base, wanted.lines)


def node_environment(wanted: Cleaned, deadline: Deadline, cancel: CancelToken) -> Environment:
    """Return a folder whose `node_modules` has `wanted`.

    Raises:
        AppNotRunningError: if npm is missing, a package does not exist, or the registry cannot be reached.
    """
    folder = _place(f"npm {sysconfig.get_platform()}", wanted.lines)
    return _cached(folder, deadline, cancel, lambda place: _npm(place, wanted, deadline, cancel))


def _place(base: str, lines: Sequence[str]) -> Path:
    return cache_folder() / "envs" / hashlib.sha256("\n".join([base, *lines]).encode()).hexdigest()


def _cached(
    folder: Path, deadline: Deadline, cancel: CancelToken, make: Callable[[Path], None]
) -> Environment:
    """Return the environment at `folder`. One process makes it, under another name, while others wait."""
    if (folder / LOCK_NAME).exists():
        return Environment(folder, made=False)
    try:
        with made_by_one(folder, deadline, cancel):
            if (folder / LOCK_NAME).exists():  # made by another process while we waited
                return Environment(folder, made=False)
            with building(folder) as place:
                make(place)
    except BusyError:
        reason = f"another process was still preparing the app's environment ({folder.name[:12]})"
        raise AppNotRunningError(reason) from None
    return Environment(folder, made=True)


def _pip(folder: Path, wanted: Cleaned, deadline: Deadline, cancel: CancelToken) -> None:
    bare = find_spec("pip") is not None  # otherwise it gets a pip of its own, from the standard library
    venv = [sys.executable, "-I", "-m", "venv", *(["--without-pip"] if bare else []), str(folder)]
    _run(venv, "make a virtual environment", {}, deadline, cancel)
    cleaned, report = folder / "requirements.txt", folder / "pip-report.json"
    cleaned.write_text("".join(f"{line}\n" for line in wanted.lines), encoding="utf-8")
    python = folder / "bin" / "python"
    pip = [sys.executable, "-I", "-m", "pip", "--python", str(python)]
    if not bare:
        pip = [str(python), "-I", "-m", "pip"]
    install = [
        *(*pip, "install", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"),
        *("--quiet", "--no-warn-script-location", "--report", str(report), "-r", str(cleaned)),
    ]
    if wanted.lines:
        _run(install, "install the app's requirements from wheels", _own_settings(), deadline, cancel)
    installed = json.loads(report.read_bytes())["install"] if report.exists() else []
    versions = [
        {
            "name": item["metadata"]["name"],
            "version": item["metadata"]["version"],
            "hashes": item.get("download_info", {}).get("archive_info", {}).get("hashes", {}),
        }
        for item in installed
    ]
    _write_lock(folder, wanted, versions)


def _npm(folder: Path, wanted: Cleaned, deadline: Deadline, cancel: CancelToken) -> None:
    system = find_program("npm")
    command = npm() or (() if system is None else (str(system),))
    if not command:
        raise AppNotRunningError("the program npm is not installed; `batchnb tools install node` gets one")
    package = {"name": "app", "version": "0.0.0", "private": True, "dependencies": wanted.packages}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    install = [
        *(*command, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"),
        *("--no-update-notifier", "--loglevel=error"),
    ]
    if wanted.packages:
        _run(install, "install the app's packages", _own_settings(), deadline, cancel, folder)
    (folder / "node_modules").mkdir(exist_ok=True)
    _write_lock(folder, wanted, [])


def _write_lock(folder: Path, wanted: Cleaned, installed: Sequence[Mapping[str, object]]) -> None:
    lock = {"wanted": wanted.lines, "refused": wanted.refused, "installed": installed}
    (folder / LOCK_NAME).write_text(json.dumps(lock, indent=1), encoding="utf-8")


def _own_settings() -> dict[str, str]:
    """Return the settings of the user's own installers: files that lie in the real home, and variables."""
    files = {name: account_home() / place for name, place in _SETTINGS_FILES.items()}
    return {name: str(path) for name, path in files.items() if path.is_file()} | installer_settings()


def _run(
    argv: Sequence[str],
    what: str,
    env: Mapping[str, str],
    deadline: Deadline,
    cancel: CancelToken,
    cwd: Path | None = None,
) -> RawOutput:
    raw = run_tool(argv, deadline=deadline, cancel=cancel, limits=_LIMITS, env=env, cwd=cwd)
    if raw.ending is Ending.EXITED and raw.returncode == 0:
        return raw
    said = visible((raw.stderr or raw.stdout)[-1_500:].decode(errors="replace")).strip()
    how = f"exit code {raw.returncode}" if raw.ending is Ending.EXITED else raw.ending.value
    raise AppNotRunningError(f"could not {what} ({how})", said)
