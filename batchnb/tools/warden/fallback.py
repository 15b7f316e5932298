"""Running a task where there is no subreaper (macOS): a weaker stand-in for the warden.

What is weaker: a process that starts a session of its own survives its task; so does the whole tree when the
kernel is killed; the deadline waits while one thread holds the interpreter's lock; of the limits only the
size of the output is kept; nothing is measured but time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from batchnb.tools.warden.protocol import Ending, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.tools.cancellation import CancelToken, Deadline
    from batchnb.tools.warden.protocol import Task

_INTERVAL = 0.02


def run_in_group(task: Task, stdio: Sequence[int], cancel: CancelToken, deadline: Deadline) -> Report:
    """Run `task` in a process group of its own and kill the group in the end."""
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            task.argv, env=task.env, cwd=task.cwd, stdin=stdio[0], stdout=stdio[1], stderr=stdio[2],
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return Report(Ending.NOT_STARTED, errno=error.errno or 0, step="execute it")
    try:
        ending = _watch(process, task, stdio[1:], cancel, deadline)
    finally:
        # The leader is not waited for yet, so the group's number cannot belong to a stranger.
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return Report(ending, process.returncode, seconds=time.monotonic() - started)


def _watch(
    process: subprocess.Popen[bytes],
    task: Task,
    outputs: Sequence[int],
    cancel: CancelToken,
    deadline: Deadline,
) -> Ending:
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if deadline.expired:
            return Ending.TIMED_OUT
        if any(os.fstat(fd).st_size > task.rlimits["RLIMIT_FSIZE"] for fd in outputs):
            return Ending.OUTPUT_CAP
        if cancel.wait(_INTERVAL):
            return Ending.CANCELLED
    return Ending.EXITED
