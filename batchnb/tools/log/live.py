"""Which log files are open in this process, and what the logger is like meanwhile.

Log files want every line from INFO on, and the logger's level decides what is made at all. Lowering it would
also flood whatever handler the program has on the root logger (`logging.basicConfig()` is enough, and a batch
has thousands of lines), so while files are open, others get what they would have got without them.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING

from batchnb.tools.log.names import create_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batchnb.tools.log.front import Front
    from batchnb.tools.log.writer import Writer

    Key = tuple[str, str]


class Open:
    """One folder's writer in use, by as many LogFiles as asked for the same folder and store."""

    def __init__(self, writer: Writer, front: Front) -> None:
        self.writer, self.front = writer, front
        self.users = 1


class _Outward(logging.Handler):
    """Hands on to the root logger's handlers what they would have got without log files."""

    def __init__(self, inner: logging.Logger) -> None:
        super().__init__()
        self._inner = inner
        self._own_level = inner.level
        self._propagate = inner.propagate
        self._lowered = inner.level

    def install(self) -> None:
        self._inner.propagate = False
        self._inner.addHandler(self)

    def lower(self, level: int) -> None:
        """Let records from `level` on be made."""
        if self._inner.level == self._lowered:  # otherwise somebody set it meanwhile, and that holds
            outer = self._own_level or level
            self._lowered = min(level, outer)
            self._inner.setLevel(self._lowered)

    def remove(self) -> None:
        self._inner.removeHandler(self)
        self._inner.propagate = self._propagate
        if self._inner.level == self._lowered:
            self._inner.setLevel(self._own_level)

    def handle(self, record: logging.LogRecord) -> bool:
        outer = self._inner.parent
        if outer is None or not self._propagate or record.levelno < self._threshold(outer):
            return False
        if outer.hasHandlers():  # without any, `logging` would print it on stderr
            outer.callHandlers(record)
        return True

    def _threshold(self, outer: logging.Logger) -> int:
        changed = self._inner.level != self._lowered
        return self._inner.level if changed else self._own_level or outer.getEffectiveLevel()


class _Registry:
    """The open writers of this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open: dict[Key, Open] = {}
        self._outward: _Outward | None = None

    def acquire(self, key: Key, make: Callable[[], tuple[Writer, Front]]) -> Open:
        """Return the writer of a folder and store, made at the first call."""
        with self._lock:
            found = self._open.get(key)
            if found is not None:
                found.users += 1
                return found
            opened = self._open[key] = Open(*make())
            self._attach(opened.front)
            return opened

    def release(self, key: Key, opened: Open) -> None:
        """End one use; the last one writes out what waits and ends the thread."""
        with self._lock:
            opened.users -= 1
            if opened.users or self._open.get(key) is not opened:
                return
            del self._open[key]
            self._detach(opened.front)
        opened.writer.close()

    def close_all(self) -> None:
        """Write out everything at the end of the interpreter."""
        for opened in self._emptied():
            opened.writer.close()

    def forget(self) -> None:
        """In a forked child: keep nothing of the parent's."""
        self._lock = threading.RLock()
        for opened in self._emptied():
            opened.writer.forget()

    def _emptied(self) -> Iterator[Open]:
        with self._lock:
            opened, self._open = list(self._open.values()), {}
            for each in opened:
                self._detach(each.front)
        return iter(opened)

    def _attach(self, front: Front) -> None:
        logger = create_logger()
        if self._outward is None:
            self._outward = _Outward(logger)
            self._outward.install()
        self._outward.lower(front.level)
        logger.addHandler(front)

    def _detach(self, front: Front) -> None:
        create_logger().removeHandler(front)
        if self._outward is not None and not self._open:
            self._outward.remove()
            self._outward = None


REGISTRY = _Registry()

# At the import of the first logger, so before those who log have registered: exit hooks run in reverse order.
atexit.register(REGISTRY.close_all)
with contextlib.suppress(AttributeError):
    os.register_at_fork(after_in_child=REGISTRY.forget)
