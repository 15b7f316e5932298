"""The one thread that writes a view's traits: woken by events, bounded in rate, gone when nothing happens."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL = 1 / 6
"""Least seconds between two steps: a page sees at most 6 updates per second."""


class Publisher:
    """Calls `step` on a thread of its own, never twice at once and never faster than the rate.

    Widget callbacks come from the main thread or from any subshell's; traits that two threads write can end
    up different on the page and in the kernel. So callbacks only note what happened and `wake` the
    publisher; `step` then reads everything anew and writes what changed: the last value wins.
    """

    def __init__(self, step: Callable[[], bool], name: str, interval: float = INTERVAL) -> None:
        """Make a publisher; it has no thread until it is woken.

        Args:
            step: does one update; True: there is more to come, call again.
            name: of the thread.
            interval: least seconds between the starts of two steps.
        """
        self._step, self._name, self._interval = step, name, interval
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._asked = False
        self._thread: threading.Thread | None = None
        self._last = -interval

    @property
    def thread(self) -> threading.Thread | None:
        """The thread while there is one."""
        return self._thread

    def wake(self) -> None:
        """See to it that `step` is called after now. Returns at once; any thread may call it."""
        with self._lock:
            if self._stop.is_set():
                return
            self._asked = True
            if self._thread is None:
                # A daemon: a page that nobody closed must not keep the kernel alive.
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self, timeout: float = 5) -> None:
        """Call `step` no more and wait until a running one is through."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        more = True
        try:
            while self._next(more=more):
                more = self._step()
        finally:
            with self._lock:
                # Not after a regular end: the thread was given up there, and may have a successor by now.
                if self._thread is threading.current_thread():
                    self._thread = None

    def _next(self, *, more: bool) -> bool:
        """Wait for the next step's time; False: nothing is left to do, and the thread is given up."""
        with self._lock:
            if self._stop.is_set() or not (more or self._asked):
                self._thread = None
                return False
        if self._stop.wait(self._last + self._interval - time.monotonic()):
            return False
        with self._lock:
            self._asked = False
            self._last = time.monotonic()
        return True
