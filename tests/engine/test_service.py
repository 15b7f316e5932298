"""Starting, limiting, cancelling and ending jobs."""

import json
import logging
import threading
import time
from importlib.metadata import EntryPoint
from uuid import uuid4

import pytest
from gated import found_one, raises, report_of, sleeps
from support import processes_with, wait_until

from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.records import (
    AnalysisType,
    CoverageStatus,
    ErrorCategory,
    JobError,
    JobSpec,
    JobStatus,
    TaskStatus,
)
from batchnb.records.errors import (
    InvalidValueError,
    RecordNotFoundError,
    ServiceClosedError,
    StorageError,
    ToolMissingError,
)
from batchnb.tools.cancellation import CancelToken


class Slow(JobStorage):
    """A store that stops at a gate before it creates tasks."""

    def __init__(self):
        super().__init__()
        self.entered, self.leave = threading.Event(), threading.Event()

    def create_tasks(self, *args, **kwargs):
        self.entered.set()
        assert self.leave.wait(20)
        return super().create_tasks(*args, **kwargs)


class TestStarting:
    def test_a_job_runs_in_the_background_to_its_end(self, bench):
        bench.analyzer.hold("m")
        job_id = bench.job(apps=(1, 2))

        assert bench.service.start_job(job_id) is True
        bench.analyzer.await_calls(m=2)
        running = bench.storage.get_job(job_id)
        bench.analyzer.release()
        job = bench.ended(job_id)

        assert running.status is JobStatus.RUNNING
        assert running.started_at is not None
        assert job.status is JobStatus.COMPLETED
        assert job.task_count_by_status == {"completed": 2}
        assert job.results_summary["issues_total"] == 2
        assert job.errors == []
        job.check()
        for record in (*bench.storage.get_tasks(job_id), *bench.storage.get_results(job_id)):
            record.check()
        folders = {app.path.relative_to(bench.base).as_posix() for app, _ in bench.analyzer.calls}
        assert folders == {"m/app1", "m/app2"}

    def test_a_job_that_does_not_exist_is_not_started(self, bench):
        assert bench.service.start_job(999) is False

    def test_a_job_is_started_once(self, bench):
        bench.analyzer.hold("m")
        job_id = bench.job()
        assert bench.service.start_job(job_id) is True
        assert bench.service.start_job(job_id) is False
        bench.analyzer.release()
        bench.ended(job_id)
        assert bench.service.start_job(job_id) is False
        assert len(bench.analyzer.calls) == 1

    def test_the_third_job_waits_and_starts_by_itself_first_in_first_out(self, bench):
        bench.analyzer.hold("m", "n", "o")
        first, second, third, fourth = (bench.job(model) for model in ("m", "n", "o", "m"))

        assert [bench.service.start_job(job_id) for job_id in (first, second)] == [True, True]
        assert [bench.service.start_job(job_id) for job_id in (third, fourth)] == [False, False]
        assert bench.service.start_job(third) is False, "a job that waits is not started again"
        bench.analyzer.await_calls(m=1, n=1)
        assert [bench.status(job_id) for job_id in (third, fourth)] == ["queued", "queued"]
        assert bench.storage.get_job(third).started_at is None

        bench.analyzer.release("n")
        bench.ended(second)
        bench.analyzer.await_calls(m=1, n=1, o=1)
        assert [bench.status(job_id) for job_id in (first, third, fourth)] == ["running", "running", "queued"]

        bench.analyzer.release()
        assert [bench.ended(job_id).status.value for job_id in (first, third, fourth)] == ["completed"] * 3

    def test_many_jobs_started_from_many_threads_never_exceed_the_limit(self, make_bench):
        bench = make_bench({"m": range(1, 13)}, max_jobs=3, max_tasks=1)
        job_ids = [bench.job(apps=(app,)) for app in range(1, 13)]
        threads = [threading.Thread(target=bench.service.start_job, args=(job_id,)) for job_id in job_ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

        assert {bench.ended(job_id).status for job_id in job_ids} == {JobStatus.COMPLETED}
        assert 1 <= bench.analyzer.most <= 3

    @pytest.mark.parametrize("limit", [1, 2, 4])
    def test_a_job_runs_so_many_tasks_at_once(self, make_bench, limit):
        bench = make_bench({"m": range(1, 9)}, max_tasks=limit)
        bench.analyzer.hold("m")
        job_id = bench.job(apps=range(1, 9))
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=limit)
        expected = {"running": limit, "pending": 8 - limit}
        assert bench.counts(job_id, **expected) == expected

        bench.analyzer.release()
        bench.ended(job_id)
        assert bench.analyzer.most == limit

    def test_the_limits_are_2_by_default(self, bench):
        assert (bench.service.settings.max_jobs, bench.service.settings.max_tasks) == (2, 2)
        assert bench.service.settings.task_timeout_seconds == 1800

    def test_all_models_are_measured_on_the_first_apps_first(self, make_bench):
        bench = make_bench({"m": [1, 2], "n": [1, 2]}, max_tasks=1)
        bench.run("n", "m", apps=(2, 1))

        assert [(app.app_num, app.model) for app, _ in bench.analyzer.calls] == [
            *((1, "m"), (1, "n"), (2, "m"), (2, "n")),
        ]

    def test_a_model_without_a_range_stands_for_all_its_apps(self, bench):
        job_id = bench.storage.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
        bench.service.start_job(job_id)

        assert bench.ended(job_id).total_tasks == 5

    def test_options_reach_the_analyzer(self, bench):
        bench.run(analysis_options={"gated": {"depth": 4}})

        assert bench.analyzer.calls[0][1].depth == 4

    def test_options_that_are_not_allowed_fail_the_task_by_name(self, bench):
        job = bench.run(analysis_options={"gated": {"depth": 99}})

        task = bench.task(job)
        assert (job.status, task.status) == (JobStatus.FAILED, TaskStatus.FAILED)
        assert task.error.category is ErrorCategory.VALIDATION
        assert "gated option depth 99" in task.error.message

    def test_a_submitted_specification_runs(self, bench):
        spec = JobSpec(models=("m",), app_ranges={"m": (1,)}, analysis_types=("gated",))

        assert bench.ended(bench.service.submit(spec)).status is JobStatus.COMPLETED

    def test_a_time_out_that_is_not_allowed_makes_no_job(self, bench):
        spec = JobSpec(models=("m",), app_ranges={}, analysis_types=("gated",), task_timeout_seconds=0)

        with pytest.raises(InvalidValueError, match=r"task_timeout_seconds 0 \(from create_job\)"):
            bench.service.submit(spec)

        assert bench.storage.get_jobs() == []


