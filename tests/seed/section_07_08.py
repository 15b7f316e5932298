"""7. Implementation Context: configuration. 8. Reasoning Patterns. See test_seed.py."""

from __future__ import annotations

import json
import os
import threading

import pytest
from service_bench import gated
from support import finding, make_apps, wait_until

from batchnb.engine.executor import TaskExecutor
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.records import (
    CoverageStatus,
    ErrorCategory,
    JobStatus,
    TaskStatus,
)
from batchnb.records.errors import (
    InvalidValueError,
    RecordNotFoundError,
    ToolMissingError,
)
from batchnb.tools.cancellation import CancelToken
from batchnb.tools.layout import base_path
from seed.shared import completed, moved, new_task


class TestSection7Configuration:
    """7.3 "Configuration requirements"."""

    @pytest.mark.parametrize(
        ("variable", "name", "default"),
        [
            pytest.param("BATCH_MAX_JOBS", "max_jobs", 2, id="Maximum concurrent jobs (default: 2)"),
            pytest.param(
                "BATCH_MAX_TASKS", "max_tasks", 2, id="Maximum concurrent tasks per job (default: 2)"
            ),
            pytest.param(
                "BATCH_TASK_TIMEOUT_SECONDS",
                "task_timeout_seconds",
                1800,
                id="Default task timeout (default: 1800)",
            ),
        ],
    )
    def test_limits(self, storage, tmp_path, monkeypatch, variable, name, default):
        """The line in the test's name. Product page: "overridable by arguments, with a clear error for a bad
        value".
        """
        assert getattr(Settings.load(), name) == getattr(Settings(), name) == default
        monkeypatch.setenv(variable, "7")
        service = BatchAnalysisService(storage, tmp_path)
        assert getattr(service.settings, name) == 7
        service.close()
        assert getattr(Settings.load(**{name: 9}), name) == 9
        monkeypatch.setenv(variable, "many")
        with pytest.raises(InvalidValueError, match=f"'many' .from environment variable {variable}. is not"):
            Settings.load()

    def test_base_path(self, tmp_path, monkeypatch):
        """ "APP_BASE_PATH: Path to applications directory"."""
        monkeypatch.setenv("APP_BASE_PATH", str(tmp_path))
        assert base_path() == tmp_path
        assert base_path(tmp_path / "other") == tmp_path / "other"
        monkeypatch.delenv("APP_BASE_PATH")
        with pytest.raises(InvalidValueError, match="APP_BASE_PATH"):
            base_path()

    def test_the_limits_are_heeded(self, make_bench):
        """ "Maximum concurrent jobs", "Maximum concurrent tasks per job"."""
        bench = make_bench({"m": range(1, 5), "n": range(1, 5), "o": [1]}, max_jobs=2, max_tasks=3)
        bench.analyzer.hold("m", "n", "o")
        jobs = [bench.job(model, apps=range(1, 5)) for model in ("m", "n")] + [bench.job("o")]
        for job_id in jobs:
            bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=3, n=3)
        bench.analyzer.release()
        assert {bench.ended(job_id).status for job_id in jobs} == {JobStatus.COMPLETED}
        assert bench.analyzer.most == 6


