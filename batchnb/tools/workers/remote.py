"""How an exception crosses from a worker: as words, and as the nearest error that the kernel knows."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from batchnb.records.errors import (
    InvalidValueError,
    RemoteError,
    ReportError,
    ToolMissingError,
    WorkerRefusedError,
)

if TYPE_CHECKING:
    from batchnb.tools.workers.frames import Json

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
        "type": type(error).__name__[:200],
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
            return _CLASSES.get(kind, RemoteError)(name, text[:MAX_TEXT], trace[-MAX_TRACEBACK:])
    raise WorkerRefusedError("the worker reported an error in a form that was not agreed")


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
