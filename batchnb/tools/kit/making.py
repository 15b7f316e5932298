"""Making a folder so that it is either whole or not there, also when two processes do it at once."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.warden.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.tools.cancellation import CancelToken, Deadline

_BUILDING = ".building-"
_POLL_SECONDS = 0.2


class NotInstalledError(Exception):
    """A part could not be made; the message says why, in words for the user."""


@contextmanager
def only_one(home: Path, name: str, deadline: Deadline, cancel: CancelToken) -> Iterator[None]:
    """Hold the lock of a part, after waiting for another process that has it.

    Raises:
        NotInstalledError: if time runs out, or somebody cancels, before the other process is done.
        OSError: if the tools folder cannot be written.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / f".lock-{name}").open("wb") as lock:
        while not _taken(lock.fileno()):
            if cancel.cancelled or deadline.expired:
                raise NotInstalledError("another process is still installing it")
            cancel.wait(min(_POLL_SECONDS, deadline.remaining()))
        yield  # closing the file gives the lock back, and so does the end of the process


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target`; it becomes `target` if the block ends well, else it is removed.

    Whatever an earlier attempt left, of the folder or of one beside it, is removed first, so the caller must
    hold the part's lock.

    Raises:
        OSError: if the tools folder cannot be written.
    """
    prefix = f"{_BUILDING}{target.name}-"
    for left in target.parent.glob(f"{prefix}*"):
        remove_tree(os.fsencode(left))
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        yield made
        if target.exists():
            remove_tree(os.fsencode(target))
        made.rename(target)
    finally:
        if made.exists():
            remove_tree(os.fsencode(made))
