"""Frames: how JSON crosses between kernel and worker, in pieces that take neither of them long to read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from batchnb.records.errors import ReportError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

Json: TypeAlias = Any
"""What JSON can hold: dict with str keys, list, str, int, float, bool, None."""

MAX_FRAME = 256 << 10
"""Bytes of one frame. Reading it holds the interpreter's lock for some milliseconds; 1 MiB took up to 40."""
FRAME_COST = 1 << 10
"""Bytes for which a small frame counts too: handling one takes the kernel about 30 microseconds."""
_HEAD = 4


class HungUpError(Exception):
    """The other side of a socket is gone."""


def encode(value: Json) -> bytes:
    """Return `value` as a frame: its length in four bytes, and JSON.

    Raises:
        ReportError: if it is no JSON data or too large.
    """
    try:
        body = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ReportError(f"only JSON data crosses between processes: {error}") from error
    if len(body) > MAX_FRAME:
        raise ReportError(
            f"{len(body):,} bytes are too many for one message (at most {MAX_FRAME:,}); send it in parts"
        )
    return len(body).to_bytes(_HEAD, "big") + body


def decode(body: bytes) -> Json:
    """Read what `encode` wrote, without its head.

    Raises:
        ReportError: if it is anything else.
    """
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"not JSON: {error}") from error


def receive(
    channel: socket.socket, room: int = MAX_FRAME, waiting: Callable[[], None] | None = None
) -> bytes:
    """Wait for a frame and return its JSON text.

    Args:
        channel: the socket.
        room: most bytes to accept.
        waiting: called whenever the socket's time-out passes without news; may raise.

    Raises:
        ReportError: if the frame is longer than `room`.
        HungUpError: if the other side is gone.
    """
    size = int.from_bytes(_exactly(channel, _HEAD, waiting), "big")
    if size > room:
        raise ReportError(f"a message of {size:,} bytes, where {room:,} were left")
    return _exactly(channel, size, waiting)


def _exactly(channel: socket.socket, size: int, waiting: Callable[[], None] | None) -> bytes:
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        try:
            count = channel.recv_into(view[got:])
        except TimeoutError:
            if waiting is not None:
                waiting()
            continue
        except ConnectionError:
            count = 0
        if count == 0:
            raise HungUpError
        got += count
    return bytes(data)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
