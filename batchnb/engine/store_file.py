"""Creating, checking and opening the store's file: only a file that is exactly ours is ever written.

No plain file handle on a store is ever closed here: closing one would drop the locks that SQLite holds on
the file in this process, and another process could then take the log away under our feet.
"""

from __future__ import annotations

import errno
import os
import uuid
import warnings
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

import apsw

from batchnb.engine.migrations import is_older, migrate
from batchnb.engine.schema import APPLICATION_ID, SCHEMA_VERSION, STATEMENTS, statements_of
from batchnb.records.errors import ForeignStoreError, StorageError
from batchnb.tools.log import create_logger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = create_logger("storage")
READER_CACHE_KIB = 256
"""Page cache of a reader, of which there may be as many as threads; the system caches the file anyway."""
_BUSY_MS = 30_000
_SOUND_SQLITE = (3, 51, 3)
"""Before it, two connections that write and checkpoint at the same instant could damage a WAL file."""


def sqlite_version() -> str:
    """Return the version of SQLite that the store runs on."""
    return apsw.sqlite_lib_version()


def sqlite_is_sound() -> bool:
    """Whether this SQLite is free of the fault that could damage a store which two processes write."""
    return tuple(int(part) for part in sqlite_version().split(".")[:3]) >= _SOUND_SQLITE


def create(name: str) -> apsw.Connection:
    """Return a connection to a new, empty store."""
    connection = apsw.Connection(name)
    connection.pragma("foreign_keys", True)  # noqa: FBT003 - a pragma's value
    with connection:
        for statement in STATEMENTS:
            connection.execute(statement)
        connection.execute("INSERT INTO store VALUES (?)", (uuid.uuid4().hex,))
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", SCHEMA_VERSION)
    return connection


def prepare(path: Path) -> None:
    """Create the store if there is none, refuse what is not ours, bring an older one up to date."""
    _warn_of_old_sqlite()
    if not path.exists():
        with drafted(path) as draft:
            create(str(draft)).close()
            sync(draft)
            with suppress(FileExistsError):  # another process was first: use its file
                os.link(draft, path)
            sync(path.parent)
    if check_file(path) < SCHEMA_VERSION:
        migrate(path)


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """Open a store that `prepare` has seen.

    Raises:
        StorageError: if it may not be written, or lies where SQLite cannot share its log between processes.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(_BUSY_MS)
    connection.pragma("trusted_schema", False)  # noqa: FBT003 - a pragma's value
    connection.pragma("foreign_keys", True)  # noqa: FBT003
    if readonly:
        connection.pragma("query_only", True)  # noqa: FBT003
        connection.pragma("cache_size", -READER_CACHE_KIB)
        connection.wal_autocheckpoint(0)
        return connection
    if connection.readonly("main"):
        raise StorageError(f"the store {str(path)!r} may not be written: check its permissions")
    check_schema(connection, path)  # before anything is written
    mode = connection.pragma("journal_mode", "wal")
    if mode != "wal":
        raise StorageError(
            f"the store {str(path)!r} cannot be kept safe there (journal mode {mode}, not wal): a network "
            "file system, say; put it on a local disk"
        )
    connection.pragma("synchronous", "full")
    return connection


def store_id(path: Path) -> str | None:
    """Return the identity of the store in a file without touching it; None if it is no store of ours."""
    try:
        if int.from_bytes(_header(path)[68:72], "big") != APPLICATION_ID:
            return None
        with closing(_as_it_lies(path)) as still:
            return str(still.execute("SELECT id FROM store").get)
    except apsw.Error:
        return None


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path` that only its owner can read, and remove that name afterwards."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk; no connection may be open to it."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_file(path: Path) -> int:
    """Refuse a file that is not ours, without touching it: SQLite would leave files beside it.

    The header is read as plain bytes, the schema from the file as if it could not change. A store that is
    open elsewhere has a log beside it, which only a real connection reads: see connect and migrate.

    Returns:
        The schema version in the file itself; its log may hold a later one.
    """
    if not path.is_file():  # a pipe would wait for a writer, for ever
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "it is not a regular file")
    header = _header(path)
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
    if not any(path.with_name(f"{path.name}{log}").exists() for log in ("-wal", "-journal")):
        with closing(_as_it_lies(path)) as still:
            check_schema(still, path, version)
    return version


def check_schema(db: apsw.Connection, path: Path, version: int = SCHEMA_VERSION) -> None:
    """Refuse a file with tables, views or triggers that are not ours: they could run on our writes."""
    found = statements_of(db)
    if found != set(STATEMENTS) if version == SCHEMA_VERSION else not is_older(version, found):
        foreign = sorted(found - set(STATEMENTS))
        raise ForeignStoreError(f"{str(path)!r} does not have the tables of a batchnb store: {foreign[:1]}")


def _header(path: Path) -> bytes:
    """Return the file's first 100 bytes, read by SQLite's own means: see the module's text."""
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READONLY
    file = apsw.VFSFile("", os.path.realpath(path), [flags, 0])
    try:
        return file.xRead(100, 0)
    finally:
        file.xClose()


def _as_it_lies(path: Path) -> apsw.Connection:
    address = f"file:{quote(os.fsencode(path))}?immutable=1"
    return apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)


def _warn_of_old_sqlite() -> None:
    if not sqlite_is_sound():
        message = (
            f"SQLite {sqlite_version()} can damage a store that two processes write at the same instant; "
            f"upgrade apsw to get {'.'.join(map(str, _SOUND_SQLITE))} or later"
        )
        _log.warning(message)
        warnings.warn(message, RuntimeWarning, stacklevel=2)


@contextmanager
def translated(path: Path | None) -> Iterator[None]:
    """Turn a database or file error into one of ours that names the file and what to do."""
    try:
        yield
    except Exception as error:
        ours = translate(error, path)
        if ours is error:
            raise
        raise ours from error


def translate(error: BaseException, path: Path | None) -> BaseException:
    """Return one of our errors for one of the database or the system; any other error as it is."""
    where = repr(str(path)) if path else "in memory"
    if isinstance(error, (apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError)):
        return ForeignStoreError(f"the store {where} is damaged ({error}); restore a copy")
    if isinstance(error, apsw.FullError):
        return StorageError(f"the store {where} cannot grow: disk full; nothing was changed")
    if isinstance(error, apsw.BusyError):
        return StorageError(
            f"the store {where} is locked by another connection to it, of another notebook, say; try again "
            "when that is done"
        )
    if isinstance(error, MemoryError):  # SQLite's comes as this one as well
        return StorageError(f"the store {where} cannot be used: out of memory; nothing was changed")
    if isinstance(error, (apsw.Error, OSError)):
        return StorageError(f"the store {where} cannot be used: {error}")
    return error
