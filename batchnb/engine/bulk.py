"""Reading much at once: everything about some jobs in one consistent state, many rows as blocks of columns.

SQLite puts the columns of a block together itself, without the interpreter's lock. Read row by row, a million
findings would be twenty million Python objects, and every other thread of a notebook would wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.engine.rows import COVERAGE, FINDINGS, MEASUREMENTS, RESULTS, TASKS, Table
from batchnb.engine.statements import read_jobs
from batchnb.records.snapshot import Block, Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import apsw

    from batchnb.engine.stored import StoredRecords

KINDS = ("jobs", "tasks", "results", "coverage", "findings", "measurements")
"""What a snapshot can hold."""
BLOCK_ROWS = 5_000
"""Rows in a block: enough that the calls cost nothing, few enough that no text comes near SQLite's limit."""

_NUMBERS = {
    "findings": ("job_id", "task_id", "app_num", "cwe", "line", "column"),
    "measurements": ("job_id", "task_id", "app_num", "value", "low", "high", "samples"),
}
_TABLES: dict[str, Table[Any]] = {
    table.name: table for table in (TASKS, RESULTS, COVERAGE, FINDINGS, MEASUREMENTS)
}
_REAL = frozenset({"value", "low", "high"})
_BLANK_JOINED = {
    "tags": "CASE tags WHEN '[]' THEN '' ELSE "
    "(SELECT ifnull(group_concat(each.value, ' '), '') FROM json_each(tags) AS each) END"
}


def read_snapshot(storage: StoredRecords, job_ids: Sequence[int], kinds: Collection[str] = KINDS) -> Snapshot:
    """Return what the store holds about some jobs, all of it as it is at one instant.

    Args:
        storage: the store; a job in it may go on.
        job_ids: the jobs, in the order in which their records are to come; an unknown one has none.
        kinds: what is wanted, of `KINDS`.

    Raises:
        StorageError: if the store cannot be read.
    """
    ids = tuple(dict.fromkeys(job_ids))

    def look(db: apsw.Connection) -> Snapshot:
        return Snapshot(**{kind: _read(db, kind, ids) for kind in KINDS if kind in kinds})

    return storage._database.read(look)  # noqa: SLF001 - the same package


def _read(db: apsw.Connection, kind: str, job_ids: tuple[int, ...]) -> Any:
    if kind == "jobs":
        return tuple(read_jobs(db, job_ids))
    table = _TABLES[kind]
    if kind in _NUMBERS:
        return tuple(block for job_id in job_ids for block in _blocks(db, table, job_id))
    query = f"{table.select} WHERE job_id = ? ORDER BY id"
    return tuple(table.read(row) for job_id in job_ids for row in db.execute(query, (job_id,)))


def _blocks(db: apsw.Connection, table: Table[Any], job_id: int) -> Iterator[Block]:
    numbers = _NUMBERS[table.name]
    texts = tuple(name for name in table.stored if name not in numbers)
    query = _block_query(table, numbers, texts)
    last = 0
    while True:
        (row,) = db.execute(query, (job_id, last, BLOCK_ROWS))
        if row[0] is None:
            return
        last = row[0]
        yield Block(
            numbers=row[1], number_names=numbers, texts=dict(zip(texts, map(_bytes, row[2:]), strict=True))
        )


def _block_query(table: Table[Any], numbers: tuple[str, ...], texts: tuple[str, ...]) -> str:
    """Return the statement for the block of a job (?1) that follows an id (?2), of at most ?3 rows.

    A text is told from the next one by its length, not by a separator: it may hold any character.
    """
    columns = ", ".join(f"{_BLANK_JOINED.get(name, name)} AS {name}" for name in table.stored)
    rows = f"SELECT id, {columns} FROM {table.name} WHERE job_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"  # noqa: S608 - our own names
    # 17 digits give a float back exactly; SQLite's own text of it has 15. format() makes a NULL 0.0.
    fields = [
        f"iif({name} IS NULL, '', format('%!.17g', {name}))" if name in _REAL else name for name in numbers
    ]
    # a NULL has no length, so that it can be told from an empty text
    line = ", ',', ".join([*fields, *(f"octet_length({name})" for name in texts)])
    joined = "".join(f", CAST(group_concat({name}, '') AS BLOB)" for name in texts)
    return f"SELECT max(id), CAST(group_concat(concat({line}), char(10)) AS BLOB){joined} FROM ({rows})"  # noqa: S608


def _bytes(joined: bytes | None) -> bytes:
    return joined or b""  # a column of nothing but NULL
