"""A running job, with real tools: paused, resumed, limited anew, its tasks cancelled, requeued, reordered."""

import gc
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from gated import found_one, sleeps
from support import PATIENCE, make_apps, processes_with, wait_until

import batchnb
from batchnb.engine.storage import JobStorage
from batchnb.job import Job
from batchnb.records import CoverageStatus, ErrorCategory, JobStatus, TaskStatus
from batchnb.records.errors import EndedError, InvalidValueError, InvariantError
from batchnb.records.events import (
    JobChanged,
    JobFinished,
    JobStarted,
    TaskFinished,
    TaskRequeued,
    TaskStarted,
)

HERE = Path(__file__).parent
APPS = range(1, 9)


class Live:
    """A bench whose apps 1 to 8 run the program `sleep` for ever, until their number is in `quick`."""

    def __init__(self, make_bench, storage, max_tasks=2):
        self.bench = make_bench({"m": APPS}, storage, max_tasks=max_tasks)
        self.storage, self.service = storage, self.bench.service
        self.word = f"5{uuid4().int % 10**12}"
        self.quick = set()
        self.bench.analyzer.scripts = dict.fromkeys(APPS, self.script)
        self.job = Job(self.service, None, self.bench.job(apps=APPS), [])

    def script(self, app, context):
        act = found_one if app.app_num in self.quick else sleeps(f"{self.word}{app.app_num}")
        return act(app, context)

    def start(self):
        self.service.start_job(self.job.id)
        self.ids = {task.app_num: task.id for task in wait_until(lambda: self.storage.get_tasks(self.job.id))}
        return self

    def tools(self):
        """Return the numbers of the apps whose tool runs."""
        return {number for number in APPS if processes_with(f"{self.word}{number}")}

    def await_tools(self, *numbers):
        assert wait_until(lambda: self.tools() == set(numbers)), (self.tools(), self.job.record)

    def task(self, number):
        return self.storage.get_task(self.ids[number])

    def await_status(self, number, status):
        assert wait_until(lambda: self.task(number).status is status), self.task(number)

    def end(self, *numbers):
        """Let these tasks end, by the cancellation of each."""
        for number in numbers:
            self.job.cancel_task(self.ids[number])
        for number in numbers:
            self.await_status(number, TaskStatus.CANCELLED)

    def finish(self):
        """Let everything else go through at once; check that each task left one result, and nothing runs."""
        self.quick = set(APPS)
        assert wait_until(self._is_ended_without_tools), (self.tools(), self.job.record)
        job = self.job.record
        assert sorted(made.task_id for made in self.storage.get_results(job.id)) == sorted(self.ids.values())
        assert job.completed_tasks == len(APPS)
        assert wait_until(lambda: not self.tools())
        job.check()
        return job

    def _is_ended_without_tools(self):
        for number in self.tools():  # one can come up late
            with suppress(InvariantError):
                self.job.requeue(self.ids[number])
        return self.job.is_ended


@pytest.fixture
def live(storage, make_bench):
    return Live(make_bench, storage).start()


def stays(condition, seconds=0.5):
    """Whether `condition` holds all the time."""
    return not wait_until(lambda: not condition(), seconds)


def test_a_paused_job_starts_nothing_leaves_what_runs_and_goes_on(live):
    live.await_tools(1, 2)
    assert live.job.pause() is True
    assert live.job.pause() is False
    assert wait_until(lambda: live.service._running_jobs[live.job.id]._tasks._crew.is_paused)
    live.end(1)
    assert stays(lambda: live.tools() == {2})
    assert live.job.record.paused
    assert live.job.status is JobStatus.RUNNING

    assert live.job.resume() is True
    live.await_tools(2, 3)
    assert live.finish().status is JobStatus.COMPLETED


def test_a_paused_job_can_be_cancelled(live):
    live.await_tools(1, 2)
    live.job.pause()
    live.job.cancel()
    assert live.bench.ended(live.job.id).task_count_by_status == {"cancelled": 8}
    with pytest.raises(InvariantError, match="is cancelled"):
        live.job.pause()


