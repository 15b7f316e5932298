"""Every error of batchnb: one root, a builtin second parent where one fits, the data on the exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class BatchnbError(Exception):
    """Root of every error that batchnb raises on purpose."""


class InvalidValueError(BatchnbError, ValueError):
    """A value from outside is not allowed; the message names it, what is allowed and where it came from."""

    def __init__(self, what: str, value: object, allowed: str, source: str = "") -> None:
        self.what, self.value, self.allowed, self.source = what, value, allowed, source
        where = f" (from {source})" if source else ""
        super().__init__(f"{what} {value!r}{where} is not valid: {allowed}")


class UnknownNameError(InvalidValueError, LookupError):
    """A name (model, analysis, option, ...) is not among the known ones."""

    def __init__(self, what: str, value: object, known: Iterable[str], source: str = "") -> None:
        self.known = tuple(known)
        listed = ", ".join(self.known[:30]) + (", ..." if len(self.known) > 30 else "")
        super().__init__(what, value, f"known are {listed}" if self.known else "none is known", source)


class AppRangeError(InvalidValueError):
    """An app range such as `"1-3,x"` is malformed; `part` and `position` tell where."""

    def __init__(self, text: str, part: str, position: int, reason: str, source: str = "") -> None:
        self.part, self.position = part, position
        pointer = f"\n  {text}\n  {' ' * position}{'^' * max(1, len(part))}"
        allowed = f"{part!r} at position {position + 1} {reason}; write numbers and ranges such as 1-3,5,8"
        super().__init__("app range", text, allowed + (pointer if text.isprintable() else ""), source)


class PortfolioError(BatchnbError):
    """The base path cannot be used as a portfolio (missing, not a folder, without apps)."""


class StorageError(BatchnbError):
    """The store cannot do what was asked."""


class StoreClosedError(StorageError):
    """The store was closed; nothing more can be read or written."""


class ForeignStoreError(StorageError):
    """The file is no store of batchnb, is damaged, or is newer than this code; it was not touched."""


class RecordNotFoundError(StorageError, LookupError):
    """There is no job, task or result with this id."""

    def __init__(self, kind: str, record_id: int) -> None:
        self.kind, self.record_id = kind, record_id
        super().__init__(f"there is no {kind} {record_id} in this store")


class InvariantError(StorageError, ValueError):
    """A change would break one of the seed's invariants; nothing was changed."""


class EndedError(InvariantError):
    """A record that has ended never changes again."""


class AnalyzerError(BatchnbError):
    """An analyzer could not do its work."""


class ToolMissingError(AnalyzerError, FileNotFoundError):
    """An outside program that is needed is not installed."""


class OfflineError(BatchnbError, ConnectionError):
    """A source of data did not answer, so that nothing was measured."""


class ReportError(AnalyzerError, ValueError):
    """A tool's report cannot be read (not its format, cut off, too large)."""


class ServiceClosedError(BatchnbError, RuntimeError):
    """The service was closed; it starts no job any more."""


class WorkerError(AnalyzerError):
    """A call to a worker process gave no answer."""


class WorkerDiedError(WorkerError):
    """The worker ended during a call; `returncode` is minus the signal, None if nobody saw its end."""

    def __init__(self, how: str, returncode: int | None, stderr: str) -> None:
        self.returncode, self.stderr = returncode, stderr
        last = f"\n{stderr}" if stderr else ""
        super().__init__(f"the worker process {how}{last}")


class WorkerTimeoutError(WorkerError, TimeoutError):
    """The worker was killed at the call's deadline."""


class WorkerCancelledError(WorkerError):
    """The call was cancelled and did not end by itself, so its worker was killed."""


class WorkerRefusedError(WorkerError, ReportError):
    """The worker's answer was too large, or not what was agreed; it was killed."""


class RemoteError(AnalyzerError):
    """The function that was called in a worker raised; also an instance of the builtin that it raised."""

    def __init__(self, type_name: str, text: str, remote_traceback: str) -> None:
        self.type_name, self.text, self.remote_traceback = type_name, text, remote_traceback
        # Not `super()`: the error that it is as well may want other arguments.
        Exception.__init__(self, f"{type_name}: {text}" if text else type_name)
        if remote_traceback:
            self.add_note(f"In the worker process:\n{remote_traceback}")
