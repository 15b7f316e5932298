"""What only a file can suffer: other processes, kills, full disks, and files that are not ours."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from rights import run_without_rights
from support import error, everything_below, finding, report

from batchnb.engine import store_file
from batchnb.engine.schema import SCHEMA_VERSION
from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus, TaskStatus, utc_now
from batchnb.records.errors import ForeignStoreError, StorageError

HERE = Path(__file__).parent


@pytest.fixture
def path(tmp_path):
    """Return where a store goes, in a folder of its own."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder / "store.db"


def opened(path):
    return closing(JobStorage(path))


def filled(path):
    """Make a store with one job that has one ended task, and return what is in it."""
    with opened(path) as storage:
        job_id = storage.create_job({"name": "kept", "models": ["m"], "app_ranges": {"m": [1]}}).id
        storage.update_job(job_id, status=JobStatus.INITIALIZING)
        storage.update_job(job_id, status=JobStatus.RUNNING)
        task_id = storage.create_task(job_id, "m", 1, "gated").id
        storage.update_task(task_id, lambda task: task.start(utc_now()))
        storage.finish_task(task_id, lambda task: task.complete({"a": 1}, utc_now()), report(finding()))
        storage.add_job_error(job_id, error())
        return content(storage)


def content(storage):
    """Return everything in a store."""
    return [
        (
            job,
            *(read(job.id) for read in (storage.get_tasks, storage.get_results)),
            storage.get_findings(job.id),
            storage.get_coverage(job.id),
        )
        for job in storage.get_jobs()
    ]


class TestDurability:
    def test_everything_is_there_after_reopening(self, path):
        before = filled(path)

        with opened(path) as storage:
            assert content(storage) == before

    def test_a_commit_waits_for_the_disk(self, path):
        """A killed process loses nothing either way; a power cut does, and cannot be had in a test."""
        with opened(path) as storage:
            writer = storage._database._store.writer
            assert (writer.pragma("journal_mode"), writer.pragma("synchronous")) == ("wal", 2)

    def test_ids_are_not_used_again_after_reopening(self, path):
        filled(path)
        with opened(path) as storage:
            storage.update_job(1, status=JobStatus.COMPLETED)
            assert storage.delete_job(1)
        with opened(path) as storage:
            job_id = storage.create_job({}).id
            task_id = storage.create_task(job_id, "m", 1, "gated").id
            made = storage.finish_task(task_id, lambda task: task.cancel(utc_now()))

            assert (job_id, task_id, made.id) == (2, 2, 2)

    def test_a_closed_store_is_one_file_that_only_its_owner_can_read(self, path):
        with opened(path) as storage:
            storage.create_job({})
            modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert modes == {0o600}
        assert list(path.parent.iterdir()) == [path]

    def test_two_stores_on_one_file_see_each_other(self, path):
        with opened(path) as one, opened(path) as other:
            job_id = one.create_job({"description": ""}).id
            assert other.get_job(job_id) == one.get_job(job_id)

            def append(storage, letter):
                for _ in range(15):
                    storage.change_job(job_id, lambda job: replace(job, description=job.description + letter))

            threads = [threading.Thread(target=append, args=(store, "x")) for store in (one, other) * 2]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)

            assert one.get_job(job_id).description == other.get_job(job_id).description == "x" * 60
            assert other.delete_job(job_id)
            assert one.get_job(job_id) is None

    def test_many_that_create_one_file_at_once_share_it(self, path):
        stores, start = [], threading.Barrier(6)

        def create():
            start.wait(10)
            stores.append(JobStorage(path))

        threads = [threading.Thread(target=create) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        job_ids = [storage.create_job({}).id for storage in stores]
        for storage in stores:
            storage.close()

        assert sorted(job_ids) == [1, 2, 3, 4, 5, 6]
        assert list(path.parent.iterdir()) == [path]


def kill_writers(path, moments):
    """Kill one writer after another, each after its so many-th acknowledgement; return all of these."""
    acknowledged = []
    for moment in moments:
        command = [sys.executable, str(HERE / "writer.py"), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            acknowledged += [next(writer.stdout) for _ in range(moment)]
            writer.send_signal(signal.SIGKILL)
            acknowledged += writer.stdout.read().splitlines(keepends=True)
        assert writer.returncode == -signal.SIGKILL
    complete = [line.split() for line in acknowledged if line.endswith("\n")]
    return [(int(job_id), int(task_id)) for job_id, task_id in complete]


def check_after_kills(path, acknowledged, kills):
    with opened(path) as storage:
        jobs = storage.get_jobs()
        assert len(jobs) == kills
        for job in jobs:
            job.check()
            tasks, results = storage.get_tasks(job.id), storage.get_results(job.id)
            for record in (*tasks, *results):
                record.check()
            kept = [result.task_id for result in results]
            ended = [task.id for task in tasks if task.status.is_ended]
            assert kept == ended, "one result for each ended task"
            assert {task_id for job_id, task_id in acknowledged if job_id == job.id} <= set(kept)
            assert len(ended) == job.completed_tasks
            assert (
                len(storage.get_findings(job.id))
                == 2 * len(kept)
                == job.results_summary.get("issues_total", 0)
            )
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(path):
    acknowledged = kill_writers(path, [1, 30, 7, 60, 15])

    assert len(acknowledged) >= 113
    check_after_kills(path, acknowledged, 5)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_50_kills(path):
    moments = [1 + 37 * n % 101 for n in range(50)]

    check_after_kills(path, kill_writers(path, moments), 50)


class TestFullDisk:
    def test_a_file_that_cannot_grow_loses_nothing_and_works_again(self, path):
        run = subprocess.run(
            [sys.executable, str(HERE / "filler.py"), str(path)], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        seen = json.loads(run.stdout)

        assert repr(str(path)) in seen["creation"]
        assert seen["left"] == [], "half a store stayed behind"
        assert repr(str(path)) in seen["full"]
        assert len(seen["acknowledged"]) > 2
        assert seen["readable"] == seen["acknowledged"][:-1]
        with opened(path) as storage:
            assert [result.task_id for result in storage.get_results(1)] == seen["acknowledged"]
            assert storage.get_job(1).results_summary["issues_total"] == 20 * len(seen["acknowledged"])

    @pytest.fixture
    def small_disk(self, tmp_path):
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=512k", "batchnb-test", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only the superuser can mount a small disk")
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)

    def test_a_full_disk_is_named_loses_nothing_and_works_again_with_room(self, small_disk):
        path = small_disk / "store.db"
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"x" * 100_000)
        with opened(path) as storage:
            job_id = storage.create_job({"name": "full"}).id
            ended = []

            def end(app):
                task_id = storage.create_task(job_id, "m", app, "gated").id
                issues = [finding(message="x" * 900) for _ in range(20)]
                storage.finish_task(task_id, lambda task: task.cancel(utc_now()), report(*issues))
                ended.append(task_id)

            def fill():
                for app in range(1, 500):
                    end(app)

            with pytest.raises(
                StorageError, match=f"{str(path)!r} cannot grow: disk full; nothing was changed"
            ):
                fill()
            assert [result.task_id for result in storage.get_results(job_id)] == ended
            ballast.unlink()
            end(1_000)
        with opened(path) as storage:
            assert [result.task_id for result in storage.get_results(job_id)] == ended


