"""When to stop: a token that any thread may pull, and a point in time on a clock nobody can set back."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class CancelToken:
    """A request to stop, made once, seen by everyone who holds the token. Safe to use from any thread."""

    def __init__(self) -> None:
        # Reentrant: the Stop button's signal handler may cancel while its own thread is inside `subscribe`.
        self._lock = threading.RLock()
        self._event = threading.Event()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._serial = 0
        self._reason = ""

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()

    @property
    def reason(self) -> str:
        """What the first caller of `cancel` said; empty until then."""
        return self._reason

    def cancel(self, reason: str = "") -> None:
        """Ask everyone who holds the token to stop; a second call changes nothing."""
        with self._lock:
            if self._event.is_set():
                return
            self._reason = reason
            self._event.set()
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        # Outside the lock: a callback may take locks of its own.
        for callback in callbacks:
            _call(callback)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until cancelled, at most `timeout` seconds; return whether it was."""
        return self._event.wait(timeout)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called, once, by the thread that cancels; at once if that has happened.

        A callback that raises is logged and harms neither the canceller nor the other callbacks.

        Returns:
            A function that takes the subscription back. A call already under way in another thread is not
            waited for.
        """
        with self._lock:
            already = self._event.is_set()
            self._serial += 1
            serial = self._serial
            if not already:
                self._callbacks[serial] = callback
        if already:
            _call(callback)
        return lambda: self._unsubscribe(serial)

    def _unsubscribe(self, serial: int) -> None:
        with self._lock:
            self._callbacks.pop(serial, None)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time after which work is stopped, on the clock that all processes of a machine share."""

    at: float
    """Reading of `time.monotonic()`."""

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline `seconds` from now; 0 has already passed, `math.inf` never does."""
        if not seconds >= 0:  # written so that NaN is caught too
            raise InvalidValueError("deadline", seconds, "give a number of seconds, 0 or more")
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Return the seconds left, never less than 0."""
        return max(0.0, self.at - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # noqa: BLE001 - whatever a callback does, the others are still called
        _log.exception("a cancellation callback failed; the cancellation goes on")
