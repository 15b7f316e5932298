"""9. Integration Points. 10. Operational Context. See test_seed.py."""

from __future__ import annotations

import inspect
import re

import flask
import pytest
from service_bench import gated
from support import finding, make_apps, processes_with, result

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.engine.settings import Settings
from batchnb.records import (
    CoverageStatus,
    ErrorCategory,
    JobStatus,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import (
    InvariantError,
    RecordNotFoundError,
    ToolMissingError,
    UnknownNameError,
)
from batchnb.tools.log import LoggerFactory
from batchnb.tools.log.files import LogFiles
from seed.shared import completed, moved, new_task


class TestSection9Analyzers:
    """9.1 External Systems, as far as they are there: the backend's analyzer."""

    @pytest.mark.tool
    def test_its_methods(self, tmp_path):
        """ "run_security_analysis(model, app_num, use_all_tools)", "get_analysis_summary(issues)",
        "Protocol: Direct function calls".
        """
        analyzer = BackendSecurityAnalyzer(make_apps(tmp_path, {"test-model": [1]}))
        result = analyzer.run_security_analysis("test-model", 1, False)  # noqa: FBT003 - as it stands
        assert {issue.rule for issue in result.issues} >= {"B602", "S602"}
        assert {result.tool_status[tool] for tool in ("bandit", "ruff", "skylos")} == {"ok"}
        summary = analyzer.get_analysis_summary(result.issues)
        assert summary["total"] == len(result.issues) == summary["high"] + summary["medium"] + summary["low"]

    def test_their_names(self):
        """ "run_security_analysis(model, app_num, use_all_tools)", "get_analysis_summary(issues)"."""
        names = {
            method: list(inspect.signature(getattr(BackendSecurityAnalyzer, method)).parameters)
            for method in ("run_security_analysis", "get_analysis_summary")
        }
        assert names == {
            "run_security_analysis": ["self", "model", "app_num", "use_all_tools"],
            "get_analysis_summary": ["issues"],
        }

    @pytest.mark.parametrize("way", ["reported", "raised"])
    def test_tool_unavailable(self, bench, way):
        """ "Analysis tool unavailable: Task marked as skipped". Product page: "the job gets a JobError of
        category DEPENDENCY, the other types still run, and the job ends FAILED".
        """
        bench.analyzer.missing = ("gate",)
        bench.analyzer.scripts[1] = (
            gated.raises(ToolMissingError("gate is not installed"))
            if way == "raised"
            else lambda app, context: gated.report_of(app, CoverageStatus.TOOL_MISSING)
        )
        job = bench.run()
        skipped = bench.task(job)
        assert (skipped.status, skipped.error.category) == (TaskStatus.SKIPPED, ErrorCategory.DEPENDENCY)
        assert (job.status, job.errors[0].category) == (JobStatus.FAILED, ErrorCategory.DEPENDENCY)

    def test_exception(self, bench):
        """ "Analysis exception: Task marked as failed with error details"."""
        bench.analyzer.scripts[1] = gated.raises(LookupError("no such rule"))
        failed = bench.task(bench.run())
        assert failed.status is TaskStatus.FAILED
        assert failed.error.details == {"error_type": "LookupError"}
        assert "no such rule" in failed.error.message
        assert "LookupError: no such rule" in failed.error.traceback


class TestSection9Storage:
    """9.2 "JobStorage: Thread-safe storage for batch analysis data"."""

    def test_jobs(self, storage):
        """ "create_job(), get_job(), update_job(), delete_job()"."""
        job = storage.create_job({"name": "scan"})
        assert storage.get_job(job.id) == job
        assert storage.update_job(job.id, description="of all").description == "of all"
        assert storage.delete_job(job.id) is True
        assert (storage.get_job(job.id), storage.delete_job(job.id)) == (None, False)
        with pytest.raises(RecordNotFoundError):
            storage.update_job(job.id, name="gone")

    def test_a_running_job_is_not_deleted(self, storage):
        """Product page: "a running job cannot be deleted"."""
        job_id = moved(storage, "running")
        with pytest.raises(InvariantError, match="cancel it before deleting it"):
            storage.delete_job(job_id)
        assert storage.get_job(job_id).status is JobStatus.RUNNING

    def test_what_is_counted_cannot_be_set(self, storage):
        """ "update_job()": a field that is not the caller's to set is refused by name."""
        with pytest.raises(UnknownNameError, match="completed_tasks"):
            storage.update_job(storage.create_job({}).id, completed_tasks=3)

    def test_tasks(self, storage):
        """ "create_task(), get_task(), update_task()"."""
        job_id = moved(storage, "running")
        made = storage.create_task(job_id, "m", 3, "gated", timeout_seconds=60)
        assert (made.job_id, made.model, made.app_num, made.analysis_type) == (job_id, "m", 3, "gated")
        assert (made.timeout_seconds, storage.get_task(made.id)) == (60, made)
        assert storage.update_task(made.id, lambda each: each.start(utc_now())).status is TaskStatus.RUNNING
        assert storage.get_task(999) is None
        assert storage.get_job(job_id).total_tasks == 1

    def test_results(self, storage):
        """ "add_result(), get_result(), get_results()"."""
        made = completed(storage, new_task(storage), finding())
        found = storage.get_result(made.id)
        assert (found.task_id, len(found.details["issues"])) == (made.task_id, 1)
        assert storage.get_results(made.job_id) == [made]
        assert storage.get_result(999) is None
        with pytest.raises(InvariantError, match="has its result already"):
            storage.add_result(made)
        with pytest.raises(RecordNotFoundError):
            storage.add_result(result(task_id=999))


class TestSection10Operation:
    """10.1 Deployment Model and 10.2 Monitoring."""

    def test_environment_variables(self, monkeypatch):
        """ "Environment variables for limits (BATCH_MAX_JOBS, BATCH_MAX_TASKS,
        BATCH_TASK_TIMEOUT_SECONDS)".
        """
        for number, name in enumerate(("MAX_JOBS", "MAX_TASKS", "TASK_TIMEOUT_SECONDS"), start=3):
            monkeypatch.setenv(f"BATCH_{name}", str(number))
        found = Settings.load()
        assert (found.max_jobs, found.max_tasks, found.task_timeout_seconds) == (3, 4, 5)

    def test_metrics(self, bench, ended):
        """ "Job counts by status", "Task counts by status", "Analysis results (issues, severities)",
        "Execution times and timeouts".
        """
        bench.job()
        bench.analyzer.scripts[3] = lambda app, context: gated.report_of(app, CoverageStatus.TIMED_OUT)
        bench.run(apps=(3,))
        metrics = bench.storage.get_metrics()
        assert set(metrics.jobs_by_status) == set(JobStatus)
        assert set(metrics.tasks_by_status) == set(TaskStatus)
        assert {k.value: n for k, n in metrics.jobs_by_status.items() if n} == {"pending": 1, "failed": 2}
        assert {k.value: n for k, n in metrics.tasks_by_status.items() if n} == {
            "completed": 1,
            "failed": 1,
            "timed_out": 1,
        }
        assert (metrics.issues_total, metrics.timeouts) == (1, 1)
        assert {k.value: n for k, n in metrics.findings_by_severity.items()} == {
            "high": 1,
            "medium": 0,
            "low": 0,
        }
        (times,) = metrics.times
        assert (times.analysis_type, times.tasks) == ("gated", 3)
        assert 0 < times.p50 <= times.p95 <= times.longest <= times.total

    @pytest.mark.parametrize("component", ["module", "job", "task", "storage", "api", "service"])
    def test_component_loggers(self, tmp_path, component):
        """ "Component-specific loggers (module, job, task, storage, api, service)". Product page:
        "`logs/batch_analysis.log` and `logs/batch_analysis.<component>.log`"; the first is the module's.
        """
        with LogFiles(tmp_path / "logs"):
            LoggerFactory.create_logger(component).warning("said by one component")
        own = [] if component == "module" else [f"batch_analysis.{component}.log"]
        files = sorted((tmp_path / "logs").glob("*.log"))
        assert [file.name for file in files] == sorted(["batch_analysis.log", *own])
        for file in files:
            assert "said by one component" in file.read_text()

    def test_structured_lines(self, tmp_path, bench):
        """ "Structured logging with contextual information (timestamps, log levels, thread names)",
        "Consistent prefixes for job and task logs ([Job {id}], [Task {id}])".
        """
        with LogFiles(tmp_path / "logs"):
            job = bench.run()
        logs = {
            part: (tmp_path / "logs" / f"batch_analysis.{part}.log").read_text().splitlines()
            for part in ("job", "task")
        }
        head = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO batch_analysis\.%s \[batchnb-job-\d+.*?\] "
        assert logs["job"]
        for line in logs["job"]:
            assert re.match(head % "job" + rf"\[Job {job.id}\] ", line), line
        assert logs["task"]
        for line in logs["task"]:
            assert re.match(head % "task" + rf".*\[Task {bench.task(job).id}\] ", line), line


class TestSection10TaskTimeout:
    """10.3 "ISSUE: Task Timeout"."""

    def test_symptoms(self, make_bench):
        """ "Task status changes to TIMED_OUT", "Task error has category TIMEOUT", "No results available for
        the task". Product page: "One result per ended task", so there is one, and it says that nothing was
        found out.
        """
        bench = make_bench(task_timeout_seconds=1)
        bench.analyzer.scripts[1] = gated.sleeps("600.625")
        job = bench.run()
        stopped = bench.task(job)
        assert (stopped.status, stopped.error.category) == (TaskStatus.TIMED_OUT, ErrorCategory.TIMEOUT)
        (made,) = bench.storage.get_results(job.id)
        assert (made.status.value, made.issues_count) == ("timed_out", 0)
        assert bench.storage.get_findings(job.id) == []
        assert [cell.status for cell in bench.storage.get_coverage(job.id)] == [CoverageStatus.TIMED_OUT]
        assert processes_with("600.625") == []
        assert job.status is JobStatus.FAILED

    def test_resolution(self, make_bench):
        """ "Increase the task timeout value for that analysis type"."""
        bench = make_bench(task_timeout_seconds=1, task_timeouts={"gated": 90})
        assert bench.task(bench.run()).timeout_seconds == 90


class TestSection10MissingService:
    """10.3 "ISSUE: Missing Service Dependencies"."""

    def test_symptoms(self, bench):
        """ "Jobs fail with DEPENDENCY errors", "Tasks are skipped with "X not available" messages". Product
        page: "the other types still run, and the job ends FAILED".
        """
        job = bench.run(types=("unheard_of", "gated"))
        skipped = bench.task(job, analysis_type="unheard_of")
        assert (job.status, [each.category for each in job.errors]) == (
            JobStatus.FAILED,
            [ErrorCategory.DEPENDENCY],
        )
        assert (skipped.status, skipped.error.category) == (TaskStatus.SKIPPED, ErrorCategory.DEPENDENCY)
        assert skipped.error.message == "unheard_of not available"
        assert bench.task(job, analysis_type="gated").status is TaskStatus.COMPLETED

    def test_an_app_without_the_part_is_no_missing_service(self, bench):
        """Product page: "An app that simply has no frontend (or backend) is SKIPPED as not applicable and
        fails nothing".
        """
        bench.analyzer.part = "frontend"
        job = bench.run()
        assert (job.status, job.errors) == (JobStatus.COMPLETED, [])
        assert bench.task(job).status is TaskStatus.SKIPPED

    def test_a_service_on_the_application(self, make_bench):
        """ "Required service not registered with Flask app": one that is registered there is used."""
        bench = make_bench()
        application = flask.Flask("seed")
        application.gated_analyzer = bench.analyzer
        bench.service._given.clear()
        bench.service.set_app(application)
        assert bench.run().status is JobStatus.COMPLETED
        assert len(bench.analyzer.calls) == 1
