"""Ctrl-C (the notebook's Stop button) in the middle of starting, cancelling and closing."""

import signal
import threading

import pytest
from support import PATIENCE, wait_until

from batchnb.engine.shield import shielded
from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus


class Held(JobStorage):
    """A store whose changes of jobs wait until they are let go, like one that another process has locked."""

    def __init__(self):
        super().__init__()
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def change_job(self, *args, **kwargs):
        self.entered.set()
        assert self.go_on.wait(PATIENCE)
        return super().change_job(*args, **kwargs)


def stop_when(event):
    """Press Stop once `event` is set."""

    def press():
        assert event.wait(PATIENCE)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=press).start()


@pytest.fixture
def held(make_bench):
    return make_bench({"m": [1], "n": [1]}, Held(), max_jobs=1)


def test_a_job_whose_start_was_stopped_runs_all_the_same(held):
    """It would be INITIALIZING for ever, and nobody could cancel it."""
    job_id = held.job()
    held.storage.go_on.clear()
    stop_when(held.storage.entered)

    with pytest.raises(KeyboardInterrupt):
        held.service.start_job(job_id)
    held.storage.go_on.set()

    assert held.ended(job_id).status is JobStatus.COMPLETED


def test_a_job_whose_queueing_was_stopped_gets_its_turn(held):
    held.analyzer.hold("m")
    running, waiting = held.job("m"), held.job("n")
    held.service.start_job(running)
    held.analyzer.await_calls(m=1)
    held.storage.entered.clear()
    held.storage.go_on.clear()
    stop_when(held.storage.entered)

    with pytest.raises(KeyboardInterrupt):
        held.service.start_job(waiting)
    held.storage.go_on.set()
    assert wait_until(lambda: held.status(waiting) == "queued")
    held.analyzer.release()

    assert held.ended(waiting).status is JobStatus.COMPLETED


def test_a_closing_that_was_stopped_can_be_repeated_and_waits_again(held, monkeypatch):
    held.analyzer.hold("m")
    job_id = held.job("m")
    held.service.start_job(job_id)
    held.analyzer.await_calls(m=1)
    run = held.service._running_jobs[job_id]
    wait = run.done.wait

    def stop():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run.done, "wait", stop)
        with pytest.raises(KeyboardInterrupt):
            held.service.close()
    assert not wait(0), "the job has not ended: its analyzer is held"
    held.service.close()

    assert run.done.is_set()
    assert held.status(job_id) == "cancelled"


def test_what_goes_wrong_in_there_comes_out():
    with pytest.raises(ZeroDivisionError):
        shielded(lambda: 1 // 0)


def test_without_another_thread_the_work_is_done_here(monkeypatch):
    def no_thread(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)

    assert shielded(threading.get_ident) == threading.get_ident()
