"""What running tasks do, on its way into the store: grouped, in order, told after the commit, never lost."""

import gc
import sys
import threading
from concurrent.futures import Future

import pytest
from support import LATER, PATIENCE, START, report, wait_until

from batchnb.engine.broker import EventBroker
from batchnb.engine.endings import Ended
from batchnb.engine.journal import _MOST_WAITING, Journal
from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus, TaskStatus
from batchnb.records.errors import StorageError
from batchnb.records.events import Event, TaskFinished, TaskProgressed, TaskRequeued, TaskStarted


class Lazy:
    """A store that takes a group when the test says so, on the test's thread."""

    def __init__(self):
        self.asked = []
        self.groups = []
        self.refuses = None

    def record(self, job_id, changes):
        if self.refuses is not None:
            raise self.refuses
        future = Future()
        self.asked.append((changes, future))
        return future

    def take(self):
        """Take the next group and return how to say that it is stored."""
        changes, future = self.asked.pop(0)
        self.groups.append(changes())
        assert changes() == self.groups[-1], "the same group, however often the store begins anew"
        return lambda error=None: future.set_exception(error) if error else future.set_result(None)


class Told:
    """A journal and all that it told."""

    made: list = []  # noqa: RUF012

    def __init__(self, store, job_id=1):
        self.made.append(self)
        self.left, self.failures, self.events = [], 0, []
        self.broker = EventBroker()
        self.broker.subscribe(self.events.append)
        self.journal = Journal(store, job_id, self.broker, self.left.extend, self.fail)

    def fail(self):
        self.failures += 1


@pytest.fixture(autouse=True)
def _close_brokers():
    yield
    while Told.made:
        Told.made.pop().broker.close()


@pytest.fixture
def tasks():
    """Running tasks of one job."""
    store = JobStorage()
    job_id = store.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
    store.create_tasks(job_id, [("m", number, "gated") for number in range(1, 9)])
    yield [task.start(START) for task in store.get_tasks(job_id)]
    store.close()


def ended(task):
    return Ended.of(task.complete({"summary": {}}, LATER), report(model="m", app_num=task.app_num))


def kinds(events):
    return [(type(event), event.task_id) for event in events]


def test_what_gathers_while_one_group_is_written_is_the_next_group(tasks):
    store = Lazy()
    told = Told(store)
    one, two, three = tasks[:3]
    told.journal.note(one)
    done = store.take()
    told.journal.end(ended(one))
    told.journal.note(two)
    told.journal.note(two.with_progress(10))
    told.journal.note(two.with_progress(20))
    told.journal.note(three)
    told.journal.end(ended(three))
    assert store.asked == [], "one write at a time"
    done()
    store.take()()

    (first, second) = store.groups
    assert ([task.id for task in first[0]], first[1]) == ([one.id], [])
    assert [(task.id, task.progress) for task in second[0]] == [(two.id, 20)]
    assert [end.task.id for end in second[1]] == [one.id, three.id]
    told.journal.drain()
    told.broker.close()
    assert kinds(told.events) == [
        (TaskStarted, one.id),
        (TaskProgressed, two.id),
        (TaskFinished, one.id),
        (TaskFinished, three.id),
    ]
    assert told.left == [one.id, three.id]


def test_nothing_is_told_before_it_is_stored(tasks):
    store = Lazy()
    told = Told(store)
    told.journal.end(ended(tasks[0]))
    done = store.take()
    assert not wait_until(lambda: told.events or told.left, 0.05)
    done()
    assert wait_until(lambda: kinds(told.events) == [(TaskFinished, tasks[0].id)])
    assert told.left == [tasks[0].id]


def test_no_event_is_made_when_nobody_listens(tasks):
    store = Lazy()
    journal = Journal(store, 1, EventBroker(), lambda ids: None, lambda: None)
    gc.collect()
    before = sum(isinstance(each, Event) for each in gc.get_objects())
    journal._facts = lambda group: pytest.fail("made")
    journal.end(ended(tasks[0]))
    store.take()()
    journal.drain()
    assert sum(isinstance(each, Event) for each in gc.get_objects()) <= before


def test_a_task_that_waits_again_is_left_only_once_that_is_stored(tasks):
    store = Lazy()
    told = Told(store)
    told.journal.note(tasks[0])
    done = store.take()
    told.journal.note(tasks[0].requeue())
    done()
    assert told.left == [], "its start was stored, but it is on its way back"
    settling = threading.Thread(target=told.journal.settle, args=(tasks[0].id,), daemon=True)
    settling.start()
    done = store.take()
    assert not wait_until(lambda: not settling.is_alive(), 0.05)
    done()
    settling.join(PATIENCE)
    assert not settling.is_alive()
    assert told.left == [tasks[0].id]
    told.broker.close()
    assert kinds(told.events)[-1] == (TaskRequeued, tasks[0].id)


