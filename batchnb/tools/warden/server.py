"""The warden's loop: forks a guard for each task, and inherits what a dead guard leaves behind."""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import time
from contextlib import suppress
from typing import NoReturn

from .guard import KILL_PATIENCE, guard_task
from .linux import ChildAlarm, adopt_orphans, children, kill, open_pidfd, outranking
from .protocol import Ending, Report

FILES_PER_TASK = 5
"""Descriptors that come with a request: the task, standard input, output and error, the control socket."""
_ORPHAN_INTERVAL = 0.02
_CLOSE_PATIENCE = KILL_PATIENCE + 2


def main(requests: int, parent: int) -> None:
    """Serve until the process `parent` ends or hangs up the socket `requests`."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # No cycles are made here, and a collection in a forked guard would only copy shared pages.
    gc.disable()
    server = _Server(socket.socket(fileno=requests), parent)
    if os.getppid() == parent:  # otherwise it ended before we could watch it
        with outranking():
            server.serve()


class _Server:
    def __init__(self, requests: socket.socket, parent: int) -> None:
        adopt_orphans()  # second net: the tree of a killed guard comes here
        requests.set_inheritable(False)
        self._requests = requests
        self._alarm = ChildAlarm()
        self._alarm.watch(requests.fileno())
        # The socket alone does not tell: a process that the kernel forked may hold a copy of its other end.
        self._parent = open_pidfd(parent)
        if self._parent is not None:
            self._alarm.watch(self._parent)
        # Guards hold the reading end; it ends when the warden does, or when it tells them all to stop.
        self._life, self._life_write = os.pipe()
        self._guards: dict[int, int] = {}  # process id -> our copy of the task's control socket
        self._ended: list[int] = []  # such copies of guards that ended
        self._orphans = False
        self._stop_by: float | None = None

    def serve(self) -> None:
        while self._stop_by is None or self._guards or self._orphans:
            ready = self._alarm.wait(self._patience())
            self._tend()
            if self._stop_by is not None:
                self._hurry()
            elif self._parent in ready:
                self._stop()
            elif self._requests.fileno() in ready:
                self._accept()

    def _patience(self) -> float | None:
        """Seconds until the loop must turn even if nothing happens; None, for ever, when all is well."""
        if self._orphans:
            return _ORPHAN_INTERVAL
        return None if self._stop_by is None else 1.0

    def _accept(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._requests, 16, FILES_PER_TASK, socket.MSG_CMSG_CLOEXEC)
        except OSError:
            data, fds = b"", []
        if not data:
            self._stop()
        elif len(fds) == FILES_PER_TASK:
            self._fork_guard(fds)
        else:  # descriptors ran out on the way; the client reads the end of its control socket
            _close(fds)

    def _fork_guard(self, fds: list[int]) -> None:
        *files, control = fds
        try:
            pid = os.fork()
        except OSError as error:
            refusal = Report(
                Ending.NOT_STARTED, errno=error.errno or errno.EAGAIN, step="fork a guard for it"
            )
            with suppress(OSError):
                os.write(control, refusal.encode())
            _close(fds)
            return
        if pid == 0:
            self._become_guard(files, control)
        _close(files)
        self._guards[pid] = control

    def _become_guard(self, files: list[int], control: int) -> NoReturn:
        try:
            self._requests.close()
            _close([self._life_write, *self._guards.values(), *self._ended])
            guard_task(files[0], files[1:], control, self._life)
        finally:  # a copy of the warden must never live on
            os._exit(0)

    def _tend(self) -> None:
        """Bury the dead, kill what has lost its guard, and only then hang up on clients of dead guards."""
        orphans = [pid for pid in children() if pid not in self._guards] if self._bury() else []
        for pid in orphans:
            kill(pid)
        self._orphans = bool(orphans)
        if not orphans:
            _close(self._ended)
            self._ended.clear()

    def _bury(self) -> bool:
        """Wait for all children that have ended; return whether any is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if os.WIFSTOPPED(status):
                if pid in self._guards:  # a task stops its guard to outlive its deadline
                    kill(pid)
            elif pid in self._guards:
                self._ended.append(self._guards.pop(pid))

    def _stop(self) -> None:
        """Take no more tasks and tell the guards to end theirs."""
        self._stop_by = time.monotonic() + _CLOSE_PATIENCE
        self._alarm.forget(self._requests.fileno())
        self._requests.close()
        if self._parent is not None:
            self._alarm.forget(self._parent)
        os.close(self._life_write)

    def _hurry(self) -> None:
        if self._stop_by is not None and time.monotonic() > self._stop_by:
            for pid in self._guards:
                kill(pid)


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
