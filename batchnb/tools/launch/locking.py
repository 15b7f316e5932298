"""One process at a time, of those that prepare the same environment."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batchnb.tools.launch.errors import AppNotRunningError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batchnb.tools.cancellation import CancelToken, Deadline

_POLL_SECONDS = 0.1


@contextmanager
def locked(path: Path, deadline: Deadline, cancel: CancelToken) -> Iterator[None]:
    """Hold the lock file `path` alone among all processes; the system frees it when its holder dies.

    Raises:
        AppNotRunningError: if it is still held at the deadline, or the wait was cancelled.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline.expired or cancel.wait(_POLL_SECONDS):
                    raise AppNotRunningError(
                        f"another process was still preparing the app's environment ({path.stem[:12]})"
                    ) from None
        yield
