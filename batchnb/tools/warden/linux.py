"""The few calls to the Linux kernel that Python has no name for."""

# ruff: noqa: PTH123, PTH208 - pathlib would double the helper's start-up time

from __future__ import annotations

import ctypes
import os
import select
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_NICENESS = 5
"""Of a program within its session."""
_SESSION_NICENESS = 5
"""Of the session as a whole, where the system shares processor time out by session."""
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Make this process the new parent of every descendant whose own parent ends (it is not inherited)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have this process killed when `parent` ends; only sound under a single-threaded parent.

    A second net: the signal is tied to the parent's *thread*, and forked children do not inherit it.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call above
        os._exit(127)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@contextmanager
def outranking() -> Iterator[None]:
    """Let this process, not its children, run before all ordinary ones, if its user may (root may).

    A fork bomb fights its guard for the processor, a thousand to one; who cannot outrank it has to wait.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def give_way() -> None:
    """Let this session's processes run after the notebook's when both want the processor.

    Where the system shares processor time out by session (autogroup), `nice` counts only within one, so that
    a scanner with a session of its own gets as much as the whole notebook.
    """
    os.nice(_NICENESS)
    with suppress(OSError), open("/proc/self/autogroup", "wb", buffering=0) as share:
        share.write(b"%d" % _SESSION_NICENESS)  # refused within 0.1 s of another, but not to root


def kill(pid: int) -> None:
    """Send SIGKILL to a child of this process and, where the user may, let it die before others run.

    Its number cannot belong to a stranger: it stays taken until this process waits for the child. Dying takes
    processor time too, and on a busy machine a tree of nice processes would wait for each bit of it.
    """
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        os.sched_setscheduler(pid, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def children() -> list[int]:
    """Return the children of this (single-threaded) process, zombies included.

    The list can lack some while others end. Callers ask again until `wait` says that none is left.
    """
    me = os.getpid()
    try:
        with open(f"/proc/self/task/{me}/children", "rb", buffering=0) as listing:
            return [int(pid) for pid in listing.read().split()]
    except FileNotFoundError:  # a Linux built without CONFIG_PROC_CHILDREN
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and _parent_of(name) == me]


def _parent_of(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
            # "pid (name) state ppid ...", where the name may hold anything, a bracket too.
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that is readable once process `pid` has ended; None if the kernel is too old."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


class ChildAlarm:
    """A descriptor that is readable after a child ended or stopped, so that nobody has to poll for it."""

    def __init__(self) -> None:
        self._fd, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # any handler: an ignored signal wakes nobody
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._poll = select.poll()
        self.watch(self._fd)

    def watch(self, fd: int) -> None:
        """Have `wait` end when `fd` can be read or was hung up."""
        self._poll.register(fd, select.POLLIN)

    def forget(self, fd: int) -> None:
        """Take `watch` back."""
        self._poll.unregister(fd)

    def wait(self, seconds: float | None) -> set[int]:
        """Wait for a child or one of the watched descriptors; return those that are ready."""
        ready = {fd for fd, _ in self._poll.poll(None if seconds is None else max(0.0, seconds) * 1000)}
        if self._fd in ready:
            with suppress(BlockingIOError):
                os.read(self._fd, 4096)
        return ready
