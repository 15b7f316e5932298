"""5. Function Reference, and what the engine gives for 6. API Reference. See test_seed.py."""

from __future__ import annotations

import json
import threading

import flask
import pytest
from service_bench import gated
from support import wait_until

from batchnb.engine.storage import JobStorage
from batchnb.records import (
    CoverageStatus,
    JobStatus,
    parse_app_range,
    utc_now,
)
from seed import text
from seed.shared import moved, put_by


class TestSection5StartJob:
    """5. "FUNCTION: start_job"."""

    def test_success(self, bench):
        """ "True if job was successfully started": "Updates job status to INITIALIZING and sets started_at
        timestamp", "Creates and starts a background thread for job execution", "Registers thread in
        _running_jobs dictionary".
        """
        bench.analyzer.hold("m")
        before, job_id = utc_now(), bench.job()
        result = bench.service.start_job(job_id)

        assert result == True  # noqa: E712 - the seed's own line
        job = bench.storage.get_job(job_id)
        assert job.status in {JobStatus.INITIALIZING, JobStatus.RUNNING}
        assert before < job.started_at < utc_now()
        assert f"batchnb-job-{job_id}" in {thread.name for thread in threading.enumerate()}
        assert list(bench.service._running_jobs) == [job_id]

    def test_a_job_that_does_not_exist(self, bench):
        """ "Non-existent job": "result == False"."""
        result = bench.service.start_job(999)
        assert result == False  # noqa: E712 - the seed's own line

    def test_a_job_that_runs_or_has_ended(self, bench):
        """ "False if job not found, already running, or max concurrent jobs reached"."""
        bench.analyzer.hold("m")
        job_id = bench.job()
        bench.service.start_job(job_id)
        assert bench.service.start_job(job_id) is False
        bench.analyzer.release()
        bench.ended(job_id)
        assert bench.service.start_job(job_id) is False
        assert len(bench.analyzer.calls) == 1

    def test_at_the_limit(self, make_bench):
        """ "Checks if maximum concurrent jobs limit is reached". Product page: "Returns False (it did not
        start), the job becomes QUEUED, and it starts by itself, first in first out, when a slot is free".
        """
        bench = make_bench({"m": [1], "n": [1], "o": [1]}, max_jobs=1)
        bench.analyzer.hold("m", "n")
        first, second, third = (bench.job(model) for model in ("m", "n", "o"))
        assert [bench.service.start_job(job_id) for job_id in (first, second, third)] == [True, False, False]
        assert [bench.status(job_id) for job_id in (second, third)] == ["queued", "queued"]

        bench.analyzer.release("m")
        bench.analyzer.await_calls(m=1, n=1)
        assert bench.status(third) == "queued"
        bench.analyzer.release("n")
        assert {bench.ended(job_id).status for job_id in (first, second, third)} == {JobStatus.COMPLETED}


class TestSection5CancelJob:
    """5. "FUNCTION: cancel_job"."""

    @pytest.mark.parametrize("status", ["initializing", "running", "queued"])
    def test_cancellable_states(self, make_bench, status):
        """ "is in a cancellable state (INITIALIZING, RUNNING, or QUEUED)"; "Updates job with
        cancellation_requested flag and sets status to CANCELLING if running".
        """
        entered, leave = threading.Event(), threading.Event()

        class Held(JobStorage):
            def create_tasks(self, *args, **kwargs):
                if status == "initializing":
                    entered.set()
                    assert leave.wait(20)
                return super().create_tasks(*args, **kwargs)

        bench = make_bench({"m": [1], "n": [1]}, Held(), max_jobs=1)
        cancelled = threading.Event()

        def script(app, context):
            entered.set()
            cancelled.wait(20)
            return gated.report_of(app, CoverageStatus.CANCELLED)

        bench.analyzer.scripts[1] = script
        running, queued = bench.job("m"), bench.job("n")
        bench.service.start_job(running)
        assert entered.wait(20)
        bench.service.start_job(queued)
        job_id = queued if status == "queued" else running
        assert bench.status(job_id) == status

        assert bench.service.cancel_job(job_id) is True
        marked = bench.storage.get_job(job_id)
        assert marked.cancellation_requested is True
        assert marked.status.value == ("cancelled" if status == "queued" else "cancelling")
        cancelled.set()
        leave.set()
        assert bench.ended(job_id).status is JobStatus.CANCELLED

    @pytest.mark.parametrize("status", ["pending", "cancelling", "cancelled", "completed", "failed", "error"])
    def test_other_states(self, bench, status):
        """ "False if job not found or not in a cancellable state"; "Job in COMPLETED state": "result ==
        False". Product page: "a PENDING or ended job gives False".
        """
        job_id = moved(bench.storage, status)
        before = bench.storage.get_job(job_id)
        result = bench.service.cancel_job(job_id)
        assert result == False  # noqa: E712 - the seed's own line
        assert bench.storage.get_job(job_id) == before
        assert bench.service.cancel_job(999) is False


