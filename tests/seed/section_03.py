"""3. Architecture Map: components and data flows. See test_seed.py."""

from __future__ import annotations

import inspect
import logging
import threading

import pytest
from service_bench import gated
from support import wait_until

from batchnb.engine.executor import TaskExecutor
from batchnb.engine.storage import JobStorage
from batchnb.records import (
    AnalysisType,
    CoverageStatus,
    ErrorCategory,
    JobStatus,
    TaskStatus,
)
from batchnb.tools.log import LoggerFactory


class TestSection3Components:
    """3.2 Component Inventory."""

    @pytest.mark.parametrize("name", ["start_job", "cancel_job", "get_job_status"])
    def test_the_service(self, bench, name):
        """ "start_job(), cancel_job(), get_job_status()": each takes the job's id."""
        assert list(inspect.signature(getattr(bench.service, name)).parameters) == ["job_id"]
        assert not getattr(bench.service, name)(999)

    def test_the_service_depends_on_storage_and_executor(self, bench):
        """ "Manages batch analysis jobs"; depends on "JobStorage, TaskExecutor"."""
        assert bench.service.storage is bench.storage
        assert isinstance(bench.service.executor, TaskExecutor)

    @pytest.mark.parametrize("kind", AnalysisType)
    def test_the_executor(self, storage, kind):
        """ "execute_*_task() methods", one for each type of analysis."""
        executor = TaskExecutor(storage, lambda kind: (kind,))
        assert list(inspect.signature(getattr(executor, f"execute_{kind}_task")).parameters) == ["context"]

    def test_the_storage_needs_nothing(self):
        """ "Thread-safe storage for jobs, tasks, results"; its dependencies: "None"."""
        JobStorage().close()

    def test_the_logger_factory(self):
        """ "Creates consistently configured loggers", "create_logger()", on the "logging module"."""
        made = LoggerFactory.create_logger("job")
        assert made is logging.getLogger("batch_analysis.job")
        assert made is LoggerFactory.create_logger("job")

    @pytest.mark.parametrize("kind", list(AnalysisType))
    def test_an_analyzer_that_is_not_there_is_missed(self, bench, kind):
        """Product page: "The tasks of that type end SKIPPED ("X not available")"."""
        del bench.service.registry._known[kind]  # as if this version did not have it
        job = bench.run(types=(kind,))
        skipped = bench.task(job)
        assert (skipped.status, skipped.error.category) == (TaskStatus.SKIPPED, ErrorCategory.DEPENDENCY)
        assert f"{kind} not available" in skipped.error.message


class TestSection3CreateAndExecute:
    """3.3 "Operation: Create and Execute Job", from the storage on; the blueprint is the web page's."""

    def test_from_the_job_to_its_results(self, bench):
        """ "creates job in JobStorage", "BatchAnalysisService checks dependencies and generates tasks",
        "TaskExecutor executes tasks with appropriate analyzers", "Results are stored in JobStorage",
        "User can monitor progress via status API".
        """
        bench.analyzer.hold("n")
        ranges = {"m": [1, 2], "n": [1, 2]}
        job = bench.storage.create_job(
            {"models": ["m", "n"], "app_ranges": ranges, "analysis_types": ["gated"]}
        )
        assert (job.status, bench.storage.get_tasks(job.id)) == (JobStatus.PENDING, [])

        assert bench.service.start_job(job.id) is True
        assert wait_until(lambda: bench.storage.get_job(job.id).completed_tasks == 2)
        progress = bench.service.get_job_status(job.id)["progress"]
        assert (progress["total"], progress["completed"], progress["percent"]) == (4, 2, 50)
        bench.analyzer.release()
        bench.ended(job.id)

        made = {(each.model, each.app_num) for each in bench.storage.get_results(job.id)}
        assert made == {("m", 1), ("m", 2), ("n", 1), ("n", 2)}
        assert {(app.model, app.app_num) for app, _ in bench.analyzer.calls} == made

    def test_dependencies_are_checked_before_a_task_is_run(self, bench):
        """ "BatchAnalysisService checks dependencies and generates tasks"."""
        bench.analyzer.hold("m")
        job_id = bench.job(types=("unheard_of", "gated"))
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=1)

        errors = bench.storage.get_job(job_id).errors
        assert [each.category for each in errors] == [ErrorCategory.DEPENDENCY]
        assert len(bench.storage.get_tasks(job_id)) == 2

    def test_tasks_run_on_a_pool_of_threads(self, make_bench):
        """ "BatchAnalysisService submits tasks to ThreadPoolExecutor": a thread is used again."""
        bench = make_bench({"m": range(1, 9)}, max_tasks=2)
        threads = []

        def script(app, context):
            threads.append(threading.current_thread())
            return gated.report_of(app, CoverageStatus.OK)

        bench.analyzer.scripts = dict.fromkeys(range(1, 9), script)
        bench.run(apps=range(1, 9))
        assert len(threads) == 8
        assert 1 <= len(set(threads)) <= 2
        assert threading.current_thread() not in threads


class TestSection3Cancel:
    """3.3 "Operation: Cancel Job"."""

    def test_from_the_request_to_the_last_task(self, bench):
        """ "BatchAnalysisService marks job for cancellation", "Running tasks check for cancellation flag and
        abort", "Pending tasks are marked as cancelled", "Job status is updated to CANCELLED".
        """
        flags, held = [], threading.Event()

        def script(app, context):
            flags.append(context.cancel.wait(20))
            held.wait(20)
            return gated.report_of(app, CoverageStatus.CANCELLED)

        bench.analyzer.scripts = dict.fromkeys((1, 2), script)
        job_id = bench.job(apps=range(1, 6))
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=2)

        assert bench.service.cancel_job(job_id) is True
        marked = bench.storage.get_job(job_id)
        assert (marked.status, marked.cancellation_requested) == (JobStatus.CANCELLING, True)
        held.set()
        job = bench.ended(job_id)
        assert (job.status, job.task_count_by_status) == (JobStatus.CANCELLED, {"cancelled": 5})
        assert (flags, len(bench.analyzer.calls)) == ([True, True], 2)
