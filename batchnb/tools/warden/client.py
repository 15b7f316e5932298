"""The kernel's side of the warden: starts the helper when needed, hands it tasks, waits for reports."""

from __future__ import annotations

import atexit
import logging
import math
import os
import socket
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from batchnb.tools.warden.helper import Helper
from batchnb.tools.warden.protocol import Ending, Report, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.tools.cancellation import CancelToken

_log = logging.getLogger(__name__)
_PATIENCE = 15.0
"""Seconds that a report may be late: longer than a guard takes to give up, so only a broken one is late."""
_SLICE = 0.5


class Warden:
    """One helper process, started with the first task and again whenever it has died. Safe for threads.

    After a fork the child has no part in its parent's helper: it starts its own.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._helper: Helper | None = None
        _wardens.add(self)
        # Registered before whoever uses it, so closed after them: they can still end their tasks in order.
        atexit.register(self.close)

    def run(self, task: Task, stdio: Sequence[int], cancel: CancelToken) -> Report:
        """Run `task` to its end, whichever that is; nothing of it is alive when this returns or raises.

        Args:
            task: the program and its surroundings.
            stdio: three descriptors: standard input, output and error.
            cancel: ends the task early.

        Raises:
            OSError: if the helper cannot be started, or descriptors have run out.
        """
        with _Line() as line:
            unsubscribe = cancel.subscribe(line.hang_up)
            try:
                self._submit(task, (*stdio, line.theirs.fileno()))
                line.theirs.close()
                return self._await(line, task.deadline)
            except BaseException:  # the Stop button, say: come back only when the tree is dead
                line.theirs.close()
                line.hang_up()
                self._await(line, task.deadline)
                raise
            finally:
                unsubscribe()

    @property
    def pid(self) -> int | None:
        """Process id of the helper; None if it is not running."""
        with self._lock:
            return self._helper.pid if self._helper is not None and self._helper.is_alive else None

    def close(self) -> None:
        """End the helper and every task that still runs (they are reported as lost)."""
        self._stop(patience=_PATIENCE)

    def _submit(self, task: Task, fds: Sequence[int]) -> None:
        # In a file, as a message is bounded by the socket's buffer and an argument list is not.
        request = os.memfd_create("task")
        try:
            with open(request, "wb", closefd=False) as file:
                file.write(task.encode())
            os.lseek(request, 0, os.SEEK_SET)
            with self._lock:
                try:
                    self._running().send((request, *fds))
                except (ConnectionError, TimeoutError):  # it died just now, or is frozen
                    self._stop(patience=0)
                    self._running().send((request, *fds))
        finally:
            os.close(request)

    def _await(self, line: _Line, deadline: float) -> Report:
        try:
            return line.report(deadline)
        except TimeoutError:  # the warden is frozen; its guards end with it
            self._stop(patience=0)
            return Report(Ending.LOST)

    def _running(self) -> Helper:
        if self._helper is not None and not self._helper.is_alive:
            _log.warning("the warden died; its tasks are lost, another is started")
            self._stop(patience=0)
        if self._helper is None:
            self._helper = Helper()
        return self._helper

    def _stop(self, patience: float) -> None:
        with self._lock:
            if self._helper is not None:
                self._helper.stop(patience)
                self._helper = None

    def _forget_after_fork(self) -> None:
        self._lock = threading.RLock()  # whoever held it does not exist here
        if self._helper is not None:
            self._helper.disown()
            self._helper = None


class _Line:
    """The control socket of one task: our end tells the guard to stop, and receives its report."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.RLock()
        self._hung_up_at = math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.theirs.close()
            self._ours.close()

    def hang_up(self) -> None:
        """Tell the guard to end the task; from any thread, at any time, more than once."""
        # Under the lock: a socket closed between test and call could have given its number to a stranger.
        with self._lock, suppress(OSError):
            self._hung_up_at = min(self._hung_up_at, time.monotonic())
            self._ours.shutdown(socket.SHUT_WR)

    def report(self, deadline: float) -> Report:
        """Wait for the report, or for the end of all who could send one.

        Raises:
            TimeoutError: if neither comes, long after the deadline or `hang_up`.
        """
        while True:
            left = min(deadline, self._hung_up_at) + _PATIENCE - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._ours.settimeout(min(left, _SLICE))
            with suppress(TimeoutError):
                data = self._ours.recv(1 << 16)
                return Report.decode(data) if data else Report(Ending.LOST)


_wardens: weakref.WeakSet[Warden] = weakref.WeakSet()
_default = Warden()


def default_warden() -> Warden:
    """Return the warden that all tools of this process share."""
    return _default


def _after_fork() -> None:
    for warden in _wardens:
        warden._forget_after_fork()  # noqa: SLF001 - same module


os.register_at_fork(after_in_child=_after_fork)
