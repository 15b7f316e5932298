"""A store that fails, a system without threads, a hostile store: nothing runs on, nothing is deleted."""

import os
import threading
from contextlib import closing
from types import SimpleNamespace
from uuid import uuid4

import apsw
import pytest
from gated import found_one, sleeps
from support import make_apps, processes_with, wait_until

import batchnb
from batchnb.engine.database import Database
from batchnb.engine.ownership import Ownership
from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus
from batchnb.records.errors import ForeignStoreError, InvalidValueError, StorageError


class Failing(JobStorage):
    """A store whose named methods fail while they are in `broken`."""

    def __init__(self):
        super().__init__()
        self.broken = set()


def _failing(name):
    def method(self, *args, **kwargs):
        if name in self.broken:
            raise StorageError("the disk is full")
        return getattr(JobStorage, name)(self, *args, **kwargs)

    return method


for _name in ("change_job", "update_job", "record", "break_job"):
    setattr(Failing, _name, _failing(_name))


@pytest.fixture
def running(make_bench):
    """A job with a running tool, and a way to see the tool."""
    bench = make_bench({"m": [1, 2]}, Failing(), max_tasks=2)
    word = f"5{uuid4().int % 10**12}.5"
    bench.analyzer.scripts = dict.fromkeys((1, 2), sleeps(word))
    job_id = bench.job(apps=(1, 2))
    bench.service.start_job(job_id)
    assert wait_until(lambda: len(processes_with(word)) >= 2)
    return bench, job_id, word


def gone(word):
    return wait_until(lambda: processes_with(word) == [], 5)


def test_cancel_kills_even_if_the_store_cannot_be_written(running):
    bench, job_id, word = running
    bench.storage.broken = {"change_job"}

    with pytest.raises(StorageError, match="disk is full"):
        bench.service.cancel_job(job_id)

    assert gone(word)
    bench.storage.broken.clear()


def test_close_leaves_nothing_running_even_if_the_store_cannot_be_written(running):
    bench, _, word = running
    bench.storage.broken = {"change_job", "finish_task", "break_job"}

    bench.service.close()

    assert gone(word)


def test_an_engine_that_breaks_stops_the_tools_of_the_job(make_bench):
    """One task cannot be stored: the job is an error, and the other task's tool must not run on."""
    bench = make_bench({"m": [1, 2]}, Failing(), max_tasks=2)
    word = f"5{uuid4().int % 10**12}.5"
    answered = threading.Event()

    def answer(app, context):
        assert answered.wait(20)
        return found_one(app, context)

    bench.analyzer.scripts = {1: answer, 2: sleeps(word)}
    job_id = bench.job(apps=(1, 2))
    bench.service.start_job(job_id)
    assert wait_until(lambda: len(processes_with(word)) >= 1)

    bench.storage.broken = {"record"}
    answered.set()

    assert gone(word)
    job = bench.ended(job_id)
    assert (job.status, job.task_count_by_status) == (JobStatus.ERROR, {"failed": 2})


def test_a_job_whose_turn_came_when_the_store_failed_starts_later_and_its_waiting_does_not_spin(
    make_bench, monkeypatch, caplog
):
    bench = make_bench({"m": [1], "n": [1]}, Failing(), max_jobs=1)
    bench.analyzer.hold("m")
    first, stuck = bench.job("m"), bench.job("n")
    bench.service.start_job(first)
    bench.service.start_job(stuck)
    bench.analyzer.await_calls(m=1)
    bench.storage.broken = {"change_job"}
    bench.analyzer.release()
    assert wait_until(lambda: "could not be started yet: the disk is full" in caplog.text)
    looks, is_ended = [], bench.service.is_ended
    with monkeypatch.context() as patch:
        patch.setattr(bench.service, "is_ended", lambda job_id: looks.append(job_id) or is_ended(job_id))
        assert not bench.service.wait(stuck, 0.5)
    assert len(looks) < 20
    assert bench.status(stuck) == "queued"

    bench.storage.broken.clear()

    assert bench.ended(stuck).status is JobStatus.COMPLETED


def test_one_look_at_the_store_that_fails_harms_nothing(running, monkeypatch):
    bench, job_id, word = running
    looks, controls = [], bench.storage.controls
    failing = SimpleNamespace(look=lambda job_id: looks.append(job_id) or _failing("look")(bench.storage))
    bench.storage.broken = {"look"}
    bench.storage.controls = failing
    assert not bench.service.wait(job_id, 0.5)
    assert looks
    bench.storage.controls = controls

    assert len(processes_with(word)) >= 2
    assert bench.service.cancel_job(job_id)
    assert bench.ended(job_id).status is JobStatus.CANCELLED