class TestCancelling:
    def test_a_running_job_ends_with_every_task_cancelled_and_on_record(self, bench):
        bench.analyzer.hold("m")
        job_id = bench.job(apps=range(1, 6))
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=2)

        assert bench.service.cancel_job(job_id) is True
        job = bench.ended(job_id)

        assert job.status is JobStatus.CANCELLED
        assert job.cancellation_requested
        assert job.task_count_by_status == {"cancelled": 5}
        assert len(bench.analyzer.calls) == 2
        results, cells = bench.storage.get_results(job_id), bench.storage.get_coverage(job_id)
        tasks = [task.id for task in bench.storage.get_tasks(job_id)]
        assert sorted(made.task_id for made in results) == tasks
        assert {made.status for made in results} == {TaskStatus.CANCELLED}
        assert sorted(cell.task_id for cell in cells) == tasks
        assert {cell.status for cell in cells} == {CoverageStatus.CANCELLED}
        for record in (job, *results, *bench.storage.get_tasks(job_id)):
            record.check()

    def test_what_a_task_had_found_when_it_ended_first_is_kept(self, bench):
        bench.analyzer.hold("n")
        job_id = bench.job("m", "n", apps=(1,))
        bench.service.start_job(job_id)
        assert wait_until(lambda: bench.storage.get_job(job_id).completed_tasks == 1)
        bench.service.cancel_job(job_id)

        job = bench.ended(job_id)
        assert job.task_count_by_status == {"completed": 1, "cancelled": 1}
        assert len(bench.storage.get_findings(job_id)) == 1

    def test_an_analyzer_that_gives_up_with_an_error_was_cancelled_and_has_not_failed(self, bench):
        def script(app, context):
            context.cancel.wait(20)
            raise ConnectionError("interrupted")

        bench.analyzer.scripts[1] = script
        job_id = bench.job()
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=1)
        bench.service.cancel_job(job_id)

        job = bench.ended(job_id)
        assert (job.status, job.task_count_by_status, job.errors) == (
            JobStatus.CANCELLED,
            {"cancelled": 1},
            [],
        )
        assert [cell.status for cell in bench.storage.get_coverage(job_id)] == [CoverageStatus.CANCELLED]

    def test_a_job_that_is_being_prepared(self, make_bench):
        store = Slow()
        bench = make_bench({"m": [1, 2, 3]}, store)
        job_id = bench.job(apps=(1, 2, 3))
        bench.service.start_job(job_id)
        assert store.entered.wait(20)
        assert bench.status(job_id) == "initializing"

        assert bench.service.cancel_job(job_id) is True
        assert bench.status(job_id) == "cancelling"
        store.leave.set()
        job = bench.ended(job_id)

        assert (job.status, job.task_count_by_status) == (JobStatus.CANCELLED, {"cancelled": 3})
        assert len(bench.storage.get_results(job_id)) == len(bench.storage.get_coverage(job_id)) == 3
        assert bench.analyzer.calls == []

    def test_a_cancelled_job_leaves_nothing_pending_however_late_the_signal_comes(self, make_bench):
        """The store says "cancelled" before the token does; the job may run to its end in between."""
        store = Slow()
        bench = make_bench({"m": [1, 2, 3]}, store)
        job_id = bench.job(apps=(1, 2, 3))
        bench.service.start_job(job_id)
        assert store.entered.wait(20)

        class Late(CancelToken):
            def cancel(self, reason=""):
                if threading.current_thread() is canceller:
                    wait_until(lambda: store.get_job(job_id).status.is_ended, 2)
                super().cancel(reason)

        bench.service._running_jobs[job_id].cancel = Late()
        canceller = threading.Thread(target=bench.service.cancel_job, args=(job_id,))
        canceller.start()
        assert wait_until(lambda: bench.status(job_id) == "cancelling")
        store.leave.set()
        job = bench.ended(job_id)
        canceller.join(20)

        assert (job.status, job.task_count_by_status) == (JobStatus.CANCELLED, {"cancelled": 3})

    def test_a_job_that_ends_while_it_is_being_cancelled_is_no_error(self, make_bench):
        """Its tools are stopped first; that alone may end it before the store hears of the cancellation."""
        me = threading.get_ident()

        class Racing(JobStorage):
            def change_job(self, job_id, change, *, owner=None):
                if threading.get_ident() == me and bench.analyzer.calls:
                    assert wait_until(lambda: self.get_job(job_id).status.is_ended)
                return super().change_job(job_id, change, owner=owner)

        bench = make_bench({"m": [1]}, Racing())
        bench.analyzer.hold("m")
        job_id = bench.job()
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=1)

        assert bench.service.cancel_job(job_id) is True
        job = bench.ended(job_id)
        assert (job.status, job.cancellation_requested) == (JobStatus.CANCELLED, True)

    def test_a_job_in_the_queue_never_runs_and_makes_way(self, make_bench):
        bench = make_bench({"m": [1], "n": [1], "o": [1]}, max_jobs=1)
        bench.analyzer.hold("m")
        first, second, third = (bench.job(model) for model in ("m", "n", "o"))
        for job_id in (first, second, third):
            bench.service.start_job(job_id)

        assert bench.service.cancel_job(second) is True
        cancelled = bench.storage.get_job(second)
        assert (cancelled.status, cancelled.cancellation_requested) == (JobStatus.CANCELLED, True)
        cancelled.check()
        assert bench.service.wait(second, 0) is True
        bench.analyzer.release()
        assert bench.ended(third).status is JobStatus.COMPLETED
        assert bench.analyzer.counts() == {"m": 1, "o": 1}

    def test_there_is_nothing_to_cancel_in_other_states(self, bench):
        pending, ended = bench.job(), bench.run().id

        assert [bench.service.cancel_job(job_id) for job_id in (pending, ended, 999)] == [False] * 3
        assert bench.status(pending) == "pending"
        assert bench.storage.get_job(pending).cancellation_requested is False

    def test_a_running_tool_is_killed_within_two_seconds(self, bench):
        word = f"4{uuid4().int % 10**12}.125"
        bench.analyzer.scripts[1] = sleeps(word)
        job_id = bench.job()
        bench.service.start_job(job_id)
        assert wait_until(lambda: processes_with(word))

        asked = time.monotonic()
        assert bench.service.cancel_job(job_id)
        job = bench.ended(job_id, 2)

        assert time.monotonic() - asked < 2
        assert processes_with(word) == []
        assert (job.status, job.task_count_by_status) == (JobStatus.CANCELLED, {"cancelled": 1})

    def test_the_slot_is_free_again(self, make_bench):
        bench = make_bench({"m": [1], "n": [1]}, max_jobs=1)
        bench.analyzer.hold("m")
        job_id = bench.job()
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=1)
        bench.service.cancel_job(job_id)
        bench.ended(job_id)

        assert wait_until(lambda: not bench.service._running_jobs)
        assert bench.run("n").status is JobStatus.COMPLETED


