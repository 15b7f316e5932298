"""The store's file while it is open: noticing that it was deleted, moved or replaced, and putting it back.

A process that has a file open goes on writing to it after `rm`, `mv` or `git clean`, and everything written
would be lost in silence. So each commit is checked against what lies at the path, before and after.

What was written back has a new identity that follows from the old one, so that every process that had the
store open knows the file at the path for its own; any other file there is somebody else's, or an old copy.
The file that was lost gets an identity that follows from nothing: nobody else writes it back again.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import closing, suppress
from pathlib import Path

import apsw

from batchnb.engine.store_file import check_file, connect, drafted, prepare, store_id, sync, translated
from batchnb.records.errors import StorageError
from batchnb.tools.log import create_logger

Mark = tuple[int, int] | None
"""Device and inode; None for what is missing."""
Marks = tuple[Mark, ...]
"""Of the file, its log and the log's index."""

_log = create_logger("storage")
_TRIES = 10
_GENERATIONS = 1_000

DELETED_MEANWHILE = (apsw.IOError, apsw.CantOpenError)
"""What SQLite says of a file that goes away in the middle of its work."""


class Place:
    """A store's file that is open for writing. Only one thread may call anything but `open_reader`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        prepare(path)
        self._file = Path(os.path.realpath(path))
        self._logs = [self._file.with_name(f"{self._file.name}{end}") for end in ("-wal", "-shm")]
        self._names = [str(file) for file in (self._file, *self._logs)]
        self.writer, self.marks, self._id = self._open()
        self._seal = ""

    def is_in_place(self) -> bool:
        """Whether what lies at the path is what is open (a few microseconds)."""
        return self._look() == self.marks

    def is_read_by(self, mark: Mark) -> bool:
        """Whether a reader of the file with this mark reads what lies at the path."""
        return _mark(self._names[0]) == mark

    def begin(self) -> apsw.Connection:
        """Begin a transaction that writes to the file at the path, and return its connection.

        Raises:
            StorageError: if the file is gone and cannot be written back, or another one is in its place.
        """
        failure: apsw.Error | None = None
        for _ in range(_TRIES):
            try:
                self.writer.execute("BEGIN IMMEDIATE")
                # looked at under the lock: who writes the file back holds it, so nothing falls in between
                if self.is_in_place():
                    return self.writer
                self.writer.execute("ROLLBACK")
                self.restore()
            except (*DELETED_MEANWHILE, apsw.BusyError) as error:
                if isinstance(error, apsw.BusyError) and self.is_in_place():
                    raise  # it has waited long enough
                failure = error  # nothing has changed yet: the next try may do better
                with suppress(*DELETED_MEANWHILE):
                    self.restore()
        if failure is not None:
            raise failure
        raise StorageError(f"the store {str(self.path)!r} is deleted again and again; nothing was changed")

    def confirm(self) -> None:
        """Make sure that what was just committed is in the file at the path.

        Raises:
            StorageError: if nobody can tell.
        """
        try:
            is_there = self.is_in_place() or self.restore()
        except DELETED_MEANWHILE as error:
            raise self.in_doubt() from error
        if not is_there:
            raise self.in_doubt()

    def in_doubt(self) -> StorageError:
        """Return the error of a change of which nobody can tell whether it is in the file at the path."""
        return StorageError(
            f"the store {str(self.path)!r} was deleted, maybe written back by another process, at this very "
            "moment: look whether it holds the last change"
        )

    def restore(self) -> bool:
        """Have the store at its path again; return whether everything committed here is in it for sure.

        Raises:
            StorageError: if the folder is missing or another file is at the path. Once that is mended, this
                works.
        """
        for _ in range(_TRIES):
            found = self._look()
            if found == self.marks:
                return True
            if found[0] not in {None, self.marks[0]}:
                if not self._is_successor(store_id(self._file)):
                    self._let_go(found)
                    raise StorageError(
                        f"the store {str(self.path)!r} was replaced by another file while it was open; move "
                        "that away to go on, it was not touched"
                    )
                self._reopen()
                return False
            if found[0] is None and not self._file.parent.is_dir():
                raise StorageError(
                    f"the store {str(self.path)!r} is gone with its folder; bring the folder back to go on"
                )
            if found[0] and any(log not in {None, mine} for log, mine in zip(found, self.marks, strict=True)):
                raise StorageError(
                    f"the log of the store {str(self.path)!r} was deleted while it was open, and another "
                    "process has opened the store since; end this one"
                )
            if self._put_back(missing=found[0] is None):
                _log.warning("the store %s was deleted or moved while open; it was written back", self.path)
                self._reopen()
                return True
        raise StorageError(f"the store {str(self.path)!r} is deleted again and again")

    def close(self) -> None:
        """Close the writer; if what was committed cannot be left at the path, the log says so."""
        try:
            with translated(self.path):
                self.confirm()
        except StorageError as error:
            _log.error("closed without being written back: %s", error)
        self.writer.close()

    def open_reader(self) -> tuple[apsw.Connection, Mark] | None:
        """Return a connection for reading and the mark of what it reads; None if the file is not there."""
        marks = self.marks
        if self._look() != marks:
            return None
        try:
            reader = connect(self._file, readonly=True)
            reader.execute("SELECT 1 FROM store").fetchall()  # opens the log as well
        except (*DELETED_MEANWHILE, apsw.BusyError):
            if self._look() == marks:
                raise
            return None  # it was deleted, or is being written back, in the middle of this
        if self._look() == marks:
            return reader, marks[0]
        reader.close()
        return None

    def _look(self) -> Marks:
        return tuple(_mark(name) for name in self._names)

    def _open(self) -> tuple[apsw.Connection, Marks, str]:
        for _ in range(_TRIES):
            before = _mark(self._names[0])
            writer = connect(self._file)
            identity = str(writer.execute("SELECT id FROM store").get)
            marks = self._look()
            if marks[0] == before and None not in marks:
                return writer, marks, identity
            writer.close()
        raise StorageError(f"the store {str(self.path)!r} is deleted again and again")

    def _reopen(self) -> None:
        """Go on with the file at the path. The old one is closed last: SQLite then leaves the new log be."""
        check_file(self._file)
        writer, marks, identity = self._open()
        if not self._is_successor(identity):  # replaced at this very moment
            writer.close()
            return
        old = self.writer
        self.writer, self.marks, self._id, self._seal = writer, marks, identity, ""
        old.close()

    def _is_successor(self, identity: str | None) -> bool:
        """Whether this is what the open store is called after it was written back, once or more often."""
        expected = self._id
        for _ in range(_GENERATIONS):
            expected = _successor(expected)
            if identity == expected:
                return True
        return False

    def _put_back(self, *, missing: bool) -> bool:
        """Write the open store to its path; False if something changed meanwhile and nothing was done."""
        with suppress(apsw.Error):  # so that the file is complete without its log, if it was only moved
            self.writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        with drafted(self._file) as draft:
            before = self.writer.pragma("data_version")
            self.writer.execute("VACUUM INTO ?", (str(draft),))
            with closing(apsw.Connection(str(draft))) as copy:
                copy.execute("UPDATE store SET id = ?", (_successor(self._id),))
            sync(draft)
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                if self.writer.pragma("data_version") != before:  # another process committed after the copy
                    return False
                self._require_newest()
                for log in self._logs:  # they belong to the old file
                    log.unlink(missing_ok=True)
                if missing:
                    os.link(draft, self._file)
                else:
                    draft.replace(self._file)
                sync(self._file.parent)
                self._seal = uuid.uuid4().hex
                self.writer.execute("UPDATE store SET id = ?", (self._seal,))
                self.writer.execute("COMMIT")
            except FileExistsError:  # another process was first
                return False
            finally:
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")
        return True

    def _require_newest(self) -> None:
        """Refuse to write back a file that another process wrote back already: that one has later changes."""
        if self.writer.execute("SELECT id FROM store").get not in {self._id, self._seal}:
            raise StorageError(
                f"the store {str(self.path)!r} was deleted, written back by another process and deleted "
                "again; let that process go on first"
            )

    def _let_go(self, found: Marks) -> None:
        """Take our log from beside a file that is not ours: SQLite would replay it into that file."""
        with suppress(apsw.Error):
            self.writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        for log, there, mine in zip(self._logs, found[1:], self.marks[1:], strict=True):
            if there == mine:
                log.unlink(missing_ok=True)


def _mark(name: str) -> Mark:
    try:
        found = os.stat(name)  # noqa: PTH116 - thrice in each commit
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _successor(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
