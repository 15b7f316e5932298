"""The worker process: reads calls from its standard input, runs them in turn, answers as it goes."""

from __future__ import annotations

import faulthandler
import fcntl
import math
import os
import pkgutil
import queue
import resource
import socket
import threading
import time
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.workers.frames import HungUpError, Json, decode, encode, receive
from batchnb.tools.workers.leftovers import Surroundings
from batchnb.tools.workers.remote import describe

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_FD = 64
"""Ours lie above the numbers that programs take for granted."""
_MARGIN_SHARE, _MARGIN_SECONDS = 0.1, 1.0


class Call:
    """One call as the called function sees it."""

    def __init__(self, channel: _Channel, request: Json) -> None:
        self.function: str = request["call"]
        self.arguments: Json = request["arguments"]
        self.cancel = CancelToken()
        """Pulled when the caller cancels; half a second later the process is killed."""
        self.deadline = Deadline(math.inf)
        """A little before the process is killed, so that what was found by then can still be reported."""
        self._channel = channel
        self._lock = threading.Lock()
        self._ended = False

    def send(self, message: Json) -> None:
        """Send a part of the answer, or news of it, to the caller; from any thread, while the call runs.

        Raises:
            ReportError: if it is no JSON data or too large for one message.
            RuntimeError: if the call has ended.
        """
        frame = encode(["message", message])
        with self._lock:
            if self._ended:
                raise RuntimeError("the call has ended")
            self._channel.send(frame)

    def end(self, frame: bytes) -> None:
        """Send the last frame."""
        with self._lock:
            self._ended = True
            self._channel.send(frame)


class _Channel:
    """The socket to the kernel. Without a kernel there is nothing left to do, so the process ends."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.calls: queue.SimpleQueue[Call] = queue.SimpleQueue()

    def send(self, frame: bytes) -> None:
        try:
            self._socket.sendall(frame)
        except OSError:
            os._exit(0)

    def listen(self) -> None:
        """Read the kernel's orders; they concern the call that came last."""
        call: Call | None = None
        while True:
            try:
                order = decode(receive(self._socket))
            except (HungUpError, OSError):
                os._exit(0)
            if "call" in order:
                call = Call(self, order)
            elif call is not None and "cancel" in order:
                call.cancel.cancel(order["cancel"])
            elif call is not None:
                call.deadline.move(_soft(order["at"]))
                if "begin" in order:
                    self.calls.put(call)


def main(memory_bytes: int, file_bytes: int, resident_bytes: int) -> None:
    """Serve until the kernel hangs up.

    Args:
        memory_bytes: address space of this process (not of the tools that it runs).
        file_bytes: largest file that it may write itself.
        resident_bytes: memory in use after a call, above which the process is not used again.
    """
    channel = _Channel(_take_standard_input())
    faulthandler.enable(fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, _FIRST_FD))
    for kind, value in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_FSIZE, file_bytes)):
        _, hard = resource.getrlimit(kind)
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with suppress(ValueError, OSError):  # macOS bounds no address space
            resource.setrlimit(kind, (soft, hard))  # soft: the tools' own limits may be wider
    threading.Thread(target=channel.listen, name="orders", daemon=True).start()
    surroundings = Surroundings(resident_bytes)
    while True:
        _serve(channel.calls.get(), surroundings)


def _serve(call: Call, surroundings: Surroundings) -> None:
    answer: list[Json]
    try:
        answer = ["result", _function(call.function)(call.arguments, call)]
        encode([*answer, False])  # may be too large
    except BaseException as error:  # noqa: BLE001 - sys.exit in an analyzer must not end the worker
        answer = ["error", describe(error)]
    call.end(encode([*answer, surroundings.are_as_before()]))


@cache
def _function(name: str) -> Callable[[Json, Call], Json]:
    found: Any = pkgutil.resolve_name(name)
    if not callable(found):
        raise ReportError(f"{name} cannot be called")
    return found  # type: ignore[no-any-return]


def _soft(hard: float | None) -> float:
    """Return when a call should end by itself if it is killed at `hard` (None: never)."""
    if hard is None:
        return math.inf
    left = max(0.0, hard - time.monotonic())
    return hard - min(_MARGIN_SECONDS, left * _MARGIN_SHARE)


def _take_standard_input() -> socket.socket:
    """Move the socket out of reach of code that reads or closes standard input, which is then empty."""
    taken = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _FIRST_FD)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    return socket.socket(fileno=taken)
