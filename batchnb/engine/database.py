"""One embedded SQL database: a single writer thread with group commit, readers beside it.

What `write` returned is on the disk: the file runs in WAL mode with synchronous=FULL, and the call returns
only after the commit that carries its change. Changes that wait at the same time share one commit, which is
what makes durable writes affordable. Only the writer thread checkpoints.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
import uuid
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import apsw

from batchnb.engine.schema import APPLICATION_ID, SCHEMA_VERSION, STATEMENTS
from batchnb.records.errors import ForeignStoreError, StorageError, StoreClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")
Work = tuple["Callable[[apsw.Connection], Any]", "Future[Any]"]

_BUSY_MS = 30_000
_GROUP = 500
"""Most changes in one commit."""


class Database:
    """The tables of `schema`, in memory (`path` None) or in a file that only batchnb writes.

    Raises:
        ForeignStoreError: if the file is no store of ours, is damaged, or is newer than this code. It is
            not touched.
        StorageError: if the file cannot be opened or created.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None and "\0" in str(path):
            raise StorageError(f"the store {str(path)!r} cannot be used: its name has a zero byte")
        self.path = path
        self._readers: list[apsw.Connection] = []
        self._lock = threading.RLock()
        with _translated(path):
            if path is None:
                self._writer = _create(":memory:")
            else:
                _create_file(path)
                _check_file(path)
                self._writer = _connect(path)
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name="batchnb-writer", daemon=True)
        self._thread.start()

    def write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` in a transaction on the writer thread and return its value once it is durable.

        If `work` raises, its own changes are undone and the error is raised here; others are not affected.
        """
        future: Future[T] = Future()
        with self._lock:
            self._require_open()
            self._queue.put((work, future))
        with _translated(self.path):
            return future.result()

    def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` on one consistent state of the database and return its value."""
        with _translated(self.path), self._reader() as reader:
            return work(reader)

    def close(self) -> None:
        """Finish what is queued, then close every connection. Closing twice is allowed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        with self._lock:  # after whoever reads in memory; a reader of the file closes its own connection
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers.clear()

    def _require_open(self) -> None:
        if self._closed:
            raise StoreClosedError(f"the store {self.path or 'in memory'} is closed")

    @contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        if self.path is None:
            with self._lock:  # the only connection: between two group commits
                self._require_open()
                yield self._writer
            return
        with self._lock:
            self._require_open()
            reader = self._readers.pop() if self._readers else None
        reader = reader or _connect(self.path, readonly=True)
        try:
            with reader:
                yield reader
        finally:
            with self._lock:
                keep = not self._closed
                if keep:
                    self._readers.append(reader)
            if not keep:
                reader.close()

    def _write_all(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            ending = False
            with suppress(queue.Empty):
                while len(group) < _GROUP and not ending:
                    following = self._queue.get_nowait()
                    ending = following is None
                    if following is not None:
                        group.append(following)
            self._commit(group)
            if ending:
                return

    def _commit(self, group: list[Work]) -> None:
        """Run a group in one transaction, each change in a savepoint of its own."""
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._memory_lock():
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    outcomes.extend(self._run(work, future) for work, future in group)
                    self._writer.execute("COMMIT")
                except BaseException:
                    with suppress(apsw.Error):  # nothing to undo if SQLite already rolled back
                        self._writer.execute("ROLLBACK")
                    raise
        except BaseException as failure:  # noqa: BLE001 - whoever waits must hear of it
            outcomes = [(future, None, failure) for _, future in group]
        for future, value, error in outcomes:
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

    def _run(
        self, work: Callable[[apsw.Connection], Any], future: Future[Any]
    ) -> tuple[Future[Any], Any, BaseException | None]:
        value: Any = None
        try:
            with self._writer:  # inside a transaction apsw makes this a savepoint
                value = work(self._writer)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller of this one change
            if not self._writer.in_transaction:
                # SQLite gave the whole transaction up (disk full, say); going on would commit piecemeal
                raise _first(error) from None
            return future, None, error
        return future, value, None

    @contextmanager
    def _memory_lock(self) -> Iterator[None]:
        if self.path is not None:
            yield
        else:
            with self._lock:
                yield


def _first(error: BaseException) -> BaseException:
    """Return what went wrong first: rolling back after it failed as well, and hid it."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _create(name: str) -> apsw.Connection:
    connection = apsw.Connection(name)
    connection.pragma("foreign_keys", True)  # noqa: FBT003 - a pragma's value
    with connection:
        for statement in STATEMENTS:
            connection.execute(statement)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", SCHEMA_VERSION)
    return connection


def _create_file(path: Path) -> None:
    """Create the store beside its place and link it in, so that nobody ever sees half of one."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _create(str(draft)).close()
        with suppress(FileExistsError):  # another process was first: use its file
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _check_file(path: Path) -> None:
    """Refuse a file that is not ours, without touching it: SQLite would leave files beside it.

    The header is read as plain bytes, the schema from the file as if it could not change. A store that is
    open elsewhere has a log beside it, which only a real connection reads: see _connect.
    """
    if not path.is_file():  # a pipe would wait for a writer, for ever
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "it is not a regular file")
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise ForeignStoreError(
            f"{str(path)!r} is not a batchnb store (not an SQLite file); it was not touched"
        )
    version = int.from_bytes(header[60:64], "big")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise ForeignStoreError(f"{str(path)!r} is another program's database; it was not touched")
    if version > SCHEMA_VERSION:
        raise ForeignStoreError(
            f"{str(path)!r} has schema version {version}, this batchnb knows up to {SCHEMA_VERSION}: "
            "upgrade batchnb or open another store; it was not touched"
        )
    if not path.with_name(f"{path.name}-wal").exists():
        address = f"file:{quote(os.fsencode(path))}?immutable=1"
        still = apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        with closing(still):
            _check_schema(still, path)


def _check_schema(connection: apsw.Connection, path: Path) -> None:
    """Refuse a file with tables, views or triggers that are not ours: they could run on our writes."""
    found = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    foreign = sorted(found - set(STATEMENTS) - {"CREATE TABLE sqlite_sequence(name,seq)"})
    missing = set(STATEMENTS) - found
    if foreign or missing:
        raise ForeignStoreError(f"{str(path)!r} does not have the tables of a batchnb store: {foreign[:1]}")


def _connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(_BUSY_MS)
    connection.pragma("trusted_schema", False)  # noqa: FBT003 - a pragma's value
    connection.pragma("foreign_keys", True)  # noqa: FBT003
    if readonly:
        connection.pragma("query_only", True)  # noqa: FBT003
        connection.wal_autocheckpoint(0)
    else:
        _check_schema(connection, path)  # before anything is written
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
    return connection


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    """Turn a database or file error into one of ours that names the file and what to do."""
    where = repr(str(path)) if path else "in memory"
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise ForeignStoreError(f"the store {where} is damaged ({error}); restore a copy") from error
    except apsw.FullError as error:
        raise StorageError(f"the store {where} cannot grow: disk full; nothing was changed") from error
    except apsw.BusyError as error:
        raise StorageError(
            f"the store {where} was locked by another process for {_BUSY_MS // 1000} s"
        ) from error
    except (apsw.Error, OSError) as error:
        raise StorageError(f"the store {where} cannot be used: {error}") from error