class TestSection8ConcurrentTaskExecution:
    """8.1 "ALGORITHM: Concurrent Task Execution"."""

    @pytest.mark.parametrize("limit", [1, 3])
    def test_up_to_the_limit(self, make_bench, limit):
        """ "Submit new tasks (up to max_concurrent_tasks) to ThreadPoolExecutor", "Add all tasks to the
        queue": those beyond the limit wait.
        """
        bench = make_bench({"m": range(1, 6)}, max_tasks=limit)
        bench.analyzer.hold("m")
        job_id = bench.job(apps=range(1, 6))
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=limit)
        expected = {"running": limit, "pending": 5 - limit}
        assert bench.counts(job_id, **expected) == expected
        bench.analyzer.release()
        assert bench.ended(job_id).task_count_by_status == {"completed": 5}
        assert bench.analyzer.most == limit

    def test_as_one_ends_the_next_starts(self, make_bench):
        """ "Wait for at least one future to complete", "Process completed futures and their results": one
        long task does not hold up the others.
        """
        bench = make_bench({"m": range(1, 6), "n": [1]}, max_tasks=2)
        bench.analyzer.hold("n")
        job_id = bench.storage.create_job(
            {"app_ranges": {"m": list(range(1, 6)), "n": [1]}, "analysis_types": ["gated"]}
        ).id
        bench.service.start_job(job_id)
        assert wait_until(lambda: bench.storage.get_job(job_id).completed_tasks == 5)
        assert len(bench.storage.get_results(job_id)) == 5
        expected = {"completed": 5, "running": 1}
        assert bench.counts(job_id, **expected) == expected

    @pytest.mark.parametrize(
        ("script", "status"),
        [
            (None, "completed"),
            (gated.raises(ConnectionError("no answer")), "failed"),
            (lambda app, context: gated.report_of(app, CoverageStatus.TIMED_OUT), "failed"),
            (lambda app, context: gated.report_of(app, CoverageStatus.TOOL_MISSING), "failed"),
            (lambda app, context: gated.report_of(app, CoverageStatus.NOT_APPLICABLE), "completed"),
        ],
        ids=["all completed", "one failed", "one timed out", "one lacked a tool", "one was not applicable"],
    )
    def test_the_jobs_status_follows(self, bench, script, status):
        """ "Update job status based on task results". Product page: "FAILED if any task failed, timed out, or
        was skipped for a missing dependency", "else COMPLETED".
        """
        bench.analyzer.scripts = {2: script} if script else {}
        job = bench.run(apps=(1, 2))
        assert job.status.value == status
        assert job.completed_at > job.started_at

    def test_a_broken_engine(self, bench, monkeypatch):
        """Product page: "ERROR if the engine itself broke or its process died"."""
        monkeypatch.setattr(bench.storage, "create_tasks", lambda *given: 1 // 0)
        job = bench.run()
        assert job.status is JobStatus.ERROR
        assert [each.category for each in job.errors] == [ErrorCategory.INTERNAL]
        assert "ZeroDivisionError" in job.errors[0].traceback


class TestSection8TaskExecutionContext:
    """8.1 "ALGORITHM: Task Execution Context"; its input is "Task ID, execution function, services
    dictionary".
    """

    @pytest.fixture
    def analyzer(self, tmp_path):
        return gated.GatedAnalyzer(make_apps(tmp_path / "apps", {"m": [1]}))

    @pytest.fixture
    def run(self, storage, analyzer):
        executor = TaskExecutor(storage, lambda kind: ("gate",))
        services = {"gated_analyzer": analyzer}
        return lambda task_id, cancel=None: executor.run(task_id, services, cancel or CancelToken())

    def test_existence(self, run):
        """ "Validate task and parent job existence"."""
        with pytest.raises(RecordNotFoundError, match="there is no task 999"):
            run(999)

    def test_cancelled_before_starting(self, storage, analyzer, run):
        """ "Check for cancellation before starting"."""
        cancel = CancelToken()
        cancel.cancel()
        assert run(new_task(storage), cancel).status is TaskStatus.CANCELLED
        assert analyzer.calls == []

    def test_running(self, storage, analyzer, run):
        """ "Mark task as running and update timestamp"."""
        seen, task_id = [], new_task(storage)

        def script(app, context):
            seen.append(storage.get_task(task_id))
            return gated.report_of(app, CoverageStatus.OK)

        analyzer.scripts[1] = script
        run(task_id)
        assert (seen[0].status, seen[0].started_at > seen[0].created_at) == (TaskStatus.RUNNING, True)

    def test_status_and_result(self, storage, run):
        """ "Update task status and store result"."""
        task_id = new_task(storage)
        made = run(task_id)
        assert storage.get_task(task_id).status is made.status is TaskStatus.COMPLETED
        assert storage.get_result(made.id).details["issues"][0]["rule"] == "B602"
        assert storage.get_results(made.job_id) == [made]

    def test_timeout(self, storage, analyzer, run):
        """ "Wait for result or timeout", "Task timeout enforcement"."""
        job_id = moved(storage, "running")
        task_id = storage.create_task(job_id, "m", 1, "gated", timeout_seconds=1).id
        analyzer.scripts[1] = gated.sleeps("600.375")
        assert run(task_id).status is TaskStatus.TIMED_OUT
        assert storage.get_task(task_id).error.category is ErrorCategory.TIMEOUT

    @pytest.mark.parametrize(
        ("problem", "category"),
        [
            (TimeoutError(), "timeout"),
            (ToolMissingError(), "dependency"),
            (ConnectionError(), "network"),
            (PermissionError(), "permission"),
            (MemoryError(), "resource"),
            (ValueError(), "validation"),
            (json.JSONDecodeError("cut off", "{", 1), "validation"),
            (KeyError(), "analysis"),
        ],
    )
    def test_error_categories(self, storage, analyzer, run, problem, category):
        """ "Execute the task function in a try/except block", "Comprehensive error categorization". Product
        page: "timeout, dependency, network, permission, resource, validation, parse, analysis, interrupted,
        internal".
        """
        analyzer.scripts[1] = gated.raises(problem)
        task_id = new_task(storage)
        run(task_id)
        found = storage.get_task(task_id).error
        assert (found.category.value, found.task_id) == (category, task_id)
        assert found.timestamp.utcoffset().total_seconds() == 0
        assert found.message

    @pytest.mark.parametrize("way", ["ends", "fails"])
    def test_cleanup(self, storage, analyzer, run, way):
        """ "Ensure cleanup in finally block", "Resource cleanup guarantee"."""
        folders = []

        def script(app, context):
            folders.append(context.scratch)
            (context.scratch / "x").write_text("mine")
            if way == "fails":
                raise OSError("no space")
            return gated.report_of(app, CoverageStatus.OK)

        analyzer.scripts[1] = script
        run(new_task(storage))
        assert folders
        assert not folders[0].exists()


class TestSection8Decisions:
    """8.2 Design Decisions."""

    def test_threads(self, bench):
        """ "Use of Thread Pool for Task Execution", "Lightweight, shared memory"."""
        seen = []

        def script(app, context):
            seen.append((os.getpid(), threading.get_ident()))
            return gated.report_of(app, CoverageStatus.OK)

        bench.analyzer.scripts[1] = script
        bench.run()
        ((process, thread),) = seen
        assert process == os.getpid()
        assert thread != threading.get_ident()

    def test_in_memory(self, tmp_path, monkeypatch):
        """ "In-memory storage with explicit thread safety", "no external dependencies", "Data lost on
        restart": `JobStorage()` leaves no file.
        """
        monkeypatch.chdir(tmp_path)
        first = JobStorage()
        first.create_job({})
        assert (first.path, len(first.get_jobs())) == (None, 1)
        first.close()
        second = JobStorage()
        assert second.get_jobs() == []
        second.close()
        assert list(tmp_path.iterdir()) == []

    def test_concurrent_access(self, storage):
        """ "Need to store and retrieve job/task/result data with concurrent access"."""
        job_id = moved(storage, "running")

        def work(first):
            for number in range(first, first + 10):
                completed(storage, new_task(storage, job_id, number), finding())

        threads = [threading.Thread(target=work, args=(first,)) for first in range(1, 80, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        job = storage.get_job(job_id)
        job.check()
        assert (job.task_count_by_status, job.results_summary["issues_total"]) == ({"completed": 80}, 80)
        assert len({made.id for made in storage.get_results(job_id)}) == 80

    def test_readers_get_snapshots(self, storage):
        """Product page: "nobody can change the store by changing what it returned"."""
        job = storage.create_job({"models": ["m"], "app_ranges": {"m": [1]}})
        job.models.append("n")
        job.app_ranges["m"].append(2)
        again = storage.get_job(job.id)
        assert (again.models, again.app_ranges) == (["m"], {"m": [1]})