class TestFailing:
    @pytest.mark.parametrize(
        ("problem", "category"),
        [
            (TimeoutError("no answer"), ErrorCategory.TIMEOUT),
            (ConnectionResetError("no answer"), ErrorCategory.NETWORK),
            (PermissionError("no answer"), ErrorCategory.PERMISSION),
            (MemoryError("no answer"), ErrorCategory.RESOURCE),
            (OSError(28, "no answer"), ErrorCategory.RESOURCE),
            (ValueError("no answer"), ErrorCategory.VALIDATION),
            (LookupError("no answer"), ErrorCategory.ANALYSIS),
        ],
    )
    def test_an_analyzer_that_raises_fails_its_task_and_no_other(self, bench, problem, category):
        bench.analyzer.scripts[2] = raises(problem)
        job = bench.run(apps=(1, 2, 3))

        assert (job.status, job.task_count_by_status) == (JobStatus.FAILED, {"completed": 2, "failed": 1})
        task = bench.task(job, app_num=2)
        assert (task.status, task.error.category, task.error.task_id) == (
            TaskStatus.FAILED,
            category,
            task.id,
        )
        assert task.error.message.startswith("Gated analysis failed: ")
        assert "no answer" in task.error.message
        assert "in script\n    raise error" in task.error.traceback
        assert task.error.details == {"error_type": type(problem).__name__}
        assert job.errors == [task.error]
        (cell,) = [cell for cell in bench.storage.get_coverage(job.id) if cell.task_id == task.id]
        assert (cell.tool, cell.status) == ("gate", CoverageStatus.FAILED)
        assert "no answer" in cell.detail

    def test_a_tool_that_turns_out_to_be_missing_is_a_missing_dependency(self, bench):
        bench.analyzer.scripts[1] = raises(ToolMissingError("the program 'gate' is not installed"))
        job = bench.run()

        task = bench.task(job)
        assert task.error.category is ErrorCategory.DEPENDENCY
        assert job.status is JobStatus.FAILED

    @pytest.mark.parametrize(
        "rubbish",
        [
            lambda app, context: None,
            lambda app, context: "clean",
            lambda app, context: report_of(app, CoverageStatus.OK, {"message": object()}),
            lambda app, context: report_of(app, CoverageStatus.OK, {"line": "three"}),
            lambda app, context: report_of(app, "fine"),
        ],
        ids=["nothing", "a word", "an object for text", "a word for a number", "an unknown status"],
    )
    def test_an_analyzer_that_returns_rubbish_fails_its_task_and_no_other(self, bench, rubbish):
        bench.analyzer.scripts[2] = rubbish
        job = bench.run(apps=(1, 2, 3))

        assert (job.status, job.task_count_by_status) == (JobStatus.FAILED, {"completed": 2, "failed": 1})
        assert bench.task(job, app_num=2).status is TaskStatus.FAILED

    def test_a_report_without_coverage_is_no_measurement_and_no_success(self, bench):
        """Nobody knows what such an analysis read: it must not end as "not applicable"."""
        bench.analyzer.scripts[1] = lambda app, context: type(found_one(app, context))(issues=(), coverage=())
        job = bench.run()

        assert job.status is JobStatus.FAILED
        assert [cell.status for cell in bench.storage.get_coverage(job.id)] == [CoverageStatus.FAILED]

    def test_bad_progress_fails_the_task(self, bench):
        def script(app, context):
            context.progress(50)
            seen.append(wait_until(lambda: bench.storage.get_tasks(job_id)[0].progress))
            context.progress(150)

        seen = []
        bench.analyzer.scripts[1] = script
        job_id = bench.job()
        bench.service.start_job(job_id)

        assert bench.ended(job_id).status is JobStatus.FAILED
        assert seen == [50]

    @pytest.mark.parametrize("status", [CoverageStatus.FAILED, CoverageStatus.OFFLINE])
    def test_a_tool_that_failed_or_was_offline_fails_the_task(self, bench, status):
        bench.analyzer.scripts[1] = lambda app, context: report_of(app, status, detail="it would not")
        job = bench.run()

        task = bench.task(job)
        assert (job.status, task.status) == (JobStatus.FAILED, TaskStatus.FAILED)
        assert task.error.category is ErrorCategory.ANALYSIS
        assert "it would not" in task.error.message