def test_a_failure_that_could_not_be_stored_is_stored_later(make_bench):
    bench = make_bench({"m": [1]}, Failing())
    bench.storage.broken = {"record", "break_job"}
    job_id = bench.job()
    bench.service.start_job(job_id)
    assert bench.service.wait(job_id, 20)
    assert bench.status(job_id) == "running"

    bench.storage.broken.clear()

    assert bench.service.wait(job_id, 20)
    assert bench.status(job_id) == "error"


def test_a_thread_that_cannot_start_is_an_error_of_the_job_and_holds_up_nobody(make_bench, monkeypatch):
    bench = make_bench({"m": [1]})
    job_id = bench.job()

    def no_thread(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            bench.service.start_job(job_id)

    assert bench.ended(job_id).status is JobStatus.ERROR
    assert bench.run().status is JobStatus.COMPLETED


def test_a_group_of_changes_is_lost_as_a_whole_and_says_why(tmp_path):
    """SQLite gives up the whole transaction when the disk is full: no change of the group may stay."""
    with closing(Database(tmp_path / "store.db")) as database:
        database.write(lambda db: db.execute("CREATE TABLE t (x)"))
        pages = database.read(lambda db: db.pragma("page_count"))
        inside, go_on = threading.Event(), threading.Event()
        outcomes = {}

        def first(db):
            db.pragma("max_page_count", pages + 3)
            inside.set()
            go_on.wait(10)

        def insert(value):
            try:
                database.write(lambda db: db.execute("INSERT INTO t VALUES (?)", (value,)))
                outcomes[value[:1]] = "stored"
            except StorageError as error:
                outcomes[value[:1]] = str(error)

        values = ["a", "b" * 10_000_000, "c", "d"]
        threads = [threading.Thread(target=database.write, args=(first,))]
        threads[0].start()
        assert inside.wait(10)
        for value in values:
            waiting = database._queue.qsize()
            threads.append(threading.Thread(target=insert, args=(value,)))
            threads[-1].start()
            assert wait_until(lambda queued=waiting: database._queue.qsize() > queued)
        go_on.set()
        for thread in threads:
            thread.join(20)

        stored = database.read(lambda db: [row[0][:1] for row in db.execute("SELECT x FROM t")])
        assert stored == [name for name, outcome in outcomes.items() if outcome == "stored"] == []
        assert all("disk full" in outcome for outcome in outcomes.values()), outcomes


class TestHostileStore:
    @pytest.fixture
    def base(self, tmp_path):
        return make_apps(tmp_path / "apps", {"m": [1]})

    def claimed_by(self, base, owner):
        """Leave a genuine store with a running job whose owner is whatever somebody wrote there."""
        with batchnb.open(base) as workspace:
            job = workspace.storage.create_job({"models": ["m"]})
            workspace.storage.update_job(job.id, status=JobStatus.INITIALIZING)
            path = workspace.storage.path
        with closing(apsw.Connection(str(path))) as db:
            db.execute("UPDATE jobs SET status = 'running', owner = ?", (owner,))

    @pytest.mark.parametrize("form", ["{path}", "../../../{name}", "{name}"])
    def test_an_owner_is_never_taken_for_a_path(self, base, tmp_path, form):
        precious = tmp_path / "precious.txt"
        precious.write_text("mine")
        self.claimed_by(base, form.format(path=precious, name=precious.name))

        with batchnb.open(base) as workspace:
            assert workspace.attach(1).status is JobStatus.ERROR

        assert precious.read_text() == "mine"

    @pytest.mark.parametrize("name", ["store.db", ".batchnb", "store.db.engines"])
    def test_a_link_where_the_store_should_be_is_refused(self, base, tmp_path, name):
        (tmp_path / "elsewhere").mkdir()
        folder = base / ".batchnb"
        if name != ".batchnb":
            folder.mkdir()
        (folder if name == ".batchnb" else folder / name).symlink_to(tmp_path / "elsewhere")

        with pytest.raises((InvalidValueError, StorageError), match="link"):
            batchnb.open(base)

        assert list((tmp_path / "elsewhere").iterdir()) == []

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("status", "weird"),
            ("models", "[1"),
            ("models", "5"),
            ("app_ranges", "[]"),
            ("created_at", "yesterday"),
            ("task_timeouts", "[" * 5_000),
            ("name", b"\xff"),
        ],
    )
    def test_a_value_that_we_never_wrote_is_a_damaged_store(self, tmp_path, column, value):
        path = tmp_path / "store.db"
        with closing(JobStorage(path)) as store:
            store.create_job({"models": ["m"]})
        with closing(apsw.Connection(str(path))) as db:
            db.execute(f"UPDATE jobs SET {column} = CAST(? AS TEXT)", (value,))

        with (
            closing(JobStorage(path)) as store,
            pytest.raises(ForeignStoreError, match=r"store\.db.*damaged"),
        ):
            store.get_jobs()

    def test_the_default_store_is_readable_by_its_owner_only(self, base):
        (base / ".batchnb").mkdir(mode=0o755)

        with batchnb.open(base) as workspace:
            assert (base / ".batchnb").stat().st_mode & 0o077 == 0
            assert workspace.storage.path.stat().st_mode & 0o077 == 0


