"""What a call left behind in its worker: enough to notice that the next one should get a fresh process."""

from __future__ import annotations

import os
import resource
import signal
import threading
from pathlib import Path

from batchnb.tools.process import default_warden


class Surroundings:
    """The state of this process that calls share, as it was before the first one."""

    def __init__(self, resident_bytes: int) -> None:
        """Take the state as it is now for the right one.

        Args:
            resident_bytes: memory in use that is too much.
        """
        self._resident_bytes = resident_bytes
        self._at_first = _state()

    def are_as_before(self) -> bool:
        """Whether the last call left no thread, process, changed setting or heap of memory behind."""
        try:
            return (
                threading.active_count() <= 2  # this one and the reader of orders
                and _state() == self._at_first
                and _resident() < self._resident_bytes
                and not _strays()
            )
        except (OSError, ValueError):  # a closed descriptor, a removed folder
            return False


def _state() -> tuple[object, ...]:
    files = tuple(os.fstat(fd)[1:3] for fd in range(3))  # device and inode
    handlers = tuple(signal.getsignal(number) for number in _SIGNALS)
    limits = tuple(resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE))
    return files, os.getcwd(), dict(os.environ), handlers, limits, _umask()  # noqa: PTH109


_SIGNALS = sorted(signal.valid_signals())


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _resident() -> int:
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:  # noqa: PTH123 - after each call, so fast
            return int(file.read().split()[1]) * resource.getpagesize()
    except FileNotFoundError:  # no Linux
        return 0


def _strays() -> set[int]:
    """Return processes that outlived their call: our children, and orphans that our guard adopted."""
    me, guard = os.getpid(), os.getppid()
    ours = _children(f"/proc/{me}/task") - {default_warden().pid}
    return ours | (_children(f"/proc/{guard}/task") - {me})


def _children(tasks: str) -> set[int]:
    found: set[int] = set()
    try:
        for task in os.listdir(tasks):  # noqa: PTH208
            found.update(int(pid) for pid in Path(tasks, task, "children").read_bytes().split())
    except FileNotFoundError:  # no Linux, or one built without the listing
        return set()
    return found
