"""Calls that fail on order: the n-th one of a kind, or all from the n-th on."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from contextlib import contextmanager
from typing import NamedTuple

import apsw

from batchnb.records.errors import WorkerDiedError
from batchnb.tools.log.rotating import RotatingFile
from batchnb.tools.warden.client import Line
from batchnb.tools.warden.helper import Helper
from batchnb.tools.workers.worker import Worker


def _os_error(number):
    return OSError(number, os.strerror(number))


ERRORS = {
    "statement": (
        lambda: apsw.FullError("database or disk is full"),
        lambda: apsw.IOError("disk I/O error"),
        lambda: apsw.BusyError("database is locked"),
        lambda: MemoryError("no memory for a statement"),
    ),
    "disk": (lambda: apsw.FullError("disk full"), lambda: apsw.IOError("disk I/O error")),
    "warden start": (lambda: _os_error(errno.EAGAIN), lambda: _os_error(errno.ENOMEM), MemoryError),
    "warden send": (
        lambda: _os_error(errno.EMFILE),
        lambda: BrokenPipeError(errno.EPIPE, "it died"),
        lambda: TimeoutError("it is frozen"),
    ),
    "warden line": (lambda: _os_error(errno.EMFILE), lambda: _os_error(errno.ENFILE)),
    "thread": (lambda: RuntimeError("can't start new thread"), lambda: MemoryError("no stack")),
    "worker start": (lambda: _os_error(errno.EAGAIN), lambda: _os_error(errno.ENOSPC)),
    "worker call": (lambda: WorkerDiedError("killed", -9, b""), MemoryError),
    "folder": (lambda: _os_error(errno.ENOSPC), lambda: _os_error(errno.EACCES)),
    "file": (lambda: _os_error(errno.ENOSPC), lambda: _os_error(errno.EMFILE)),
    "log": (lambda: _os_error(errno.ENOSPC), lambda: _os_error(errno.EIO)),
}
"""Kind of call -> what it may raise, one made anew each time."""


class Plan(NamedTuple):
    """What is to fail."""

    kind: str
    number: int
    """Which call of the kind, from 1; 0: none."""
    error: int = 0
    """Which of its errors."""
    is_lasting: bool = False
    """Whether every later call fails as well."""

    def make(self):
        """Return a new error of the kind that the plan names."""
        return ERRORS[self.kind][self.error]()

    def __str__(self):
        how = "all from" if self.is_lasting else "only"
        return f"{self.kind}, {how} call {self.number}, {type(self.make()).__name__}"


NOTHING = Plan("statement", 0)


class Faults:
    """Counts the calls of every kind, and fails those that the plan names, while it is armed."""

    def __init__(self):
        self._lock = threading.Lock()
        self.disarm()

    def arm(self, plan):
        with self._lock:
            self._plan, self.counts, self.fired, self._is_armed = plan, dict.fromkeys(ERRORS, 0), 0, True

    def disarm(self):
        """Let all calls succeed, and count none."""
        with self._lock:
            self._plan, self._is_armed = NOTHING, False

    def call(self, kind):
        """Count a call; raise if it is to fail."""
        with self._lock:
            if not self._is_armed:
                return
            self.counts[kind] += 1
            plan, number = self._plan, self.counts[kind]
            if plan.kind != kind or plan.number == 0:
                return
            if not (number == plan.number or (plan.is_lasting and number > plan.number)):
                return
            self.fired += 1
        raise plan.make()


class FaultyDisk(apsw.VFS):
    """SQLite's way to the files of a store while it is registered."""

    def __init__(self, faults):
        self._faults = faults
        super().__init__(f"faulty{id(self)}", "", makedefault=True)

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's name
        kept = flags[0] & (apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL)
        return FaultyFile(self._faults, name, flags) if kept else super().xOpen(name, flags)


class FaultyFile(apsw.VFSFile):
    def __init__(self, faults, name, flags):
        faults.call("disk")
        self._faults = faults
        super().__init__("unix", name, flags)

    def xRead(self, amount, offset):  # noqa: N802
        self._faults.call("disk")
        return super().xRead(amount, offset)

    def xWrite(self, data, offset):  # noqa: N802
        self._faults.call("disk")
        super().xWrite(data, offset)

    def xTruncate(self, size):  # noqa: N802
        self._faults.call("disk")
        super().xTruncate(size)

    def xSync(self, flags):  # noqa: N802
        self._faults.call("disk")
        super().xSync(flags)


@contextmanager
def injected(monkeypatch):
    """Put the counters into every call site; give the Faults that decide."""
    faults = Faults()
    for owner, name, kind in (
        (Helper, "__init__", "warden start"),
        (Helper, "send", "warden send"),
        (Line, "__init__", "warden line"),
        (Worker, "__init__", "worker start"),
        (Worker, "call", "worker call"),
        (RotatingFile, "append", "log"),
        (tempfile, "mkdtemp", "folder"),
        (tempfile, "TemporaryFile", "file"),
    ):
        monkeypatch.setattr(owner, name, _counted(faults, kind, getattr(owner, name)))
    start = threading.Thread.start

    def start_ours(thread):
        if thread.name.startswith("batchnb-"):
            faults.call("thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_ours)

    def before_a_statement(cursor, sql, bindings):
        faults.call("statement")
        return True

    def hook(connection):
        connection.exec_trace = before_a_statement

    disk = FaultyDisk(faults)
    apsw.connection_hooks.append(hook)
    try:
        yield faults
    finally:
        apsw.connection_hooks.remove(hook)
        disk.unregister()


def _counted(faults, kind, call):
    def counted(*arguments, **options):
        faults.call(kind)
        return call(*arguments, **options)

    return counted
