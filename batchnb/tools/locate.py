"""Finding the programs that batchnb runs: beside its own interpreter first, then on the PATH."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path


def find_program(name: str) -> Path | None:
    """Return the absolute path of a program, or None. A relative entry of the PATH is never used."""
    folders = [sysconfig.get_path("scripts"), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    search = os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
    found = shutil.which(name, path=search)
    return Path(found) if found else None
