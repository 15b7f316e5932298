"""The caller's side of the log files: take the lines that are ours, and never wait for the disk."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from batchnb.tools.log.line import RAW_MESSAGE, Line, ends_of

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINES: Final = 20_000
MOST_CHARACTERS: Final = 32_000_000
_TRACES = logging.Formatter()


class LineQueue:
    """Lines that wait to be written: bounded in number and size; what does not fit is counted."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._lock = threading.RLock()  # re-entrant: a finaliser that logs may run in any of these lines
        self._lines: list[Line] = []
        self._characters = 0
        self._overflow = 0
        self._wake = wake

    def put(self, line: Line) -> None:
        """Add a line, or count it if the queue is full."""
        size = len(line.message) + len(line.trace)
        with self._lock:
            if len(self._lines) >= MOST_LINES or self._characters + size > MOST_CHARACTERS:
                self._overflow += 1
                return
            self._lines.append(line)
            self._characters += size
            first = len(self._lines) == 1
        if first:
            self._wake()

    def take(self) -> tuple[list[Line], int]:
        """Return all lines and how many did not fit, and start anew."""
        with self._lock:
            lines, overflow = self._lines, self._overflow
            self._lines, self._characters, self._overflow = [], 0, 0
        return lines, overflow

    def forget(self) -> None:
        """Become empty in a forked child, whatever another thread of the parent was doing."""
        self._lock = threading.RLock()
        self._lines, self._characters, self._overflow = [], 0, 0


class Front(logging.Handler):
    """Hands a store's records over to its queue, as plain text: no object of the caller is kept."""

    def __init__(self, queue: LineQueue, store: str, level: int) -> None:
        super().__init__(level)
        self.queue = queue
        self._store = store

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record if it is ours; without the lock that `logging` takes for slower handlers."""
        store = getattr(record, "store", "")
        if not store or not self._store or store == self._store:
            self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record; it is turned into text here, because its arguments may change later."""
        message, trace = _message(record), _trace(record)
        self.queue.put(
            Line(
                created=record.created,
                level=record.levelname,
                logger=record.name,
                thread=record.threadName or "",
                job_id=_id(record, "job_id"),
                task_id=_id(record, "task_id"),
                message=message[:RAW_MESSAGE],
                cut=max(0, len(message) - RAW_MESSAGE),
                trace=ends_of(trace),
            )
        )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - a wrong format, or an argument that cannot be printed
        text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        return f"{text} (cannot be written out: {type(error).__name__})"


def _id(record: logging.LogRecord, name: str) -> int | None:
    found = getattr(record, name, None)
    return found if isinstance(found, int) else None


def _trace(record: logging.LogRecord) -> str:
    if not record.exc_info and not record.exc_text and not record.stack_info:
        return ""
    try:
        if record.exc_info and not record.exc_text:
            record.exc_text = _TRACES.formatException(record.exc_info)  # as logging does: made once for all
    except Exception as error:  # noqa: BLE001 - the exception logged may be anything
        record.exc_text = f"(its traceback cannot be printed: {type(error).__name__})"
    return "\n".join(text for text in (record.exc_text, record.stack_info) if text)
