"""Which task comes next: by priority, each to one taker, none lost and none twice."""

import threading

import pytest
from support import PATIENCE, START

from batchnb.engine import feed as feed_module
from batchnb.engine.endings import Ended
from batchnb.engine.feed import Feed
from batchnb.records import JobStatus
from batchnb.records.errors import RecordNotFoundError

TASKS = 600
"""More than are fetched at once."""


@pytest.fixture
def job_id(storage):
    job_id = storage.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
    storage.create_tasks(job_id, [("m", number, "gated") for number in range(1, TASKS + 1)])
    for status in (JobStatus.INITIALIZING, JobStatus.RUNNING):
        storage.update_job(job_id, status=status)
    return job_id


@pytest.fixture
def feed(storage, job_id):
    return Feed(storage, job_id)


def drained(feed):
    found = []
    while (task := feed.next()) is not None:
        found.append(task.app_num)
    return found


def test_all_come_in_order_and_each_once(feed):
    assert drained(feed) == list(range(1, TASKS + 1))
    assert not feed.is_exhausted, "somebody has them"


def test_many_takers_share_them(feed):
    found, lock = [], threading.Lock()

    def take():
        mine = drained(feed)
        with lock:
            found.extend(mine)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(found) == list(range(1, TASKS + 1))


def test_a_changed_priority_counts_from_the_next_refresh(storage, job_id, feed):
    first = feed.next()
    storage.controls.set_priority(first.id + 500, 2)
    storage.controls.set_priority(first.id + 400, 1)
    assert feed.next().id == first.id + 1
    feed.refresh()
    assert [feed.next().id - first.id for _ in range(3)] == [500, 400, 2]


def test_a_task_taken_out_of_turn_does_not_come_again(feed):
    first = feed.next()
    assert feed.take(first.id + 1).id == first.id + 1
    assert feed.take(first.id + 1) is None
    assert feed.take(first.id) is None
    assert first.app_num + 1 not in drained(feed)


def test_what_runs_or_has_ended_cannot_be_taken(storage, feed):
    """The store knows better than the feed: an ending may just have been written."""
    task = feed.next()
    running = storage.update_task(task.id, lambda task: task.start(START))
    assert feed.take(task.id) is None
    storage.end_task(Ended.of(running.cancel(START)))
    feed.stored([task.id])
    assert feed.take(task.id) is None
    with pytest.raises(RecordNotFoundError):
        feed.take(999_999)


def test_a_task_that_waits_again_comes_again_once_the_store_says_so(storage, feed):
    task = feed.next()
    storage.update_task(task.id, lambda task: task.start(START))
    storage.update_task(task.id, lambda task: task.requeue())
    feed.refresh()
    assert feed.next().id == task.id + 1, "whoever put it back has not heard of the commit yet"
    feed.stored([task.id])
    feed.refresh()
    assert feed.next().id == task.id
    feed.refresh()
    assert feed.next().id == task.id + 2, "and it is handed out to one only"


def test_noting_what_is_stored_waits_for_no_fetch(storage, job_id, monkeypatch):
    """The store's thread notes it, and a fetch can be waiting for that very thread."""
    feed = Feed(storage, job_id)
    entered, leave = threading.Event(), threading.Event()
    get_waiting = storage.get_waiting

    def slow(*args):
        entered.set()
        assert leave.wait(PATIENCE)
        return get_waiting(*args)

    monkeypatch.setattr(storage, "get_waiting", slow)
    fetching = threading.Thread(target=feed.next)
    fetching.start()
    assert entered.wait(PATIENCE)
    noting = threading.Thread(target=feed.stored, args=([1],))
    noting.start()
    noting.join(5)
    stuck = noting.is_alive()
    leave.set()
    fetching.join(PATIENCE)
    assert not stuck


def test_it_is_exhausted_when_every_task_has_ended(storage, monkeypatch):
    monkeypatch.setattr(feed_module, "_BATCH", 1)
    job_id = storage.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
    storage.create_task(job_id, "m", 1, "gated")
    feed = Feed(storage, job_id)
    assert not feed.is_exhausted
    task = feed.next()
    assert not feed.is_exhausted
    storage.finish_task(task.id, lambda task: task.cancel(START))
    feed.stored([task.id])
    assert feed.is_exhausted
    assert feed.next() is None
