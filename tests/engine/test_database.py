"""Writing alone, in groups and without waiting, in memory and in a file."""

import threading
from contextlib import closing

import apsw
import pytest
from support import PATIENCE, wait_until

from batchnb.engine.database import Database
from batchnb.records.errors import StorageError, StoreClosedError


@pytest.fixture(params=["memory", "file"])
def database(request, tmp_path):
    with closing(Database(tmp_path / "store.db" if request.param == "file" else None)) as made:
        yield made


def log(text):
    """Return a change that adds a line to the log of job 1."""

    def work(db):
        db.execute("INSERT INTO job_log (job_id, time, level, message) VALUES (1, '', 'INFO', ?)", (text,))
        return text

    return work


def logged(database):
    query = "SELECT message FROM job_log ORDER BY id"
    return [text for (text,) in database.read(lambda db: db.execute(query).fetchall())]


@pytest.fixture
def with_job(database):
    database.write(
        lambda db: db.execute(
            "INSERT INTO jobs (name, description, created_at, status, models, app_ranges, analysis_types, "
            "analysis_options) VALUES ('', '', '', 'pending', '', '', '', '')"
        ).fetchall()
    )
    return database


def test_what_is_submitted_is_done_in_order_and_there_once_its_future_is(with_job):
    futures = [with_job.submit(log(str(number))) for number in range(1_200)]

    assert futures[-1].result(PATIENCE) == "1199"
    assert logged(with_job) == [str(number) for number in range(1_200)]
    assert [future.result(0) for future in futures] == [str(number) for number in range(1_200)]


def test_an_error_in_one_change_undoes_that_one_and_is_told_as_ours(with_job):
    def half(db):
        log("half")(db)
        db.execute("INSERT INTO job_log (job_id) VALUES (1)")

    entered, leave = threading.Event(), threading.Event()

    def slow(db):
        entered.set()
        assert leave.wait(PATIENCE)

    first = threading.Thread(target=lambda: with_job.write(slow))  # what comes meanwhile is one group
    first.start()
    assert entered.wait(PATIENCE)
    outcomes = []

    def submit():
        outcomes.extend(with_job.submit(work) for work in (log("a"), half, log("b"), lambda _: 1 // 0))

    others = threading.Thread(target=submit)
    others.start()
    leave.set()
    others.join(PATIENCE)
    first.join(PATIENCE)

    good, bad, fine, worse = outcomes
    assert (good.result(PATIENCE), fine.result(PATIENCE)) == ("a", "b")
    with pytest.raises(StorageError, match="NOT NULL") as caught:
        bad.result(PATIENCE)
    assert isinstance(caught.value.__cause__, apsw.ConstraintError)
    with pytest.raises(ZeroDivisionError):
        worse.result(PATIENCE)
    with pytest.raises(StorageError, match="NOT NULL"):
        with_job.write(half)
    assert logged(with_job) == ["a", "b"]


def test_a_change_that_waits_for_another_is_an_error_and_hangs_nobody(with_job):
    def nested(db):
        log("outer")(db)
        with_job.write(log("inner"))

    with pytest.raises(StorageError, match="a change cannot wait for another change"):
        with_job.write(nested)

    with_job.write(log("after"))
    assert logged(with_job) == ["after"]


def test_a_stop_in_the_middle_of_a_change_undoes_it(with_job):
    def stopped(db):
        log("half")(db)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with_job.write(stopped)

    with_job.write(log("after"))
    assert logged(with_job) == ["after"]


def test_a_lack_of_memory_is_trouble_with_the_store_like_any_other(with_job):
    """Whoever keeps going when the store fails (closing, settling) looks for errors of ours."""

    def greedy(db):
        raise MemoryError

    def half(db):
        greedy(log("half")(db))

    with pytest.raises(StorageError, match="out of memory; nothing was changed"):
        with_job.write(half)
    with pytest.raises(StorageError, match="out of memory"):
        with_job.read(greedy)

    assert logged(with_job) == []


def test_closing_ends_what_was_submitted_and_refuses_the_rest(tmp_path):
    database = Database(tmp_path / "store.db")
    futures = [database.submit(lambda db: db.execute("SELECT count(*) FROM jobs").get) for _ in range(700)]
    database.close()

    assert [future.result(0) for future in futures] == [0] * 700
    with pytest.raises(StoreClosedError):
        database.submit(lambda db: None)


def test_what_is_submitted_while_the_store_closes_is_done_or_refused_but_never_forgotten(database):
    """Whoever waits for it would wait for ever."""
    closer = threading.Thread(target=database.close)
    queue = database._queue

    class Late:
        """A queue that a change enters late, when the store could have closed meanwhile."""

        get, get_nowait = queue.get, queue.get_nowait

        def put(self, change):
            if change is not None:
                closer.start()
                closer.join(0.5)
            queue.put(change)

    database.submit(log("so that the writer runs")).exception(PATIENCE)
    database._queue = Late()

    assert database.submit(lambda db: "done").result(PATIENCE) == "done"
    closer.join(PATIENCE)


def test_many_changes_share_a_commit(with_job):
    if with_job.path is None:
        pytest.skip("in memory there is nothing to wait for")
    begun = []
    place = with_job._store
    begin = place.begin
    place.begin = lambda: begun.append(1) or begin()

    futures = [with_job.submit(log("x")) for _ in range(1_000)]

    assert wait_until(lambda: all(future.done() for future in futures))
    assert len(begun) < 200
