"""The one thread that writes a view's traits: woken by events, bounded in rate, gone when nothing happens."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL = 1 / 5
"""Least seconds between two steps: a page sees at most 5 updates per second."""


class Pace:
    """How long to wait before looking again at something that can only be looked at."""

    quiet_seconds = 3.0
    """After so long without a change it is looked at seldom."""
    seldom_seconds = 1.0

    def __init__(self) -> None:
        self._seen: object = None
        self._since = 0.0

    def pause(self, seen: object, now: float) -> float:
        """Return the seconds to wait after having `seen` this; 0: as short as the rate allows."""
        if seen != self._seen:
            self._seen, self._since = seen, now
        return self.seldom_seconds if now - self._since >= self.quiet_seconds else 0


class Publisher:
    """Calls `step` on a thread of its own, never twice at once and never faster than the rate.

    Widget callbacks come from the main thread or from any subshell's; traits that two threads write can end
    up different on the page and in the kernel. So callbacks only note what happened and `wake` the
    publisher; `step` then reads everything anew and writes what changed: the last value wins.
    """

    def __init__(self, step: Callable[[], float | None], name: str, interval: float = INTERVAL) -> None:
        """Make a publisher; it has no thread until it is woken.

        Args:
            step: does one update, and returns after how many seconds to call it again if nobody wakes the
                publisher before; None: not at all.
            name: of the thread.
            interval: least seconds between the starts of two steps.
        """
        self._step, self._name, self._interval = step, name, interval
        self._changed = threading.Condition()
        self._closed = self._asked = False
        self._thread: threading.Thread | None = None
        self._last = -interval

    @property
    def thread(self) -> threading.Thread | None:
        """The thread while there is one."""
        return self._thread

    def wake(self) -> None:
        """See to it that `step` is called after now. Returns at once; any thread may call it."""
        with self._changed:
            if self._closed:
                return
            self._asked = True
            self._changed.notify()
            if self._thread is None:
                # A daemon: a page that nobody closed must not keep the kernel alive.
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self, timeout: float = 5) -> None:
        """Call `step` no more and wait until a running one is through."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        pause: float | None = 0
        try:
            while self._next(pause):
                pause = self._step()
        finally:
            with self._changed:
                # Not after a regular end: the thread was given up there, and may have a successor by now.
                if self._thread is threading.current_thread():
                    self._thread = None

    def _next(self, pause: float | None) -> bool:
        """Wait for the next step's time; False: nothing is left to do, and the thread is given up."""
        with self._changed:
            while not self._closed and (pause is not None or self._asked):
                least = 0 if pause is None or self._asked else pause
                left = self._last + max(least, self._interval) - time.monotonic()
                if left <= 0:
                    self._asked = False
                    self._last = time.monotonic()
                    return True
                self._changed.wait(left)
            self._thread = None
            return False
