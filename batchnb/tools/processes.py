"""Which outside programs run below this process: looked at from outside, as a check of the wardens."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from batchnb.tools.workers.worker import BOOT

_WARDEN = os.fsencode(Path(__file__).parent / "warden")


class Process(NamedTuple):
    """One process; its start tells it from a later one with the same number."""

    pid: int
    started: int
    """In clock ticks since the computer started."""


def tool_processes() -> frozenset[Process] | None:
    """Return the programs below this process, without batchnb's own helpers; None: nobody can tell.

    Only Linux tells. Zombies do not count: they have ended, and only wait to be noticed.
    """
    try:
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    found: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
    for pid in numbers:
        parent, state, started = _stat(pid)
        found[parent].append((pid, started, state))
    below, pending = [], [os.getpid()]
    while pending:
        inner = found.pop(pending.pop(), [])
        below += inner
        pending += [pid for pid, _, _ in inner]
    return frozenset(
        Process(pid, started) for pid, started, state in below if state != b"Z" and not _is_own(pid)
    )


def _stat(pid: int) -> tuple[int, bytes, int]:
    """Return parent, state and start of a process; zeros if it has gone meanwhile."""
    try:
        # "pid (name) state ppid ...", where the name may hold anything, a bracket too
        words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(words[1]), words[0], int(words[19])
    except (OSError, IndexError, ValueError):
        return 0, b"", 0


def _is_own(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return _WARDEN in words or os.fsencode(BOOT) in words
