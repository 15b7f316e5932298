"""What a tool says of its own version."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from batchnb.tools.process import Ending, run_tool

if TYPE_CHECKING:
    from batchnb.tools.cancellation import CancelToken, Deadline

_known: dict[tuple[str, ...], str] = {}
_lock = threading.Lock()


def tool_version(command: tuple[str, ...], deadline: Deadline, cancel: CancelToken) -> str:
    """Return the first word of `command --version` that starts with a digit; asked once per process.

    Empty if the tool does not run, or says nothing of the kind.
    """
    with _lock:
        if command in _known:
            return _known[command]
    raw = run_tool((*command, "--version"), deadline=deadline, cancel=cancel)
    if raw.ending is not Ending.EXITED or raw.returncode != 0:
        return ""
    words = raw.stdout.decode(errors="replace").split()
    version = next((word for word in words if word[:1].isdigit()), "")
    with _lock:
        _known[command] = version
    return version
