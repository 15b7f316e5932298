from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from ipywidgets.widgets.widget import _instances
from support import wait_until

from batchnb.records import JobStatus
from batchnb.records.errors import RecordNotFoundError, StorageError
from batchnb.widgets.job_view import JobView
from batchnb.widgets.publisher import INTERVAL
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
    assert wait_until(lambda: "2 running" in view._progress.value)
    assert not view.cancel_button.disabled
    host.analyzer.gate.set()
    assert wait_until(has_results(view))
    assert view._progress.value == "4 of 4 tasks (100 %): 4 completed"
    assert ">completed<" in view._status.value
    assert (view._bar.value, view._bar.max, view._bar.bar_style) == (4, 4, "success")
    assert "<b>4</b> high" in view._counts.value
    assert view.cancel_button.disabled
    assert "&lt;b&gt;atlas&lt;/b&gt;" in view._results.outputs[3]["data"]["text/html"]
    assert wait_until(lambda: view.publisher.thread is None)


def test_one_thread_writes_at_a_bounded_rate(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    writes, steps = record_writes(view), record_steps(view)
    assert host.analyzer.started.wait(10)
    assert wait_until(lambda: len(steps) >= 3)
    view.cancel_button.click()
    assert wait_until(has_results(view))
    assert wait_until(lambda: view.publisher.thread is None)
    assert {thread for _, thread in writes} == {f"batchnb-view-{view.job_id}"}
    assert all(late - early >= 0.99 * INTERVAL for early, late in pairwise(steps))


def test_nothing_is_sent_when_nothing_changed(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert wait_until(lambda: "2 running" in view._progress.value)
    start = time.monotonic()
    writes, steps = record_writes(view), record_steps(view)
    assert wait_until(lambda: len(steps) >= 4)
    assert {name for name, _ in writes} <= {"value"}
    assert len(writes) <= 1 + time.monotonic() - start  # only the seconds move on


def test_cancel_ends_the_job_and_says_so(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    view.cancel_button.click()
    assert wait_until(has_results(view))
    assert host.storage.get_job(view.job_id).status is JobStatus.CANCELLED
    assert "cancelled: 4 tasks cancelled, all tools stopped" in view._status.value
    assert "after cancel was asked" in view._elapsed.value
    assert "nothing was measured" in view._counts.value


def test_cancel_returns_at_once(host, shown):
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert host.analyzer.started.wait(10)
    start = time.monotonic()
    view.cancel_button.click()
    assert time.monotonic() - start < 0.5


def test_a_job_that_runs_elsewhere_is_not_cancelled_and_that_is_said(host, shown):
    job = host.storage.create_job({"models": ["atlas"], "analysis_types": ["gated"]})
    view = shown(JobView(host.service, host.storage, job.id))
    view.cancel_button.click()
    assert wait_until(lambda: "not cancelled: this notebook does not run the job" in view._status.value)


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
    assert "&lt;i&gt;x&lt;/i&gt;" in view._title.outputs[0]["data"]["text/html"]


def test_a_store_that_fails_is_told_and_ends_the_thread(host, shown, monkeypatch):
    job = host.storage.create_job({"models": ["atlas"], "analysis_types": ["gated"]})
    view = shown(JobView(host.service, host.storage, job.id))

    def fail(job_id):
        raise StorageError("the store is closed")

    monkeypatch.setattr(host.storage, "get_job_or_fail", fail)
    assert wait_until(lambda: view.publisher.thread is None)
    assert "can no longer be read" in view._errors.outputs[0]["data"]["text/plain"]
    assert view.cancel_button.disabled


def test_a_fault_of_the_view_is_shown_in_it(host, shown, monkeypatch):
    monkeypatch.setattr("batchnb.widgets.job_view.present_outcome", lambda *_: 1 / 0)
    host.analyzer.gate.set()
    view = shown(JobView(host.service, host.storage, host.submit()))
    assert wait_until(lambda: view._errors.outputs)
    assert "this view stopped (ZeroDivisionError" in view._errors.outputs[0]["data"]["text/plain"]


def test_the_mimebundle_has_the_widget_and_a_static_picture(host, shown):
    host.analyzer.gate.set()
    view = shown(JobView(host.service, host.storage, host.submit(name="<i>x</i>")))
    bundle = view.mimebundle()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert "&lt;i&gt;x&lt;/i&gt;" in bundle["text/html"]
    view.close()
    assert set(view.mimebundle()) == {"text/html", "text/plain"}


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
