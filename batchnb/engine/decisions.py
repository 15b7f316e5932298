"""Decisions about findings (triage), kept in the store whatever becomes of the jobs they were made on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from batchnb.engine.drafts import check_id
from batchnb.engine.rows import Table, encode, stamp
from batchnb.records import Decision, Member, Verdict, utc_now
from batchnb.records.errors import EndedError, InvalidValueError, RecordNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from batchnb.engine.database import Database


def _members(stored: str) -> tuple[Member, ...]:
    found = json.loads(stored)
    if not isinstance(found, list):
        raise TypeError(f"{stored:.80} where a list belongs")
    return tuple(Member(**member) for member in found)


DECISIONS = Table(
    "decisions",
    Decision,
    {
        **dict.fromkeys(("decided_at", "expires_at", "withdrawn_at"), datetime.fromisoformat),
        "verdict": Verdict,
        "members": _members,
    },
)
_WITHDRAW = "UPDATE decisions SET withdrawn_at = ?, withdrawn_by = ?, withdrawn_because = ? WHERE id = ?"


class StoredDecisions:
    """The decisions of a store; see JobStorage.decisions. None is ever deleted or changed, only withdrawn."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, decision: Decision) -> Decision:
        """Store a decision and return it with the id that it got; see add_all."""
        return self.add_all([decision])[0]

    def add_all(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Store decisions in one step, all or none, and return them with the ids that they got.

        Raises:
            InvalidValueError: if one has a value that is not allowed, or was stored already.
        """
        new = list(decisions)
        for decision in new:
            decision.check()
            if decision.id:
                allowed = "a new decision has none (0): the store gives it one"
                raise InvalidValueError("decision id", decision.id, allowed, "add")

        def work(db: apsw.Connection) -> list[Decision]:
            ids = []
            for decision in new:
                db.execute(DECISIONS.insert, DECISIONS.row(decision, id=None))
                ids.append(int(db.last_insert_rowid()))
            return [_read(db, number) for number in ids]

        return self._database.write(work)

    def all(self) -> list[Decision]:
        """Return every decision by id, those that were withdrawn or expired among them."""
        query = f"{DECISIONS.select} ORDER BY id"
        return self._database.read(lambda db: [DECISIONS.read(row) for row in db.execute(query)])

    def withdraw(self, decision_id: int, *, author: str, reason: str) -> Decision:
        """Take a decision back; it stays in the store as history, with who took it back, when and why.

        Raises:
            RecordNotFoundError: if there is no such decision.
            EndedError: if it was withdrawn already.
            InvalidValueError: if the author or the reason is empty or too long.
        """
        number = check_id("decision", decision_id)

        def work(db: apsw.Connection) -> Decision:
            old = _read(db, number)
            if old.withdrawn_at is not None:
                raise EndedError(f"decision {number} was withdrawn already, by {old.withdrawn_by!r}")
            now = utc_now()
            new = replace(old, withdrawn_at=now, withdrawn_by=author, withdrawn_because=reason)
            new.check()
            values = (stamp(now), encode(new.withdrawn_by), encode(new.withdrawn_because), number)
            db.execute(_WITHDRAW, values)
            return _read(db, number)

        return self._database.write(work)


def _read(db: apsw.Connection, decision_id: int) -> Decision:
    row = db.execute(f"{DECISIONS.select} WHERE id = ?", (decision_id,)).fetchone()
    if row is None:
        raise RecordNotFoundError("decision", decision_id)
    return DECISIONS.read(row)
