from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from ipywidgets.widgets.widget import _instances
from support import wait_until

from batchnb.records import JobStatus
from batchnb.records.errors import RecordNotFoundError, StorageError, StoreClosedError
from batchnb.widgets.job_view import JobView
from batchnb.widgets.publisher import INTERVAL, Pace
from batchnb.widgets.view import route_by_frontend, tree


def record_writes(view):
    """Return a list that fills with (trait, thread) for every later change in the view."""
    writes = []

    def note(change):
        if not change["name"].startswith("_"):
            writes.append((change["name"], threading.current_thread().name))

    for widget in tree(view):
        widget.observe(note)
        widget.layout.observe(note)
    return writes


def record_steps(view):
    """Return a list that fills with the time of every later step of the view's publisher."""
    steps, step = [], view.publisher._step

    def noted():
        steps.append(time.monotonic())
        return step()

    view.publisher._step = noted
    return steps


def has_results(view):
    return lambda: len(view._results.outputs) == 4


def test_from_running_to_results(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    assert wait_until(lambda: "2 running" in view.head.state["progress"])
    assert view.head.state["can_cancel"]
    host.analyzer.gate.set()
    assert wait_until(has_results(view))
    assert view.head.state["progress"] == "4 of 4 tasks (100 %): 4 completed"
    assert view.head.state["status"] == "completed"
    assert [view.head.state[key] for key in ("value", "maximum", "bar")] == [4, 4, "success"]
    assert view.head.state["counts"][0] == ["high", 4]
    assert not view.head.state["can_cancel"]
    assert "&lt;b&gt;atlas&lt;/b&gt;" in view._results.outputs[3]["data"]["text/html"]
    assert wait_until(lambda: view.publisher.thread is None)


def test_one_thread_writes_at_a_bounded_rate(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    writes, steps = record_writes(view), record_steps(view)
    assert host.analyzer.started.wait(10)
    assert wait_until(lambda: len(steps) >= 3)
    view.head.click("cancel")
    assert wait_until(has_results(view))
    assert wait_until(lambda: view.publisher.thread is None)
    assert {thread for _, thread in writes} == {f"batchnb-view-{view.job_id}"}
    assert all(late - early >= 0.99 * INTERVAL for early, late in pairwise(steps))


def test_nothing_is_sent_when_nothing_changed(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert wait_until(lambda: "2 running" in view.head.state["progress"])
    start = time.monotonic()
    writes, steps = record_writes(view), record_steps(view)
    assert wait_until(lambda: len(steps) >= 4)
    assert {name for name, _ in writes} <= {"state"}
    # only the seconds move on: those of the job, and those of its running tasks
    assert len(writes) <= 2 * (1 + time.monotonic() - start)


def test_cancel_ends_the_job_and_says_so(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    view.head.click("cancel")
    assert wait_until(has_results(view))
    assert host.storage.get_job(view.job_id).status is JobStatus.CANCELLED
    assert "cancelled: 4 tasks cancelled, all tools stopped" in view.head.state["status"]
    assert "after cancel was asked" in view.head.state["elapsed"]
    assert "nothing was measured" in view.head.state["counts_note"]


def test_a_click_on_cancel_is_acknowledged_while_the_store_is_busy(host, shown, monkeypatch):
    asked, store_is_free = [], threading.Event()
    cancel_job = host.service.cancel_job

    def wait_for_the_store(job_id):
        asked.append(job_id)
        store_is_free.wait(20)
        return cancel_job(job_id)

    monkeypatch.setattr(host.service, "cancel_job", wait_for_the_store)
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    view.head.click("cancel")  # would hang here for 20 s
    view.head.click("cancel")
    assert not store_is_free.is_set()
    assert wait_until(lambda: "cancelling" in view.head.state["status"])
    assert not view.head.state["can_cancel"]
    assert host.storage.get_job(view.job_id).status is JobStatus.RUNNING
    store_is_free.set()
    assert wait_until(has_results(view))
    assert "cancelled: 4 tasks" in view.head.state["status"]
    assert asked == [view.job_id]


def test_a_cancel_that_failed_is_told_and_can_be_tried_again(host, shown, monkeypatch):
    cancel_job = host.service.cancel_job

    def fail(job_id):
        raise StorageError("the store is <busy>")

    monkeypatch.setattr(host.service, "cancel_job", fail)
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    view.head.click("cancel")
    assert wait_until(lambda: "not cancelled: the store is <busy>" in view.head.state["status"])
    assert wait_until(lambda: view.head.state["can_cancel"])
    monkeypatch.setattr(host.service, "cancel_job", cancel_job)
    view.head.click("cancel")
    assert wait_until(has_results(view))
    assert host.storage.get_job(view.job_id).status is JobStatus.CANCELLED


def test_a_job_that_does_not_run_is_not_cancelled_and_that_is_said(host, shown):
    job = host.storage.create_job({"models": ["atlas"], "analysis_types": ["gated"]})
    view = shown(JobView(host.service, host.storage, job.id))
    view.head.click("cancel")
    assert wait_until(lambda: "not cancelled: it neither waits nor runs" in view.head.state["status"])


def test_an_ended_job_is_shown_with_its_results_and_calls_back_once(host, shown):
    host.analyzer.gate.set()
    job_id = host.submit(name="<i>x</i>")
    assert host.service.wait(job_id, 10)
    ended = []
    view = shown(JobView(host.service, host.storage, job_id, on_end=lambda: ended.append(1)))
    assert wait_until(has_results(view))
    view.publisher.wake()
    assert wait_until(lambda: view.publisher.thread is None)
    assert ended == [1]
    assert "<i>x</i>" in view.head.state["title"]  # the page makes a text node of it


def test_a_job_where_nothing_happens_is_looked_at_seldom_but_a_click_is_heard(host, shown, monkeypatch):
    monkeypatch.setattr(Pace, "quiet_seconds", 0)
    monkeypatch.setattr(Pace, "seldom_seconds", 3600)
    steps, pauses, step = [], [], JobView.step

    def noted(view):
        steps.append(view)
        pauses.append(step(view))
        return pauses[-1]

    monkeypatch.setattr(JobView, "step", noted)
    job = host.storage.create_job({"models": ["atlas"], "analysis_types": ["gated"]})
    view = shown(JobView(host.service, host.storage, job.id))
    assert wait_until(lambda: pauses == [3600])  # the next step by itself is in an hour
    view.head.click("cancel")
    assert wait_until(lambda: "not cancelled" in view.head.state["status"])
    before = len(steps)
    assert before <= 3  # the first, the click, and what came of it
    view.settle(0)  # the workspace closes
    assert wait_until(lambda: len(steps) > before)


@pytest.mark.parametrize("read", ["get_job_or_fail", "get_findings"])
def test_a_read_that_fails_for_a_while_is_told_and_the_view_goes_on(host, shown, monkeypatch, read):
    """At the end of the job too: `get_findings` is only read for the results."""
    works, broken = getattr(host.storage, read), threading.Event()

    def fail(job_id):
        if broken.is_set():
            raise StorageError("disk I/O error <x>")
        return works(job_id)

    view = shown(JobView(host.service, host.storage, host.submit()))
    assert wait_until(lambda: "2 running" in view.head.state["progress"])
    broken.set()
    monkeypatch.setattr(host.storage, read, fail)
    if read == "get_findings":
        host.analyzer.gate.set()
    assert wait_until(
        lambda: "cannot read the job right now: disk I/O error <x>" in view.head.state["status"]
    )
    assert view.head.state["can_cancel"] != (read == "get_findings")
    assert not view.head.state["errors"]
    broken.clear()
    host.analyzer.gate.set()
    assert wait_until(has_results(view))
    assert view.head.state["status"] == "completed"


@pytest.mark.parametrize(
    "error", [StoreClosedError("the store is closed"), RecordNotFoundError("job", 1)], ids=["closed", "gone"]
)
def test_a_job_that_cannot_come_back_is_told_and_ends_the_thread(host, shown, monkeypatch, error):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)

    def fail(job_id):
        raise error

    with monkeypatch.context() as patch:  # the fixture's end reads the job again
        patch.setattr(host.storage, "get_job_or_fail", fail)
        assert wait_until(lambda: view.publisher.thread is None)
    assert "can no longer be read" in view.head.state["errors"][0]
    assert not view.head.state["can_cancel"]


def test_a_fault_of_the_view_is_shown_in_it(host, shown, monkeypatch):
    monkeypatch.setattr("batchnb.widgets.job_view.present_outcome", lambda *_: 1 / 0)
    host.analyzer.gate.set()
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert wait_until(lambda: view.head.state["errors"])
    assert wait_until(lambda: view.publisher.thread is None)
    assert "this view stopped (ZeroDivisionError" in view.head.state["errors"][0]


def test_the_mimebundle_has_the_widget_and_a_static_picture(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit(name="<i>x</i>")))
    bundle = view.mimebundle()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert "&lt;i&gt;x&lt;/i&gt;" in bundle["text/html"]
    view.close()
    assert set(view.mimebundle()) == {"text/html", "text/plain"}


def test_the_static_picture_of_an_ended_job_says_what_was_found_and_measured(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert "Findings by severity" not in view.mimebundle()["text/html"]
    host.analyzer.gate.set()
    assert host.service.wait(view.job_id, 10)
    view.close()  # whether or not the view has read the results
    for shows in (view, shown(JobView(host.service, host.storage, view.job_id))):
        picture = shows.mimebundle()["text/html"]
        assert "Findings by severity: 4 high, 0 medium, 0 low. Apps: 4 measured." in picture
    assert wait_until(has_results(shows))
    assert shows.mimebundle()["text/html"] == picture


def test_a_view_becomes_a_picture_when_the_job_has_ended(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit(name="<i>x</i>")))
    pictures = []
    view.freeze_into(pictures.append)
    assert wait_until(lambda: "2 running" in view.head.state["progress"])
    assert pictures == []
    host.analyzer.gate.set()
    assert wait_until(lambda: pictures)
    (picture,) = pictures
    assert set(picture) == {"text/html", "text/plain"}
    for part in (
        "&lt;i&gt;x&lt;/i&gt;",
        "is completed: 4 of 4 tasks",
        "Findings: 4",
        "&lt;b&gt;atlas&lt;/b&gt;",
    ):
        assert part in picture["text/html"]
    assert "<script" not in picture["text/html"]
    view.freeze_into(pictures.append)  # of a cell that showed it afterwards
    assert wait_until(lambda: len(pictures) == 2)


def test_close_leaves_no_widget_and_no_thread_and_the_job_alone(host):
    before = set(_instances)
    job_id = host.submit()
    view = JobView(host.service, host.storage, job_id)
    view.close()
    view.close()
    assert view.publisher.thread is None
    assert all(widget.comm is None for widget in tree(view))
    assert not host.storage.get_job(job_id).status.is_ended
    assert set(_instances) == before


def test_wrong_use_is_an_error(host):
    with pytest.raises(RecordNotFoundError, match="no job 99"):
        JobView(host.service, host.storage, 99)
    with pytest.raises(TypeError, match="colour"):
        JobView(host.service, host.storage, 1, colour="red")


def test_messages_go_where_the_page_sent_them_if_the_kernel_asks():
    class Comm:
        def _reply_subshell_for(self, data, default):
            return "the main shell"

    class Widget:
        comm = Comm()

    route_by_frontend(Widget)
    assert Widget.comm._reply_subshell_for({}, "subshell 7") == "subshell 7"
    Widget.comm = object()  # another version of ipykernel: left alone
    route_by_frontend(Widget)
    Widget.comm = None
    route_by_frontend(Widget)
