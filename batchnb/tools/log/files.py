"""A workspace's log files: `batch_analysis.log` has all lines, `batch_analysis.<component>.log` its own."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from batchnb.records.errors import InvalidValueError
from batchnb.tools.log.folder import inspect_folder
from batchnb.tools.log.front import Front
from batchnb.tools.log.line import as_json, as_text
from batchnb.tools.log.live import REGISTRY, Open
from batchnb.tools.log.writer import Writer

if TYPE_CHECKING:
    from types import TracebackType

MAX_BYTES: Final = 10_000_000
BACKUPS: Final = 5


class LogFiles:
    """Writes the lines of one store to a folder, from `start` (or `with`) to `close`.

    Lines are on the disk about 0.1 s after they were logged, and all of them after `close` or at the end of
    the interpreter; a process that is killed loses the last ones. The caller never waits for the disk and
    never sees its errors: a full or missing disk gives one RuntimeWarning, lines are kept for later as long
    as there is room, and the log says how many were dropped. A forked child has no log files.

    Several processes may write the same folder, with the same limits. Several LogFiles of one process with
    the same folder and store share one writer, and the settings of the first one hold.

    Args:
        folder: made if missing, for its owner alone.
        store: takes only lines bound to this store (`bind`), or to none. Empty: takes every line.
        level: the lowest level that is written.
        json_lines: one JSON object per line instead of text.
        max_bytes: size at which a file is rotated; it may be exceeded by an eighth, or by one line.
        backups: how many old files are kept of each, as `batch_analysis.log.1` (the newest), `.2`, ...
    """

    def __init__(
        self,
        folder: Path,
        *,
        store: str = "",
        level: int = logging.INFO,
        json_lines: bool = False,
        max_bytes: int = MAX_BYTES,
        backups: int = BACKUPS,
    ) -> None:
        for what, value in (("max_bytes", max_bytes), ("backups", backups)):
            if value < 1:
                raise InvalidValueError(what, value, "at least 1 is needed")
        self.folder = Path(folder).absolute()
        self._store, self._level = store, level
        self._render = as_json if json_lines else as_text
        self._limits = max_bytes, backups
        self._open: Open | None = None
        self._last: Writer | None = None

    def start(self) -> Self:
        """Begin to write; does nothing if it has begun already.

        Raises:
            StorageError: the folder or a file in it is a link, or no regular file; nothing was written. Other
                trouble with the disk is only warned of: no analysis ends because it cannot be logged.
        """
        if self._open is None:
            with contextlib.suppress(OSError):  # the writer will meet it again, warn, and go on trying
                inspect_folder(self.folder)
            self._open = REGISTRY.acquire(self._key(), self._make)
            self._last = self._open.writer
        return self

    def close(self) -> None:
        """Write what is waiting and end; closing again does nothing."""
        opened, self._open = self._open, None
        if opened is not None:
            REGISTRY.release(self._key(), opened)

    @property
    def dropped(self) -> int:
        """How many lines `batch_analysis.log` lacks: they came too fast, or the disk did not take them."""
        return self._last.dropped if self._last else 0

    @property
    def failure(self) -> str:
        """Why the files cannot be written at present; empty if they can."""
        return self._last.failure if self._last else ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _key(self) -> tuple[str, str]:
        return str(self.folder.resolve()), self._store

    def _make(self) -> tuple[Writer, Front]:
        writer = Writer(self.folder, self._render, *self._limits)
        return writer, Front(writer.queue, self._store, self._level)