class TestSection5ExecuteFrontendSecurityTask:
    """5. "FUNCTION: execute_frontend_security_task"."""

    def test_task_and_job(self, storage, frontend):
        """ "task: The BatchAnalysisTask to execute", "job: The parent BatchAnalysisJob"; "Gets analysis
        options from job configuration", "Executes the security analysis via the analyzer".
        """
        put_by(storage, frontend)
        ((app, options),) = frontend["services"]["frontend_security_analyzer"].calls
        assert (app.model, app.app_num, options.full_scan) == ("m", 1, True)

    def test_services(self, storage, frontend):
        """ "Checks for frontend_security_analyzer availability"; "Places error dictionary in result_queue
        with status "failed" or "skipped"".
        """
        outcome = put_by(storage, {**frontend, "services": {}})
        assert (outcome["status"], outcome["reason"]) == ("skipped", "frontend_security not available")

    def test_progress_callback(self, storage, frontend):
        """ "progress_callback: Function to report progress updates"."""
        told = []

        def script(app, context):
            context.progress(30)
            context.progress(60)
            return gated.report_of(app, CoverageStatus.OK)

        frontend["services"]["frontend_security_analyzer"].scripts[1] = script
        put_by(storage, {**frontend, "progress_callback": told.append})
        assert told == [30, 60]

    def test_app_context(self, bench, monkeypatch):
        """ "app_context: Flask application context": of the application that was registered, and every other
        key of the context is there too.
        """
        seen = []

        def execute(context):
            seen.append(context)
            context["result_queue"].put({"status": "skipped", "reason": "seen"})

        monkeypatch.setattr(bench.service.executor, "execute_gated_task", execute, raising=False)
        application = flask.Flask("seed")
        bench.service.set_app(application)
        bench.run()
        (context,) = seen
        keys = {"task", "job", "result_queue", "app_context", "services", "progress_callback"}
        assert keys <= set(context)
        assert context["services"] == {"gated_analyzer": bench.analyzer}
        assert context["app_context"].app is application

    def test_success(self, storage, frontend):
        """ "Places result dictionary in result_queue with status "completed"", its details with "issues",
        "summary" and "tool_status".
        """
        outcome = put_by(storage, frontend)
        assert outcome["status"] == "completed"
        assert set(outcome["details"]) == {"issues", "summary", "tool_status"}
        assert [issue.rule for issue in outcome["details"]["issues"]] == ["B602"]
        assert (outcome["details"]["summary"]["total"], outcome["details"]["summary"]["high"]) == (1, 1)
        assert outcome["details"]["tool_status"] == {"gate": "ok"}

    def test_error(self, storage, frontend):
        """ "Frontend security analysis failed: Network timeout", with "category": "timeout", "traceback" and
        "details": {"error_type": "TimeoutError"}.
        """
        frontend["services"]["frontend_security_analyzer"].scripts[1] = gated.raises(
            TimeoutError("Network timeout")
        )
        outcome = put_by(storage, frontend)
        assert "TimeoutError: Network timeout" in outcome.pop("traceback")
        assert outcome == {
            "status": "failed",
            "error": "Frontend security analysis failed: Network timeout",
            "category": "timeout",
            "details": {"error_type": "TimeoutError"},
        }


class TestSection6Api:
    """6. API Reference: what the engine gives for it."""

    def test_app_ranges(self):
        """ "App ranges for each model (e.g., "1-3,5,8")"."""
        assert parse_app_range("1-3,5,8") == (1, 2, 3, 5, 8)

    def test_status(self, make_bench):
        """ "JSON object with job status, progress, and results summary": the example's job, with "completed":
        2 of "total": 5 tasks, "percent": 40 and "active_tasks_count": 2. The example counts the active ones
        as pending; here they are running, since (4.) "Sum of task_count_by_status values equals total_tasks".
        """
        bench, go_on = make_bench({"gpt-3": [1, 2, 3], "gpt-4": [1, 2]}), threading.Event()

        def script(app, context):
            if app.app_num > 1:
                go_on.wait(20)
            high = {"severity": "high"} if app.model == "gpt-3" else {"severity": "low"}
            return gated.report_of(app, CoverageStatus.OK, high, *[{"severity": "low"}] * 3)

        bench.analyzer.scripts = dict.fromkeys((1, 2, 3), script)
        example = json.loads(json.dumps(text.STATUS_EXAMPLE).replace("frontend_security", "gated"))
        example["job"]["analysis_options"] = {"gated": {"depth": 2}}
        given = ("name", "models", "app_ranges", "analysis_types", "analysis_options")
        job_id = bench.storage.create_job({name: example["job"][name] for name in given}).id
        bench.service.start_job(job_id)
        counts = {"completed": 2, "running": 2, "pending": 1}
        assert wait_until(lambda: bench.storage.get_job(job_id).task_count_by_status == counts)

        status = json.loads(json.dumps(bench.service.get_job_status(job_id)))
        go_on.set()
        summary = status.pop("results_summary")
        assert summary.items() >= example.pop("results_summary").items()
        example["job"]["id"] = job_id
        example["progress"]["by_status"] = counts
        assert status == example

    def test_job_not_found(self, bench):
        """ "JSON error if job not found": the engine says None."""
        assert bench.service.get_job_status(999) is None
