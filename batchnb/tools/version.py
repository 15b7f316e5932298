"""What a tool says of its own version."""

from __future__ import annotations

import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from batchnb.tools.process import Ending, run_tool

if TYPE_CHECKING:
    from batchnb.tools.cancellation import CancelToken, Deadline

_known: dict[tuple[str, ...], str] = {}
_lock = threading.Lock()


def own_version(command: tuple[str, ...], distribution: str) -> str:
    """Return the version of a package of this interpreter that `command` runs; empty if it is another's.

    Asked of the package's metadata: some tools take a second to say it themselves.
    """
    if not distribution or command[0] != sys.executable:
        return ""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


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
    found = next((word for word in words if word[:1].isdigit()), "")
    with _lock:
        _known[command] = found
    return found
