"""One log file that several processes write: rotated, never torn, and never a planted link."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from concurrent_log_handler import ConcurrentRotatingFileHandler
from portalocker import LOCK_EX, LOCK_NB, LockException, lock

if TYPE_CHECKING:
    from pathlib import Path

LOCK_PATIENCE: Final = 2.0
"""Seconds to wait for another process (it may be stopped, for ever) before the lines are kept for later."""
_LOCK_PAUSE: Final = 0.002
_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RotatingFile(ConcurrentRotatingFileHandler):
    """Writes blocks of lines, whole or not at all.

    Nothing stays open between two blocks: a folder that was deleted or replaced meanwhile is found out, a
    forked child inherits no lock, and many workspaces take no file descriptors.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        super().__init__(
            path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8", keep_file_open=False
        )
        self.maxLockAttempts = 1  # `_lock_stream_lock` has its own patience
        self._problems: list[BaseException | None] = []

    def append(self, block: str) -> None:
        """Write a block of lines (without the last line end), after rotating if the file is full.

        Raises:
            OSError: it cannot be written now; nothing of it was, and it may be tried again.
        """
        self._problems.clear()
        self.emit(logging.makeLogRecord({"msg": block}))
        if self._problems:
            self.close()  # forgets the files, so that the next try opens them afresh
            raise OSError(*_described(self._problems[0])) from self._problems[0]

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name
        """Keep what `emit` caught, for `append` (called by `logging`; prints nothing)."""
        self._problems.append(sys.exception())

    def do_write(self, msg: str) -> None:
        """Append the block under the lock that `emit` holds; a line that was left torn is ended first."""
        with self._open_safely(self.baseFilename) as file:
            size = file.seek(0, os.SEEK_END)
            torn = size and os.pread(file.fileno(), 1, size - 1) != b"\n"
            data = memoryview(("\n" * bool(torn) + msg + "\n").encode("utf-8", "backslashreplace"))
            try:
                while data:
                    data = data[file.write(data) :]
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(size)  # ours alone while we hold the lock
                raise

    def do_open(self, mode: str | None = None) -> Any:  # noqa: ARG002 - logging's signature
        """Open the file to look at its size (called by the rotation if it is missing)."""
        return self._open_safely(self.baseFilename)

    def atomic_open(self, file_path: str) -> io.TextIOWrapper:
        """Open the lock file."""
        return io.TextIOWrapper(io.BufferedRandom(self._open_safely(file_path)), encoding="utf-8")

    def _lock_stream_lock(self, stream_lock: io.TextIOWrapper) -> None:
        """Wait for the lock, but not for ever: the base class would."""
        end = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                lock(stream_lock, LOCK_EX | LOCK_NB)
            except LockException:
                if time.monotonic() > end:
                    raise
                time.sleep(_LOCK_PAUSE)
            else:
                return

    @staticmethod
    def _open_safely(path: str) -> io.FileIO:
        descriptor = os.open(path, _OPEN_FLAGS, 0o600)
        try:
            require_own(path, os.fstat(descriptor))
            return io.FileIO(descriptor, "r+")
        except BaseException:
            os.close(descriptor)
            raise


def require_own(path: str, status: os.stat_result) -> None:
    """Raise OSError if this is no regular file with one name (a link, a pipe, a device, a folder)."""
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise OSError(
            0, "is no regular file of its own; somebody may have put it there to have us write it", path
        )


def _described(problem: BaseException | None) -> tuple[Any, ...]:
    if isinstance(problem, OSError) and problem.errno is not None:
        return problem.errno, problem.strerror, problem.filename
    return 0, str(problem) or type(problem).__name__
