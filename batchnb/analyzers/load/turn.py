"""One load test at a time on this machine: two at once would measure each other.

The turn is an advisory lock (`flock`) on an empty file in the system's folder for temporary files, so it ends
with the process that has it, however that ends. Whoever cannot have the file (a stranger made something else
of that name) goes on without a turn, and says so.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import BatchnbError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batchnb.tools.cancellation import CancelToken, Deadline

# Not tempfile.gettempdir(): that is a folder of its own for each worker.
LOCK = Path("/tmp/batchnb-load-test.lock")  # noqa: S108 - never followed, written or trusted, see `_open`
POLL_SECONDS = 0.2


class NoTurnError(BatchnbError):
    """The deadline passed, or the work was cancelled, before the other load test had ended."""


@contextmanager
def turn(
    deadline: Deadline, cancel: CancelToken, waiting: Callable[[], None] = lambda: None, path: Path = LOCK
) -> Iterator[str]:
    """Wait until no other load test runs, and keep others waiting until the `with` ends.

    Args:
        deadline: until when to wait.
        cancel: ends the waiting.
        waiting: called again and again meanwhile.
        path: the lock file, the same for all who take turns.

    Yields:
        Empty, or why there was no lock to take.

    Raises:
        NoTurnError: if the waiting ended without a turn.
    """
    try:
        handle = _open(path)
    except OSError as error:
        yield f"no lock on other load tests ({path}: {error.strerror or error})"
        return
    try:
        while not _taken(handle):
            waiting()
            if deadline.expired or cancel.wait(min(POLL_SECONDS, deadline.remaining())):
                raise NoTurnError(f"another load test had its turn until the end of this one's time ({path})")
        yield ""
    finally:
        os.close(handle)  # which gives the lock back


def _open(path: Path) -> int:
    """Open the lock file, made by whoever comes first; reading is all that a lock needs."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        try:
            handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(handle, 0o644)  # whatever the umask: every user of the machine takes turns
        except FileExistsError:
            handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(None, "it is no regular file")
    return handle


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