def test_what_does_not_count_any_more_is_not_noted(tasks):
    store = Lazy()
    told = Told(store)
    told.journal.note(tasks[0], lambda: False)
    told.journal.drain()
    assert store.asked == []
    told.journal.note(tasks[0], lambda: True)
    store.take()()
    assert len(store.groups[0][0]) == 1


def test_settling_does_not_wait_for_others(tasks):
    store = Lazy()
    told = Told(store)
    told.journal.note(tasks[0])
    store.take()()
    told.journal.end(ended(tasks[1]))
    told.journal.settle(tasks[0].id)
    store.take()()


def full(store, tasks):
    """Return a journal that has no room left, and what fills it."""
    told = Told(store)
    told.journal.note(tasks[0])
    done = store.take()
    told.journal._next.endings.extend([ended(tasks[1])] * (_MOST_WAITING - 1))
    return told, done


def bringing(told, task):
    errors = []

    def bring():
        try:
            told.journal.end(ended(task))
        except StorageError as error:
            errors.append(error)

    thread = threading.Thread(target=bring, daemon=True)
    thread.start()
    assert wait_until(lambda: len(told.journal._next.endings) == _MOST_WAITING)
    return thread, errors


def test_whoever_brings_too_much_waits_for_room(tasks):
    store = Lazy()
    told, done = full(store, tasks)
    thread, errors = bringing(told, tasks[2])
    assert not wait_until(lambda: not thread.is_alive(), 0.05)
    done()
    store.take()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert errors == []


def test_a_store_that_fails_wakes_everybody_who_waits(tasks):
    store = Lazy()
    told, done = full(store, tasks)
    thread, errors = bringing(told, tasks[2])
    failure = StorageError("the disk is full")
    done(failure)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert errors == [failure]
    for call in (told.journal.drain, lambda: told.journal.settle(tasks[0].id)):
        with pytest.raises(StorageError, match="disk is full"):
            call()
    with pytest.raises(StorageError, match="disk is full"):
        told.journal.end(ended(tasks[3]))
    assert (told.failures, store.asked, told.left) == (1, [], [])
    told.broker.close()
    assert told.events == []


def test_a_store_that_takes_nothing_fails_whoever_drains(tasks):
    store = Lazy()
    store.refuses = StorageError("closed")
    told = Told(store)
    told.journal.note(tasks[0])
    assert told.failures == 1
    with pytest.raises(StorageError, match="closed"):
        told.journal.drain()


def test_a_fault_of_our_own_after_the_commit_hangs_nobody(tasks):
    store = Lazy()
    told = Told(store)
    told.journal._stored = lambda ids: 1 // 0
    told.journal.end(ended(tasks[0]))
    store.take()()
    with pytest.raises(ZeroDivisionError):
        told.journal.drain()
    assert told.failures == 1


def test_turns_that_are_answered_at_once_are_not_nested(tasks):
    """However long others bring more while one thread writes, its stack does not grow."""

    class Prompt(Lazy):
        def record(self, job_id, changes):
            changes()
            turns.append(1)
            if len(turns) < 3 * sys.getrecursionlimit():
                with told.journal._changed:
                    told.journal._next.going_on[tasks[1].id] = tasks[1]
            future = Future()
            future.set_result(None)
            return future

    turns = []
    told = Told(Prompt())
    told.journal.note(tasks[0])
    told.journal.drain()
    assert len(turns) == 3 * sys.getrecursionlimit()
    assert told.failures == 0


def test_many_threads_leave_each_task_with_one_result(storage):
    job_id = storage.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
    storage.create_tasks(job_id, [("m", number, "gated") for number in range(1, 201)])
    for status in (JobStatus.INITIALIZING, JobStatus.RUNNING):
        storage.update_job(job_id, status=status)
    waiting = storage.get_tasks(job_id)
    told = Told(storage, job_id)

    def work(mine):
        for task in mine:
            running = task.start(START)
            told.journal.note(running)
            told.journal.end(ended(running))

    threads = [threading.Thread(target=work, args=(waiting[part::8],)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    told.journal.drain()

    assert storage.get_job(job_id).task_count_by_status == {"completed": 200}
    assert sorted(made.task_id for made in storage.get_results(job_id)) == [task.id for task in waiting]
    assert sorted(told.left) == [task.id for task in waiting]
    told.broker.close()
    finished = [event for event in told.events if isinstance(event, TaskFinished)]
    assert sorted(event.task_id for event in finished) == [task.id for task in waiting]
    assert {event.status for event in finished} == {TaskStatus.COMPLETED}
