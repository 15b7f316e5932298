"""Starting a worker where there is no warden (macOS): a plain child process that keeps less.

What is weaker: the deadline waits while a thread of the kernel holds the interpreter's lock; a process that
the worker put into a session of its own outlives it, and so does any that it started when it ends by itself
or the kernel is killed.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from batchnb.tools.warden.protocol import Ending, Report
from batchnb.tools.warden.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.tools.cancellation import Deadline
    from batchnb.tools.warden.protocol import Task


class GroupLine:
    """A running process group with the face of `warden.client.Line`."""

    def __init__(self, task: Task, stdio: Sequence[int]) -> None:
        """Start `task`; OSError if that fails."""
        self._ending, self._scratch = Ending.EXITED, task.scratch
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()
        self._process = subprocess.Popen(
            task.argv, env=task.env, cwd=task.cwd, stdin=stdio[0], stdout=stdio[1], stderr=stdio[2],
            start_new_session=True,
        )  # fmt: skip

    def move(self, deadline: Deadline) -> None:
        """Have the group killed at the deadline as it is now."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if deadline.at < math.inf:
                self._timer = threading.Timer(deadline.remaining(), self._kill, (Ending.TIMED_OUT,))
                self._timer.daemon = True
                self._timer.start()

    def retry(self) -> None:
        """Do nothing: a move never fails."""

    def hang_up(self) -> None:
        """Kill the group."""
        self._kill(Ending.CANCELLED)

    def has_ended(self, seconds: float) -> bool:
        """Whether the process ends within `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def report(self, deadline: Deadline) -> Report:
        """Wait for the end, at most until `deadline`."""
        if not self.has_ended(deadline.remaining()):
            self.hang_up()
        return Report(self._ending, self._process.wait())

    def close(self) -> None:
        """Kill the group and remove its folder."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self.hang_up()
        self._process.wait()
        remove_tree(self._scratch)

    def disown(self) -> None:
        """Forget it, in a forked child: it is the parent's."""
        self._process.returncode = 0

    def _kill(self, ending: Ending) -> None:
        with self._lock:
            if self._process.poll() is None:  # otherwise the group's number may be a stranger's by now
                self._ending = ending
                os.killpg(self._process.pid, signal.SIGKILL)