class TestTimeOut:
    def test_a_tool_is_stopped_at_the_deadline_and_is_really_gone(self, make_bench, caplog):
        bench = make_bench({"m": [1, 2]}, task_timeout_seconds=1)
        word = f"4{uuid4().int % 10**12}.25"
        bench.analyzer.scripts[1] = sleeps(word)
        with caplog.at_level(logging.WARNING, "batch_analysis"):
            job = bench.run(apps=(1, 2))

        task = bench.task(job, app_num=1)
        assert (job.status, task.status) == (JobStatus.FAILED, TaskStatus.TIMED_OUT)
        assert job.task_count_by_status == {"timed_out": 1, "completed": 1}
        assert (task.error.category, task.error.task_id) == (ErrorCategory.TIMEOUT, task.id)
        assert task.error.message == "gated of m/app1 timed out: 1 s"
        assert processes_with(word) == []
        assert f"[Task {task.id}] timed out after 1 s" in caplog.text
        assert job.errors == [task.error]
        seconds = (task.completed_at - task.started_at).total_seconds()
        assert 0.9 < seconds < 5

    def test_a_jobs_own_limit_wins(self, bench):
        bench.analyzer.scripts[1] = sleeps("600.5")
        job = bench.run(task_timeout_seconds=1)

        assert bench.task(job).status is TaskStatus.TIMED_OUT
        assert bench.task(job).timeout_seconds == 1