def test_a_paused_job_with_nothing_left_to_start_ends(storage, make_bench):
    live = Live(make_bench, storage, max_tasks=8).start()
    live.await_tools(*APPS)
    live.job.pause()
    live.end(*APPS)
    assert live.bench.ended(live.job.id).status is JobStatus.COMPLETED


def test_a_job_that_was_paused_while_it_waited_starts_paused(storage, make_bench):
    bench = make_bench({"m": APPS, "n": [1]}, storage, max_jobs=1)
    bench.analyzer.hold("m")
    first = bench.job("m")
    second = Job(bench.service, None, bench.job("n"), [])
    bench.service.start_job(first)
    bench.service.start_job(second.id)
    second.pause()
    bench.analyzer.release()
    bench.ended(first)
    assert wait_until(lambda: second.status is JobStatus.RUNNING)
    assert stays(lambda: bench.analyzer.counts()["n"] == 0)
    second.resume()
    assert bench.ended(second.id).task_count_by_status == {"completed": 1}


def test_more_tasks_at_once_and_fewer_again(live):
    live.await_tools(1, 2)
    live.job.set_max_tasks(4)
    live.await_tools(1, 2, 3, 4)
    live.job.set_max_tasks(1)
    live.end(1, 2)
    assert stays(lambda: live.tools() == {3, 4}), "surplus ones go on, and nothing follows them"
    live.job.set_max_tasks(3)
    live.await_tools(3, 4, 5)
    live.finish()


def test_a_shorter_limit_stops_what_has_run_longer(live):
    live.await_tools(1, 2)
    assert live.job.set_timeout(1, "gated") == 8
    live.await_status(1, TaskStatus.TIMED_OUT)
    ended = live.task(1)
    assert (ended.error.category, ended.timeout_seconds) == (ErrorCategory.TIMEOUT, 1)
    assert "timed out: 1 s" in ended.error.message
    live.await_status(4, TaskStatus.TIMED_OUT)  # it waited, and has the new limit as well
    assert live.job.set_timeout(900) > 0
    assert live.finish().status is JobStatus.FAILED


def test_a_longer_limit_lets_a_tool_go_on(storage, make_bench):
    live = Live(make_bench, storage)
    live.job = Job(live.service, None, live.bench.job(apps=APPS, task_timeout_seconds=4), [])
    live.start()
    live.await_tools(1, 2)
    live.job.set_timeout(900)
    moved = time.monotonic()
    assert stays(lambda: live.tools() == {1, 2}, 5)
    assert time.monotonic() - moved >= 5
    live.job.set_timeout(1)
    live.await_status(1, TaskStatus.TIMED_OUT)
    live.job.cancel()
    live.bench.ended(live.job.id)


def test_one_task_is_cancelled_running_or_waiting(live):
    live.await_tools(1, 2)
    live.job.cancel_task(live.ids[1])
    live.job.cancel_task(live.ids[5])
    for number in (1, 5):
        live.await_status(number, TaskStatus.CANCELLED)
    live.await_tools(2, 3)
    job = live.finish()
    assert job.status is JobStatus.COMPLETED
    assert job.task_count_by_status == {"completed": 6, "cancelled": 2}
    cells = {cell.app_num: cell.status for cell in live.storage.get_coverage(job.id)}
    assert cells == {n: CoverageStatus.CANCELLED if n in {1, 5} else CoverageStatus.OK for n in APPS}