class TestLocks:
    def test_a_file_that_another_program_keeps_locked_is_named_and_works_again(self, path, monkeypatch):
        monkeypatch.setattr(store_file, "_BUSY_MS", 1_000)
        with opened(path) as storage, closing(apsw.Connection(str(path))) as other:
            job_id = storage.create_job({"name": "before"}).id
            other.execute("BEGIN IMMEDIATE")
            expected = f"the store {str(path)!r} is locked by another connection"
            with pytest.raises(StorageError, match=expected):
                storage.update_job(job_id, name="while")
            assert storage.get_job(job_id).name == "before"
            other.execute("ROLLBACK")

            assert storage.update_job(job_id, name="after").name == "after"


class TestRights:
    SCRIPT = (
        "import sys; from pathlib import Path; from batchnb.engine.storage import JobStorage; "
        "JobStorage(Path(sys.argv[1])).close(); print('opened')"
    )

    @pytest.mark.parametrize(
        ("file", "folder", "message"),
        [
            (0o400, 0o700, "may not be written: check its permissions"),
            (0o400, 0o500, "may not be written: check its permissions"),
            (0o600, 0o500, "cannot be used"),
            (0o000, 0o700, "cannot be used"),
        ],
    )
    def test_a_store_that_may_not_be_written_is_named_not_touched_and_works_again(
        self, path, file, folder, message
    ):
        filled(path)
        before = everything_below(path.parent)
        path.chmod(file)
        path.parent.chmod(folder)
        refused = run_without_rights(self.SCRIPT, path)
        path.parent.chmod(0o700)
        path.chmod(0o600)

        last = refused.stderr.splitlines()[-1]
        assert last.startswith("batchnb.records.errors.StorageError: the store ")
        assert message in last
        assert repr(str(path)) in last
        assert everything_below(path.parent) == before
        assert run_without_rights(self.SCRIPT, path).stdout == "opened\n"

    def test_a_folder_in_which_nothing_can_be_made_is_named(self, path):
        path.parent.chmod(0o500)
        refused = run_without_rights(self.SCRIPT, path)
        path.parent.chmod(0o700)

        assert f"StorageError: the store {str(path)!r} cannot be used" in refused.stderr
        assert list(path.parent.iterdir()) == []


def as_text(path):
    path.write_text("my notes, not a database, and longer than a hundred characters: " + "la " * 50)


def as_empty(path):
    path.touch()


