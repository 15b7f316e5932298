"""One embedded SQL database: a single writer with group commit, readers beside it.

What `write` returned is on the disk: the file runs in WAL mode with synchronous=FULL, and the call returns
only after the commit that carries its change. Changes that wait at the same time share one commit, which is
what makes durable writes affordable. Only the writer thread checkpoints.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from batchnb.engine.place import DELETED_MEANWHILE, Place
from batchnb.engine.store_file import create, translate, translated
from batchnb.records.errors import StorageError, StoreClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from batchnb.engine.place import Mark

T = TypeVar("T")
Change = tuple["Callable[[apsw.Connection], Any]", "Future[Any]"]
Outcome = tuple[Any, BaseException | None]

_GROUP = 500
"""Most changes in one commit."""
_TRIES = 10
_NESTED = "a change cannot wait for another change"


class Database:
    """The tables of `schema`, in memory (`path` None) or in a file that only batchnb writes.

    In a file one thread of ours runs all changes. In memory it runs those that nobody waits for, so that many
    can come together in one; a change that is waited for runs on the thread that asks for it.

    Raises:
        ForeignStoreError: if the file is no store of ours, is damaged, or is newer than this code. It is
            not touched.
        StorageError: if the file cannot be opened or created.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None and "\0" in str(path):
            raise StorageError(f"the store {str(path)!r} cannot be used: its name has a zero byte")
        self.path = path
        self._readers: list[tuple[apsw.Connection, Mark]] = []
        self._lock = threading.RLock()
        self._gate = threading.Lock()
        """So that nothing comes into the queue behind its end; the writer never wants it."""
        self._queue: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._closed = self._changing = False
        with translated(path):
            self._store = create(":memory:") if path is None else Place(path)
        self._thread = threading.Thread(
            target=self._write_all, args=(self._store,), name="batchnb-writer", daemon=True
        )
        if path is not None:
            self._thread.start()

    def write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` in a transaction and return its value once it is durable.

        If `work` raises, its own changes are undone and the error is raised here; others are not affected.
        """
        if isinstance(self._store, Place):
            if threading.current_thread() is self._thread:
                raise StorageError(_NESTED)
            return self.submit(work).result()
        with self._lock:
            self._require_open()
            return self._write_in_memory(self._store, work)

    def submit(self, work: Callable[[apsw.Connection], T]) -> Future[T]:
        """Do as `write` does without waiting: the future has the value, or the error, after the commit.

        What is called back when it is done runs on the writer's thread, and every other change waits for it.

        Raises:
            StoreClosedError: if the store is closed.
        """
        future: Future[T] = Future()
        with self._gate:  # not the lock, which the thread that wakes up may want
            self._require_open()
            if self._thread.ident is None:
                self._thread.start()
            self._queue.put((work, future))
        return future

    def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` on one consistent state of the database and return its value."""
        with translated(self.path), self._reader() as reader:
            return work(reader)

    def close(self) -> None:
        """Finish what is queued, then close every connection. Closing twice is allowed."""
        with self._gate, self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:  # after whoever reads in memory; a reader of the file closes its own connection
            for reader, _ in self._readers:
                reader.close()
            self._readers.clear()
            self._store.close()

    def _require_open(self) -> None:
        if self._closed:
            raise StoreClosedError(f"the store {self.path or 'in memory'} is closed")

    # ---------------------------------------------------------------------------------------- reading

    @contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        if isinstance(self._store, apsw.Connection):
            with self._lock:  # the only connection: between two changes
                self._require_open()
                yield self._store
            return
        reader, mark = self._take_reader(self._store)
        try:
            with reader:
                yield reader
        finally:
            with self._lock:
                keep = not self._closed
                if keep:
                    self._readers.append((reader, mark))
            if not keep:
                reader.close()

    def _take_reader(self, place: Place) -> tuple[apsw.Connection, Mark]:
        """Return a connection to the file that lies at the path now, never to one that was deleted."""
        for _ in range(_TRIES):
            with self._lock:
                self._require_open()
                pooled = self._readers.pop() if self._readers else None
            if pooled is None:
                pooled = place.open_reader()
            elif not place.is_read_by(pooled[1]):
                pooled[0].close()
                pooled = None
            if pooled is not None:
                return pooled
            if not place.is_in_place():
                self.write(lambda _: None)  # the writer puts it right, or says what is wrong
        raise StorageError(f"the store {str(self.path)!r} is deleted again and again")

    # ---------------------------------------------------------------------------------------- writing

    def _write_in_memory(self, memory: apsw.Connection, work: Callable[[apsw.Connection], T]) -> T:
        with translated(None), self._lock:
            if self._changing:
                raise StorageError(_NESTED)
            self._changing = True
            try:
                return _alone(memory, work)
            finally:
                self._changing = False

    def _write_all(self, store: Place | apsw.Connection) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            ending = False
            with suppress(queue.Empty):
                while len(group) < _GROUP and not ending:
                    following = self._queue.get_nowait()
                    ending = following is None
                    if following is not None:
                        group.append(following)
            if isinstance(store, Place):
                self._commit(store, group)
            else:
                for work, future in group:
                    self._do(store, work, future)
            if ending:
                return

    def _do(self, memory: apsw.Connection, work: Callable[[apsw.Connection], T], future: Future[T]) -> None:
        """Run one change in memory for somebody who does not wait for it."""
        try:
            value = self._write_in_memory(memory, work)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks the future
            future.set_exception(error)
        else:
            future.set_result(value)

    def _commit(self, place: Place, group: list[Change]) -> None:
        """Run a group in one transaction and tell everyone how it ended."""
        try:
            outcomes = _transact(place, [work for work, _ in group])
        except BaseException as failure:  # noqa: BLE001 - whoever waits must hear of it
            outcomes = [(None, failure)] * len(group)
        for (_, future), (value, error) in zip(group, outcomes, strict=True):
            if error is None:
                future.set_result(value)
            else:
                ours = translate(error, self.path)
                if ours is not error:
                    ours.__cause__ = error
                future.set_exception(ours)


def _alone(memory: apsw.Connection, work: Callable[[apsw.Connection], T]) -> T:
    if memory.in_transaction:  # a Ctrl-C came between a change and its undoing
        memory.execute("ROLLBACK")
    memory.execute("BEGIN IMMEDIATE")
    return _finish(memory, lambda: work(memory))


def _transact(place: Place, works: list[Callable[[apsw.Connection], Any]]) -> list[Outcome]:
    """Run changes in one transaction that is in the file at the path when this returns."""
    writer = place.begin()
    try:
        if len(works) == 1:
            outcomes: list[Outcome] = [(_finish(writer, lambda: works[0](writer)), None)]
        else:
            outcomes = _finish(writer, lambda: [_in_savepoint(writer, work) for work in works])
    except DELETED_MEANWHILE as error:
        if place.is_in_place():
            raise
        raise place.in_doubt() from error
    place.confirm()
    return outcomes


def _finish(db: apsw.Connection, work: Callable[[], T]) -> T:
    """Run `work` in the transaction that was begun, and commit it or undo it."""
    try:
        value = work()
        db.execute("COMMIT")
    except BaseException:
        with suppress(apsw.Error):  # nothing to undo if SQLite already rolled back
            db.execute("ROLLBACK")
        raise
    return value


def _in_savepoint(db: apsw.Connection, work: Callable[[apsw.Connection], Any]) -> Outcome:
    """Run one change of several in a transaction, so that it can be undone alone."""
    value: Any = None
    try:
        with db:  # inside a transaction apsw makes this a savepoint
            value = work(db)
    except Exception as error:  # noqa: BLE001 - it belongs to the caller of this one change
        if not db.in_transaction:
            # SQLite gave the whole transaction up (disk full, say); going on would commit piecemeal
            raise _first(error) from None
        return None, error
    return value, None


def _first(error: BaseException) -> BaseException:
    """Return what went wrong first: rolling back after it failed as well, and hid it."""
    while error.__context__ is not None:
        error = error.__context__
    return error
