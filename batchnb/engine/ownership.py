"""Which process runs a job: a lock file that the system releases when the process dies, however it dies.

A process id could be reused and a heartbeat could be late; a lock can be neither.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from typing import TYPE_CHECKING

from batchnb.records import ErrorCategory, JobError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from batchnb.engine.storage import JobStorage


class Ownership:
    """The identity of one engine on a store that several processes may open."""

    def __init__(self, store: Path) -> None:
        """Take an identity of one's own beside the store's file."""
        self._folder = store.with_name(f"{store.name}.engines")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.name = uuid.uuid4().hex
        self._lock = self._take(self.name)

    def is_alive(self, name: str) -> bool:
        """Whether the engine called `name` still lives, in whatever process."""
        try:
            handle = os.open(self._folder / name, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        (self._folder / name).unlink(missing_ok=True)
        return False

    def release(self) -> None:
        """Give the identity up; it is never used again."""
        (self._folder / self.name).unlink(missing_ok=True)
        os.close(self._lock)

    def _take(self, name: str) -> int:
        handle = os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle


def end_interrupted(
    storage: JobStorage, ownership: Ownership, tools: Callable[[str], Sequence[str]]
) -> list[int]:
    """End every job whose process died as ERROR (interrupted) and return their ids."""
    dead = [job_id for job_id, owner in storage.owners().items() if not ownership.is_alive(owner)]
    for job_id in dead:
        message = "the process that ran this job ended before the job did"
        storage.break_job(job_id, JobError(category=ErrorCategory.INTERRUPTED, message=message), tools)
    return dead
