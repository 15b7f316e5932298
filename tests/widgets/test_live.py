"""Messages of a page: heard once and in order, whatever shell of the kernel they come to."""

from __future__ import annotations

import threading

import pytest

from batchnb.widgets.live import Live, Post


class Drawing(Live):
    script = "head.js"


@pytest.fixture(name="post")
def _post():
    return Post()


def test_each_message_is_heard_once_and_in_order(post):
    heard = []

    def say(number, page="a"):
        return post.take(page, number, lambda: heard.append((page, number)))

    assert say(2) == 0  # the first was delayed, and both will be sent again
    assert say(1) == 1
    assert say(2) == 2
    assert say(1) == 2  # the delayed one
    assert say(1, "b") == 1
    assert heard == [("a", 1), ("a", 2), ("b", 1)]


def test_a_page_that_is_used_is_not_forgotten(post):
    for number in range(200):
        assert post.take("mine", number + 1, lambda: None) == number + 1
        post.take(f"other {number}", 1, lambda: None)
    assert len(post._heard) == 64


def test_two_shells_at_once_hear_each_message_once(post):
    heard, start = [], threading.Barrier(2)

    def shell():
        start.wait()
        for number in range(1, 501):
            while post.take("p", number, lambda number=number: heard.append(number)) < number:
                pass

    shells = [threading.Thread(target=shell) for _ in range(2)]
    for each in shells:
        each.start()
    for each in shells:
        each.join(10)
    assert heard == list(range(1, 501))


def test_a_message_that_fails_is_not_heard_twice(post):
    with pytest.raises(ZeroDivisionError):
        post.take("p", 1, lambda: 1 / 0)
    assert post.take("p", 1, lambda: 1 / 0) == 1


@pytest.mark.parametrize(
    "change",
    [{"from": 1}, {"from": "x" * 21}, {"n": "1"}, {"n": True}, {"said": "x"}, {"n": 2**70}, {"n": -1}],
)
def test_what_the_page_sends_is_not_trusted(change, monkeypatch):
    heard = []
    live = Drawing({}, heard.append)
    monkeypatch.setattr(live, "send", lambda _: None)
    live._on_page(live, {"from": "p", "n": 1, "said": {"do": "x"}, **change}, [])
    live._on_page(live, "nothing", [])
    assert {"do": "x"} not in heard
    live.close()
