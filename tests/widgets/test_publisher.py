from __future__ import annotations

import itertools
import threading
import time

from support import wait_until

from batchnb.widgets.publisher import Pace, Publisher


def test_it_has_a_thread_only_while_there_is_something_to_do():
    stepped = threading.Event()

    def step():
        stepped.set()

    publisher = Publisher(step, "p", interval=0.01)
    assert publisher.thread is None
    publisher.wake()
    assert stepped.wait(5)
    assert wait_until(lambda: publisher.thread is None)
    stepped.clear()
    publisher.wake()
    assert stepped.wait(5)


def test_a_burst_of_wakes_is_one_step_and_none_is_lost():
    seen, wish = [], [0]

    def step():
        seen.append(wish[0])

    publisher = Publisher(step, "p", interval=0.05)
    for number in range(1, 1001):
        wish[0] = number
        publisher.wake()
    assert wait_until(lambda: publisher.thread is None)
    assert seen[-1] == 1000
    assert len(seen) <= 5


def test_the_rate_is_bounded_however_often_it_is_woken():
    times = []

    def step():
        times.append(time.monotonic())
        publisher.wake()
        return 0 if len(times) < 6 else None

    publisher = Publisher(step, "p", interval=0.03)
    publisher.wake()
    assert wait_until(lambda: len(times) >= 6)
    publisher.close()
    assert min(late - early for early, late in itertools.pairwise(times)) >= 0.029


def test_a_step_may_ask_for_a_longer_pause():
    times = []

    def step():
        times.append(time.monotonic())
        return 0.2 if len(times) == 1 else None

    publisher = Publisher(step, "p", interval=0.01)
    publisher.wake()
    assert wait_until(lambda: publisher.thread is None)
    assert len(times) == 2
    assert times[1] - times[0] >= 0.2


def test_a_long_pause_ends_when_it_is_woken_or_closed():
    stepped = threading.Semaphore(0)

    def step():
        stepped.release()
        return 3600

    publisher = Publisher(step, "p", interval=0)
    publisher.wake()
    assert stepped.acquire(timeout=10)
    publisher.wake()
    assert stepped.acquire(timeout=10)
    publisher.close()
    assert publisher.thread is None
    assert not stepped.acquire(blocking=False)


def test_the_pace_is_slow_only_after_a_while_without_a_change():
    pace = Pace()
    looks = [("a", 10), ("a", 12.9), ("a", 13), ("a", 99), ("b", 100), ("b", 102.9), ("b", 103), (None, 104)]
    pauses = [pace.pause(seen, now) for seen, now in looks]
    assert pauses == [0, 0, 1, 1, 0, 0, 1, 0]


def test_a_thread_that_ends_does_not_take_its_successor_for_itself():
    """Else the publisher would forget a living thread, and the next wake would start a second writer."""
    release, ends = threading.Event(), []

    class WokenAtItsEnd(Publisher):
        def _next(self, pause):
            going_on = super()._next(pause)
            if not going_on and not ends:
                ends.append(threading.current_thread())
                self.wake()
            return going_on

    def step():
        return None if not ends or release.wait(5) else 0

    publisher = WokenAtItsEnd(step, "p", interval=0)
    publisher.wake()
    assert wait_until(lambda: ends and not ends[0].is_alive())
    assert publisher.thread is not None
    assert publisher.thread is not ends[0]
    release.set()
    publisher.close()


def test_close_waits_for_the_running_step_and_then_nothing_steps():
    entered, leave, steps = threading.Event(), threading.Event(), []

    def step():
        steps.append(1)
        entered.set()
        leave.wait(5)
        return 0

    publisher = Publisher(step, "p", interval=0)
    publisher.wake()
    assert entered.wait(5)
    threading.Timer(0.05, leave.set).start()
    publisher.close()
    assert publisher.thread is None
    publisher.wake()
    assert publisher.thread is None
    assert steps == [1]


def test_a_step_may_close_its_own_publisher():
    closed = threading.Event()

    def step():
        publisher.close()
        closed.set()
        return 0

    publisher = Publisher(step, "p")
    publisher.wake()
    assert closed.wait(5)
    assert wait_until(lambda: publisher.thread is None)
