"""Tasks that are looked at in one call: fewer calls, and otherwise as if each ran for itself."""

import threading
from collections import Counter

import pytest
from gated import GatedAnalyzer, found_one, report_of
from service_bench import GATED
from support import PATIENCE, wait_until

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.records.events import TaskStarted

APPS = range(1, 9)


class Shared:
    """A bench whose analyzer takes up to `size` apps a call; which ones is in `calls`."""

    def __init__(self, make_bench, size=8, **settings):
        self.bench = make_bench({"m": APPS}, **{"max_tasks": 1, **settings})
        self.calls, self.poison, self.unsettled = [], set(), set()
        self.gate = threading.Event()
        self.gate.set()
        self.inside = threading.Semaphore(0)
        analyzer = self.bench.analyzer
        analyzer.batch_size = size
        analyzer.analyze_all = self.analyze_all

    def analyze_all(self, apps, options, context):
        numbers = [app.app_num for app in apps]
        self.calls.append(numbers)
        self.inside.release()
        wait_until(lambda: self.gate.is_set() or context.cancel.cancelled, PATIENCE)
        if self.poison & set(numbers) or context.cancel.cancelled:
            raise RuntimeError("one of them breaks it")
        return [
            None if number in self.unsettled else found_one(app, context)
            for number, app in zip(numbers, apps, strict=True)
        ]

    def alone(self):
        """Return the numbers of the apps that had a call of their own."""
        return [app.app_num for app, _ in self.bench.analyzer.calls]

    def run(self):
        return self.bench.run("m", apps=APPS)


@pytest.fixture
def shared(make_bench):
    return Shared(make_bench)


def test_one_call_serves_all_and_each_has_its_result(shared):
    job = shared.run()

    assert job.task_count_by_status == {"completed": 8}
    assert (shared.calls, shared.alone()) == ([list(APPS)], [])
    results = shared.bench.storage.get_results(job.id)
    assert [(result.app_num, result.issues_count) for result in results] == [(number, 1) for number in APPS]


def test_each_of_several_threads_has_its_share(make_bench):
    shared = Shared(make_bench, max_tasks=2)
    shared.gate.clear()
    job_id = shared.bench.job("m", apps=APPS)
    shared.bench.service.start_job(job_id)
    assert wait_until(lambda: len(shared.calls) == 2)
    assert shared.bench.counts(job_id, running=2, pending=6) == {"running": 2, "pending": 6}, "as allowed"
    shared.gate.set()
    shared.bench.ended(job_id)

    assert Counter(number for call in shared.calls for number in call) == Counter(APPS)
    assert sorted(map(len, shared.calls)) == [4, 4]


def test_never_more_tasks_run_than_are_allowed(make_bench):
    shared = Shared(make_bench, max_tasks=2)
    most, started, lock = [0], Counter(), threading.Lock()

    def note(event):
        with lock:
            started[type(event) is TaskStarted] += 1
            running = shared.bench.storage.get_metrics().tasks_by_status.get(TaskStatus.RUNNING, 0)
            most[0] = max(most[0], running)

    shared.bench.service.events.subscribe(note)
    shared.run()

    assert most[0] <= 2


@pytest.mark.parametrize("poison", APPS)
def test_the_app_that_breaks_a_call_is_found_by_halving_and_only_it_suffers(shared, poison):
    shared.poison = {poison}
    shared.bench.analyzer.scripts[poison] = lambda app, context: report_of(app, CoverageStatus.FAILED)

    job = shared.run()

    assert job.task_count_by_status == {"completed": 7, "failed": 1}
    (failed,) = shared.bench.storage.get_tasks(job.id, TaskStatus.FAILED)
    assert failed.app_num == poison
    assert poison in shared.alone()
    assert len(shared.alone()) == 2, "of the last two nobody knows which it was"
    assert len(shared.calls) <= 8, shared.calls


def test_one_that_is_not_settled_in_a_call_runs_alone(shared):
    shared.unsettled = {1, 5}

    job = shared.run()

    assert job.task_count_by_status == {"completed": 8}
    assert shared.alone() == [1, 5]
    assert shared.calls == [list(APPS)]


def test_a_waiting_task_can_be_cancelled_while_it_is_looked_at(shared):
    shared.gate.clear()
    job_id = shared.bench.job("m", apps=APPS)
    shared.bench.service.start_job(job_id)
    shared.inside.acquire(timeout=PATIENCE)
    third = shared.bench.storage.get_tasks(job_id)[2]

    shared.bench.storage.controls.cancel_task(third.id)
    assert wait_until(lambda: shared.bench.storage.get_task(third.id).status is TaskStatus.CANCELLED)
    shared.gate.set()

    assert shared.bench.ended(job_id).task_count_by_status == {"completed": 7, "cancelled": 1}


