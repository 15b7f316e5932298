"""Waiting until an app answers HTTP, from inside its network."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.tools.cancellation import Deadline
from batchnb.tools.launch import health_probe
from batchnb.tools.process import Ending, Limits, run_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.tools.cancellation import CancelToken

_PATIENCE = 5.0
"""Seconds that the probe may take longer than it was told to."""


@dataclass(frozen=True, slots=True)
class Health:
    """Where an app answers."""

    port: int
    """The port that answers; 0: none does."""
    status: int = 0
    """HTTP status of its first answer."""
    listening: tuple[int, ...] = ()
    """Ports that were listened on, where that could be seen."""


def wait_until_healthy(
    port: int,
    *,
    enter: Sequence[str] = (),
    host: str = "127.0.0.1",
    seconds: float,
    any_port: bool = False,
    deadline: Deadline,
    cancel: CancelToken,
) -> Health:
    """Ask until something at `port` answers HTTP, with whatever status.

    Args:
        port: where the app was told to listen.
        enter: command that joins a program to the app's network.
        host: IP address to connect to.
        seconds: when to give up.
        any_port: take another port that is listened on; only in a network that is the app's alone.
        deadline: of the task.
        cancel: to stop waiting, also when the app has ended.
    """
    asked = json.dumps({"host": host, "port": port, "seconds": seconds, "any_port": any_port})
    raw = run_tool(
        [*enter, sys.executable, "-I", "-S", health_probe.__file__],
        # The app decides how long an answer takes to arrive, and could take for ever.
        deadline=Deadline.after(min(deadline.remaining(), seconds + _PATIENCE)),
        cancel=cancel,
        stdin=asked.encode(),
        limits=Limits(memory_bytes=1 << 30),
    )
    if raw.ending is not Ending.EXITED or raw.returncode != 0:
        return Health(0)
    try:
        answer = json.loads(raw.stdout)
        return Health(int(answer["port"]), int(answer["status"]), tuple(map(int, answer["listening"])))
    except (ValueError, KeyError, TypeError):
        return Health(0)
