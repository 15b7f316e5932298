"""WorkerPool: runs functions in warm worker processes, one call per process at a time."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import WorkerCancelledError, WorkerError, WorkerTimeoutError
from batchnb.tools.own_places import own_variables
from batchnb.tools.process import default_warden
from batchnb.tools.workers.frames import encode
from batchnb.tools.workers.worker import Worker, WorkerLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batchnb.tools.cancellation import CancelToken, Deadline
    from batchnb.tools.process import Warden
    from batchnb.tools.workers.frames import Json

DEFAULT_CAP = 64 << 20
"""Bytes that one call may answer with, all messages together; small ones count as `frames.FRAME_COST`."""
MAX_CALLS = 1_000
"""Calls after which a worker is replaced, whatever its state."""
DEFAULT_LIMITS = WorkerLimits()
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[3])
_CLOSE_PATIENCE = 15.0


class WorkerPool:
    """Worker processes, as many as there are calls at once; a few wait for the next call. Safe for threads.

    After a fork the child has no part in its parent's workers: it starts its own.
    """

    def __init__(
        self,
        *,
        idle: int = 4,
        idle_seconds: float = 120.0,
        limits: WorkerLimits = DEFAULT_LIMITS,
        warden: Warden | None = None,
    ) -> None:
        """Make a pool; the first call starts the first worker.

        Args:
            idle: how many workers may wait for a next call.
            idle_seconds: how long each of them waits, after which its guard ends it.
            limits: what one worker may use.
            warden: for tests; None: the one of this process.
        """
        self._most_idle, self._idle_seconds, self._limits = idle, idle_seconds, limits
        self._warden = warden or default_warden()
        self._changed = threading.Condition(threading.RLock())
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False
        _pools.add(self)
        # Registered after the warden, so closed before it.
        atexit.register(self.close)

    def call(
        self,
        function: str,
        arguments: Json,
        *,
        deadline: Deadline,
        cancel: CancelToken,
        on_message: Callable[[Json], None] | None = None,
        cap_bytes: int = DEFAULT_CAP,
    ) -> Json:
        """Run `function(arguments, call)` in a worker and return its answer.

        `call` is a `child.Call`: `call.send(message)`, `call.cancel`, and `call.deadline`, which comes a
        little before the hard one (a tenth of the time left, at most a second).

        Args:
            function: `package.module:function`, importable by name.
            arguments: JSON data, at most `frames.MAX_FRAME` bytes.
            deadline: when the worker and all that it started are killed; it may be moved meanwhile.
            cancel: pulls `call.cancel`; a call that does not end within `order.CANCEL_SECONDS` is killed.
            on_message: called in this thread with each message that the function sends.
            cap_bytes: most bytes of answer and messages together; small ones count as `frames.FRAME_COST`.

        Raises:
            RemoteError: if the function raised; also an instance of the builtin error that it raised.
            WorkerTimeoutError: at the deadline.
            WorkerCancelledError: if it was cancelled and did not end by itself.
            WorkerDiedError: if the worker ended.
            WorkerRefusedError: if the answer was too large or malformed.
            ReportError: if `arguments` are not JSON data or too large.
            WorkerError: if the pool was closed.
            InvalidValueError: if an environment variable names a place that it cannot name.
            OSError: if no process can be started.
        """
        request = encode({"call": function, "arguments": arguments})
        if cancel.cancelled:
            raise WorkerCancelledError("the call was cancelled before it began")
        if deadline.expired:
            raise WorkerTimeoutError("the deadline of the call passed before it began")
        worker = self._take()
        try:
            return worker.call(
                request, deadline=deadline, cancel=cancel, on_message=on_message, cap_bytes=cap_bytes
            )
        finally:
            self._give_back(worker)

    def close(self) -> None:
        """Kill every worker, fail the calls under way, and take no more; nothing is left when it returns."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for worker in (*idle, *self._busy):
                worker.stop()
        for worker in idle:
            worker.kill()
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, _CLOSE_PATIENCE)

    def _take(self) -> Worker:
        path, places = _import_path(), own_variables()  # what is wrong with them harms no worker
        unfit = []
        with self._changed:
            self._refuse_if_closed()
            worker = None
            while self._idle and worker is None:
                candidate = self._idle.pop()
                if candidate.is_fit(path, places):
                    worker = candidate
                    self._busy.add(worker)
                else:
                    unfit.append(candidate)
        for other in unfit:
            other.retire()
        return worker or self._start(path, places)

    def _start(self, path: tuple[str, ...], places: Mapping[str, str]) -> Worker:
        worker = Worker(self._warden, path, places, self._limits)
        with self._changed:
            if not self._closed:
                self._busy.add(worker)
                return worker
        worker.kill()
        raise WorkerError("the worker pool is closed")

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise WorkerError("the worker pool is closed")

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            keep = (
                worker.reusable
                and worker.calls < MAX_CALLS
                and len(self._idle) < self._most_idle
                and not self._closed
            )
            if keep:
                worker.rest(self._idle_seconds)
                self._idle.append(worker)
        if not keep:
            worker.retire()
        with self._changed:
            self._busy.discard(worker)
            self._changed.notify_all()

    def _forget_after_fork(self) -> None:
        self._changed = threading.Condition(threading.RLock())  # whoever held it does not exist here
        for worker in (*self._idle, *self._busy):
            worker.disown()
        self._idle, self._busy = [], set()


def _import_path() -> tuple[str, ...]:
    """Return where a worker finds what the kernel finds, but never in the current folder."""
    try:
        here = os.getcwd()  # noqa: PTH109 - for each call, so fast
    except FileNotFoundError:
        here = ""
    return _without(here, tuple(sys.path))


@lru_cache(maxsize=8)
def _without(here: str, path: tuple[str, ...]) -> tuple[str, ...]:
    # Where batchnb itself lies stays in its place: another one further back must not take over.
    places = [
        entry
        for entry in path
        if Path(entry).is_absolute() and (entry == _PACKAGE_ROOT or os.path.realpath(entry) != here)
    ]
    return (*places, *(() if _PACKAGE_ROOT in places else (_PACKAGE_ROOT,)))


_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()
_default = WorkerPool()


def default_pool() -> WorkerPool:
    """Return the pool that all of this process shares."""
    return _default


def _after_fork() -> None:
    for pool in _pools:
        pool._forget_after_fork()  # noqa: SLF001 - same module


os.register_at_fork(after_in_child=_after_fork)
