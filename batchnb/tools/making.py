"""Making a folder so that it is either whole or not there, also when two processes do it at once."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import BatchnbError
from batchnb.tools.warden.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batchnb.tools.cancellation import CancelToken, Deadline

_BUILDING = ".building-"
_POLL_SECONDS = 0.2


class BusyError(BatchnbError):
    """Another process had not finished by the deadline, or before the wait was cancelled."""


@contextmanager
def made_by_one(target: Path, deadline: Deadline, cancel: CancelToken) -> Iterator[None]:
    """Be the only process that makes the folder `target`, after waiting for another one that does.

    Look inside whether it is there: the other one may just have made it.

    Raises:
        BusyError: if time runs out, or somebody cancels, before the other process is done.
        OSError: if the folder around `target` cannot be written.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (target.parent / f".lock-{target.name}").open("wb") as lock:
        if not taken(lock.fileno(), deadline, cancel):
            raise BusyError(f"another process is still making {target.name}")
        yield  # closing the file gives the lock back, and so does the end of the process


def taken(
    lock: int, deadline: Deadline, cancel: CancelToken, waiting: Callable[[], None] = lambda: None
) -> bool:
    """Lock an open file, after waiting for whoever has it locked; the lock ends with the process.

    Args:
        lock: its descriptor.
        deadline: until when to wait.
        cancel: ends the waiting.
        waiting: called again and again meanwhile.

    Returns:
        Whether it is locked now; False: the waiting ended before it was free.
    """
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
        else:
            return True
        if deadline.expired or cancel.wait(min(_POLL_SECONDS, deadline.remaining())):
            return False


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target`; it becomes `target` if the block ends well, else it is removed.

    Whatever an earlier attempt left, of the folder or of one beside it, is removed first, so the caller must
    be the one who makes it (`made_by_one`).

    Raises:
        OSError: if the folder around `target` cannot be written.
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
