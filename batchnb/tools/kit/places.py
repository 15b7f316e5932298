"""Where our own tools live."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "BATCHNB_TOOLS"
"""Environment variable that names the folder."""


def folder(environment: Mapping[str, str] | None = None, package: Path | None = None) -> Path:
    """Return the tools folder; it need not exist yet.

    It is the one that `BATCHNB_TOOLS` names, else `.tools` in the checkout that batchnb runs from, else
    `batchnb/tools` in the user's cache folder.

    Args:
        environment: for tests; None: this process's.
        package: for tests; None: the folder of the package `batchnb`.

    Raises:
        InvalidValueError: if the variable names no absolute path.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(VARIABLE, "")
    if named:
        chosen = Path(named).expanduser()
        if not chosen.is_absolute():
            raise InvalidValueError("tools folder", named, "give an absolute path", VARIABLE)
        return chosen
    checkout = (package or Path(__file__).resolve().parents[2]).parent
    if (checkout / "Makefile").is_file() and (checkout / "pyproject.toml").is_file():
        return checkout / ".tools"
    cache = Path(environment.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "batchnb" / "tools"