def test_a_requeued_task_is_stopped_and_runs_again_after_all_that_wait(live):
    heard = []
    live.service.events.subscribe(heard.append)
    live.await_tools(1, 2)
    live.job.requeue(live.ids[1])
    live.await_tools(2, 3)
    live.await_status(1, TaskStatus.PENDING)
    assert live.task(1).started_at is None
    live.quick = set(APPS)
    live.job.set_max_tasks(1)  # so that they begin in the order in which they are handed out
    live.job.requeue(live.ids[2])
    live.await_status(2, TaskStatus.PENDING)
    live.job.requeue(live.ids[3])
    job = live.bench.ended(live.job.id)

    assert job.task_count_by_status == {"completed": 8}
    made = live.storage.get_results(job.id)
    assert [result.app_num for result in made] == [4, 5, 6, 7, 8, 1, 2, 3]
    assert [app.app_num for app, _ in live.bench.analyzer.calls][3:] == [4, 5, 6, 7, 8, 1, 2, 3]
    assert wait_until(lambda: any(isinstance(event, JobFinished) for event in heard))
    requeued = {event.task_id for event in heard if isinstance(event, TaskRequeued)}
    assert requeued == {live.ids[number] for number in (1, 2, 3)}


def test_a_waiting_task_is_not_left_though_everybody_went_home_while_it_was_moved(make_bench):
    bench = make_bench({"m": [1], "n": [1]}, max_tasks=1)
    bench.analyzer.hold("m")
    job_id = bench.job("m", "n")
    bench.service.start_job(job_id)
    bench.analyzer.await_calls(m=1)
    tasks = bench.service._running_jobs[job_id]._tasks
    settle = tasks._journal.settle

    def settle_late(task_id):
        bench.analyzer.release()
        assert wait_until(lambda: not tasks._crew._alive)
        settle(task_id)

    tasks._journal.settle = settle_late
    bench.storage.controls.requeue_task(bench.storage.get_tasks(job_id)[1].id)
    assert bench.ended(job_id).task_count_by_status == {"completed": 2}


def test_a_cancellation_is_not_lost_when_the_task_is_put_back_in_that_moment(make_bench, monkeypatch):
    bench, go = make_bench({"m": [1]}), threading.Event()

    def script(app, context):
        assert go.wait(PATIENCE)
        return found_one(app, context)

    bench.analyzer.scripts[1] = script
    job_id = bench.job()
    bench.service.start_job(job_id)
    bench.analyzer.await_calls(m=1)
    controls, (task,) = bench.storage.controls, bench.storage.get_tasks(job_id)
    controls.pause(job_id)
    controls.requeue_task(task.id)
    (run,) = bench.service._running_jobs[job_id]._tasks._running.values()
    assert wait_until(lambda: run.wish)
    read = controls.orders

    def read_and_be_late(*args):
        orders = read(*args)
        if "cancel" in orders.wishes.values() and not go.is_set():
            go.set()
            assert wait_until(lambda: bench.storage.get_task(task.id).status is TaskStatus.PENDING)
        return orders

    monkeypatch.setattr(controls, "orders", read_and_be_late)
    controls.cancel_task(task.id)
    assert bench.ended(job_id).task_count_by_status == {"cancelled": 1}


def test_the_last_wish_counts(live):
    live.await_tools(1, 2)
    live.job.pause()
    for number in (1, 5):
        live.job.requeue(live.ids[number])
        live.job.cancel_task(live.ids[number])
    for number in (1, 5):
        live.await_status(number, TaskStatus.CANCELLED)
    live.job.resume()
    assert live.finish().task_count_by_status == {"completed": 6, "cancelled": 2}


def test_the_highest_priority_runs_first_whatever_was_fetched(live):
    live.await_tools(1, 2)
    live.job.prioritize(live.ids[7], 5)
    live.job.prioritize(live.ids[8])
    live.end(1)
    live.await_tools(2, 7)
    live.end(2)
    live.await_tools(7, 8)
    live.end(7)
    live.await_tools(3, 8)
    assert live.job.tasks.set_index("app_num")["priority"][7] == 5
    live.finish()


def test_an_ended_task_and_one_of_another_job_are_refused(live):
    live.await_tools(1, 2)
    live.end(1)
    for change in (live.job.cancel_task, live.job.requeue, live.job.prioritize):
        with pytest.raises(EndedError, match="has ended"):
            change(live.ids[1])
    other = live.storage.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
    foreign = live.storage.create_task(other, "m", 1, "gated").id
    with pytest.raises(InvalidValueError, match="not one of job"):
        live.job.requeue(foreign)
    live.finish()
    with pytest.raises(InvariantError):
        live.job.pause()


