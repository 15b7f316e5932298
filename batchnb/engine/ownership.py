"""Which process runs a job: a lock file that the system releases when the process dies, however it dies.

A process id could be reused and a heartbeat could be late; a lock can be neither.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from batchnb.records import ErrorCategory, JobError
from batchnb.records.errors import InvariantError, RecordNotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from batchnb.engine.storage import JobStorage


_NAME = re.compile("[0-9a-f]{32}")
_HOLD_SECONDS = 0.5
"""How often an engine sees to it that its lock file is there."""


class Ownership:
    """The identity of one engine on a store that several processes may open."""

    def __init__(self, store: Path) -> None:
        """Take an identity of one's own beside the store's file, and tidy up after engines that died.

        Raises:
            StorageError: if that place cannot be used.
        """
        self._folder = store.with_name(f"{store.name}.engines")
        if self._folder.is_symlink():
            raise StorageError(f"{str(self._folder)!r} is a link; remove it, or name another store")
        self.name = uuid.uuid4().hex
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            for other in list(self._folder.iterdir()):
                self.is_alive(other.name)
            self._lock = self._take()
        except OSError as error:
            raise StorageError(f"{str(self._folder)!r} cannot be used: {error.strerror}") from error

    def is_alive(self, name: str) -> bool:
        """Whether the engine called `name` still lives, in whatever process.

        The name comes from a file that anybody could have written: it is never taken for a path. In doubt an
        engine lives, because taking over a living job is worse than leaving a dead one.
        """
        if name == self.name:  # whatever became of our file
            return True
        if not _NAME.fullmatch(name):
            return False
        try:
            handle = os.open(self._folder / name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (self._folder / name).unlink(missing_ok=True)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    def hold(self) -> None:
        """See to it that our lock file is there; somebody may have emptied the folder, and others look.

        Raises:
            OSError: if it cannot be made again.
        """
        try:
            found = (self._folder / self.name).lstat()
            held = os.fstat(self._lock)
            is_ours = (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            fresh = self._take()
            os.close(self._lock)
            self._lock = fresh

    def keep_holding(self) -> Callable[[], None]:
        """Hold again and again on a thread of its own; call what is returned to end that."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.wait(_HOLD_SECONDS):
                with suppress(OSError):  # the next time, perhaps
                    self.hold()

        # A daemon: an engine that nobody closes must not keep its process alive.
        keeper = threading.Thread(target=keep, name="batchnb-owner", daemon=True)
        keeper.start()

        def end() -> None:
            ended.set()
            keeper.join()

        return end

    def release(self) -> None:
        """Give the identity up; it is never used again."""
        (self._folder / self.name).unlink(missing_ok=True)
        os.close(self._lock)

    def _take(self) -> int:
        """Lock a file before it gets its name: nobody can ever see it unlocked and call us dead."""
        draft = self._folder / f".{uuid.uuid4().hex}"
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(self._folder / self.name)
        return handle


def end_interrupted(
    storage: JobStorage, ownership: Ownership, tools: Callable[[str], Sequence[str]]
) -> list[int]:
    """End every job whose process died as ERROR (interrupted) and return their ids.

    One that lacked nothing but its own end, as every task had its result, ends as it would have.
    """
    dead = [job_id for job_id, owner in storage.owners().items() if not ownership.is_alive(owner)]
    for job_id in dead:
        message = "the process that ran this job ended before the job did"
        error = JobError(category=ErrorCategory.INTERRUPTED, message=message)
        # another notebook that was opened just now did it first, and may have deleted the job since
        with suppress(InvariantError, RecordNotFoundError):
            if not storage.finish_if_done(job_id):
                storage.break_job(job_id, error, tools)
    return dead