class TestWhatIsMissing:
    @pytest.mark.parametrize("kind", list(AnalysisType))
    def test_an_analysis_that_cannot_run_skips_its_tasks_and_the_others_run(self, bench, kind):
        del bench.service.registry._known[kind]  # as if this version did not have it
        job = bench.run(apps=(1, 2), types=(kind, "gated"))

        assert (job.status, job.task_count_by_status) == (JobStatus.FAILED, {"completed": 2, "skipped": 2})
        (lack,) = job.errors
        assert (lack.category, lack.task_id) == (ErrorCategory.DEPENDENCY, None)
        assert f"{kind} not available" in lack.message
        for task in (t for t in bench.storage.get_tasks(job.id) if t.analysis_type == kind):
            assert (task.status, task.error.category) == (TaskStatus.SKIPPED, ErrorCategory.DEPENDENCY)
            assert f"{kind} not available" in task.error.message
        assert lack.details == {"analysis_type": kind}
        cells = [cell for cell in bench.storage.get_coverage(job.id) if cell.analysis_type == kind]
        assert [cell.status for cell in cells] == [CoverageStatus.TOOL_MISSING] * 2

    def test_a_missing_tool_is_said_once(self, bench):
        bench.analyzer.missing = ("gate",)
        gone = lambda app, context: report_of(app, CoverageStatus.TOOL_MISSING, detail="not installed")  # noqa: E731
        bench.analyzer.scripts = {1: gone, 2: gone}
        job = bench.run(apps=(1, 2))

        assert (job.status, job.task_count_by_status) == (JobStatus.FAILED, {"skipped": 2})
        assert [(lack.category, lack.message, lack.details) for lack in job.errors] == [
            (ErrorCategory.DEPENDENCY, "gated: gate not installed", {"analysis_type": "gated"})
        ]
        assert "Gated not available: gate: not installed" in bench.task(job, app_num=1).error.message

    def test_whose_lack_it_is_is_not_read_from_its_words(self, bench):
        """One that is known only when the tasks run, after an error that begins with the same word."""
        gone = lambda app, context: report_of(app, CoverageStatus.TOOL_MISSING, detail="removed")  # noqa: E731
        bench.analyzer.scripts = {1: gone, 2: gone}
        job_id = bench.job(apps=(1, 2))
        earlier = JobError(category=ErrorCategory.DEPENDENCY, message="gated is what another one lacks")
        bench.storage.add_job_error(job_id, earlier)
        assert bench.service.start_job(job_id)

        first, second = bench.ended(job_id).errors
        assert first == earlier
        assert second.message == "gated: Gated not available: gate: removed"
        assert (second.details, second.task_id) == ({"analysis_type": "gated"}, None)

    def test_an_app_without_the_part_is_skipped_and_fails_nothing(self, bench):
        bench.analyzer.part = "frontend"
        job = bench.run(apps=(1,))

        task = bench.task(job)
        why = "m/app1 has no frontend"
        assert (job.status, job.errors) == (JobStatus.COMPLETED, [])
        assert (task.status, task.error, task.result_details["reason"]) == (TaskStatus.SKIPPED, None, why)
        (cell,) = bench.storage.get_coverage(job.id)
        assert (cell.status, cell.detail) == (CoverageStatus.NOT_APPLICABLE, why)

    @pytest.mark.parametrize("way", ["no such app", "a link", "a file"])
    def test_what_should_be_there_and_is_not_has_failed(self, bench, way):
        """A portfolio that is unmounted in mid-run must not end as a success."""
        bench.analyzer.part = "frontend"
        place = bench.base / "m" / "app1" / "frontend"
        if way == "a link":
            place.symlink_to(place.parent / "backend")
        elif way == "a file":
            place.write_text("")
        job = bench.run(apps=(9 if way == "no such app" else 1,))

        task = bench.task(job)
        assert (job.status, task.status) == (JobStatus.FAILED, TaskStatus.FAILED)
        assert task.error.category is ErrorCategory.VALIDATION
        reasons = {"no such app": "does not exist", "a link": "is a link", "a file": "is not a folder"}
        assert reasons[way] in task.error.message
        assert bench.storage.get_coverage(job.id)[0].status is CoverageStatus.FAILED

    @pytest.mark.parametrize("way", ["construction", "look", "key"])
    def test_a_plug_in_that_does_not_work_harms_no_other(self, make_bench, monkeypatch, way):
        import gated

        class Bad(gated.GatedAnalyzer):
            key = "other" if way == "key" else "bad"
            service = "bad_analyzer"

            def __init__(self, base_path):
                super().__init__(base_path)
                if way == "construction":
                    raise RuntimeError("no licence")

            def missing_tools(self):
                if way == "look":
                    raise RuntimeError("no licence")
                return ()

        monkeypatch.setattr(gated, "Bad", Bad, raising=False)
        bench = make_bench({"m": [1]})
        bench.service.registry = AnalyzerRegistry(
            extra=[EntryPoint("bad", "gated:Bad", GROUP), EntryPoint("gated", "gated:GatedAnalyzer", GROUP)]
        )
        job = bench.run(types=("bad", "gated"))

        assert (job.status, job.task_count_by_status) == (JobStatus.FAILED, {"completed": 1, "skipped": 1})
        assert [lack.category for lack in job.errors] == [ErrorCategory.DEPENDENCY]
        assert "bad" in job.errors[0].message