def as_foreign(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE mine (x)")
        other.commit()


def as_foreign_wal(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = wal")
        as_foreign(path)


def ours_after(*statements):
    def make(path):
        filled(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            for statement in statements:
                other.execute(statement)

    return make


def damaged(start, stop):
    """Return a maker of a store whose bytes from `start` to `stop` are rubbish."""

    def make(path):
        filled(path)
        whole = path.read_bytes()
        rubbish = bytes(7 * n % 251 for n in range(stop - start))
        path.write_bytes(whole[:start] + rubbish + whole[stop:])

    return make


def cut(size):
    def make(path):
        filled(path)
        path.write_bytes(path.read_bytes()[:size])

    return make


TRIGGER = "CREATE TRIGGER evil AFTER INSERT ON jobs BEGIN DELETE FROM tasks; END"
FOREIGN = {
    "a text": (as_text, "is not a batchnb store"),
    "nothing": (as_empty, "is not a batchnb store"),
    "half a header": (cut(50), "is not a batchnb store"),
    "another program's": (as_foreign, "is another program's database"),
    "another program's with a log": (as_foreign_wal, "is another program's database"),
    "newer": (
        ours_after(f"PRAGMA user_version = {SCHEMA_VERSION + 1}"),
        f"has schema version {SCHEMA_VERSION + 1}, this batchnb knows up to {SCHEMA_VERSION}",
    ),
    "an extra trigger": (ours_after(TRIGGER), "does not have the tables of a batchnb store"),
    "an extra trigger without a log": (
        ours_after(TRIGGER, "PRAGMA journal_mode = delete"),
        "does not have the tables of a batchnb store",
    ),
    "an extra table": (ours_after("CREATE TABLE mine (x)"), "does not have the tables of a batchnb store"),
    "an extra view": (ours_after("CREATE VIEW v AS SELECT 1"), "does not have the tables of a batchnb store"),
    "a table less": (ours_after("DROP TABLE coverage"), "does not have the tables of a batchnb store"),
    "a changed trigger": (
        ours_after(
            "DROP TRIGGER task_moved", "CREATE TRIGGER task_moved AFTER INSERT ON tasks BEGIN SELECT 1; END"
        ),
        "does not have the tables of a batchnb store",
    ),
    "rubbish for a schema": (damaged(100, 4096), "damaged"),
    "only its first page": (cut(4096), "damaged"),
}


class TestForeignFiles:
    @pytest.mark.parametrize(("make", "message"), FOREIGN.values(), ids=FOREIGN.keys())
    def test_a_file_that_is_not_ours_is_refused_by_name_and_not_touched(self, path, make, message):
        make(path)
        before = everything_below(path.parent)

        with pytest.raises(ForeignStoreError, match=message) as caught:
            JobStorage(path)

        assert repr(str(path)) in str(caught.value)
        assert everything_below(path.parent) == before

    def test_damage_that_shows_only_later_is_an_error_and_never_an_answer(self, path):
        """A page in the middle is rubbish: opening may not see it, reading must."""
        damaged(4096 * 3, 4096 * 20)(path)

        def use():
            with opened(path) as storage:
                content(storage)

        with pytest.raises(ForeignStoreError, match=f"{str(path)!r} is damaged .*restore a copy"):
            use()

    def test_a_folder_is_no_store(self, path):
        path.mkdir()

        with pytest.raises(StorageError, match=r"regular file|Is a directory"):
            JobStorage(path)

        assert everything_below(path.parent) == {"store.db": "no file"}

    def test_a_pipe_is_refused_at_once(self, path):
        """Opening one waits for a writer, for ever."""
        os.mkfifo(path)
        outcome = []

        def open_it():
            try:
                JobStorage(path)
            except StorageError as refused:
                outcome.append(refused)

        thread = threading.Thread(target=open_it, daemon=True)
        thread.start()
        thread.join(5)
        if thread.is_alive():  # let it go before failing
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
            path.unlink()
        thread.join(5)
        assert outcome

    def test_a_place_that_does_not_exist_is_named_and_not_made(self, path):
        place = path.parent / "missing" / "store.db"

        with pytest.raises(StorageError, match=r"missing/store.db.*No such file"):
            JobStorage(place)

        assert not place.parent.exists()

    def test_a_name_that_no_file_can_have_is_an_error_of_the_store(self, path):
        with pytest.raises(StorageError, match="store"):
            JobStorage(path.with_name("a\0b"))

        assert list(path.parent.iterdir()) == []


def test_an_older_running_task_survives_as_it_was(path):
    """Opening a store changes nothing in it: ending what was interrupted is the engine's business."""
    with opened(path) as storage:
        job_id = storage.create_job({}).id
        task_id = storage.create_task(job_id, "m", 1, "gated").id
        storage.update_task(task_id, lambda task: task.start(utc_now()))
    with opened(path) as storage:
        assert storage.get_task(task_id).status is TaskStatus.RUNNING