def test_controls_race_with_endings_and_each_task_still_leaves_one_result(storage, make_bench):
    """Cancelled, requeued, reordered and limited at the moment of its ending, or while it is put back."""
    numbers = range(1, 121)
    bench = make_bench({"m": numbers}, storage, max_tasks=4)
    runs, most, lock = Counter(), Counter(), threading.Lock()

    def script(app, context):
        with lock:
            runs[app.app_num] += 1
            most[app.app_num] = max(most[app.app_num], runs[app.app_num])
        context.progress(10)
        context.cancel.wait(0.004)
        context.progress(90)
        with lock:
            runs[app.app_num] -= 1
        return found_one(app, context)

    bench.analyzer.scripts = dict.fromkeys(numbers, script)
    job_id = bench.job(apps=numbers)
    bench.service.start_job(job_id)
    chance, controls = random.Random(7), storage.controls
    ids = [task.id for task in wait_until(lambda: storage.get_tasks(job_id))]
    acts = [
        *[lambda: controls.requeue_task(chance.choice(ids))] * 4,
        *[lambda: controls.cancel_task(chance.choice(ids))] * 2,
        lambda: controls.set_priority(chance.choice(ids), chance.randint(-3, 3)),
        lambda: controls.set_max_tasks(job_id, chance.randint(1, 6)),
        lambda: controls.set_timeout(job_id, chance.randint(50, 900)),
        lambda: controls.pause(job_id),
        lambda: controls.resume(job_id),
    ]
    for _ in range(150):
        try:
            chance.choice(acts)()
        except InvariantError:  # that one, or the job, has ended
            continue
    if not bench.service.is_ended(job_id):
        controls.resume(job_id)

    job = bench.ended(job_id, 60)
    assert job.status is JobStatus.COMPLETED, job.errors
    assert set(job.task_count_by_status) <= {"completed", "cancelled"}
    assert sorted(made.task_id for made in storage.get_results(job_id)) == ids
    assert set(most.values()) == {1}, "no task runs twice at the same time"


def test_events_come_in_order_and_an_ending_only_when_it_can_be_read(make_bench, tmp_path):
    bench = make_bench({"m": APPS}, JobStorage(tmp_path / "store.db"))
    heard, unread = [], []
    with closing(JobStorage(tmp_path / "store.db")) as second:

        def hear(event):
            heard.append(event)
            if isinstance(event, TaskFinished) and second.get_task(event.task_id).status is not event.status:
                unread.append(event)

        with bench.service.events.subscribe(hear):
            job_id = bench.job(apps=APPS)
            bench.analyzer.hold("m")
            bench.service.start_job(job_id)
            bench.analyzer.await_calls(m=2)
            bench.storage.controls.set_max_tasks(job_id, 3)
            bench.analyzer.release()
            bench.ended(job_id)
            assert wait_until(lambda: isinstance(heard[-1], JobFinished))

    kinds = [type(event) for event in heard]
    assert kinds[0] is JobStarted
    assert kinds.count(TaskFinished) == 8
    assert JobChanged in kinds
    assert unread == []
    for task in bench.storage.get_tasks(job_id):
        own = [type(event) for event in heard if getattr(event, "task_id", None) == task.id]
        assert own in ([TaskStarted, TaskFinished], [TaskFinished])
    assert [event.at for event in heard] == sorted(event.at for event in heard)


