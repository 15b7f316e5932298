"""What a user types: open, run, look, close, and find it all again."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import FAULT, everything_below, make_apps, wait_until

import batchnb
from batchnb.records import JobStatus, TaskStatus
from batchnb.records.errors import ServiceClosedError, StorageError

pytestmark = pytest.mark.tool


@pytest.fixture
def base(tmp_path):
    return make_apps(tmp_path / "apps", {"atlas": [1, 2], "birch": [1, 2, 3]})


@pytest.fixture
def workspace(base):
    with batchnb.open(base) as workspace:
        yield workspace


def test_the_example_of_the_product_page(workspace, tmp_path):
    job = workspace.run(models=["atlas"], apps="1-2", analyses=["backend_security"], name="first look")

    assert job.wait() is job
    assert job.status is JobStatus.COMPLETED
    assert set(job.findings.path) == {"backend/app.py"}
    assert len(job.results) == 2
    assert set(job.coverage.status) == {"ok", "not_applicable"}
    assert {"bandit", "ruff", "skylos", "detect-secrets"} <= set(job.coverage.tool)
    assert job.report(tmp_path / "report.html").stat().st_size > 1_000
    assert "first look" in repr(job)
    assert "2 of 2 tasks" in repr(job)
    assert list(workspace.jobs.job_id) == [job.id]


def test_only_what_was_asked_for_is_analysed(workspace):
    """Only birch has an app 3; atlas must not be analysed in full instead."""
    job = workspace.run(apps="3", analyses=["backend_security"]).wait()

    tasks = workspace.storage.get_tasks(job.id)
    assert [(task.model, task.app_num) for task in tasks] == [("birch", 3)]
    assert job.record.models == ["birch"]


def test_a_job_is_back_after_reopening_with_everything_it_had(base):
    with batchnb.open(base) as workspace:
        job = workspace.run(analyses=["backend_security"]).wait()
        before = job.record, job.findings, job.coverage, workspace.storage.get_results(job.id)
    assert {path.name for path in (base / ".batchnb").iterdir()} >= {"store.db", "logs"}

    with batchnb.open(base) as workspace:
        again = workspace.attach(job.id)
        assert again.record == before[0]
        assert again.findings.equals(before[1])
        assert again.coverage.equals(before[2])
        assert workspace.storage.get_results(job.id) == before[3]


def test_the_analysed_apps_are_not_changed(base):
    before = everything_below(base)
    with batchnb.open(base) as workspace:
        workspace.run(analyses=["backend_security"]).wait()

    after = {name: kind for name, kind in everything_below(base).items() if not name.startswith(".batchnb")}
    assert after == before


def test_in_memory_nothing_is_written(base):
    before = everything_below(base)
    with batchnb.open(base, store=":memory:") as workspace:
        assert workspace.storage.path is None
        workspace.run(analyses=["backend_security"]).wait()
        assert "in memory" in repr(workspace)

    assert everything_below(base) == before


def test_another_place_for_the_store(base, tmp_path):
    with batchnb.open(base, store=tmp_path / "my.db") as workspace:
        assert workspace.storage.path == tmp_path / "my.db"

    assert not (base / ".batchnb").exists()


def test_it_can_be_awaited_without_blocking_the_loop(workspace):
    async def watch():
        job = workspace.run(analyses=["backend_security"])
        ticks = []

        async def tick():
            while True:
                ticks.append(1)
                await asyncio.sleep(0.01)

        ticker = asyncio.create_task(tick())
        assert await job is job
        ticker.cancel()
        return job, len(ticks)

    with ThreadPoolExecutor(1) as pool:  # a browser test may have left a loop on the main thread
        job, ticks = pool.submit(lambda: asyncio.run(watch())).result()
    assert job.status is JobStatus.COMPLETED
    assert ticks > 3


def test_stopping_the_wait_does_not_stop_the_job(workspace, monkeypatch, capsys):
    job = workspace.run(analyses=["backend_security"])

    def interrupted(job_id, timeout):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(workspace.service, "wait", interrupted)
        assert job.wait() is job
    assert f"job {job.id} goes on" in capsys.readouterr().out
    assert job.wait().status is JobStatus.COMPLETED


def test_a_job_can_be_cancelled(workspace):
    job = workspace.run(analyses=["backend_security"])
    assert job.cancel() is True
    job.wait()

    assert job.status is JobStatus.CANCELLED
    assert len(job.results) == job.record.total_tasks == 5
    assert job.cancel() is False
    assert {task.status for task in workspace.storage.get_tasks(job.id)} <= {
        *(TaskStatus.CANCELLED, TaskStatus.COMPLETED),
    }


def test_closing_ends_what_runs_and_refuses_the_rest(base):
    workspace = batchnb.open(base)
    job = workspace.run(analyses=["backend_security"])
    workspace.close()
    workspace.close()

    with pytest.raises(ServiceClosedError):
        workspace.service.start_job(job.id)
    with pytest.raises(StorageError, match="is closed"):
        assert job.status
    with pytest.raises((ServiceClosedError, StorageError)):
        workspace.run(analyses=["backend_security"])
    assert not [t.name for t in threading.enumerate() if t.name.startswith(f"batchnb-job-{job.id}")]
    with batchnb.open(base) as again:
        assert again.attach(job.id).status.is_ended
        again.attach(job.id).record.check()


def test_what_goes_wrong_when_it_is_closed_is_in_the_log(base, tmp_path):
    """The log files are closed last."""
    workspace = batchnb.open(base)
    path = workspace.storage.path
    path.rename(tmp_path / "moved.db")
    path.write_text("somebody else's")

    workspace.close()

    log = (path.parent / "logs" / "batch_analysis.log").read_text()
    assert "closed without being written back" in log


def test_two_workspaces_on_one_store_see_each_other(base):
    with batchnb.open(base) as one, batchnb.open(base) as other:
        job = one.run(analyses=["backend_security"])
        seen = other.attach(job.id).wait()

        assert seen.record == job.record
        assert other.run(analyses=["backend_security"]).wait().id != job.id
        assert wait_until(lambda: one.storage.get_job(2).status is JobStatus.COMPLETED)


def test_a_workspace_that_cannot_be_opened_leaves_no_thread_and_no_file(tmp_path):
    base = make_apps(tmp_path / "apps", {"m": [1]}, FAULT)
    (tmp_path / "bad.db").write_text("x" * 200)
    before, threads = everything_below(tmp_path), threading.active_count()

    with pytest.raises(StorageError):
        batchnb.open(base, store=tmp_path / "bad.db")

    assert everything_below(tmp_path) == before
    assert threading.active_count() <= threads


def test_representations_are_one_line_and_data(workspace):
    job = workspace.run(analyses=["backend_security"], name="<script>alert(1)</script>\n=1+1").wait()

    assert "\n" not in repr(workspace)
    assert "\n" not in repr(job)
    assert "2 models, 5 apps" in repr(workspace)
    bundle = job._repr_mimebundle_()
    assert bundle.pop("text/plain") == repr(job)
    assert "<script>alert" not in json.dumps(bundle)
