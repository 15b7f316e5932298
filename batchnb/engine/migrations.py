"""Bringing a store that an older batchnb wrote to the schema of this one, in one transaction.

A version that only added tables, columns with a default, indexes or triggers needs no code of its own: its
digest below is enough, because whatever differs is built anew from the statements of `schema`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import apsw

from batchnb.engine.schema import SCHEMA_VERSION, STATEMENTS, statements_of
from batchnb.records.errors import ForeignStoreError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DIGESTS = {
    1: "c382fe8e5ee5b8e27cbc39465895920b7f2ab76d553146ba62c25425053b8433",
    2: "c1e79e44f859cbb034dc5f203f873453e3dc177a184c8c2c43aeda378044b964",
    3: "4a53912c78bcf5af14e6c56d531d3938a338471addb5736beddee77a4454a405",
}
"""Schema version -> digest of its statements: an older store is checked as strictly as a new one."""
_ALONE_MS = 2_000
"""How long to wait for others that are just closing the store."""


def is_older(version: int, statements: set[str]) -> bool:
    """Whether these are exactly the statements of an older version of the schema."""
    return _DIGESTS.get(version) == _digest(statements)


def migrate(path: Path) -> None:
    """Bring a store to the present schema; afterwards it cannot be told from a new one.

    All or nothing: a process that dies in the middle leaves the store as it was.

    Raises:
        ForeignStoreError: if the schema is not exactly that of an older version.
        StorageError: if somebody has the store open, of whatever version: an older engine would not know what
            the new columns ask of it.
    """
    with _one_at_a_time(path):
        with closing(_connect(path)) as looking:
            if _version(looking) == SCHEMA_VERSION:  # somebody else was first
                return
        with closing(_connect(path)) as connection:
            connection.set_busy_timeout(_ALONE_MS)
            connection.pragma("synchronous", "full")
            connection.pragma("foreign_keys", False)  # noqa: FBT003 - a pragma's value
            connection.pragma("legacy_alter_table", True)  # noqa: FBT003 - renaming changes no reference
            connection.pragma("locking_mode", "exclusive")
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except apsw.BusyError as error:
                raise StorageError(
                    f"the store {str(path)!r} is of an older batchnb and is open in another process: close "
                    "it there (another notebook, say), then open it again; it was not touched"
                ) from error
            try:
                _upgrade(connection, path)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _upgrade(db: apsw.Connection, path: Path) -> None:
    version, found = _version(db), statements_of(db)
    if not is_older(version, found):
        raise ForeignStoreError(f"{str(path)!r} does not have the tables of a batchnb store")
    for kind, name in _names(db, "trigger", "index"):  # or the copying below would count every task again
        db.execute(f"DROP {kind} {name}")
    tables = {name for _, name in _names(db, "table")}
    for statement in STATEMENTS:
        name = statement.split()[2].partition("(")[0]
        if statement in found and name in tables:
            continue
        if statement.startswith("CREATE TABLE") and name in tables:
            _rebuild(db, name, statement)
        else:
            db.execute(statement)
    if not db.execute("SELECT count(*) FROM store").get:
        db.execute("INSERT INTO store VALUES (?)", (uuid.uuid4().hex,))
    db.pragma("user_version", SCHEMA_VERSION)
    if statements_of(db) != set(STATEMENTS) or db.execute("PRAGMA foreign_key_check").fetchone():
        raise ForeignStoreError(f"{str(path)!r} cannot be brought to schema version {SCHEMA_VERSION}")


def _rebuild(db: apsw.Connection, name: str, statement: str) -> None:
    """Make a table anew and copy its rows; ALTER TABLE would leave other text than a new store has."""
    old = f"old_{name}"
    columns = ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({name})"))
    db.execute(f"ALTER TABLE {name} RENAME TO {old}")
    db.execute(statement)
    db.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {old} ORDER BY 1")  # noqa: S608 - our own names
    # the highest id ever used, not the highest that is left
    db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
    db.execute("UPDATE sqlite_sequence SET name = ? WHERE name = ?", (name, old))
    db.execute(f"DROP TABLE {old}")


def _names(db: apsw.Connection, *kinds: str) -> list[tuple[Any, ...]]:
    query = "SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL"
    return [row for row in db.execute(query).fetchall() if row[0] in kinds]


def _version(db: apsw.Connection) -> int:
    return int(str(db.pragma("user_version")))


def _digest(statements: set[str]) -> str:
    return hashlib.sha256("\n".join(sorted(statements)).encode()).hexdigest()


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(30_000)
    connection.pragma("trusted_schema", False)  # noqa: FBT003 - a pragma's value
    return connection


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one of several notebooks that open an older store migrate it, and the others wait for it."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
