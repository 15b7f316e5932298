"""Threads that do one step after another: how many at once, paused, dismissed, with more to do or failing."""

import threading
from collections import deque

import pytest
from support import PATIENCE, wait_until

from batchnb.engine.crew import Crew


class Work:
    """Steps that wait for the test, and a crew that does them on a thread of its own."""

    def __init__(self, steps, **settings):
        self.left = deque(range(steps))
        self.done = []
        self.inside = self.most = self.failures = 0
        self.ticks = 0
        self.gate = threading.Semaphore(0)
        self.before_dry = lambda: None
        self._lock = threading.Lock()
        self.crew = Crew(self.step, self.fail, **{"name": "crew", "limit": 2, **settings})
        self.raised = []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def step(self):
        try:
            number = self.left.popleft()
        except IndexError:
            self.before_dry()
            return False
        if isinstance(number, Exception):
            raise number
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.gate.acquire(timeout=PATIENCE)
        with self._lock:
            self.inside -= 1
            self.done.append(number)
        return True

    def fail(self):
        self.failures += 1

    def tick(self):
        self.ticks += 1

    def run(self):
        try:
            self.crew.run(self.tick, 60)  # only a nudge wakes it within the test's time
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.raised.append(error)

    def start(self):
        self.thread.start()
        return self

    def await_inside(self, number):
        assert wait_until(lambda: self.inside == number), self.inside

    def release(self, number=1_000):
        self.gate.release(number)

    def ended(self):
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), (self.left, self.done)
        assert not any(thread.name.startswith("crew-") for thread in threading.enumerate())
        return self


def test_every_step_is_done_by_as_many_as_the_limit_says():
    work = Work(20, limit=3).start()
    work.await_inside(3)
    work.release()

    assert sorted(work.ended().done) == list(range(20))
    assert (work.most, work.raised, work.failures) == (3, [], 0)


def test_a_crew_without_work_ends_at_once():
    assert Work(0).start().ended().done == []


def test_a_higher_limit_is_used_at_once():
    work = Work(10, limit=1).start()
    work.await_inside(1)
    work.crew.set_limit(4)
    work.await_inside(4)
    work.release()
    work.ended()


def test_a_lower_limit_stops_no_step_and_a_raised_one_is_filled_again():
    work = Work(12, limit=4).start()
    work.await_inside(4)
    work.crew.set_limit(1)
    assert work.inside == 4
    work.release(3)
    work.await_inside(1)
    work.crew.set_limit(3)
    work.await_inside(3)
    work.release()
    assert len(work.ended().done) == 12
    assert work.most == 4


def test_a_paused_crew_begins_nothing_until_it_goes_on():
    work = Work(6).start()
    work.await_inside(2)
    work.crew.set_paused(paused=True)
    work.release(6)
    assert wait_until(lambda: len(work.done) == 2)
    assert work.crew.is_paused
    assert not wait_until(lambda: len(work.done) > 2, 0.1)

    work.crew.set_paused(paused=False)
    assert len(work.ended().done) == 6


def test_a_crew_can_begin_paused_and_be_dismissed_so():
    work = Work(3, paused=True).start()
    assert wait_until(lambda: any(thread.name.startswith("crew-") for thread in threading.enumerate()))
    work.crew.dismiss()
    assert work.ended().done == []


def test_a_dismissed_crew_finishes_the_steps_that_are_under_way():
    work = Work(5).start()
    work.await_inside(2)
    work.crew.dismiss()
    work.release()
    assert len(work.ended().done) == 2


def test_a_nudge_calls_the_tick_at_once():
    work = Work(1).start()
    work.await_inside(1)
    before = work.ticks
    work.crew.nudge()
    assert wait_until(lambda: work.ticks > before)
    work.release()
    work.ended()


def test_more_work_brings_back_threads_that_found_none():
    work = Work(1, limit=3).start()
    work.await_inside(1)
    assert wait_until(lambda: sum(t.name.startswith("crew-") for t in threading.enumerate()) == 1)
    work.left.extend([7, 8])
    work.crew.more()
    work.await_inside(3)
    work.release()
    work.ended()


def test_work_that_comes_while_a_thread_finds_none_is_not_left():
    """What it found is out of date: it must look again, for it may be the last one to do so."""
    work = Work(0, limit=1)

    def come():
        work.before_dry = lambda: None
        work.left.append(1)
        work.crew.more()

    work.before_dry = come
    work.release()
    assert work.start().ended().done == [1]


def test_a_tick_can_bring_work_when_everybody_has_gone_home():
    work = Work(1, limit=1)

    def tick():
        if not work.done:
            work.release()
            assert wait_until(lambda: not any(t.name.startswith("crew-") for t in threading.enumerate()))
            work.left.append(2)
            work.crew.more()

    work.tick = tick
    work.start()
    work.await_inside(1)
    work.crew.nudge()
    assert work.ended().done == [0, 2]


def test_a_step_that_raises_stops_the_others_at_once_and_is_raised():
    work = Work(0)
    failure = ValueError("broken")
    work.left.extend([1, failure, 2, 3])

    def stop():
        work.failures += 1
        work.release()

    work.crew = Crew(work.step, stop, name="crew", limit=2)
    work.start().ended()
    assert (work.failures, work.raised, work.done) == (1, [failure], [1])
    assert list(work.left) == [2, 3]


def test_a_tick_that_raises_stops_what_is_under_way_before_it_is_waited_for():
    """A step can take half an hour: whoever stops it must hear of the failure first."""
    work = Work(4)
    work.fail = lambda: work.release(2)
    work.crew = Crew(work.step, work.fail, name="crew", limit=2)
    failure = ValueError("broken")

    def tick():
        raise failure

    work.tick = tick
    work.start()
    work.await_inside(2)
    work.crew.nudge()
    assert work.ended().raised == [failure]
    assert len(work.done) == 2


def test_a_thread_that_cannot_be_started_ends_the_run_and_no_thread_is_left(monkeypatch):
    work = Work(5, limit=3)
    start, started = threading.Thread.start, []

    def refuse(thread):
        if thread.name.startswith("crew-"):
            started.append(thread.name)
            if len(started) == 2:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    work.release()
    work.start().ended()
    assert [str(error) for error in work.raised] == ["can't start new thread"]
    assert work.failures == 1


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_left_or_done_twice_whatever_is_changed_meanwhile(seed):
    import random

    chance = random.Random(seed)
    work = Work(400, limit=3)
    work.release(10_000)
    work.start()
    given = 400
    while work.thread.is_alive() and given < 600:
        chance.choice(
            [
                lambda: work.crew.set_limit(chance.randint(1, 6)),
                lambda: work.crew.set_paused(paused=True),
                lambda: work.crew.set_paused(paused=False),
                work.crew.nudge,
            ]
        )()
        given += 1
    work.crew.set_paused(paused=False)
    assert sorted(work.ended().done) == list(range(400))
