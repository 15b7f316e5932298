"""Subscribers that listen, raise, hang, close or subscribe in the middle: none harms the others."""

import threading
import time

import pytest
from support import PATIENCE, wait_until

from batchnb.engine import broker as broker_module
from batchnb.engine.broker import EventBroker
from batchnb.records import JobStatus
from batchnb.records.events import Event, JobAdded, JobFinished, JobStarted, TaskEvent, TaskStarted


@pytest.fixture
def broker():
    broker = EventBroker()
    yield broker
    broker.close()


def started(number):
    return TaskStarted(job_id=1, task_id=number)


def threads():
    return sum(thread.name == "batchnb-events" for thread in threading.enumerate())


def test_nobody_is_heard_by_default(broker):
    assert not broker.is_heard
    broker.publish(JobAdded(job_id=1))
    assert threads() == 0


def test_events_come_in_order_to_everybody(broker):
    heard = [], []
    for each in heard:
        broker.subscribe(each.append)
    events = [started(number) for number in range(500)]
    for at in range(0, 500, 7):
        broker.publish(*events[at : at + 7])
    assert wait_until(lambda: all(len(each) == 500 for each in heard))
    assert heard == (events, events)


def test_only_the_kinds_that_were_asked_for_come_with_their_kin(broker):
    of_jobs, of_tasks, all_of_them = [], [], []
    subscriptions = [
        broker.subscribe(of_jobs.append, JobAdded, JobFinished),
        broker.subscribe(of_tasks.append, TaskEvent),
        broker.subscribe(all_of_them.append),
    ]
    finished = JobFinished(job_id=1, status=JobStatus.COMPLETED)
    events = [JobAdded(job_id=1), JobStarted(job_id=1), started(1), finished]
    broker.publish(*events)
    for subscription in subscriptions:
        subscription.close()
    assert of_jobs == [events[0], finished]
    assert of_tasks == [events[2]]
    assert all_of_them == events
    assert isinstance(events[2], Event)


@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit(3), KeyboardInterrupt()])
def test_one_that_raises_harms_nobody_and_hears_what_comes_next(broker, error, caplog):
    heard, calls = [], []

    def broken(event):
        calls.append(event)
        raise error

    broker.subscribe(broken)
    broker.subscribe(heard.append)
    events = [started(1), started(2)]
    broker.publish(*events)
    assert wait_until(lambda: heard == events and calls == events)


def test_one_that_hangs_harms_nobody(broker, monkeypatch):
    monkeypatch.setattr(broker_module, "_CLOSE_SECONDS", 0.2)
    leave, stuck, heard = threading.Event(), [], []
    hanging = [broker.subscribe(lambda event: (stuck.append(event), leave.wait(60))) for _ in range(5)]
    broker.subscribe(heard.append)
    broker.publish(*[started(number) for number in range(10)])
    assert wait_until(lambda: len(heard) == 10 and len(stuck) == 5)

    begun = time.monotonic()
    broker.close()
    assert time.monotonic() - begun < 5, "one limit for all, not one for each"
    leave.set()
    for each in hanging:
        each._thread.join(PATIENCE)
    assert len(stuck) == 5, "what waited is not delivered after the close"
    assert threads() == 0


def test_one_that_is_too_slow_loses_the_oldest_and_can_see_it(broker, monkeypatch):
    monkeypatch.setattr(broker_module, "_MOST_WAITING", 10)
    leave, heard = threading.Event(), []

    def slow(event):
        heard.append(event.task_id)
        assert leave.wait(PATIENCE)

    subscription = broker.subscribe(slow)
    broker.publish(started(0))
    assert wait_until(lambda: heard == [0])
    for number in range(1, 26):
        broker.publish(started(number))
    assert subscription.dropped == 15
    leave.set()
    assert wait_until(lambda: heard == [0, *range(16, 26)])


def test_closing_delivers_what_waits_and_nothing_after_that(broker):
    heard = []
    with broker.subscribe(heard.append) as subscription:
        events = [started(number) for number in range(300)]
        broker.publish(*events)
    assert heard == events
    assert not broker.is_heard
    broker.publish(started(999))
    subscription.close()
    assert heard == events
    assert threads() == 0


def test_one_that_closes_itself_is_not_called_again(broker):
    heard, ready = [], threading.Event()

    def once(event):
        assert ready.wait(PATIENCE)
        heard.append(event)
        subscription.close()

    subscription = broker.subscribe(once)
    broker.publish(*[started(number) for number in range(5)])
    ready.set()
    subscription._thread.join(PATIENCE)
    assert not subscription._thread.is_alive()
    assert len(heard) == 1


def test_one_that_subscribes_another_while_it_is_called(broker):
    first, second = [], []

    def begin(event):
        first.append(event)
        if len(first) == 1:
            broker.subscribe(second.append)

    broker.subscribe(begin)
    broker.publish(started(1))
    assert wait_until(lambda: len(broker._subscriptions) == 2)
    broker.publish(started(2))
    assert wait_until(lambda: len(first) == 2 and len(second) == 1)
