"""The folder of the log files: ours alone, and nothing in it that was put there to mislead us."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from batchnb.records.errors import StorageError
from batchnb.tools.log.names import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_OUR_NAMES = (f"{ROOT}.", f".__{ROOT}")


def ready_folder(folder: Path) -> None:
    """Make the folder (not its parents) if it is missing.

    Raises:
        StorageError: there is a link or something else in its place.
        OSError: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise StorageError(
                f"the log folder {str(folder)!r} is a link or a file; "
                "remove it, logs are never written through it"
            ) from None


def inspect_folder(folder: Path) -> None:
    """Make the folder with its parents, and look at what is in it.

    Raises:
        StorageError: the folder, or a file of a name that the logs use, is a link or no regular file.
        OSError: the folder cannot be made or read.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    ready_folder(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_OUR_NAMES) and not _own(entry):
                raise StorageError(
                    f"the log file {entry.path!r} is a link, or no regular file; remove it, "
                    "logs are never written through it"
                )


def _own(entry: os.DirEntry[str]) -> bool:
    try:
        status = os.lstat(entry.path)
    except FileNotFoundError:
        return True  # another process has just rotated it away
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1
