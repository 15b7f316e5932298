"""A disk that can lose its power: what SQLite writes is noted, and the disk after a cut is built from that.

What was synced before the cut is there. Of what was written since, any 512-byte sector may be there or not,
in any order: a write can be lost, torn, or overtaken by a later one.
"""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import apsw

SECTOR = 512


class Step(NamedTuple):
    """One thing that SQLite asked of the disk; `data` is None for a sync, a size for a truncation."""

    name: str
    offset: int
    data: bytes | int | None


class Disk(apsw.VFS):
    """SQLite's way to the files while it is registered, for connections that are opened then."""

    def __init__(self):
        self.steps = []
        self._lock = threading.Lock()
        self._name = f"disk{id(self)}"
        super().__init__(self._name, "", makedefault=True)

    def note(self, step):
        with self._lock:
            self.steps.append(step)

    def now(self):
        """Return the number of steps so far: what is acknowledged now must survive a cut from here on."""
        with self._lock:
            return len(self.steps)

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's name
        kept = flags[0] & (apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL)
        return File(self, name, flags) if kept else super().xOpen(name, flags)


class File(apsw.VFSFile):
    """A file of a Disk: does what it is asked, and notes it first."""

    def __init__(self, disk, name, flags):
        self._disk = disk
        self._path = Path(name if isinstance(name, str) else name.filename()).name
        super().__init__("unix", name, flags)

    def xWrite(self, data, offset):  # noqa: N802
        self._disk.note(Step(self._path, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size):  # noqa: N802
        self._disk.note(Step(self._path, 0, size))
        super().xTruncate(size)

    def xSync(self, flags):  # noqa: N802
        super().xSync(flags)
        self._disk.note(Step(self._path, 0, None))


def after_cut(before, steps, chance):
    """Return {name: bytes} as a power cut after `steps` may leave them.

    Args:
        before: {name: bytes} on the disk when the first step was taken.
        steps: what was asked of the disk since.
        chance: a random.Random that decides what of the unsynced is there.
    """
    files = {name: bytearray(content) for name, content in before.items()}
    unsynced = {}
    for step in steps:
        pending = unsynced.setdefault(step.name, [])
        if step.data is None:
            for each in pending:
                _apply(files.setdefault(step.name, bytearray()), each)
            pending.clear()
        else:
            pending.extend(_sectors(step))
    survival = chance.choice((0.0, 0.2, 0.5, 0.8, 1.0))
    for name, pending in unsynced.items():
        kept = [step for step in pending if chance.random() < survival]
        if chance.random() < 0.5:
            chance.shuffle(kept)
        for step in kept:
            _apply(files.setdefault(name, bytearray()), step)
    return {name: bytes(content) for name, content in files.items()}


def _sectors(step):
    if isinstance(step.data, int):
        return [step]
    first = SECTOR - step.offset % SECTOR
    edges = [0, *range(first, len(step.data), SECTOR), len(step.data)]
    return [Step(step.name, step.offset + start, step.data[start:stop]) for start, stop in pairwise(edges)]


def _apply(content, step):
    if isinstance(step.data, int):
        del content[step.data :]
        return
    if len(content) < step.offset:
        content.extend(bytes(step.offset - len(content)))
    content[step.offset : step.offset + len(step.data)] = step.data
