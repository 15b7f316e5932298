"""What went wrong in a worker, for its caller: an exception that it sent as words, or its own end."""

from __future__ import annotations

import signal
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from batchnb.records.errors import (
    InvalidValueError,
    RemoteError,
    ReportError,
    ToolMissingError,
    WorkerCancelledError,
    WorkerDiedError,
    WorkerError,
    WorkerRefusedError,
    WorkerTimeoutError,
)
from batchnb.tools.warden.protocol import Ending

if TYPE_CHECKING:
    from batchnb.tools.warden.protocol import Report
    from batchnb.tools.workers.frames import Json

MAX_NAME = 200
MAX_TEXT = 4_000
MAX_TRACEBACK = 16_000
"""Characters; together they fit into one frame, whichever they are."""

_KNOWN: tuple[type[Exception], ...] = (
    ToolMissingError,
    ReportError,
    InvalidValueError,
    TimeoutError,
    ConnectionError,
    PermissionError,
    MemoryError,
    OSError,
    ValueError,
)
"""The errors that callers tell apart; the first that fits counts, so special ones come first."""
_NO_VALUE = {"what": "", "value": None, "allowed": "", "source": ""}
_CLASSES: dict[str, type[RemoteError]] = {
    base.__name__: type(
        f"Remote{base.__name__}", (RemoteError, base), _NO_VALUE if base is InvalidValueError else {}
    )
    for base in _KNOWN
}


def describe(error: BaseException) -> Json:
    """Return the row that crosses for `error`."""
    return {
        "type": type(error).__name__[:MAX_NAME],
        "kind": next((base.__name__ for base in _KNOWN if isinstance(error, base)), ""),
        "text": _printable(error)[:MAX_TEXT],
        "traceback": _traceback(error)[-MAX_TRACEBACK:],
    }


def rebuild(row: Json) -> RemoteError:
    """Return the error that `describe` described.

    Raises:
        WorkerRefusedError: if it is no such row.
    """
    match row:
        case {
            "type": str() as name,
            "kind": str() as kind,
            "text": str() as text,
            "traceback": str() as trace,
        }:
            return _CLASSES.get(kind, RemoteError)(name[:MAX_NAME], text[:MAX_TEXT], trace[-MAX_TRACEBACK:])
    raise WorkerRefusedError("the worker reported an error in a form that was not agreed")


def obituary(report: Report, stderr: str, *, cancelled: bool) -> WorkerError:
    """Return the error of a call whose worker died.

    Args:
        report: what its guard saw.
        stderr: the end of what it wrote there.
        cancelled: whether the call was cancelled.
    """
    if report.ending is Ending.TIMED_OUT and cancelled:
        return WorkerCancelledError("the call was cancelled and its worker process killed")
    if report.ending is Ending.TIMED_OUT:
        return WorkerTimeoutError("the worker process was killed at the deadline of the call")
    return WorkerDiedError(_manner(report), report.returncode, stderr)


def _manner(report: Report) -> str:
    if report.ending is Ending.NOT_STARTED:
        return f"could not be started: {report.reason()}"
    if report.ending is Ending.CANCELLED:
        return "left its caller or was stopped, and was killed"
    if report.returncode is None:
        return "was lost with its supervisor"
    if report.returncode < 0:
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-report.returncode).name}"
    return f"ended with exit code {report.returncode}"


def _printable(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - a stranger's __str__
        return f"(its text cannot be had: {type(failure).__name__})"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - a stranger's __str__, or no memory
        return ""
