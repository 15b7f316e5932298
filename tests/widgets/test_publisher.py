from __future__ import annotations

import itertools
import threading
import time

from support import wait_until

from batchnb.widgets.publisher import Publisher


def test_it_has_a_thread_only_while_there_is_something_to_do():
    stepped = threading.Event()

    def step():
        stepped.set()
        return False

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
        return False

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
        return len(times) < 6

    publisher = Publisher(step, "p", interval=0.03)
    publisher.wake()
    assert wait_until(lambda: len(times) >= 6)
    publisher.close()
    assert min(late - early for early, late in itertools.pairwise(times)) >= 0.029


def test_a_thread_that_ends_does_not_take_its_successor_for_itself():
    """Else the publisher would forget a living thread, and the next wake would start a second writer."""
    release, ends = threading.Event(), []

    class WokenAtItsEnd(Publisher):
        def _next(self, *, more):
            going_on = super()._next(more=more)
            if not going_on and not ends:
                ends.append(threading.current_thread())
                self.wake()
            return going_on

    publisher = WokenAtItsEnd(lambda: bool(ends) and not release.wait(5), "p", interval=0)
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
        return True

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
        return True

    publisher = Publisher(step, "p")
    publisher.wake()
    assert closed.wait(5)
    assert wait_until(lambda: publisher.thread is None)
