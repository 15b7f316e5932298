"""Jobs whose process died, and jobs that live in another one."""

import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from support import make_apps, processes_with, wait_until

import batchnb
from batchnb.engine.ownership import Ownership
from batchnb.records import CoverageStatus, ErrorCategory, JobStatus, TaskStatus

HERE = Path(__file__).parent


@pytest.fixture
def base(tmp_path):
    return make_apps(tmp_path / "apps", {"m": [1, 2, 3]})


@contextmanager
def other_process(base, jobs=1):
    """Run jobs in another process until its tool is up, and kill it in the end."""
    word = f"4{uuid4().int % 10**12}.5"
    store = base.parent / "store.db"
    command = [sys.executable, str(HERE / "runner.py"), str(store), str(base), word, str(jobs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "running\n"
            yield process, word
        finally:
            process.kill()


def opened(base):
    return batchnb.open(base, store=base.parent / "store.db")


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def test_a_job_whose_process_was_killed_is_interrupted_at_the_next_opening(base):
    with other_process(base) as (process, word):
        kill(process)
        with opened(base) as workspace:
            job = workspace.attach(1).record
            store = workspace.storage

            job.check()
            assert job.status is JobStatus.ERROR
            assert job.task_count_by_status == {"completed": 1, "failed": 1, "pending": 1}
            assert {error.category for error in job.errors} == {ErrorCategory.INTERRUPTED}
            assert "ended before the job did" in job.errors[-1].message
            (failed,) = store.get_tasks(1, TaskStatus.FAILED)
            assert (failed.app_num, failed.error.category) == (2, ErrorCategory.INTERRUPTED)
            assert [made.app_num for made in store.get_results(1)] == [1, 2]
            cells = {cell.app_num: cell.status for cell in store.get_coverage(1)}
            assert cells == {1: CoverageStatus.OK, 2: CoverageStatus.FAILED}
            assert len(store.get_findings(1)) == 1, "what was found before the kill is kept"
            assert workspace.storage.delete_job(1)
    assert wait_until(lambda: not processes_with(word))


def test_a_job_that_waited_in_a_killed_process_does_not_wait_for_ever(base):
    with other_process(base, jobs=2) as (process, _):
        kill(process)
        with opened(base) as workspace:
            waited = workspace.attach(2).record

            assert waited.status is JobStatus.ERROR
            assert [error.category for error in waited.errors] == [ErrorCategory.INTERRUPTED]


def test_a_living_job_of_another_process_is_left_alone_and_seen(base):
    with other_process(base, jobs=2) as (process, word):
        with opened(base) as workspace:
            running, waiting = workspace.attach(1), workspace.attach(2)

            assert (running.status, waiting.status) == (JobStatus.RUNNING, JobStatus.QUEUED)
            expected = {"completed": 1, "running": 1, "pending": 1}
            assert wait_until(lambda: running.record.task_count_by_status == expected)
            assert workspace.service.start_job(1) is False
            assert workspace.service.wait(1, 0.05) is False
        assert len(processes_with(word)) > 1, "closing this workspace ends nothing of the other"
        kill(process)


def test_a_living_job_of_another_process_can_be_asked_to_stop(base):
    with other_process(base, jobs=2) as (_, word), opened(base) as workspace:
        running, waiting = workspace.attach(1), workspace.attach(2)

        assert waiting.cancel() is True
        assert running.cancel() is True
        assert workspace.service.wait(1, 10)
        assert workspace.service.wait(2, 10)
        assert (running.status, waiting.status) == (JobStatus.CANCELLED, JobStatus.CANCELLED)
        assert wait_until(lambda: len(processes_with(word)) <= 1)


def test_an_identity_lives_as_long_as_it_is_held(tmp_path):
    store = tmp_path / "store.db"
    mine, yours = Ownership(store), Ownership(store)

    assert mine.name != yours.name
    assert mine.is_alive(yours.name)
    assert mine.is_alive(mine.name)
    yours.release()
    assert not mine.is_alive(yours.name)
    assert not mine.is_alive("0" * 32)
    mine.release()
    assert not yours.is_alive(mine.name)


def test_who_waits_for_a_job_of_another_process_hears_of_its_death(base):
    """Not only at the next opening: otherwise the wait would never end."""
    with other_process(base) as (process, word), opened(base) as workspace:
        assert workspace.service.wait(1, 0.3) is False
        kill(process)

        assert workspace.service.wait(1, 20) is True
        assert workspace.attach(1).status is JobStatus.ERROR
    assert wait_until(lambda: not processes_with(word))


def test_an_identity_outlives_its_file(tmp_path):
    """Somebody empties the folder (git clean, say): a living engine must not be taken for dead."""
    store = tmp_path / "store.db"
    mine, yours = Ownership(store), Ownership(store)
    shutil.rmtree(tmp_path / "store.db.engines")
    assert not yours.is_alive(mine.name)

    mine.hold()
    mine.hold()

    assert yours.is_alive(mine.name)
    mine.release()
    assert not yours.is_alive(mine.name)
    yours.hold()
    yours.release()


def test_a_running_service_sees_to_it_that_its_identity_is_held(base):
    """The folder is emptied while a job runs: another notebook that opens the store leaves the job alone."""
    with opened(base) as workspace:
        other = Ownership(workspace.storage.path)
        shutil.rmtree(base.parent / "store.db.engines")

        assert wait_until(lambda: other.is_alive(workspace._ownership.name))
        other.release()


def test_nobody_takes_itself_for_dead(tmp_path):
    mine = Ownership(tmp_path / "store.db")
    shutil.rmtree(tmp_path / "store.db.engines")

    assert mine.is_alive(mine.name)
    mine.release()


def test_an_identity_is_not_left_to_another_file_in_its_place(tmp_path):
    mine, yours = Ownership(tmp_path / "store.db"), Ownership(tmp_path / "store.db")
    file = tmp_path / "store.db.engines" / mine.name
    file.unlink()
    file.touch()

    mine.hold()

    assert yours.is_alive(mine.name)
    mine.release()
    yours.release()