class TestStatus:
    def test_the_status_has_the_shape_of_the_specification(self, bench):
        bench.analyzer.hold("n")
        job_id = bench.job(
            "m", "n", apps=(1, 2), name="Security Scan", analysis_options={"gated": {"depth": 2}}
        )
        bench.service.start_job(job_id)
        assert wait_until(
            lambda: bench.storage.get_job(job_id).task_count_by_status == {"completed": 2, "running": 2}
        )

        status = bench.service.get_job_status(job_id)

        assert (
            json.loads(json.dumps(status))
            == status
            == {
                "job": {
                    "id": job_id,
                    "name": "Security Scan",
                    "status": "running",
                    "models": ["m", "n"],
                    "app_ranges": {"m": [1, 2], "n": [1, 2]},
                    "analysis_types": ["gated"],
                    "analysis_options": {"gated": {"depth": 2}},
                    "total_tasks": 4,
                    "completed_tasks": 2,
                },
                "progress": {
                    "total": 4,
                    "completed": 2,
                    "percent": 50,
                    "by_status": {"completed": 2, "running": 2},
                },
                "results_summary": {"issues_total": 2, "high_total": 2, "medium_total": 0, "low_total": 0},
                "active_tasks_count": 2,
            }
        )

    def test_there_is_none_for_a_job_that_does_not_exist(self, bench):
        assert bench.service.get_job_status(999) is None

    def test_a_new_job_is_at_0_and_an_ended_one_at_100_percent(self, bench):
        new, ended = bench.job(), bench.run().id

        assert bench.service.get_job_status(new)["progress"] == {
            "total": 0,
            "completed": 0,
            "percent": 0,
            "by_status": {},
        }
        assert bench.service.get_job_status(ended)["progress"]["percent"] == 100


