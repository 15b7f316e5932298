"""The guard of one task: starts the program, keeps its deadline, and leaves nothing of it alive."""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from .child import become
from .linux import ChildAlarm, adopt_orphans, children, kill, outranking
from .protocol import Ending, Report, Task
from .scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

KILL_PATIENCE = 10.0
"""Seconds after which a tree that does not die of SIGKILL (a hung disk, a foreign user id) is given up."""
_LONGEST_WAIT = 3600.0
_KILL_INTERVAL = 0.005
_QUICK = 0.02
"""Seconds for removing the scratch folder before anything else runs; most need a fraction of that."""


def guard_task(request: int, stdio: Sequence[int], control: int, life: int) -> None:
    """Run the task described in the file `request` and send a report to the socket `control`.

    Args:
        request: file with an encoded `Task`.
        stdio: the program's standard input, output and error.
        control: socket to the kernel, which sends a new deadline, or hangs up to have the task stopped.
        life: pipe that ends when the warden does.
    """
    with os.fdopen(request, "rb") as file:
        task = Task.decode(file.read())
    with outranking():
        report = _Guard(task, control, life).run(stdio)
        # The caller waits for it, so it is done at once - but masses of files must not hold the processor.
        remove_tree(task.scratch, until=time.monotonic() + _QUICK)
    remove_tree(task.scratch)
    with suppress(OSError):  # nobody is left to read it
        os.write(control, report.encode())


class _Guard:
    def __init__(self, task: Task, control: int, life: int) -> None:
        adopt_orphans()
        self._task, self._control, self._life = task, control, life
        self._deadline = task.deadline
        self._alarm = ChildAlarm()
        self._alarm.watch(control)
        self._alarm.watch(life)
        self._leader = 0
        self._status: int | None = None
        self._strays = 0

    def run(self, stdio: Sequence[int]) -> Report:
        started = time.monotonic()
        try:
            verdict = self._start(stdio)
        except OSError as error:
            return Report(Ending.NOT_STARTED, errno=error.errno or 0, step="fork a process for it")
        ending = self._watch()
        if not self._end_tree():
            ending = Ending.LOST
        seconds = time.monotonic() - started
        # Every copy of the pipe's other end is gone, so this cannot wait - unless the tree did not die.
        obstacle = os.read(verdict, 256).decode() if ending is Ending.EXITED else ""
        return self._report(ending, obstacle, seconds)

    def _report(self, ending: Ending, obstacle: str, seconds: float) -> Report:
        number, _, step = obstacle.partition(" ")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = self._status is not None and not obstacle
        return Report(
            ending=Ending.NOT_STARTED if obstacle else ending,
            returncode=os.waitstatus_to_exitcode(self._status or 0) if ended else None,
            errno=int(number or 0),
            step=step,
            seconds=seconds,
            cpu_seconds=used.ru_utime + used.ru_stime,
            max_rss_bytes=used.ru_maxrss * 1024,
            strays=self._strays,
        )

    def _start(self, stdio: Sequence[int]) -> int:
        read, write = os.pipe()
        me = os.getpid()
        self._leader = os.fork()
        if self._leader == 0:
            become(self._task, stdio, write, me)
        for fd in (write, *stdio):
            os.close(fd)
        return read

    def _watch(self) -> Ending:
        """Wait until the program ends or must end."""
        while True:
            left = self._deadline - time.monotonic()
            ready = self._alarm.wait(min(left, _LONGEST_WAIT))
            if self._leader_ended():
                return Ending.EXITED
            if self._control in ready and not self._read_deadline():
                return Ending.CANCELLED
            if self._life in ready:
                return Ending.LOST
            # After a move there may be another one to read, which counts before this one has passed.
            if self._control not in ready and time.monotonic() >= self._deadline:
                return Ending.TIMED_OUT

    def _read_deadline(self) -> bool:
        """Take over the deadline that the kernel sent; return False if it hung up instead."""
        try:
            self._deadline = float(os.read(self._control, 64))
        except (OSError, ValueError):  # ValueError: the end, which reads as nothing
            return False
        return True

    def _leader_ended(self) -> bool:
        """Bury adopted orphans, but leave the program itself a zombie: `killpg` needs its number taken."""
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid == self._leader:
                return ended is not None
            os.waitpid(ended.si_pid, 0)

    def _end_tree(self) -> bool:
        """Kill until there is no child left; return whether that succeeded.

        Killing the group first takes all that stayed in it at one stroke, which no fork can outrun. For the
        rest: whoever loses its parent becomes a child of this process, and is killed in the next round.
        """
        for fd in (self._control, self._life):  # both stay readable once they were
            self._alarm.forget(fd)
        with suppress(OSError):  # the program was not far enough to have a group
            os.killpg(self._leader, signal.SIGKILL)
        give_up = time.monotonic() + KILL_PATIENCE
        while self._bury():
            if time.monotonic() > give_up:
                return False
            for pid in children():
                kill(pid)
            self._alarm.wait(_KILL_INTERVAL)
        return True

    def _bury(self) -> bool:
        """Wait for all children that have ended; return whether any is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._leader:
                self._status = status
            elif os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                self._strays += 1
