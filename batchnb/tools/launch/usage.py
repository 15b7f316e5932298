"""What a tree of processes uses, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What an app uses at one moment; None: it cannot be told, as the app was not started by us."""

    cpu_seconds: float | None = None
    """Processor time since its start, of all of its processes, those that have ended too."""
    rss_bytes: int | None = None
    """Resident memory of all of its processes now; pages that they share count for each."""
    processes: int = 0


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    cpu_seconds: float
    rss_bytes: int


def tree_usage(root: int) -> Usage:
    """Return what process `root` and all of its descendants use; zeros if it has ended."""
    processes = _processes()
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    found: set[int] = set()
    pending = [root] if root in processes else []
    while pending:
        pid = pending.pop()
        if pid not in found:
            found.add(pid)
            pending.extend(children.get(pid, ()))
    return Usage(
        cpu_seconds=round(sum(processes[pid].cpu_seconds for pid in found), 3),
        rss_bytes=sum(processes[pid].rss_bytes for pid in found),
        processes=len(found),
    )


def _processes() -> dict[int, _Process]:
    """Return all processes that can be seen, from one pass over /proc."""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (process := _read(entry.path)):
            found[int(entry.name)] = process
    return found


def _read(folder: str) -> _Process | None:
    try:
        # "pid (name) state ppid ...", where the name may hold anything, a bracket too
        fields = Path(folder, "stat").read_bytes().rpartition(b")")[2].split()
        ticks = sum(int(fields[place]) for place in (11, 12, 13, 14))  # own and waited-for children's
        return _Process(int(fields[1]), ticks / _TICKS, int(fields[21]) * _PAGE)
    except (OSError, IndexError, ValueError):  # it ended meanwhile
        return None