class TestOwnership:
    def test_in_doubt_an_engine_lives(self, tmp_path, monkeypatch):
        mine, other = (Ownership(tmp_path / "store.db") for _ in range(2))

        def too_many(*args, **kwargs):
            raise OSError(24, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", too_many)
            assert mine.is_alive(other.name)
        other.release()
        assert not mine.is_alive(other.name)
        mine.release()

    def test_a_store_behind_a_link_is_the_same_store(self, tmp_path):
        base = make_apps(tmp_path / "apps", {"m": [1]})
        (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
        with (
            batchnb.open(base, store=tmp_path / "real.db") as first,
            batchnb.open(base, store=tmp_path / "link.db") as second,
        ):
            assert first.storage.path == second.storage.path
            assert first._ownership.is_alive(second._ownership.name)

    def test_engines_that_died_leave_no_file(self, tmp_path):
        dead = Ownership(tmp_path / "store.db")
        os.close(dead._lock)

        living = Ownership(tmp_path / "store.db")

        assert [path.name for path in (tmp_path / "store.db.engines").iterdir()] == [living.name]
        living.release()

    def test_a_place_that_cannot_be_used_is_an_error_of_ours_and_leaves_nothing_open(self, tmp_path):
        base = make_apps(tmp_path / "apps", {"m": [1]})
        (tmp_path / "store.db.engines").write_text("")
        before = threading.active_count()

        with pytest.raises(StorageError, match="engines"):
            batchnb.open(base, store=tmp_path / "store.db")

        assert wait_until(lambda: threading.active_count() <= before)


def test_an_analyzer_that_exits_fails_its_task_and_no_other(make_bench):
    """A thread swallows SystemExit: the task would stay running, and the job would end as a success."""
    bench = make_bench({"m": [1, 2]})

    def leave(app, context):
        raise SystemExit("needs a licence")

    bench.analyzer.scripts[1] = leave
    job = bench.run(apps=(1, 2))

    assert (job.status, job.task_count_by_status) == (JobStatus.FAILED, {"completed": 1, "failed": 1})
    assert "needs a licence" in bench.task(job, app_num=1).error.message


def test_a_waiting_job_that_another_process_cancels_has_ended_at_once(make_bench):
    bench = make_bench({"m": [1]}, max_jobs=1)
    bench.analyzer.hold("m")
    first, waiting = bench.job(), bench.job()
    bench.service.start_job(first)
    bench.service.start_job(waiting)

    bench.storage.ask_cancellation(waiting, bench.service.registry.tools)

    assert bench.service.wait(waiting, 5)
    assert bench.status(waiting) == "cancelled"
    bench.analyzer.release()
    assert bench.ended(first).status is JobStatus.COMPLETED


def test_who_waits_for_a_job_that_a_failing_store_holds_up_hears_of_it(make_bench, monkeypatch):
    """Not for ever in silence; and the job starts once the store works again."""
    monkeypatch.setattr("batchnb.engine.service._HELD_UP_SECONDS", 0.2)
    bench = make_bench({"m": [1], "n": [1]}, max_jobs=1)
    bench.analyzer.hold("m")
    first, stuck = bench.job("m"), bench.job("n")
    bench.service.start_job(first)
    bench.service.start_job(stuck)
    bench.analyzer.await_calls(m=1)
    take = bench.service._take

    def refuse(job_id, status):
        raise StorageError("the disk is full")

    monkeypatch.setattr(bench.service, "_take", refuse)
    bench.analyzer.release()
    with pytest.raises(StorageError, match="the disk is full"):
        bench.service.wait(stuck, 20)
    assert bench.status(stuck) == "queued"

    monkeypatch.setattr(bench.service, "_take", take)
    assert wait_until(lambda: bench.service.is_ended(stuck))
    assert bench.status(stuck) == "completed"
