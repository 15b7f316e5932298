"""The kernel's side of the warden: starts the helper when needed, hands it tasks, waits for reports."""

from __future__ import annotations

import atexit
import logging
import math
import os
import select
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

    from batchnb.tools.cancellation import CancelToken, Deadline

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

    def run(self, task: Task, stdio: Sequence[int], cancel: CancelToken, deadline: Deadline) -> Report:
        """Run `task` to its end, whichever that is; nothing of it is alive when this returns or raises.

        Args:
            task: the program and its surroundings.
            stdio: three descriptors: standard input, output and error.
            cancel: ends the task early.
            deadline: counts instead of the task's own from its first move on.

        Raises:
            OSError: if the helper cannot be started, or descriptors have run out.
        """
        with Line(self) as line:
            unsubscribe = cancel.subscribe(line.hang_up)
            unfollow = deadline.subscribe(lambda: line.move(deadline))
            if deadline.at != task.deadline:  # moved before it was followed
                line.move(deadline)
            try:
                self._submit(task, (*stdio, line.theirs.fileno()))
                line.theirs.close()
                return line.report(deadline)
            except BaseException:  # the Stop button, say: come back only when the tree is dead
                line.theirs.close()
                line.hang_up()
                line.report(deadline)
                raise
            finally:
                unfollow()
                unsubscribe()

    def start(self, task: Task, stdio: Sequence[int]) -> Line:
        """Start `task` and return the line to its guard, by which it is watched and stopped.

        It ends, at the latest, when the line is closed.

        Raises:
            OSError: if the helper cannot be started, or descriptors have run out.
        """
        line = Line(self)
        try:
            self._submit(task, (*stdio, line.theirs.fileno()))
        except BaseException:
            line.hang_up()
            line.close()
            raise
        line.theirs.close()
        return line

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

    def give_up(self) -> None:
        """Kill the helper, which is frozen; its guards end with it, and the next task starts another."""
        self._stop(patience=0)

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


class Line:
    """The control socket of one task: our end tells the guard what to do, and receives its report."""

    def __init__(self, warden: Warden) -> None:
        self._warden = warden
        self._ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.settimeout(_SLICE)
        self._lock = threading.RLock()
        self._hung_up_at = math.inf
        self._unsent: Deadline | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go; a task that still runs is ended by its guard. A second call changes nothing."""
        with self._lock:
            self.disown()

    def disown(self) -> None:
        """Let go in a forked child, where the lock may be held by nobody; the task is the parent's."""
        self.theirs.close()
        self._ours.close()

    def hang_up(self) -> None:
        """Tell the guard to end the task; from any thread, at any time, more than once."""
        # Under the lock: a socket closed between test and call could have given its number to a stranger.
        with self._lock, suppress(OSError):
            self._hung_up_at = min(self._hung_up_at, time.monotonic())
            self._ours.shutdown(socket.SHUT_WR)

    def move(self, deadline: Deadline) -> None:
        """Tell the guard where `deadline` is now; from any thread, without waiting."""
        # `at` is read under the lock, so that of two moves at once the guard hears the newer one last.
        with self._lock, suppress(OSError):  # it has ended, or was told to
            self._unsent = deadline
            with suppress(BlockingIOError):  # the guard has some hundred moves to read; `retry` sends it
                os.write(self._ours.fileno(), repr(deadline.at).encode())
                self._unsent = None

    def retry(self) -> None:
        """Send the deadline that could not be sent, if there is one."""
        unsent = self._unsent
        if unsent is not None:
            self.move(unsent)

    def has_ended(self, seconds: float) -> bool:
        """Whether the report, or the end of all who could send one, is there within `seconds`."""
        poll = select.poll()
        poll.register(self._ours, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def report(self, deadline: Deadline) -> Report:
        """Wait for the report; `LOST` without one, when all who could send it have ended.

        If neither comes, long after the deadline or `hang_up`, the warden is frozen and is given up.
        """
        while True:
            left = min(deadline.at, self._hung_up_at) + _PATIENCE - time.monotonic()
            if left <= 0:
                self._warden.give_up()
                return Report(Ending.LOST)
            if self.has_ended(min(left, _SLICE)):
                # Reset: the guard ended without having read a move; its report comes with the next call.
                with suppress(TimeoutError, BlockingIOError, ConnectionResetError):
                    data = self._ours.recv(1 << 16)
                    return Report.decode(data) if data else Report(Ending.LOST)
            self.retry()


_wardens: weakref.WeakSet[Warden] = weakref.WeakSet()
_default = Warden()


def default_warden() -> Warden:
    """Return the warden that all tools of this process share."""
    return _default


def _after_fork() -> None:
    for warden in _wardens:
        warden._forget_after_fork()  # noqa: SLF001 - same module


os.register_at_fork(after_in_child=_after_fork)
