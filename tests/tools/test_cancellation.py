import gc
import logging
import math
import signal
import threading
import time
import timeit
import weakref
from functools import partial

import pytest

from batchnb.records.errors import InvalidValueError
from batchnb.tools.cancellation import CancelToken, Deadline


def test_a_token_is_pulled_once_and_the_first_reason_stays():
    token = CancelToken()
    assert not token.cancelled
    assert token.reason == ""

    token.cancel("the user")
    token.cancel("somebody else")

    assert token.cancelled
    assert token.reason == "the user"


def test_wait_tells_whether_the_token_was_pulled():
    token = CancelToken()
    assert not token.wait(0)

    threading.Timer(0.01, token.cancel).start()

    assert token.wait(5)


def test_waiting_until_a_deadline_that_never_comes_is_waiting_for_ever():
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()

    assert token.wait(Deadline(math.inf).remaining())


def test_each_subscriber_is_called_once():
    token, calls = CancelToken(), []
    token.subscribe(lambda: calls.append("a"))
    token.subscribe(lambda: calls.append("b"))

    token.cancel()
    token.cancel()

    assert calls == ["a", "b"]


def test_a_late_subscriber_is_called_at_once():
    token, calls = CancelToken(), []
    token.cancel()

    token.subscribe(lambda: calls.append("late"))

    assert calls == ["late"]


def test_a_subscription_can_be_taken_back_more_than_once():
    token, calls = CancelToken(), []
    unsubscribe = token.subscribe(lambda: calls.append("gone"))
    unsubscribe()
    unsubscribe()

    token.cancel()

    assert calls == []


def test_a_raising_callback_harms_nobody(caplog):
    token, calls = CancelToken(), []
    token.subscribe(lambda: 1 / 0)
    token.subscribe(lambda: calls.append("still"))

    with caplog.at_level(logging.ERROR):
        token.cancel()
    token.subscribe(lambda: 1 / 0)

    assert calls == ["still"]
    assert "a callback failed" in caplog.text


def test_a_callback_may_use_the_token():
    token, seen = CancelToken(), []
    token.subscribe(lambda: seen.append(token.cancelled))
    token.subscribe(token.cancel)

    token.cancel()

    assert seen == [True]


def test_of_many_threads_one_cancels_and_every_subscriber_is_called():
    token, calls = CancelToken(), []
    gate = threading.Barrier(8)

    def work(number):
        gate.wait(5)
        token.subscribe(lambda: calls.append(number))
        token.cancel(str(number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert sorted(calls) == list(range(8))


def test_a_waiting_thread_can_be_woken_by_its_own_signal_handler():
    """The Stop button's handler runs in the thread that waits, at any point of it."""
    token = CancelToken()
    before = signal.signal(signal.SIGALRM, lambda *_: token.cancel("the handler"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        assert token.wait(20)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert token.reason == "the handler"


def test_a_handler_may_cancel_at_any_point_of_any_call():
    """No moment is found in which a subscriber is forgotten, called twice, or the handler waits for ever."""
    tokens, calls = [CancelToken()], []

    def cancel(*_):
        tokens[-1].cancel()

    before = signal.signal(signal.SIGALRM, cancel)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            token = CancelToken()
            tokens.append(token)
            token.subscribe(partial(calls.append, len(tokens)))
            with token.child() as child:
                token.wait(0.0002)
                token.cancel()
                assert child.cancelled
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert calls == list(range(2, len(tokens) + 1))


def test_an_interrupted_cancellation_can_be_repeated():
    token, calls = CancelToken(), []

    def interrupted():
        raise KeyboardInterrupt

    token.subscribe(interrupted)
    token.subscribe(lambda: calls.append("second"))
    with pytest.raises(KeyboardInterrupt):
        token.cancel()

    token.cancel()

    assert calls == ["second"]


def test_a_child_is_cancelled_with_its_parent_and_for_its_reason():
    parent = CancelToken()
    child, grandchild = (child := parent.child()), child.child()

    parent.cancel("the job")

    assert child.cancelled
    assert grandchild.cancelled
    assert grandchild.reason == "the job"


def test_a_child_of_a_cancelled_token_is_cancelled():
    parent = CancelToken()
    parent.cancel("before")

    assert parent.child().reason == "before"


def test_a_child_can_be_cancelled_alone():
    parent = CancelToken()
    child, sister = parent.child(), parent.child()

    child.cancel("only this")

    assert child.cancelled
    assert not parent.cancelled
    assert not sister.cancelled


def test_a_closed_child_is_forgotten_by_its_parent():
    parent = CancelToken()
    with parent.child() as child:
        pass
    gone = weakref.ref(child)
    del child
    kept = parent.child()
    kept.close()
    kept.close()
    CancelToken().close()
    gc.collect()

    parent.cancel()

    assert gone() is None
    assert not kept.cancelled


def test_tokens_and_deadlines_are_cheap_to_make():
    """One of each is made for every task of a job."""
    made = {"token": CancelToken, "deadline": lambda: Deadline(1.0), "child": lambda: PARENT.child().close()}
    micros = {name: min(timeit.repeat(make, number=5000, repeat=5)) / 5000e-6 for name, make in made.items()}

    print(", ".join(f"{name} {value:.2f} us" for name, value in micros.items()))
    assert max(micros.values()) < 10  # alone: 0.1, 0.1 and 0.7


PARENT = CancelToken()


def test_a_deadline_counts_down_to_zero():
    deadline = Deadline.after(100)
    assert 99 < deadline.remaining() <= 100
    assert not deadline.expired
    assert Deadline(time.monotonic() - 5).remaining() == 0
    assert Deadline.after(0).expired


def test_an_endless_deadline_never_expires():
    assert Deadline.after(math.inf).remaining() == math.inf
    assert not Deadline.after(math.inf).expired


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_a_deadline_is_a_number_of_seconds(seconds):
    with pytest.raises(InvalidValueError):
        Deadline.after(seconds)


def test_a_deadline_can_be_moved_either_way_and_tells_whoever_follows(caplog):
    deadline, seen = Deadline.after(100), []
    deadline.subscribe(lambda: 1 / 0)
    unsubscribe = deadline.subscribe(lambda: seen.append(deadline.at))

    with caplog.at_level(logging.ERROR):
        deadline.move(math.inf)
        deadline.move(5.0)
        unsubscribe()
        unsubscribe()
        deadline.move(7.0)

    assert seen == [math.inf, 5.0]
    assert deadline.at == 7.0
    assert deadline.expired
    assert "a callback failed" in caplog.text


def test_a_deadline_is_moved_to_a_point_in_time():
    deadline = Deadline(5.0)

    with pytest.raises(InvalidValueError):
        deadline.move(math.nan)

    assert deadline.at == 5.0
    assert repr(deadline) == "Deadline(5.0)"
