"""A program that runs beside us: kept by the warden, its log read as it comes, its end known at once."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from batchnb.records.errors import BatchnbError
from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.launch.usage import tree_usage
from batchnb.tools.process import Ending, RawOutput, run_tool
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from batchnb.tools.cancellation import CancelToken, Deadline
    from batchnb.tools.limits import Limits

LOG_BYTES = 32 * 1024
"""How much of the end of its log is kept."""
MAX_PROCESSES = 256
"""Processes and descendants at one time; more is a fork bomb."""
_WATCH_SECONDS = 0.2
# $1: where to write what the sandbox says of itself, $2: the log; the rest is the command.
_WRAPPER = 'exec 3>"$1" >"$2" 2>&1; shift 2; exec "$@"'
_ENDINGS = {
    Ending.TIMED_OUT: "was stopped at the task's deadline",
    Ending.CANCELLED: "was stopped",
    Ending.OUTPUT_CAP: "wrote too much",
    Ending.LOST: "was lost: its supervisor died",
    Ending.NOT_STARTED: "could not be started",
}


class Supervised:
    """One program in the background. Use it in a `with`: afterwards no process of it is left."""

    def __init__(  # noqa: PLR0913 - all but the command are keywords
        self,
        argv: Sequence[str],
        *,
        folder: Path,
        limits: Limits,
        memory_bytes: int,
        deadline: Deadline,
        cancel: CancelToken,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            argv: the command; it finds descriptor 3 open for writing `{"child-pid": N}` to.
            folder: an empty folder of its own, for its pipes.
            limits: bounds of each of its processes.
            memory_bytes: resident memory that all of its processes may use together.
            deadline: when it is killed.
            cancel: kills it when pulled.
            env: variables beside those of every program.
            cwd: folder to run in.
        """
        self._stop = cancel.child()
        self._memory_bytes = memory_bytes
        self._log: deque[bytes] = deque()
        self._kept = 0
        self._reason = ""
        self._callbacks: list[Callable[[], None]] = []
        self.pid = 0
        """The process whose descendants are the app, once `wait_for_pid` has returned."""
        self.ended = threading.Event()
        info, log = folder / "info", folder / "log"
        os.mkfifo(info, 0o600)
        os.mkfifo(log, 0o600)
        # Opened for both ways: such a pipe never reports its end, and writers never wait for a reader.
        self._info_fd = os.open(info, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._log_fd = os.open(log, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._bell = os.eventfd(0, os.EFD_CLOEXEC)
        command = ("/bin/sh", "-c", _WRAPPER, "sh", str(info), str(log), *argv)
        self._threads = [
            threading.Thread(target=target, name=f"batchnb-app-{name}", daemon=True, args=args)
            for name, target, args in (
                ("log", self._read_log, ()),
                ("run", self._run, (command, deadline, limits, dict(env or {}), cwd)),
                ("watch", self._watch, ()),
            )
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, reason: str = "") -> None:
        """Kill it and wait until all of it is dead. A second call does nothing."""
        self._reason = self._reason or reason
        self._stop.cancel(reason)
        for thread in self._threads:
            thread.join()
        self._stop.close()
        for fd in (self._info_fd, self._log_fd, self._bell):
            if fd >= 0:
                os.close(fd)
        self._info_fd = self._log_fd = self._bell = -1

    def wait_for_pid(self, seconds: float) -> int:
        """Return the process that the app's processes descend from.

        Raises:
            AppNotRunningError: if it ended, or said nothing for `seconds`.
        """
        poll = select.poll()
        poll.register(self._info_fd, select.POLLIN)
        text, until = b"", time.monotonic() + seconds
        while not self.pid and time.monotonic() < until:
            if poll.poll(50):
                text += os.read(self._info_fd, 4096)
                self.pid = _pid_in(text)
            elif self.ended.is_set():
                break
        if not self.pid:
            raise AppNotRunningError(f"the app's sandbox could not be made: {self.reason()}", self.log_tail())
        return self.pid

    def reason(self) -> str:
        """Return in words how it ended; empty while it runs."""
        return (self._reason or "it ended") if self.ended.is_set() else ""

    @contextmanager
    def when_ended(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have `callback` called when it ends during the `with`, at once if it has."""
        self._callbacks.append(callback)
        try:
            if self.ended.is_set():
                callback()
            yield
        finally:
            self._callbacks.remove(callback)

    def log_tail(self, characters: int = 4_000) -> str:
        """Return the end of what it wrote, safe to look at."""
        text = b"".join(self._log.copy()).decode("utf-8", "replace")
        return visible(text)[-characters:]

    def _run(
        self,
        command: Sequence[str],
        deadline: Deadline,
        limits: Limits,
        env: Mapping[str, str],
        cwd: Path | None,
    ) -> None:
        try:
            raw = run_tool(command, deadline=deadline, cancel=self._stop, limits=limits, env=env, cwd=cwd)
            self._reason = self._reason or _how(raw)
        except (BatchnbError, OSError) as error:
            self._reason = self._reason or f"could not be started: {error}"
        finally:
            os.eventfd_write(self._bell, 1)
            self._threads[0].join()  # the log is whole when the end is known
            self.ended.set()
            for callback in list(self._callbacks):
                callback()

    def _read_log(self) -> None:
        poll = select.poll()
        poll.register(self._log_fd, select.POLLIN)
        poll.register(self._bell, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._log_fd in ready:
                self._keep(os.read(self._log_fd, LOG_BYTES))
            elif self._bell in ready:  # it has ended, and its last words are read
                return

    def _keep(self, part: bytes) -> None:
        self._log.append(part)
        self._kept += len(part)
        while self._kept - len(self._log[0]) >= LOG_BYTES:
            self._kept -= len(self._log.popleft())

    def _watch(self) -> None:
        """Stop it if all of its processes together use more than they may; a limit per process cannot."""
        while not self.ended.wait(_WATCH_SECONDS):
            if not self.pid:
                continue
            used = tree_usage(self.pid)
            if (used.rss_bytes or 0) > self._memory_bytes:
                allowed = self._memory_bytes >> 20
                self._reason = f"it used more than {allowed} MiB of memory and was stopped"
            elif used.processes > MAX_PROCESSES:
                self._reason = f"it had more than {MAX_PROCESSES} processes and was stopped"
            else:
                continue
            self._stop.cancel(self._reason)
            return


def _how(raw: RawOutput) -> str:
    if raw.ending is Ending.EXITED:
        code = raw.returncode or 0
        return f"it ended by itself with {f'signal {-code}' if code < 0 else f'exit code {code}'}"
    said = _ENDINGS[raw.ending]
    return f"it {said}: {raw.start_error}" if raw.start_error else f"it {said}"


def _pid_in(text: bytes) -> int:
    try:
        return int(json.loads(text)["child-pid"])
    except (ValueError, KeyError, TypeError):  # not all of it is there yet
        return 0
