"""A store's file that is deleted, moved or replaced while it is open."""

import logging
import os
import shutil
import stat
import subprocess
import sys
import threading
from contextlib import closing

import apsw
import pytest
from support import everything_below, wait_until

from batchnb.engine import store_file
from batchnb.engine.storage import JobStorage
from batchnb.records.errors import ForeignStoreError, StorageError


@pytest.fixture
def path(tmp_path):
    """Return where a store goes, in a folder of its own."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder / "store.db"


@pytest.fixture
def storage(path):
    """Return an open store with one job, of which a pooled reader knows."""
    with closing(JobStorage(path)) as store:
        store.create_job({"name": "first"})
        assert names(store) == ["first"]
        yield store


def names(storage):
    return [job.name for job in storage.get_jobs()]


def in_a_new_process(path):
    """Return the names of the jobs that another process finds at the path."""
    script = (
        "import sys; from pathlib import Path; from batchnb.engine.storage import JobStorage; "
        "print([job.name for job in JobStorage(Path(sys.argv[1])).get_jobs()])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    return run.stdout.strip() or run.stderr


def delete_all(path):
    for file in path.parent.glob("store.db*"):
        file.unlink()


def delete_file(path):
    path.unlink()


def delete_log(path):
    path.with_name("store.db-wal").unlink()


def delete_index(path):
    path.with_name("store.db-shm").unlink()


def move_file(path):
    path.rename(path.with_name("elsewhere.db"))


def empty_folder(path):
    shutil.rmtree(path.parent)
    path.parent.mkdir()


LOSSES = [delete_all, delete_file, delete_log, delete_index, move_file, empty_folder]


@pytest.mark.parametrize("lose", LOSSES)
class TestWrittenBack:
    def test_the_next_change_finds_everything_and_so_does_another_process(self, storage, path, lose, caplog):
        lose(path)

        with caplog.at_level(logging.WARNING, "batchnb.storage"):
            storage.create_job({"name": "second"})

        assert names(storage) == ["first", "second"]
        assert in_a_new_process(path) == "['first', 'second']"
        assert "was written back" in caplog.text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        storage.create_job({"name": "third"})
        assert in_a_new_process(path) == "['first', 'second', 'third']"

    def test_closing_leaves_the_store_at_its_place(self, storage, path, lose):
        lose(path)

        storage.close()

        assert in_a_new_process(path) == "['first']"
        leftovers = {file.name for file in path.parent.iterdir()} - {"elsewhere.db"}
        assert leftovers <= {"store.db", "store.db-wal", "store.db-shm"}

    def test_another_process_that_has_it_open_goes_on_with_the_same_file(self, storage, path, lose):
        with closing(JobStorage(path)) as other:
            assert names(other) == ["first"]
            lose(path)
            storage.create_job({"name": "second"})
            other.create_job({"name": "third"})
            storage.create_job({"name": "fourth"})

            expected = ["first", "second", "third", "fourth"]
            assert names(storage) == names(other) == expected
            assert in_a_new_process(path) == str(expected)

    def test_a_loss_in_the_middle_of_a_change_is_noticed_before_it_is_acknowledged(self, storage, path, lose):
        def change(job):
            lose(path)
            return job

        storage.change_job(1, change)

        assert in_a_new_process(path) == "['first']"
        storage.update_job(1, name="changed")
        assert in_a_new_process(path) == "['changed']"


def test_a_reader_does_not_go_on_with_a_file_that_is_gone(storage, path):
    with closing(JobStorage(path)) as other:
        delete_all(path)
        other.create_job({"name": "second"})

        assert names(storage) == ["first", "second"]


def test_a_file_that_was_moved_away_is_complete(storage, path):
    move_file(path)
    storage.create_job({"name": "second"})
    storage.close()

    assert in_a_new_process(path.with_name("elsewhere.db")) == "['first']"


def test_many_writers_lose_nothing_when_the_file_is_deleted_ten_times(path):
    """Two stores as two notebooks have them, eight writers, and a deletion once both have gone on."""
    acknowledged, failed, stop = ([], []), [], threading.Event()

    def write(stores, writer):
        number = 0
        while not stop.is_set():
            name, number = f"{writer}.{number}", number + 1
            try:
                stores[writer % 2].create_job({"name": name})
            except StorageError as error:
                failed.append(str(error))
            else:
                acknowledged[writer % 2].append(name)

    def both_went_on(before):
        return all(len(names) > n + 8 for names, n in zip(acknowledged, before, strict=True))

    with closing(JobStorage(path)) as one, closing(JobStorage(path)) as other:
        writers = [threading.Thread(target=write, args=((one, other), n)) for n in range(8)]
        for thread in writers:
            thread.start()
        try:
            for _ in range(10):
                before = [len(names) for names in acknowledged]
                assert wait_until(lambda before=before: both_went_on(before)), failed
                delete_all(path)
        finally:
            stop.set()
            for thread in writers:
                thread.join(30)
        stored = names(one)
        assert names(other) == stored

    assert {*acknowledged[0], *acknowledged[1]} <= set(stored)
    assert len(stored) == len(set(stored)), "nothing was applied twice"
    # Which refusal it is depends on the moment; each says of which store, and that it was deleted or locked.
    told = [error for error in failed if str(path) in error and ("deleted" in error or "locked" in error)]
    assert told == failed
    assert in_a_new_process(path) == str(stored)


def test_a_file_written_back_and_deleted_again_waits_for_whoever_has_the_newest(storage, path):
    with closing(JobStorage(path)) as other:
        delete_all(path)
        other.create_job({"name": "second"})
        delete_all(path)

        with pytest.raises(StorageError, match="let that process go on first"):
            storage.create_job({"name": "lost"})

        other.create_job({"name": "third"})
        storage.create_job({"name": "fourth"})
        assert names(storage) == names(other) == ["first", "second", "third", "fourth"]


class TestMissingFolder:
    def test_it_is_named_and_the_store_works_again_when_it_is_back(self, storage, path):
        path.parent.rename(path.parent.with_name("away"))
        for use in (lambda: storage.create_job({"name": "lost"}), storage.get_jobs):
            with pytest.raises(StorageError, match=r"store.db' is gone with its folder"):
                use()
        assert not path.parent.exists()

        path.parent.with_name("away").rename(path.parent)

        storage.create_job({"name": "second"})
        assert names(storage) == ["first", "second"]
        assert in_a_new_process(path) == "['first', 'second']"

    def test_an_empty_one_in_its_place_gets_the_store_back(self, storage, path):
        shutil.rmtree(path.parent)
        with pytest.raises(StorageError, match="is gone with its folder"):
            storage.create_job({"name": "lost"})

        path.parent.mkdir()

        assert names(storage) == ["first"]
        assert in_a_new_process(path) == "['first']"

    def test_closing_without_it_says_so_in_the_log(self, storage, path, caplog):
        shutil.rmtree(path.parent)

        storage.close()

        assert "closed without being written back" in caplog.text
        assert not path.parent.exists()


def another_store(path):
    with closing(JobStorage(path)) as strange:
        strange.create_job({"name": "strange"})


def a_text(path):
    path.write_text("my notes\n" * 50)


def another_database(path):
    with closing(apsw.Connection(str(path))) as other:
        other.execute("CREATE TABLE mine (x)")


class TestReplaced:
    @pytest.mark.parametrize("make", [another_store, a_text, another_database])
    def test_the_strange_file_is_named_never_touched_and_once_gone_all_is_well(self, storage, path, make):
        make(path.with_name("strange.db"))
        before = path.with_name("strange.db").read_bytes()
        path.with_name("strange.db").rename(path)

        for use in (lambda: storage.create_job({"name": "lost"}), storage.get_jobs):
            with pytest.raises(StorageError, match=r"store.db' was replaced by another file"):
                use()
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path], "no log of ours that would be replayed into it"

        path.rename(path.with_name("away.db"))

        storage.create_job({"name": "second"})
        assert in_a_new_process(path) == "['first', 'second']"
        assert path.with_name("away.db").read_bytes() == before

    def test_an_old_copy_of_the_same_store_is_no_less_strange(self, storage, path):
        """Going on with it would lose what was acknowledged since."""
        storage.close()
        copy = path.with_name("copy.db")
        shutil.copy(path, copy)
        with closing(JobStorage(path)) as again:
            again.create_job({"name": "second"})
            copy.rename(path)
            with pytest.raises(StorageError, match="was replaced by another file"):
                again.create_job({"name": "lost"})
            path.unlink()
            assert names(again) == ["first", "second"]

    def test_the_original_can_come_back(self, storage, path):
        path.rename(path.with_name("original.db"))
        another_store(path.with_name("strange.db"))
        path.with_name("strange.db").rename(path)
        with pytest.raises(StorageError, match="was replaced"):
            storage.get_jobs()

        path.with_name("original.db").replace(path)

        storage.create_job({"name": "second"})
        assert in_a_new_process(path) == "['first', 'second']"

    def test_a_store_that_another_process_makes_there_is_not_ours(self, storage, path):
        delete_all(path)
        assert in_a_new_process(path) == "[]"

        with pytest.raises(StorageError, match="was replaced"):
            storage.create_job({"name": "lost"})

        delete_all(path)
        assert names(storage) == ["first"]

    def test_closing_beside_a_strange_file_leaves_it_alone(self, storage, path):
        another_store(path.with_name("strange.db"))
        path.with_name("strange.db").rename(path)
        before = everything_below(path.parent)["store.db"]

        storage.close()

        assert everything_below(path.parent) == {"store.db": before}
        assert in_a_new_process(path) == "['strange']"


def test_opening_a_store_twice_keeps_the_first_ones_locks(storage, path):
    """Closing a plain handle on the file would drop them, and anybody could take the log away."""
    with closing(JobStorage(path)):
        script = (
            "import apsw, sys; db = apsw.Connection(sys.argv[1]); "
            "db.execute('PRAGMA locking_mode = exclusive'); db.execute('BEGIN EXCLUSIVE')"
        )
        run = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
        )
    assert "BusyError: database is locked" in run.stderr
    assert path.with_name("store.db-wal").exists()
    assert names(storage) == ["first"]


def test_a_disk_that_is_full_while_it_is_written_back_is_named_and_tried_again(storage, path, monkeypatch):
    delete_all(path)

    def full(*_):
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(store_file.os, "fsync", full)
    with pytest.raises(StorageError, match="disk full"):
        storage.create_job({"name": "lost"})
    assert list(path.parent.iterdir()) == [], "half a store stayed behind"
    monkeypatch.undo()

    storage.create_job({"name": "second"})
    assert in_a_new_process(path) == "['first', 'second']"


def test_a_link_to_a_store_is_kept(path):
    real = path.with_name("real.db")
    JobStorage(real).close()
    path.symlink_to(real)
    with closing(JobStorage(path)) as storage:
        storage.create_job({"name": "first"})
        real.unlink()
        storage.create_job({"name": "second"})

        assert path.is_symlink()
        assert in_a_new_process(real) == "['first', 'second']"


def test_a_relative_path_is_meant_where_the_process_was(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    with closing(JobStorage(path.relative_to(path.parent))) as storage:
        monkeypatch.chdir("/")
        storage.create_job({"name": "first"})
        path.unlink()
        storage.create_job({"name": "second"})
        assert in_a_new_process(path) == "['first', 'second']"


def test_a_store_on_a_place_without_shared_logs_is_refused(path):
    """Stands for a network file system: this one of SQLite's ways to lock cannot share a log either."""

    class Dotfile(apsw.VFS):
        def __init__(self):
            super().__init__("batchnb-dotfile", "unix-dotfile", makedefault=True)

    JobStorage(path).close()
    before = path.read_bytes()
    vfs = Dotfile()
    try:
        with pytest.raises(StorageError, match=r"journal mode delete, not wal.*network file system"):
            JobStorage(path.with_name("new.db"))
        with pytest.raises(StorageError, match=r"store\.db"):
            JobStorage(path)
    finally:
        vfs.unregister()
    assert path.read_bytes() == before


def test_an_sqlite_with_the_log_fault_is_warned_of(path, monkeypatch, caplog):
    monkeypatch.setattr(store_file, "sqlite_version", lambda: "3.51.2")
    with pytest.warns(RuntimeWarning, match=r"SQLite 3\.51\.2 can damage .* 3\.51\.3 or later"):
        JobStorage(path).close()
    assert "SQLite 3.51.2" in caplog.text
    monkeypatch.undo()
    assert store_file.sqlite_is_sound()
    assert store_file.sqlite_version() == apsw.sqlite_lib_version()


def test_a_damaged_page_is_an_error_of_the_readers_and_not_of_the_rest(storage, path):
    storage.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * 3] + os.urandom(4096) + whole[4096 * 4 :])

    def use():
        with closing(JobStorage(path)) as damaged:
            damaged.get_jobs()
            damaged.create_job({"name": "lost"})

    with pytest.raises(ForeignStoreError, match="is damaged"):
        use()
    path.write_bytes(whole)
    with closing(JobStorage(path)) as restored:
        assert wait_until(lambda: names(restored) == ["first"])
