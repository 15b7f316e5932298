from __future__ import annotations

import threading

import pytest
from panel_host import make_host
from support import wait_until

import batchnb as bn
from batchnb.records import JobStatus
from batchnb.records.errors import StorageError
from batchnb.widgets.batch_panel import BatchPanel
from batchnb.widgets.view import tree


@pytest.fixture
def panel(host, shown):
    made = shown(BatchPanel(host))
    made.form.analyses["backend_security"].value = False
    return made


def text(area):
    return "\n".join(output["data"]["text/plain"] for output in area.outputs)


def idle(panel):
    return lambda: panel.publisher.thread is None


def test_it_offers_what_the_host_has(panel):
    assert [label for label, _ in panel.form.models.options] == ["atlas", "birch"]
    assert panel.form.models.value == ("atlas", "birch")
    titles = {key: box.description for key, box in panel.form.analyses.items()}
    assert titles == {"backend_security": "Backend security", "gated": "Gated check"}
    assert "1800" in panel.form.timeout.placeholder
    assert wait_until(lambda: "Run starts 4 tasks: 2 models x apps 1-2 (4 in all)" in text(panel._summary))
    assert panel.view is None


def test_a_public_name(tmp_path):
    base = make_host(tmp_path).service.base_path
    with bn.open(base, store=":memory:") as workspace:
        panel = bn.BatchPanel(workspace)
        assert repr(panel) == f"<BatchPanel of {base}>"
        panel.close()


def test_run_shows_the_job_and_run_is_free_again_when_it_has_ended(host, panel):
    panel.form.apps.value = "1"
    panel.form.name.value = "first"
    panel.run_button.click()
    assert host.analyzer.started.wait(10)
    assert wait_until(lambda: panel.run_button.disabled)
    assert panel._slot.children == (panel.view,)
    host.analyzer.gate.set()
    assert wait_until(lambda: not panel.run_button.disabled)
    job = host.storage.get_job(panel.view.job_id)
    assert (job.name, job.status, job.total_tasks) == ("first", JobStatus.COMPLETED, 2)


def test_clicks_while_a_job_runs_start_no_second_one(host, panel):
    for _ in range(5):
        panel.run_button.click()
    assert wait_until(lambda: panel.view is not None)
    for _ in range(5):
        panel.run_button.click()
    assert wait_until(idle(panel))
    assert len(host.storage.get_jobs()) == 1


def test_a_second_run_replaces_the_first_view(host, panel):
    host.analyzer.gate.set()
    panel.run_button.click()
    assert wait_until(lambda: panel.view is not None and idle(panel)() and not panel.run_button.disabled)
    first = panel.view
    assert host.service.wait(first.job_id, 10)
    panel.run_button.click()
    assert wait_until(lambda: panel.view is not first)
    assert wait_until(lambda: first.comm is None)
    assert len(host.storage.get_jobs()) == 2


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("apps", "1-3,x", "⚠ 'x' at position 5 is not a number"),
        ("apps", "7", "⚠ 7: no chosen model has them"),
        ("models", (), "⚠ choose at least one model"),
        ("timeout", "soon", "⚠ 'soon': a whole number from 1"),
    ],
)
def test_a_wrong_field_is_told_as_typed_and_starts_nothing(host, panel, field, value, message):
    getattr(panel.form, field).value = value
    assert wait_until(lambda: message in text(panel.form._notes[field]))
    assert panel.form._notes[field].layout.display is None
    panel.run_button.click()
    assert wait_until(lambda: "⚠ Not started. Nothing to run: correct" in text(panel._summary))
    assert host.storage.get_jobs() == []
    getattr(panel.form, field).value = panel.form.models.options and "" if field != "models" else ("atlas",)
    assert wait_until(lambda: "Run starts" in text(panel._summary))
    assert panel.form._notes[field].layout.display == "none"


def test_no_analysis_chosen(host, panel):
    panel.form.analyses["gated"].value = False
    assert wait_until(lambda: "choose at least one analysis" in text(panel.form._notes["analyses"]))


def test_a_closed_service_is_told(host, panel):
    host.service.close()
    panel.run_button.click()
    assert wait_until(lambda: "⚠ Not started: the service was closed" in text(panel._summary))
    assert panel.view is None


def test_a_read_that_fails_does_not_let_a_second_job_start(host, panel, monkeypatch):
    panel.run_button.click()
    assert wait_until(lambda: panel.run_button.disabled and idle(panel)())
    get_job = host.storage.get_job

    def fail(job_id):
        raise StorageError("disk I/O error")

    monkeypatch.setattr(host.storage, "get_job", fail)
    panel.run_button.click()
    assert wait_until(idle(panel))
    assert panel.run_button.disabled
    assert len(host.storage.get_jobs()) == 1
    monkeypatch.setattr(host.storage, "get_job", get_job)
    host.analyzer.gate.set()
    assert wait_until(lambda: not panel.run_button.disabled)


def test_only_its_own_threads_write_what_they_own(host, panel):
    assert wait_until(idle(panel))
    writers = set()
    fields = {panel.form.models, panel.form.apps, panel.form.name, panel.form.timeout}
    for widget in set(tree(panel)) - fields:
        widget.observe(lambda change: writers.add(threading.current_thread().name))
    host.analyzer.gate.set()
    panel.form.apps.value = "x"
    panel.form.apps.value = "1"
    panel.run_button.click()
    assert wait_until(lambda: panel.view is not None and idle(panel)())
    assert writers == {"batchnb-panel"}


def test_close_ends_threads_and_comms_but_not_the_job(host, panel):
    panel.run_button.click()
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
