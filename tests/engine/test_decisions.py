"""Decisions in the store, in memory and in a file alike: kept, never changed, only withdrawn."""

import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace

import apsw
import pytest
from support import LATER, START

from batchnb.engine.storage import JobStorage
from batchnb.records import Decision, Member, Verdict, utc_now
from batchnb.records.errors import (
    EndedError,
    ForeignStoreError,
    InvalidValueError,
    RecordNotFoundError,
    StoreClosedError,
    UnknownNameError,
)

MEMBERS = (
    Member(
        tool="bandit",
        rule="B608",
        fingerprint="f1",
        clone_key="c1",
        path="backend/app.py",
        line=3,
        cwe=89,
        alike_in_file=2,
        alike_in_app=4,
    ),
    Member(tool="ruff", rule="S608", fingerprint="f2", clone_key="c2", path="backend/app.py"),
)
DECISION = Decision(
    verdict=Verdict.ACCEPTED,
    reason="only ever called with “constants”",
    author="ada",
    decided_at=START,
    expires_at=LATER,
    model="atlas",
    app_num=2,
    message="SQL built from text",
    members=MEMBERS,
)
HOSTILE = "</script>'); DROP TABLE decisions; --\x00\x1b[31m\u202e$x$=1+1"


def test_what_was_added_is_returned_with_its_id_and_found_again(storage):
    first = storage.decisions.add(DECISION)
    second = storage.decisions.add(replace(DECISION, expires_at=None, verdict=Verdict.CONFIRMED))
    assert first == replace(DECISION, id=1)
    assert storage.decisions.all() == [first, second]
    assert (second.id, second.verdict, second.expires_at) == (2, Verdict.CONFIRMED, None)
    assert isinstance(second.verdict, Verdict)


def test_an_empty_store_has_none(storage):
    assert storage.decisions.all() == []


def test_several_are_added_all_or_none(storage):
    with pytest.raises(InvalidValueError, match="reason"):
        storage.decisions.add_all([DECISION, replace(DECISION, reason="")])
    assert storage.decisions.all() == []
    added = storage.decisions.add_all([replace(DECISION, app_num=number) for number in (1, 2, 3)])
    assert [(each.id, each.app_num) for each in added] == [(1, 1), (2, 2), (3, 3)]
    assert storage.decisions.all() == added


@pytest.mark.parametrize(
    ("changes", "kind", "word"),
    [
        ({"verdict": "maybe"}, UnknownNameError, "known are"),
        ({"author": " "}, InvalidValueError, "author"),
        ({"expires_at": START}, InvalidValueError, "later than"),
        ({"members": ()}, InvalidValueError, "number of findings"),
        ({"id": 7}, InvalidValueError, "the store gives it one"),
    ],
)
def test_what_is_not_allowed_is_not_stored(storage, changes, kind, word):
    with pytest.raises(kind, match=word):
        storage.decisions.add(replace(DECISION, **changes))
    assert storage.decisions.all() == []


def test_hostile_texts_come_back_as_they_are(storage):
    """But for a lone surrogate, which no database text can hold: it becomes its escape."""
    hostile = replace(
        DECISION,
        reason=HOSTILE,
        author=HOSTILE,
        model=HOSTILE,
        message=f"{HOSTILE}\ud800",
        members=(replace(MEMBERS[0], tool=HOSTILE, rule=HOSTILE, path=f"{HOSTILE}\ud800"),),
    )
    storage.decisions.add(hostile)
    assert storage.decisions.all() == [replace(hostile, id=1, message=f"{HOSTILE}\\ud800")]


def test_a_withdrawn_one_is_kept_as_history(storage):
    storage.decisions.add_all([DECISION, DECISION])
    before = utc_now()
    withdrawn = storage.decisions.withdraw(1, author="bob", reason="it is reached from a form")
    assert before < withdrawn.withdrawn_at < utc_now()
    assert withdrawn == replace(
        DECISION,
        id=1,
        withdrawn_at=withdrawn.withdrawn_at,
        withdrawn_by="bob",
        withdrawn_because="it is reached from a form",
    )
    assert storage.decisions.all() == [withdrawn, replace(DECISION, id=2)]


