from __future__ import annotations

import threading

import pytest
from panel_host import make_host
from support import wait_until

import batchnb as bn
from batchnb.records import JobStatus
from batchnb.records.errors import StorageError
from batchnb.widgets import batch_panel
from batchnb.widgets.batch_panel import BatchPanel
from batchnb.widgets.view import tree


@pytest.fixture
def panel(host, shown, monkeypatch):
    monkeypatch.setattr(batch_panel, "_DOUBLE_CLICK_SECONDS", 0.0)
    made = shown(BatchPanel(host))
    made.form.hear({"do": "choose", "analysis": "backend_security", "on": False})
    return made


def fields(panel):
    return panel.form.fields.state


def idle(panel):
    return lambda: panel.publisher.thread is None


def started(panel, host, count):
    return lambda: len(host.storage.get_jobs()) == count and len(panel.views) > 0 and idle(panel)()


def test_it_says_what_run_would_start(panel):
    assert wait_until(
        lambda: "Run starts 4 tasks: 2 models x apps 1-2 (4 in all)" in fields(panel)["summary"]
    )
    assert fields(panel)["expected"] == "How long that takes is not known: no experience in this store yet."
    assert panel.view is None


def test_a_public_name(tmp_path):
    base = make_host(tmp_path).service.base_path
    with bn.open(base, store=":memory:") as workspace:
        panel = bn.BatchPanel(workspace)
        assert repr(panel) == f"<BatchPanel of {base}>"
        panel.close()


def test_run_shows_the_job_and_what_is_configured_is_what_runs(host, panel):
    panel.form.hear({"do": "range", "text": "1"})
    panel.form.hear({"do": "field", "field": "name", "text": "first"})
    panel.run()
    assert host.analyzer.started.wait(10)
    assert wait_until(lambda: panel._slot.children == (panel.view,))
    assert wait_until(lambda: fields(panel)["said"] == f"Job {panel.view.job_id} was started.")
    host.analyzer.gate.set()
    assert host.service.wait(panel.view.job_id, 10)
    job = host.storage.get_job(panel.view.job_id)
    assert (job.name, job.status, job.total_tasks) == ("first", JobStatus.COMPLETED, 2)


def test_what_past_tasks_took_is_told_once_a_job_has_ended(host, panel):
    host.analyzer.gate.set()
    panel.run()
    assert wait_until(lambda: "judged by the mean of 4 past tasks" in fields(panel)["expected"])


def test_a_second_click_at_once_starts_no_second_job(host, panel, monkeypatch):
    monkeypatch.setattr(batch_panel, "_DOUBLE_CLICK_SECONDS", 60.0)
    panel.run()
    panel.run()
    assert wait_until(started(panel, host, 1))
    panel.run()
    assert wait_until(idle(panel))
    assert len(host.storage.get_jobs()) == 1


def test_the_next_job_is_configured_while_one_runs_and_queues(host, panel):
    for number in range(1, 4):
        panel.form.hear({"do": "field", "field": "name", "text": f"job {number}"})
        panel.run()
        assert wait_until(started(panel, host, number))
    assert [view.job_id for view in panel._slot.children] == [3, 2, 1]
    assert wait_until(lambda: host.storage.get_job(3).status is JobStatus.QUEUED)
    host.analyzer.gate.set()
    assert all(host.service.wait(job, 10) for job in (1, 2, 3))
    assert [job.name for job in sorted(host.storage.get_jobs(), key=lambda job: job.id)] == [
        "job 1",
        "job 2",
        "job 3",
    ]


def test_a_view_whose_job_has_ended_makes_room(host, panel):
    host.analyzer.gate.set()
    panel.run()
    assert wait_until(started(panel, host, 1))
    first = panel.view
    assert host.service.wait(first.job_id, 10)
    panel.run()
    assert wait_until(lambda: panel.views and panel.view is not first)
    assert wait_until(lambda: first.comm is None)
    assert panel.views == (panel.view,)


