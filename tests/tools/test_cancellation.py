import logging
import math
import threading
import time

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
    assert "cancellation callback" in caplog.text


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