@contextmanager
def other_process(base):
    """Run a job in another process; give its handle here, and what its tools are called."""
    word, store = f"4{uuid4().int % 10**12}", base.parent / "store.db"
    command = [sys.executable, str(HERE / "live.py"), str(store), str(base), word]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        try:
            assert process.stdout.readline() == "running\n"
            with batchnb.open(base, store=store) as workspace:
                yield workspace.attach(1), word
            process.stdin.close()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_what_another_process_asks_for_is_heeded_within_a_second(tmp_path):
    base = make_apps(tmp_path / "apps", {"m": APPS})
    with other_process(base) as (job, word):
        took = {}

        def tools():
            return {number for number in APPS if processes_with(f"{word}{number}")}

        def heeded(name, condition):
            begun = time.monotonic()
            assert wait_until(condition), (name, tools(), job.record)
            took[name] = time.monotonic() - begun

        assert wait_until(lambda: tools() == {1, 2})
        storage = job._service.storage
        ids = {task.app_num: task.id for task in storage.get_tasks(job.id)}

        job.set_max_tasks(3)
        heeded("more at once", lambda: tools() == {1, 2, 3})
        job.prioritize(ids[8])
        job.cancel_task(ids[1])
        heeded("cancel and priority", lambda: tools() == {2, 3, 8})
        job.requeue(ids[2])
        heeded("requeue", lambda: tools() == {3, 4, 8})
        job.cancel_task(ids[7])
        heeded("cancel a waiting one", lambda: storage.get_task(ids[7]).status is TaskStatus.CANCELLED)
        job.pause()
        job.cancel_task(ids[3])
        heeded("cancel while paused", lambda: tools() == {4, 8})
        assert stays(lambda: tools() == {4, 8})
        job.resume()
        heeded("resume", lambda: tools() == {4, 5, 8})
        job.set_timeout(1)
        heeded("time-out", lambda: storage.get_task(ids[4]).status is TaskStatus.TIMED_OUT)
        job.set_timeout(900)
        job.cancel()
        heeded("cancel the job", lambda: job.is_ended and not tools())

        print(", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items()))
        assert statistics.median(took.values()) < 1, took
        results = [made.task_id for made in storage.get_results(job.id)]
        assert sorted(results) == sorted(ids.values())


def test_the_log_is_the_same_from_another_workspace(tmp_path):
    base = make_apps(tmp_path / "apps", {"m": APPS})
    with other_process(base) as (job, word):
        assert wait_until(lambda: processes_with(f"{word}2"))
        job.set_timeout(1, "gated")
        assert wait_until(lambda: job.record.task_count_by_status.get("timed_out"))
        job.cancel()
        job.wait(PATIENCE)
        with batchnb.open(base, store=base.parent / "store.db") as second:
            mine, theirs = job.log, second.attach(job.id).log
        assert mine.equals(theirs)
        messages = list(mine["message"])
        assert (messages[0], messages[1], messages[-1]) == ("job created", "job started", "job cancelled")
        assert "gated of m/app1 timed out: gated of m/app1 timed out: 1 s" in messages
        assert any(text.startswith("taking longer than expected") for text in messages)


def engine_state():
    gc.collect()
    process = psutil.Process()
    return process.num_threads(), process.num_fds(), process.memory_info().rss / 2**20


def jobs_leave_nothing(make_bench, storage, warm, count):
    bench = make_bench({"m": [1, 2]}, storage)
    for _ in range(warm):
        bench.run(apps=(1, 2))
    before = engine_state()
    for _ in range(count):
        bench.run(apps=(1, 2))
    assert wait_until(lambda: engine_state()[:2] <= before[:2]), (before, engine_state())
    after = engine_state()
    print(
        f"{count} jobs: threads {before[0]} -> {after[0]}, files {before[1]} -> {after[1]}, "
        f"memory {before[2]:.1f} -> {after[2]:.1f} MiB"
    )
    assert bench.service._running_jobs == bench.service._waiting == {}
    return after[2] - before[2]


def test_many_jobs_leave_no_thread_file_or_memory(make_bench, tmp_path):
    grown = jobs_leave_nothing(make_bench, JobStorage(tmp_path / "store.db"), 50, 200)
    assert grown < 10  # MiB; a record of each task would be seen here only if it were large


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_jobs_leave_no_thread_file_or_memory(make_bench, tmp_path):
    grown = jobs_leave_nothing(make_bench, JobStorage(tmp_path / "store.db"), 200, 2_000)
    assert grown < 10