def test_old_views_do_not_pile_up(host, panel, monkeypatch):
    monkeypatch.setattr(batch_panel, "_MOST_VIEWS", 2)
    for number in range(1, 4):
        panel.run()
        assert wait_until(started(panel, host, number))
    assert [view.job_id for view in panel.views] == [3, 2]
    assert host.storage.get_job(1).status is JobStatus.RUNNING


@pytest.mark.parametrize(
    ("message", "part", "fault"),
    [
        ({"do": "range", "text": "1-3,x"}, "apps", "'x' at position 5 is not a number"),
        ({"do": "pick", "on": False}, "apps", "choose at least one app"),
        ({"do": "choose", "analysis": "gated", "on": False}, "analyses", "choose at least one analysis"),
        ({"do": "field", "field": "timeout", "text": "soon"}, "fields", "'soon': a whole number from 1"),
    ],
)
def test_a_wrong_field_is_told_and_starts_nothing(host, panel, message, part, fault):
    panel.form.hear(message)
    panel.run()
    assert wait_until(lambda: fault in str(getattr(panel.form, part).state))
    assert wait_until(lambda: fields(panel)["refusal"].startswith("Not started. Nothing to run: correct"))
    assert host.storage.get_jobs() == []
    panel.form.hear({"do": "pick", "on": True})
    panel.form.hear({"do": "choose", "analysis": "gated", "on": True})
    panel.form.hear({"do": "field", "field": "timeout", "text": ""})
    assert wait_until(lambda: fields(panel)["refusal"] == "" and "Run starts" in fields(panel)["summary"])


def test_a_closed_service_is_told(host, panel):
    host.service.close()
    panel.run()
    assert wait_until(lambda: "Not started: the service was closed" in fields(panel)["refusal"])
    assert panel.view is None


def test_a_store_that_cannot_be_read_keeps_the_views(host, panel, monkeypatch):
    panel.run()
    assert wait_until(started(panel, host, 1))

    get_job = host.storage.get_job

    def fail(job_id):
        if job_id == 1:
            raise StorageError("disk I/O error")
        return get_job(job_id)

    monkeypatch.setattr(host.storage, "get_job", fail)
    panel.run()
    assert wait_until(lambda: len(panel.views) == 2)


def test_a_job_that_runs_but_cannot_be_shown_is_not_said_to_be_refused(host, panel, monkeypatch):
    def fail(*arguments, **settings):
        raise StorageError("disk I/O error")

    monkeypatch.setattr(batch_panel, "JobView", fail)
    panel.run()
    assert wait_until(lambda: "ws.attach(1) shows it later" in fields(panel)["refusal"])
    assert fields(panel)["said"] == "Job 1 was started."
    assert panel.views == ()


def test_a_step_that_fails_is_told(host, panel, monkeypatch):
    assert wait_until(idle(panel))

    def fail():
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(panel.form, "present", fail)
    panel.publisher.wake()
    assert wait_until(lambda: "ZeroDivisionError: oh" in str(panel._failure.outputs))


def test_only_its_own_thread_writes(host, panel):
    assert wait_until(idle(panel))
    writers = set()
    for widget in tree(panel):
        widget.observe(lambda change: writers.add(threading.current_thread().name))
    host.analyzer.gate.set()
    panel.form.hear({"do": "range", "text": "x"})
    panel.form.hear({"do": "range", "text": "1"})
    panel.run()
    assert wait_until(lambda: panel.view is not None and idle(panel)())
    assert writers == {"batchnb-panel"}


def test_close_ends_threads_and_comms_but_not_the_job(host, panel):
    panel.run()
    assert host.analyzer.started.wait(10)
    assert wait_until(lambda: panel.view is not None)
    panel.close()
    panel.close()
    assert panel.publisher.thread is None
    assert panel.view.publisher.thread is None
    assert all(widget.comm is None for widget in tree(panel))
    assert host.storage.get_job(panel.view.job_id).status is JobStatus.RUNNING


def test_wrong_use_is_a_clear_error(host):
    with pytest.raises(
        TypeError, match=r"BatchPanel needs a workspace such as batchnb.open\('apps'\), not 'apps'"
    ):
        BatchPanel("apps")
    with pytest.raises(TypeError, match="theme"):
        BatchPanel(host, theme="dark")
