"""EventBroker: tells subscribers what happened. By default there are none, and then it costs nothing.

The engine tells and goes on: each subscription has a thread and a bounded queue of its own, so one that
raises, is slow or hangs harms neither the engine nor the other subscribers.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Self

from batchnb.records.events import Event
from batchnb.tools.cancellation import Deadline
from batchnb.tools.log import create_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Callback = Callable[[Event], None]

_log = create_logger("service")
_MOST_WAITING = 100_000
"""Events that may wait for one subscriber; beyond, the oldest are dropped and counted."""
_CLOSE_SECONDS = 5.0
"""How long a subscriber that is slow or hangs is waited for at the end."""


class Subscription:
    """One subscriber's place; close it, or leave its `with`, to hear no more."""

    def __init__(
        self, callback: Callback, kinds: tuple[type[Event], ...], forget: Callable[[Subscription], None]
    ) -> None:
        self._callback, self._kinds, self._forget = callback, kinds, forget
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0
        """Events that the subscriber was too slow to hear."""
        # A daemon: a subscriber that hangs must not keep the kernel alive.
        self._thread = threading.Thread(target=self._deliver, name="batchnb-events", daemon=True)
        self._thread.start()

    def put(self, events: Iterable[Event]) -> None:
        """Have those of `events` that were subscribed to delivered, in order."""
        wanted = [event for event in events if isinstance(event, self._kinds)]
        if not wanted:
            return
        with self._changed:
            self._waiting.extend(wanted)
            surplus = len(self._waiting) - _MOST_WAITING
            for _ in range(surplus):
                self._waiting.popleft()
            self.dropped += max(0, surplus)
            self._changed.notify()

    def close(self, timeout: float = _CLOSE_SECONDS) -> None:
        """Deliver what waits, but for at most `timeout` seconds, and end; nothing is delivered after that.

        A subscriber that closes its own subscription while it is called is not called again.
        """
        self._forget(self)
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)
        with self._changed:
            self._waiting.clear()

    def _deliver(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                event = self._waiting.popleft()
            try:
                self._callback(event)
            except BaseException:  # noqa: BLE001 - a subscriber's fault is his own, even if he exits
                _log.exception("a subscriber failed on %s; it is told what comes next all the same", event)

    def __enter__(self) -> Self:
        """Return the subscription itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()


class EventBroker:
    """Where the engine puts its events and others subscribe to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens, so that events are worth making."""
        return bool(self._subscriptions)

    def subscribe(self, callback: Callback, *kinds: type[Event]) -> Subscription:
        """Have `callback` called, on a thread of its own, with every event of `kinds` (none named: with all).

        The events of one job come in the order in which they happened.
        """
        subscription = Subscription(callback, kinds or (Event,), self._forget)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def publish(self, *events: Event) -> None:
        """Tell everybody who subscribed; returns at once."""
        for subscription in self._subscriptions:
            subscription.put(events)

    def close(self) -> None:
        """Close every subscription, within a few seconds however many of the subscribers hang."""
        deadline = Deadline.after(_CLOSE_SECONDS)
        for subscription in self._subscriptions:
            subscription.close(deadline.remaining())

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(each for each in self._subscriptions if each is not subscription)
