"""One run of the hostile program `tests/tools/evil.py`, and whether anything of it is alive."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from support import processes_with, wait_until

EVIL = Path(__file__).parents[1] / "tools" / "evil.py"
STANDING = {
    "plain": 1,
    "child": 2,
    "deaf": 2,
    "session": 2,
    "daemon": 2,
    "masked": 2,
    "stopped": 2,
    "tree": 31,
    "hop": 4,
    "mob": 10,
}
"""Kind of payload -> files that it leaves once all of it stands."""
_TICK = 1 / os.sysconf("SC_CLK_TCK")


class Payload:
    """Known by a word on its command line, by its folder, and by a lock that its processes hold."""

    def __init__(self, parent, name, word):
        self.folder, self.word = Path(parent) / name, word
        self.folder.mkdir()
        self._held = Path(f"{self.folder}.held")
        self.pulse = Path(f"{self.folder}.pulse")

    def command(self, kind):
        return (sys.executable, "-I", "-S", str(EVIL), kind, self.word, str(self.folder))

    def stands(self, kind):
        return wait_until(lambda: len(list(self.folder.iterdir())) >= STANDING[kind])

    def is_alive(self):
        """Whether any of its processes is; takes microseconds, whatever else runs on the machine."""
        try:
            with self._held.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:  # it was not far enough to fork
            return False
        except BlockingIOError:
            return True
        return False

    def born(self):
        """Return when the program was started, on the monotonic clock, a tick (10 ms) late at the most.

        None: it was killed before it could say so.
        """
        try:
            ticks = self._held.read_bytes()
        except FileNotFoundError:
            return None
        asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        return (int(ticks) + 1) * _TICK - asleep if ticks else None


def alive(word, folder):
    """Return the ids of the processes that have `word` on their command line or run in or below `folder`."""
    return {pid for pid in (*processes_with(word), *_processes_in(str(folder))) if pid != os.getpid()}


def put_down(found):
    """Kill what a failing test has left: a stopped process would otherwise stay for ever."""
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes_in(folder):
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            if where == folder or where.startswith(f"{folder}/"):
                yield int(entry.name)


def percentile(values, percent):
    """Return the smallest value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def spread(values):
    """Return {p50, p95, p99, max} of `values` in seconds as milliseconds."""
    shares = {f"p{percent}": percentile(values, percent) for percent in (50, 95, 99)}
    return {name: 1000 * value for name, value in {**shares, "max": max(values)}.items()}