def test_cancelling_the_job_stops_the_call(shared):
    shared.gate.clear()
    job_id = shared.bench.job("m", apps=APPS)
    shared.bench.service.start_job(job_id)
    shared.inside.acquire(timeout=PATIENCE)

    shared.bench.service.cancel_job(job_id)

    assert shared.bench.ended(job_id).task_count_by_status == {"cancelled": 8}


def test_cancelling_the_task_that_makes_the_call_leaves_the_others_to_another(shared):
    shared.gate.clear()
    job_id = shared.bench.job("m", apps=APPS)
    shared.bench.service.start_job(job_id)
    shared.inside.acquire(timeout=PATIENCE)
    first = shared.bench.storage.get_tasks(job_id)[0]

    shared.bench.storage.controls.cancel_task(first.id)
    assert wait_until(lambda: shared.bench.storage.get_task(first.id).status is TaskStatus.CANCELLED)
    shared.gate.set()

    assert shared.bench.ended(job_id).task_count_by_status == {"completed": 7, "cancelled": 1}
    assert shared.calls == [list(APPS), list(range(2, 9))]


def test_an_app_without_the_part_is_skipped_and_no_call_is_bothered(make_bench):
    shared = Shared(make_bench)
    (shared.bench.base / "m" / "app4" / "backend" / "app.py").unlink()
    (shared.bench.base / "m" / "app4" / "backend").rmdir()

    job = shared.run()

    assert job.task_count_by_status == {"completed": 7, "skipped": 1}
    assert 4 not in shared.calls[0]


def test_what_was_kept_of_a_call_goes_with_its_job(make_bench, tmp_path):
    from batchnb.engine.storage import JobStorage

    shared = Shared(make_bench, storage=JobStorage(tmp_path / "store.db"))
    whole = shared.analyze_all

    def keeping(apps, options, context):
        context.raw_file.parent.mkdir(parents=True, exist_ok=True)
        context.raw_file.write_text("raw")
        return whole(apps, options, context)

    shared.bench.analyzer.analyze_all = keeping
    job = shared.run()

    raws = [result.details["raw"] for result in shared.bench.storage.get_results(job.id)]
    assert [raw["target"] for raw in raws] == list(range(8))
    (name,) = {raw["file"] for raw in raws}
    assert (shared.bench.storage.raw_folder / name).read_text() == "raw"
    shared.bench.storage.delete_job(job.id)
    assert list(shared.bench.storage.raw_folder.iterdir()) == []


class Timing(GatedAnalyzer):
    key, service, exclusive = "timing", "timing_analyzer", True


class TestAlone:
    """Tasks that measure times run last, one at a time, and beside nothing else."""

    @pytest.fixture
    def mixed(self, make_bench):
        """Return a bench with two analyses; `spoilt` tells what ran beside a task of "timing"."""
        bench = make_bench({"m": range(1, 5)}, max_tasks=3)
        timing = Timing(bench.base)
        bench.service.registry._known["timing"] = GATED
        bench.service.registry._loaded["timing"] = Timing
        bench.service._given["timing_analyzer"] = timing
        inside, bench.spoilt, bench.order, lock = set(), [], [], threading.Lock()

        def entered(analyzer, app):
            with lock:
                inside.add((analyzer.key, app.app_num))
                bench.order.append(analyzer.key)
                if len(inside) > 1 and any(key == "timing" for key, _ in inside):
                    bench.spoilt.append(sorted(inside))

        for analyzer in (bench.analyzer, timing):

            def script(app, context, analyzer=analyzer):
                entered(analyzer, app)
                context.cancel.wait(0.02)
                with lock:
                    inside.discard((analyzer.key, app.app_num))
                return found_one(app, context)

            analyzer.scripts = dict.fromkeys(range(1, 5), script)
        return bench

    def test_they_come_last_and_nothing_runs_beside_them(self, mixed):
        job = mixed.run("m", apps=range(1, 5), types=("timing", "gated"))

        assert job.task_count_by_status == {"completed": 8}
        assert mixed.order == ["gated"] * 4 + ["timing"] * 4
        assert mixed.spoilt == []

    def test_out_of_order_nothing_runs_beside_them_either(self, mixed):
        job_id = mixed.job("m", apps=range(1, 5), types=("timing", "gated"))
        mixed.analyzer.hold("m")
        mixed.service.start_job(job_id)
        assert mixed.counts(job_id, running=3, pending=5) == {"running": 3, "pending": 5}
        tasks = [t for t in mixed.storage.get_tasks(job_id) if t.analysis_type == "timing"]
        mixed.storage.controls.set_priority(tasks[1].id, 5)
        mixed.analyzer.release()

        assert mixed.ended(job_id).task_count_by_status == {"completed": 8}
        assert mixed.spoilt == []
