"""Clicks of the page: answered at once, passed on by a thread of their own, whatever the page sends."""

from __future__ import annotations

import threading

import pytest
from support import START, job, wait_until

from batchnb.widgets.controls import aside
from batchnb.widgets.job_head import JobHead
from batchnb.widgets.job_presenter import present_job
from batchnb.widgets.job_view import JobView


def test_a_click_is_heard_once_and_that_is_answered(monkeypatch):
    order = []
    head = JobHead(present_job(job(), START), 2, "", lambda what, value: order.append((what, value)))
    monkeypatch.setattr(head, "send", order.append)
    letter = {"from": "p", "n": 1, "said": {"do": "cancel"}}
    head._on_page(head, letter, [])
    heard = {"to": "p", "heard": 1}
    assert order == [("cancel", None), heard]
    head._on_page(head, letter, [])  # sent again before the answer came
    assert order == [("cancel", None), heard, heard]
    for message in (
        {"do": "x"},
        "nothing",
        {"do": ["cancel"]},
        {"do": "at_once"},
        {"do": "at_once", "tasks": True},
    ):
        head._on_page(head, message, [])
    assert len(order) == 3
    head.close()


def test_work_that_fails_is_told_and_the_caller_does_not_wait():
    gate, told = threading.Event(), []

    def work():
        gate.wait(10)
        raise ValueError("no such task")

    aside("test", work, told.append)
    assert told == []
    gate.set()
    assert wait_until(lambda: told == ["no such task"])


def test_a_task_can_be_picked_cancelled_and_requeued_on_the_board(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    board = view.board
    assert wait_until(lambda: board.state["grid"] and board.state["grid"]["cells"].count("r") == 2)
    grid = board.state["grid"]
    place = [grid["analyses"][0], grid["models"][1], 2]
    view._feed.heard({"do": "pick", "place": place})
    assert wait_until(lambda: board.state["selected"] is not None)
    waiting = board.state["selected"]
    assert (waiting["place"], waiting["status"]) == (place, "pending")
    view._feed.heard({"do": "cancel", "task": waiting["task"]})
    assert wait_until(lambda: board.state["selected"]["status"] == "cancelled")
    view._feed.heard({"do": "requeue", "task": waiting["task"]})
    assert wait_until(lambda: "has ended" in board.state["note"])
    view._feed.heard({"do": "cancel", "task": 9_999})
    assert wait_until(lambda: "9999" in board.state["note"])
    host.analyzer.gate.set()
    assert wait_until(lambda: board.state["ended"])
    assert sorted(board.state["grid"]["cells"]) == ["c", "c", "c", "x"]


@pytest.mark.parametrize(
    "message",
    [{}, {"do": "cancel"}, {"do": "cancel", "task": "1"}, {"do": ["x"]}, {"do": "pick", "place": {}}],
)
def test_what_the_page_sends_is_not_trusted(host, shown, message):
    view = shown(JobView(host.service, host.storage, host.submit()))
    view._feed.heard(message)
    host.analyzer.gate.set()
    assert wait_until(lambda: view.board.state["ended"])
    assert view.board.state["note"] == ""


def test_pause_and_tasks_at_once(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    view.head.click("pause")
    assert wait_until(lambda: view.head.state["paused"])
    assert host.storage.get_job(view.job_id).paused
    assert "paused" in view.head.state["status"]
    view.head.click("pause")
    assert wait_until(lambda: not view.head.state["paused"])
    view.head.click("at_once", 5)
    assert wait_until(lambda: host.storage.get_job(view.job_id).max_tasks == 5)
    host.analyzer.gate.set()
    assert wait_until(lambda: view.head.state["ended"])
    view.head.click("at_once", 6)  # a page that is behind
    assert wait_until(lambda: "job 1 is completed" in str(view.head.state["errors"]))