def test_withdrawing_is_refused_without_a_change(storage):
    storage.decisions.add(DECISION)
    decisions = storage.decisions
    with pytest.raises(InvalidValueError, match="author of the withdrawal"):
        decisions.withdraw(1, author="", reason="x")
    with pytest.raises(InvalidValueError, match="reason of the withdrawal"):
        decisions.withdraw(1, author="bob", reason=" ")
    for missing in (0, 2, -1, 1 << 70):
        with pytest.raises(RecordNotFoundError, match="no decision"):
            decisions.withdraw(missing, author="bob", reason="x")
    with pytest.raises(InvalidValueError, match="decision id"):
        decisions.withdraw("1", author="bob", reason="x")
    assert decisions.all() == [replace(DECISION, id=1)]

    decisions.withdraw(1, author="bob", reason="x")
    kept = decisions.all()
    with pytest.raises(EndedError, match="withdrawn already, by 'bob'"):
        decisions.withdraw(1, author="eve", reason="y")
    assert decisions.all() == kept


def test_it_outlives_every_job(storage):
    job_id = storage.create_job({"models": ["atlas"]}).id
    storage.decisions.add(DECISION)
    assert storage.delete_job(job_id)
    assert storage.decisions.all() == [replace(DECISION, id=1)]


def test_ids_and_order_hold_when_many_threads_add(storage):
    def add(number):
        for step in range(20):
            storage.decisions.add(replace(DECISION, reason=f"{number} {step}"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = storage.decisions.all()
    assert [each.id for each in found] == list(range(1, 101))
    assert len({each.reason for each in found}) == 100


def test_only_one_of_many_withdraws(storage):
    storage.decisions.add(DECISION)
    outcomes = []

    def withdraw(name):
        try:
            outcomes.append(storage.decisions.withdraw(1, author=name, reason="x").withdrawn_by)
        except EndedError:
            outcomes.append(None)

    threads = [threading.Thread(target=withdraw, args=(f"n{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (winner,) = [name for name in outcomes if name]
    assert len(outcomes) == 6
    assert storage.decisions.all()[0].withdrawn_by == winner


def test_a_closed_store_says_so(storage):
    storage.close()
    with pytest.raises(StoreClosedError):
        storage.decisions.all()
    with pytest.raises(StoreClosedError):
        storage.decisions.add(DECISION)


# --------------------------------------------------------------------------------------- files only

ADD = """
import os, pickle, sys
from pathlib import Path
from batchnb.engine.storage import JobStorage

decision = pickle.load(sys.stdin.buffer)
storage = JobStorage(Path(sys.argv[1]))
print(storage.decisions.add(decision).id, flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_added_is_there_for_others(tmp_path):
    import pickle

    path = tmp_path / "store.db"
    with closing(JobStorage(path)) as storage:
        storage.decisions.add(DECISION)
        run = subprocess.run(
            [sys.executable, "-c", ADD, str(path)],
            input=pickle.dumps(replace(DECISION, author="other")),
            capture_output=True,
            check=False,
        )
        assert run.stdout.split() == [b"2"], run.stderr
        assert [each.author for each in storage.decisions.all()] == ["ada", "other"]
        assert storage.decisions.withdraw(2, author="ada", reason="x").id == 2
    with closing(JobStorage(path)) as storage:
        assert [each.withdrawn_by for each in storage.decisions.all()] == ["", "ada"]
        assert storage.decisions.add(DECISION).id == 3


def test_an_id_is_never_given_twice_whatever_was_removed(tmp_path):
    path = tmp_path / "store.db"
    with closing(JobStorage(path)) as storage:
        storage.decisions.add_all([DECISION, DECISION])
    with closing(apsw.Connection(str(path))) as db:
        db.execute("DELETE FROM decisions")
    with closing(JobStorage(path)) as storage:
        assert storage.decisions.add(DECISION).id == 3


@pytest.mark.parametrize(
    "change",
    [
        "verdict = 'maybe'",
        "decided_at = 'yesterday'",
        "members = '{}'",
        "members = '[{}]'",
        "members = '[1]'",
        "members = 'x'",
    ],
)
def test_a_damaged_row_is_told_from_a_decision(tmp_path, change):
    path = tmp_path / "store.db"
    with closing(JobStorage(path)) as storage:
        storage.decisions.add(DECISION)
    with closing(apsw.Connection(str(path))) as db:
        db.execute(f"UPDATE decisions SET {change}")
    with closing(JobStorage(path)) as storage, pytest.raises(ForeignStoreError, match="damaged"):
        storage.decisions.all()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_store_of_before_there_were_decisions_takes_some(tmp_path, version):
    from test_migrations import make

    make(tmp_path / "store.db", version)
    with closing(JobStorage(tmp_path / "store.db")) as storage:
        assert storage.decisions.all() == []
        assert storage.decisions.add(DECISION) == replace(DECISION, id=1)
        assert len(storage.get_jobs()) == 2
