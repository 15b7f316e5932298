"""A store that an older batchnb wrote, opened by this one."""

import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from rights import run_without_rights
from support import everything_below

from batchnb.engine.ownership import Ownership, end_interrupted
from batchnb.engine.schema import SCHEMA_VERSION
from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus
from batchnb.records.errors import ForeignStoreError, StorageError

HERE = Path(__file__).parent
DUMPS = {int(file.stem.removeprefix("version")): file.read_text() for file in HERE.glob("version*.sql")}
"""Dumps of stores that older versions wrote: an ended job, one whose process died, one that was deleted."""


@pytest.fixture(params=sorted(DUMPS))
def version(request):
    return request.param


@pytest.fixture
def path(tmp_path, version):
    """Return the path of a store of an older version, closed as that version would leave it."""
    folder = tmp_path / "store"
    folder.mkdir()
    make(folder / "store.db", version)
    return folder / "store.db"


def make(path, version, *more):
    with closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA journal_mode = wal")
        db.execute(DUMPS[version])
        for statement in more:
            db.execute(statement)


def rows(path, version):
    """Return every column that an older version has of every row, by table."""
    with closing(apsw.Connection(":memory:")) as old:
        old.execute(DUMPS[version])
        tables = [name for (name,) in old.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {
            name: ", ".join(row[1] for row in old.execute(f"PRAGMA table_info({name})")) for name in tables
        }
    with closing(apsw.Connection(str(path))) as db:
        return {name: sorted(db.execute(f"SELECT {columns[name]} FROM {name}").fetchall()) for name in tables}


def schema(path):
    with closing(apsw.Connection(str(path))) as db:
        query = "SELECT type, name, tbl_name, sql FROM sqlite_schema"
        version = db.pragma("user_version"), db.pragma("application_id")
        return version, sorted(db.execute(query).fetchall(), key=str)


def open_and_close(path):
    JobStorage(path).close()


def test_there_is_a_store_of_every_older_version():
    assert sorted(DUMPS) == list(range(1, SCHEMA_VERSION))


def test_the_data_are_kept_and_the_schema_is_that_of_a_new_store(path, version, tmp_path):
    before = rows(path, version)
    assert min(map(len, before.values())) > 0, "every table has something to lose"

    open_and_close(path)

    assert rows(path, version) == before
    open_and_close(tmp_path / "new.db")
    assert schema(path) == schema(tmp_path / "new.db")
    assert list(path.parent.iterdir()) == [path]
    with closing(apsw.Connection(str(path))) as db:
        assert (db.pragma("integrity_check"), db.execute("PRAGMA foreign_key_check").fetchall()) == ("ok", [])


def test_an_upgraded_store_works_as_a_new_one(path):
    with closing(JobStorage(path)) as storage:
        ended, half = storage.get_jobs()
        assert (ended.name, ended.status, ended.task_count_by_status) == (
            "ended",
            JobStatus.COMPLETED,
            {"completed": 2, "failed": 1},
        )
        assert half.task_count_by_status == {"completed": 1, "running": 1, "pending": 2}
        for record in (*storage.get_tasks(1), *storage.get_results(1), *storage.get_tasks(2), ended, half):
            record.check()
        assert storage.create_job({}).id == 4, "3 was the deleted job's"
        assert storage.create_task(4, "m", 1, "gated").id == 9
        assert storage.finish_task(9, lambda task: task.cancel(task.created_at)).id == 6
        assert storage.get_job(4).task_count_by_status == {"cancelled": 1}

        ownership = Ownership(path)
        assert end_interrupted(storage, ownership, lambda _: []) == [2]
        ownership.release()
        rest = storage.continue_job(2)
        assert rest.task_count_by_status == {"completed": 1, "pending": 3}
        assert storage.delete_job(1)
        assert storage.get_findings(1) == []


def test_a_job_of_version_2_is_as_it_was(tmp_path):
    make(tmp_path / "store.db", 2)
    with closing(JobStorage(tmp_path / "store.db")) as storage:
        half = storage.get_job(2)
        assert (half.task_timeouts, half.task_timeout_seconds, half.max_tasks) == ({"gated": 600}, 900, 2)
        assert half.paused
        assert [task.priority for task in storage.get_tasks(2)] == [0, 0, 0, 5]
        assert [line.message for line in storage.get_log(2)] == [
            "paused: no new task is started",
            "priority is 5 from now on",
        ]
        assert [finding.tags for finding in storage.get_findings(2)] == [()]
        assert storage.get_measurements(2) == []


def test_each_upgraded_store_has_an_identity_of_its_own(tmp_path):
    """Version 1 had none."""
    path, other = tmp_path / "store.db", tmp_path / "other.db"
    make(path, 1)
    make(other, 1)
    found = set()
    for store in (path, other):
        open_and_close(store)
        with closing(apsw.Connection(str(store))) as db:
            ((identity,),) = db.execute("SELECT id FROM store").fetchall()
            found.add(identity)
    assert len(found) == 2
    assert all(len(identity) == 32 for identity in found)


TRIGGER = "CREATE TRIGGER evil AFTER INSERT ON jobs BEGIN DELETE FROM tasks; END"


@pytest.mark.parametrize(
    "statement",
    [
        TRIGGER,
        "CREATE TABLE mine (x)",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE coverage",
        "DROP TRIGGER task_moved",
        "ALTER TABLE jobs ADD COLUMN mine TEXT",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = {other}",
    ],
)
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_only_what_is_exactly_ours_is_upgraded(tmp_path, version, statement, mode):
    path = tmp_path / "store.db"
    other = next(each for each in sorted(DUMPS) if each != version)
    make(path, version, statement.format(other=other), f"PRAGMA journal_mode = {mode}")
    before = everything_below(tmp_path)

    with pytest.raises(ForeignStoreError, match="does not have the tables"):
        JobStorage(path)

    assert everything_below(tmp_path) == before


def test_a_trigger_that_is_still_in_the_log_is_found(path):
    """Another program that has the store open leaves a log, and there its changes are."""
    with closing(apsw.Connection(str(path))) as other:
        other.execute(TRIGGER)
        with pytest.raises(StorageError):
            JobStorage(path)
    with pytest.raises(ForeignStoreError, match="does not have the tables"):
        JobStorage(path)


def test_a_store_that_somebody_has_open_is_left_alone_until_it_is_closed(path, version):
    before = rows(path, version), schema(path)
    with closing(apsw.Connection(str(path))) as older:
        older.execute("SELECT count(*) FROM jobs").fetchall()
        with pytest.raises(StorageError, match="open in another process"):
            JobStorage(path)
        assert (rows(path, version), schema(path)) == before
        older.execute("UPDATE jobs SET name = 'still written' WHERE id = 2")

    with closing(JobStorage(path)) as storage:
        assert storage.get_job(2).name == "still written"


def test_what_a_killed_older_version_left_in_its_log_is_kept(path):
    script = (
        "import apsw, os, sys\n"
        "db = apsw.Connection(sys.argv[1])\n"
        "db.execute(\"UPDATE jobs SET name = 'in the log' WHERE id = 1\")\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert path.with_name("store.db-wal").stat().st_size > 0

    with closing(JobStorage(path)) as storage:
        assert storage.get_job(1).name == "in the log"


def test_many_that_open_an_older_store_at_once_share_it(path, version):
    before = rows(path, version)
    stores, start = [], threading.Barrier(6)

    def open_it():
        start.wait(10)
        stores.append(JobStorage(path))

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(stores) == 6
    for storage in stores:
        storage.close()
    assert rows(path, version) == before


KILLED = """
import apsw, os, sys
from pathlib import Path
from batchnb.engine.storage import JobStorage

steps = [0]

def step():
    steps[0] += 1
    if steps[0] == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    return False

apsw.connection_hooks.append(lambda connection: connection.set_progress_handler(step, 5))
storage = JobStorage(Path(sys.argv[1]))
apsw.connection_hooks.clear()
print(steps[0])
storage.close()
"""


def run_killed(path, moment):
    command = [sys.executable, "-c", KILLED, str(path), str(moment)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_kill_in_the_middle_leaves_all_or_nothing(path, version):
    before, old = rows(path, version), schema(path)
    whole = path.read_bytes()
    steps = int(run_killed(path, 0).stdout)
    new = schema(path)
    seen = []
    for part in range(12):
        path.write_bytes(whole)
        run = run_killed(path, 1 + part * steps // 12)
        assert run.returncode == -signal.SIGKILL, run.stderr
        seen.append(schema(path))
        assert rows(path, version) == before
        open_and_close(path)
        assert (rows(path, version), schema(path)) == (before, new)
    assert all(found in (old, new) for found in seen)
    assert old in seen


def test_a_store_that_may_not_be_written_is_named_and_not_touched(path):
    before = everything_below(path.parent)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    script = (
        "import sys; from pathlib import Path; from batchnb.engine.storage import JobStorage; "
        "JobStorage(Path(sys.argv[1]))"
    )
    run = run_without_rights(script, path)
    path.parent.chmod(0o700)

    assert "StorageError" in run.stderr
    assert repr(str(path)) in run.stderr.splitlines()[-1]
    assert everything_below(path.parent) == before
