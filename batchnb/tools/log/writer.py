"""The one thread that writes a folder of log files: in batches, and on after any trouble."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time
import warnings
from typing import TYPE_CHECKING, Final

from batchnb.records.errors import StorageError
from batchnb.tools.log.environment import secret_values
from batchnb.tools.log.folder import ready_folder
from batchnb.tools.log.front import LineQueue
from batchnb.tools.log.line import Line
from batchnb.tools.log.names import MODULE, ROOT
from batchnb.tools.log.rotating import RotatingFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

GATHER: Final = 0.1
"""Seconds that lines wait for others to be written with them."""
RETRY: Final = 1.0
"""Seconds until a file that could not be written is tried again."""
CLOSE_PATIENCE: Final = 20.0
"""Seconds that `close` waits for the last lines; more than waiting for every file's lock in turn takes."""
MOST_PENDING: Final = 20_000
"""Lines that are kept for a file that cannot be written now."""
MOST_PENDING_CHARACTERS: Final = 64_000_000
"""The same in characters: a line with a traceback may have 40,000."""
_LARGEST_BLOCK: Final = 256_000
_COMPONENT = re.compile(r"[a-z0-9_]{1,40}")


class Backlog:
    """One file and the lines that are not in it yet."""

    def __init__(self, file: RotatingFile, render: Callable[[Line, Sequence[str]], str]) -> None:
        self._file = file
        self._render = render
        self._waiting: list[str] = []
        self._characters = 0
        self._block = max(1, min(_LARGEST_BLOCK, file.maxBytes // 8))
        self.lost = 0
        """Lines given up since the last time that the file could be written."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, text: str) -> bool:
        """Keep a written-out line for `write`; tell False and count it if there are too many."""
        if len(self._waiting) >= MOST_PENDING or self._characters + len(text) > MOST_PENDING_CHARACTERS:
            self.lost += 1
            return False
        self._waiting.append(text)
        self._characters += len(text)
        return True

    def write(self) -> None:
        """Write all that waits, in blocks: a file is not much larger than its limit when it is rotated.

        Raises:
            OSError: it cannot be written now; what is left waits for the next time.
        """
        if self.lost:
            self._file.append(
                self._render(notice(f"{self.lost:,} lines dropped: the file could not be written"), ())
            )
            self.lost = 0
        done = 0
        try:
            while done < len(self._waiting):
                end, size = done, 0
                while end < len(self._waiting) and (size < self._block or end == done):
                    size += len(self._waiting[end]) + 1
                    end += 1
                self._file.append("\n".join(self._waiting[done:end]))
                done = end
        finally:
            del self._waiting[:done]
            self._characters = sum(map(len, self._waiting))


class Writer:
    """Writes what its queue gets until it is closed. Not a handler: `queue` is what a Front fills."""

    def __init__(
        self,
        folder: Path,
        render: Callable[[Line, Sequence[str]], str],
        max_bytes: int,
        backups: int,
    ) -> None:
        self.dropped = 0
        self.failure = ""
        self._folder, self._render = folder, render
        self._limits = max_bytes, backups
        self._files: dict[str, Backlog] = {}
        # Not an Event: what logs may be a finaliser or a signal handler that interrupts its own thread.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._warned = False
        self.queue = LineQueue(lambda: self._wake.put(None))
        self._thread = threading.Thread(target=self._run, name="batchnb-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is waiting and end the thread; what cannot be written now is lost and counted."""
        self._closing.set()
        self._wake.put(None)
        self._thread.join(CLOSE_PATIENCE)

    def forget(self) -> None:
        """Become empty in a forked child: the lines are the parent's, and so is the thread."""
        self.queue.forget()

    def _run(self) -> None:
        last = False
        while not last:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=RETRY if any(self._files.values()) else None)
            self._closing.wait(GATHER)
            last = self._closing.is_set()  # before the queue is emptied: what came before `close` is in it
            try:
                self._write_all()
            except Exception as error:  # noqa: BLE001 - whatever it is, the engine goes on and so does the log
                self._failed(error)
        self.dropped += len(self._backlog(""))

    def _write_all(self) -> None:
        lines, overflow = self.queue.take()
        if overflow:
            self.dropped += overflow
            lines.append(notice(f"{overflow:,} lines dropped: they came faster than they could be written"))
        secrets = secret_values()
        for line in lines:
            text = self._render(line, secrets)
            self.dropped += not self._backlog("").add(text)
            if _COMPONENT.fullmatch(line.component) and line.component != MODULE:
                self._backlog(line.component).add(text)
        failure = self._write_files()
        if failure is None:
            self.failure = ""
        else:
            self._failed(failure)

    def _write_files(self) -> Exception | None:
        """Write every file, also if another one fails; return what went wrong."""
        failure: Exception | None = None
        try:
            ready_folder(self._folder)
        except (OSError, StorageError) as error:
            return error
        for backlog in self._files.values():
            try:
                if backlog:
                    backlog.write()
            except OSError as error:
                failure = error
        return failure

    def _backlog(self, component: str) -> Backlog:
        found = self._files.get(component)
        if found is None:
            path = self._folder / (f"{ROOT}.{component}.log" if component else f"{ROOT}.log")
            found = self._files[component] = Backlog(RotatingFile(path, *self._limits), self._render)
        return found

    def _failed(self, error: Exception) -> None:
        self.failure = f"{type(error).__name__}: {error}"
        if not self._warned:
            self._warned = True
            with contextlib.suppress(Warning):  # a program may have made warnings errors
                warnings.warn(
                    f"log files in {self._folder} cannot be written now ({self.failure}); "
                    "the analyses go on, and so will the log when it can",
                    RuntimeWarning,
                    stacklevel=2,
                )


def notice(message: str) -> Line:
    """Return a line of the log about itself."""
    thread = threading.current_thread().name
    return Line(time.time(), logging.getLevelName(logging.WARNING), ROOT, thread, None, None, message)
