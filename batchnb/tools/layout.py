"""The folder layout `<base>/<model>/app<N>`: which apps there are. Reads names only, never a file."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError, PortfolioError
from batchnb.records.ranges import MAX_APP_NUM

if TYPE_CHECKING:
    from collections.abc import Mapping

_APP_NAME = re.compile(r"app([1-9][0-9]{0,5})")
COMPOSE_NAMES = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")


@dataclass(frozen=True, kw_only=True, slots=True)
class AppFolder:
    """Where one app lies. The names are checked; everything below is hostile."""

    model: str
    app_num: int
    path: Path

    def has(self, part: str) -> bool:
        """Whether the app has the folder `part` ("backend", "frontend"); a link does not count."""
        try:
            return stat.S_ISDIR((self.path / part).lstat().st_mode)
        except OSError:
            return False

    def problem(self, part: str) -> str:
        """Return why what is there as `part` cannot be analysed; empty if it can be, or nothing is there."""
        try:
            mode = (self.path / part).lstat().st_mode
            if stat.S_ISDIR(mode):
                os.scandir(self.path / part).close()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        if stat.S_ISLNK(mode):
            return "is a link"
        return "" if stat.S_ISDIR(mode) else "is not a folder"


def base_path(argument: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder with the apps: the argument, or the environment variable APP_BASE_PATH.

    Raises:
        InvalidValueError: if neither is given.
    """
    env = os.environ if environ is None else environ
    chosen = argument if argument is not None else env.get("APP_BASE_PATH", "")
    if str(chosen) == "":
        raise InvalidValueError(
            "base path", str(chosen), "name the folder with <model>/app<N>", "APP_BASE_PATH"
        )
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError as error:  # ~name of a user that there is not
        raise InvalidValueError("base path", str(chosen), str(error)) from error


def find_apps(base: Path) -> tuple[tuple[AppFolder, ...], tuple[str, ...]]:
    """Return the apps under `base`, sorted by model and number, and what was left out and why.

    Raises:
        PortfolioError: if `base` is missing, is not a folder, cannot be read, or has no app.
    """
    apps: list[AppFolder] = []
    problems: list[str] = []
    for model in _folders(base, problems):
        apps.extend(_model_apps(model, problems))
    if not apps:
        hint = f"; {'; '.join(problems[:3])}" if problems else ""
        raise PortfolioError(f"no app under {str(base)!r}: expected <model>/app<N> with N from 1{hint}")
    return tuple(sorted(apps, key=lambda app: (app.model, app.app_num))), tuple(problems)


def find_app(base: Path, model: str, app_num: int) -> AppFolder | None:
    """Return one app's folder, or None if `model` has no such app. A model name can never be a path."""
    if not _is_plain_name(model) or not 1 <= app_num <= MAX_APP_NUM:
        return None
    path = base / model / f"app{app_num}"
    if path.is_symlink() or (base / model).is_symlink() or not path.is_dir():
        return None
    return AppFolder(model=model, app_num=app_num, path=path)


def _folders(base: Path, problems: list[str]) -> list[Path]:
    try:
        entries = sorted(os.scandir(base), key=lambda entry: entry.name)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise PortfolioError(f"base path {str(base)!r} cannot be read: {reason}") from error
    found = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            problems.append(f"{entry.name!r} is a link")
        elif entry.is_dir() and not _is_plain_name(entry.name):
            problems.append(f"{entry.name!r} is not a printable name")
        elif entry.is_dir():
            found.append(base / entry.name)
    return found


def _model_apps(model: Path, problems: list[str]) -> list[AppFolder]:
    apps = []
    try:
        entries = sorted(os.scandir(model), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(f"{model.name!r} cannot be read: {error.strerror}")
        return []
    for entry in entries:
        shown = f"{model.name}/{entry.name}"
        match = _APP_NAME.fullmatch(entry.name)
        if match and entry.is_symlink():
            problems.append(f"{shown!r} is a link")
        elif match and entry.is_dir():
            apps.append(AppFolder(model=model.name, app_num=int(match[1]), path=model / entry.name))
        elif entry.name.lower().startswith("app") and entry.is_dir():
            problems.append(f"{shown!r} is not named app<N> with N from 1")
    if not apps:
        problems.append(f"{model.name!r} has no app<N> folder")
    return apps


def _is_plain_name(name: str) -> bool:
    """Whether a folder name can serve as a model's name: printable text, no path, not hidden."""
    return bool(name) and name.isprintable() and not set(name) & set("/\\") and not name.startswith(".")
