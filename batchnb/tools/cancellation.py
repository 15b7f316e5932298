"""When to stop: a token that any thread may pull, and a point in time on a clock nobody can set back.

Both are made once per task, so they are cheap, and both may be used in a signal handler (the Stop button's)
that interrupts their own thread at any point. So there is no lock in them: every step is one operation on a
list or a dictionary that the interpreter does whole, and a callback belongs to whoever takes it out.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Self

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    Callbacks = dict[object, Callable[[], None]]

_log = logging.getLogger(__name__)


class CancelToken:
    """A request to stop, made once, seen by everyone who holds the token. Safe to use from any thread."""

    __slots__ = ("__weakref__", "_callbacks", "_leave", "_reasons")

    def __init__(self) -> None:
        self._reasons: list[str] = []  # of those who cancelled at the same instant; the first one counts
        self._callbacks: Callbacks = {}
        self._leave: Callable[[], None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return bool(self._reasons)

    @property
    def reason(self) -> str:
        """What the first caller of `cancel` said; empty until then."""
        return self._reasons[0] if self._reasons else ""

    def cancel(self, reason: str = "") -> None:
        """Ask everyone who holds the token to stop; a second call changes nothing."""
        if not self._reasons:
            self._reasons.append(reason)
        for key in list(self._callbacks):
            self._call(key)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until cancelled, at most `timeout` seconds (None or inf: for ever); return whether it was."""
        # Not an Event, which deadlocks when a signal handler sets it while its own thread begins to wait.
        gate = threading.Lock()
        gate.acquire()
        unsubscribe = self.subscribe(gate.release)
        try:
            gate.acquire(timeout=-1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX))
        finally:
            unsubscribe()
        return self.cancelled

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called, once, by the thread that cancels; at once if that has happened.

        A callback that raises is logged and harms neither the canceller nor the other callbacks.

        Returns:
            A function that takes the subscription back. A call already under way in another thread is not
            waited for.
        """
        key = object()
        self._callbacks[key] = callback
        if self._reasons:  # looked at afterwards, so that no cancellation can fall in between
            self._call(key)
        return lambda: _forget(self._callbacks, key)

    def child(self) -> CancelToken:
        """Return a token that is cancelled with this one, and can be cancelled alone.

        Close it when its work is done (or use it in a `with`): until then this token remembers it.
        """
        child = CancelToken()
        child._leave = self.subscribe(lambda: child.cancel(self.reason))
        return child

    def close(self) -> None:
        """Part from the parent, whose cancellation is no longer passed on. Nothing else changes."""
        if self._leave is not None:
            self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, key: object) -> None:
        callback = self._callbacks.pop(key, None)
        if callback is not None:
            _call(callback)


class Deadline:
    """A point in time after which work is stopped, on the clock that all processes of a machine share.

    It can be moved while work goes on, from any thread; who enforces it subscribes.
    """

    __slots__ = ("_at", "_callbacks")

    def __init__(self, at: float) -> None:
        """Make a deadline.

        Args:
            at: reading of `time.monotonic()`; `math.inf` is never.
        """
        self._at = at
        self._callbacks: Callbacks = {}

    def __repr__(self) -> str:
        return f"Deadline({self._at!r})"

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline `seconds` from now; 0 has already passed, `math.inf` never does."""
        if not seconds >= 0:  # written so that NaN is caught too
            raise InvalidValueError("deadline", seconds, "give a number of seconds, 0 or more")
        return cls(time.monotonic() + seconds)

    @property
    def at(self) -> float:
        """Reading of `time.monotonic()`."""
        return self._at

    def remaining(self) -> float:
        """Return the seconds left, never less than 0."""
        return max(0.0, self._at - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0

    def move(self, at: float) -> None:
        """Set it to another point in time, later or earlier; what is under way follows."""
        if math.isnan(at):
            raise InvalidValueError("deadline", at, "give a reading of time.monotonic()")
        self._at = at
        for callback in list(self._callbacks.values()):
            _call(callback)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each move, by the thread that moves; it reads `at` for itself.

        Subscribe first and read `at` then, and no move is missed. A callback that raises is logged.

        Returns:
            A function that takes the subscription back. A call already under way in another thread is not
            waited for.
        """
        key = object()
        self._callbacks[key] = callback
        return lambda: _forget(self._callbacks, key)


def _forget(callbacks: Callbacks, key: object) -> None:
    callbacks.pop(key, None)


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # noqa: BLE001 - whatever a callback does, the others are still called
        _log.exception("a callback failed; the cancellation or the move of a deadline goes on")