class TestWaiting:
    def test_it_ends_with_the_job_or_with_the_time(self, bench):
        bench.analyzer.hold("m")
        job_id = bench.job()
        assert bench.service.wait(job_id, 0) is False
        bench.service.start_job(job_id)
        assert bench.service.wait(job_id, 0.05) is False
        bench.analyzer.release()
        assert bench.service.wait(job_id, 20) is True
        assert bench.service.wait(job_id) is True

    def test_there_must_be_a_job(self, bench):
        with pytest.raises(RecordNotFoundError, match="there is no job 999"):
            bench.service.wait(999)

    def test_a_job_of_another_service_is_waited_for(self, bench):
        bench.analyzer.hold("m")
        job_id = bench.job()
        bench.service.start_job(job_id)
        other = BatchAnalysisService(bench.storage, bench.base, settings=Settings())
        assert other.wait(job_id, 0.01) is False
        threading.Timer(0.05, bench.analyzer.release).start()
        assert other.wait(job_id, 20) is True
        other.close()


class TestClosing:
    def test_what_runs_and_waits_is_cancelled_and_nothing_starts_any_more(self, make_bench):
        bench = make_bench({"m": [1, 2, 3], "n": [1]}, max_jobs=1)
        bench.analyzer.hold("m", "n")
        running, waiting, new = bench.job(apps=(1, 2, 3)), bench.job("n"), bench.job("n")
        bench.service.start_job(running)
        bench.service.start_job(waiting)
        bench.analyzer.await_calls(m=2)

        bench.service.close()
        bench.service.close()

        assert [bench.status(job_id) for job_id in (running, waiting, new)] == [
            *("cancelled", "cancelled", "pending"),
        ]
        assert bench.storage.get_job(running).task_count_by_status == {"cancelled": 3}
        assert bench.analyzer.counts() == {"m": 2}
        with pytest.raises(ServiceClosedError, match="open the workspace again"):
            bench.service.start_job(new)
        assert wait_until(lambda: not any(t.name == f"batchnb-job-{running}" for t in threading.enumerate()))


