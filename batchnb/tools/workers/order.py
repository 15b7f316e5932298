"""A call under way: what its caller decides meanwhile reaches the worker, and the worker's guard."""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from batchnb.tools.cancellation import Deadline
from batchnb.tools.workers.frames import HungUpError, Json, encode

if TYPE_CHECKING:
    import socket

    from batchnb.tools.cancellation import CancelToken
    from batchnb.tools.warden.client import Line
    from batchnb.tools.workers.fallback import GroupLine

CANCEL_SECONDS = 0.5
"""How long a cancelled call may take to end by itself."""
_GUARD_SECONDS = 0.1
"""How late a guard may hear that a call was answered in time."""
_OVERDUE_SECONDS = 15.0


class Order:
    """A call under way: passes cancellation and moves of the deadline on, to the worker and to its guard."""

    def __init__(
        self, line: Line | GroupLine, channel: socket.socket, deadline: Deadline, cancel: CancelToken
    ) -> None:
        self._line, self._channel = line, channel
        self._deadline, self._cancel = deadline, cancel
        # Reentrant: the Stop button's signal handler may cancel while its own thread is in here.
        self._lock = threading.RLock()
        self._cancelled_at = math.inf
        self._sent = self._over = False
        self._subscriptions = ExitStack()

    def __enter__(self) -> Self:
        self._subscriptions.callback(self._deadline.subscribe(self._moved))
        self._line.move(self._hard())
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over = True  # a callback that is late must not hit the worker's next call
        self._subscriptions.close()

    def send(self, request: bytes) -> None:
        """Send the call itself, then be ready to cancel it.

        Raises:
            HungUpError: if the worker is gone.
        """
        at = self._deadline.at
        rest = memoryview(request + encode({"begin": True, "at": _finite(at)}))
        while rest:
            rest = rest[self._send_some(rest) :]
        with self._lock:
            self._sent = True
        self._subscriptions.callback(self._cancel.subscribe(self._cancelled))
        if self._deadline.at != at:
            self._moved()

    def _send_some(self, data: memoryview) -> int:
        try:
            return self._channel.send(data)
        except TimeoutError:  # it does not read yet, or any more
            self.check()
            if self._cancel.cancelled:
                self._line.move(Deadline(0))
            return 0
        except OSError:
            raise HungUpError from None

    def is_nearly_over(self) -> bool:
        """Whether its guard is about to kill the worker, or may be killing it already."""
        return time.monotonic() > self._hard().at - _GUARD_SECONDS

    def check(self) -> None:
        """Look after what should have happened by now; called while the worker is silent.

        Raises:
            HungUpError: if its guard did not end it in time, so that nobody will.
        """
        self._line.retry()
        if time.monotonic() > self._hard().at + _OVERDUE_SECONDS:
            raise HungUpError

    def _hard(self) -> Deadline:
        return Deadline(min(self._deadline.at, self._cancelled_at + CANCEL_SECONDS))

    def _moved(self) -> None:
        self._tell({"at": _finite(self._deadline.at)})

    def _cancelled(self) -> None:
        self._cancelled_at = time.monotonic()
        self._tell({"cancel": self._cancel.reason[:1000]})

    def _tell(self, order: Json) -> None:
        with self._lock:
            if self._over:
                return
            self._line.move(self._hard())
            if self._sent:  # otherwise it would cut into the call itself
                # Not `send`, which would wait for a worker that is frozen; its guard will see to that one.
                with suppress(OSError):
                    os.write(self._channel.fileno(), encode(order))


def _finite(at: float) -> float | None:
    return at if at < math.inf else None