class Broken(JobStorage):
    """A store that fails at one step of one job."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = set(steps)

    def record(self, job_id, changes):
        def broken():
            going_on, endings = changes()
            if endings and "endings" in self.steps:
                raise StorageError("the disk is on fire")
            return going_on, endings

        return super().record(job_id, broken)

    def break_job(self, *args):
        if "break_job" in self.steps:
            raise StorageError("the disk is on fire")
        return super().break_job(*args)

    def change_job(self, job_id, *args, **kwargs):
        if job_id in self.steps:
            raise StorageError("the disk is on fire")
        return super().change_job(job_id, *args, **kwargs)


class TestABrokenEngine:
    def test_the_job_ends_as_error_and_its_running_tasks_as_failed(self, make_bench):
        bench = make_bench({"m": range(1, 6)}, Broken("endings"))
        bench.analyzer.hold("m")
        job_id = bench.job(apps=range(1, 6))
        bench.service.start_job(job_id)
        assert wait_until(lambda: len(bench.storage.get_tasks(job_id, TaskStatus.RUNNING)) == 2)
        bench.analyzer.release()
        job = bench.ended(job_id)

        assert job.status is JobStatus.ERROR
        job.check()
        counts = job.task_count_by_status
        assert (counts.get("running", 0), sum(counts.values())) == (0, 5)
        assert counts["failed"] == 2
        assert job.errors[-1].category is ErrorCategory.INTERNAL
        assert "the engine failed: StorageError: the disk is on fire" in job.errors[-1].message
        assert "in broken" in job.errors[-1].traceback
        failed = bench.storage.get_tasks(job.id, TaskStatus.FAILED)
        assert {task.error.category for task in failed} == {ErrorCategory.INTERNAL}
        assert [made.task_id for made in bench.storage.get_results(job.id)] == [task.id for task in failed]
        assert len(bench.storage.get_coverage(job.id)) == len(failed)

        bench.storage.steps.clear()
        assert bench.run().status is JobStatus.COMPLETED

    def test_even_if_that_cannot_be_stored_the_waiting_ends_and_the_next_job_runs(self, make_bench):
        bench = make_bench({"m": [1], "n": [1]}, Broken("endings", "break_job"), max_jobs=1)
        bench.analyzer.hold("m")
        broken, following = bench.job("m"), bench.job("n")
        bench.service.start_job(broken)
        bench.service.start_job(following)
        bench.analyzer.await_calls(m=1)

        bench.analyzer.release()
        assert bench.service.wait(broken, 20) is True
        assert wait_until(lambda: len(bench.analyzer.calls) == 2)

    def test_apps_that_are_gone_fail_the_job(self, bench):
        for path in sorted(bench.base.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        job_id = bench.storage.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
        bench.service.start_job(job_id)

        job = bench.ended(job_id)
        assert job.status is JobStatus.FAILED
        assert "no app under" in job.errors[0].message

    def test_a_model_that_is_not_there_fails_the_job_and_is_no_empty_success(self, bench):
        job_id = bench.storage.create_job({"models": ["oak"], "analysis_types": ["gated"]}).id
        bench.service.start_job(job_id)

        job = bench.ended(job_id)
        assert job.status is JobStatus.FAILED
        assert "model 'oak'" in job.errors[0].message

    @pytest.mark.parametrize("way", ["it cannot be started", "somebody else ended it"])
    def test_a_waiting_job_that_cannot_start_holds_up_nobody(self, make_bench, way):
        """Another notebook may have ended it in the store that both share."""
        bench = make_bench({"m": [1], "n": [1], "o": [1]}, Broken(), max_jobs=1)
        bench.analyzer.hold("m")
        first, second, third = (bench.job(model) for model in ("m", "n", "o"))
        for job_id in (first, second, third):
            bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=1)
        if way == "it cannot be started":
            bench.storage.steps.add(second)
        else:
            bench.storage.update_job(second, status=JobStatus.CANCELLED)
        bench.analyzer.release()

        assert bench.ended(first).status is JobStatus.COMPLETED
        assert bench.ended(third).status is JobStatus.COMPLETED
        if way == "it cannot be started":
            bench.storage.steps.clear()
        assert bench.ended(second).status.is_ended
