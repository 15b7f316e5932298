"""The page after section 12, "Example Component Documentation": BatchAnalysisService. See test_seed.py."""

from __future__ import annotations

import inspect
import logging
from itertools import product

import flask
import pytest
from service_bench import gated
from support import make_apps

from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.storage import JobStorage
from batchnb.records import (
    AnalysisType,
    JobStatus,
)
from batchnb.records.errors import (
    InvariantError,
)
from seed import text
from seed.shared import moved
from seed.text import WAYS


class TestComponentBatchAnalysisService:
    """ "COMPONENT: BatchAnalysisService"."""

    @pytest.mark.parametrize(
        ("method", "argument"),
        [("set_app", "app"), ("start_job", "job_id"), ("cancel_job", "job_id"), ("get_job_status", "job_id")],
    )
    def test_public_interface(self, bench, method, argument):
        """ "set_app(app)", "start_job(job_id)", "cancel_job(job_id)", "get_job_status(job_id)"."""
        assert list(inspect.signature(getattr(bench.service, method)).parameters) == [argument]

    def test_app(self, bench):
        """ "app: Flask application instance"; "set_app(app): Registers Flask application"."""
        application = flask.Flask("seed")
        bench.service.set_app(application)
        assert bench.service.app is application

    @pytest.mark.parametrize(
        ("name", "setting", "default"),
        [
            pytest.param("max_concurrent_jobs", "max_jobs", 2, id="Maximum concurrent jobs"),
            pytest.param("max_concurrent_tasks", "max_tasks", 2, id="Maximum concurrent tasks per job"),
            pytest.param(
                "default_task_timeout", "task_timeout_seconds", 1800, id="Default task timeout in seconds"
            ),
        ],
    )
    def test_key_data_structures(self, make_bench, name, setting, default):
        """ "KEY DATA STRUCTURES": the line in the test's name."""
        assert getattr(make_bench().service, name) == default
        assert getattr(make_bench(**{setting: 5}).service, name) == 5

    @pytest.mark.parametrize(("old", "new"), list(product(WAYS, WAYS)))
    def test_state_machine(self, storage, old, new):
        """ "STATE MACHINE": every arrow can be taken and nothing else."""
        job_id = moved(storage, old)
        before = storage.get_job(job_id)
        if (old, new) in text.ARROWS:
            assert storage.update_job(job_id, status=new).status.value == new
            storage.get_job(job_id).check()
        elif old == new and not before.status.is_ended:
            assert storage.update_job(job_id, status=new) == before
        else:
            with pytest.raises(InvariantError):
                storage.update_job(job_id, status=new)
            assert storage.get_job(job_id) == before

    def test_the_way_of_a_job(self, make_bench):
        """ "[PENDING] → [QUEUED] → [INITIALIZING] → [RUNNING] → [COMPLETED]"."""
        way = []

        class Watched(JobStorage):
            def create_tasks(self, job_id, *args):
                if job_id == second:
                    way.append(bench.status(second))
                return super().create_tasks(job_id, *args)

        def script(app, context):
            if app.model == "n":
                way.append(bench.status(second))
            return gated.found_one(app, context)

        bench = make_bench({"m": [1], "n": [1]}, Watched(), max_jobs=1)
        bench.analyzer.hold("m")
        bench.analyzer.scripts[1] = script
        first, second = bench.job("m"), bench.job("n")
        way.append(bench.status(second))
        bench.service.start_job(first)
        bench.service.start_job(second)
        way.append(bench.status(second))
        bench.analyzer.release()
        way.append(bench.ended(second).status.value)
        assert way == ["pending", "queued", "initializing", "running", "completed"]

    def test_job_not_found(self, bench, caplog):
        """ "Job not found: Returns False with appropriate log"."""
        with caplog.at_level(logging.INFO, "batch_analysis"):
            assert bench.service.start_job(999) is False
        assert [line for line in caplog.messages if "[Job 999]" in line and "no such job" in line]

    def test_job_already_running(self, bench, caplog):
        """ "Job already running: Returns False with warning"."""
        bench.analyzer.hold("m")
        job_id = bench.job()
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(m=1)
        with caplog.at_level(logging.WARNING, "batch_analysis"):
            assert bench.service.start_job(job_id) is False
        assert [(r.levelname, f"[Job {job_id}]" in r.getMessage()) for r in caplog.records] == [
            ("WARNING", True)
        ]

    def test_maximum_concurrent_jobs(self, make_bench):
        """ "Maximum concurrent jobs: Queues job for later execution"."""
        bench = make_bench({"m": [1], "n": [1]}, max_jobs=1)
        bench.analyzer.hold("m")
        first, second = bench.job("m"), bench.job("n")
        bench.service.start_job(first)
        bench.service.start_job(second)
        assert bench.status(second) == "queued"
        bench.analyzer.release()
        assert bench.ended(second).status is JobStatus.COMPLETED

    def test_missing_dependencies(self, bench):
        """ "Missing dependencies: Adds error to job and marks as FAILED"."""
        job = bench.run(types=("unheard_of",))
        assert job.status is JobStatus.FAILED
        assert [each.message for each in job.errors if "unheard_of not available" in each.message]

    def test_task_execution_errors(self, bench):
        """ "Task execution errors: Captured in task context, job marked as FAILED if any task fails"."""
        bench.analyzer.scripts[2] = gated.raises(OSError("no disk"))
        job = bench.run(apps=(1, 2, 3))
        assert (job.status, job.task_count_by_status) == (JobStatus.FAILED, {"completed": 2, "failed": 1})
        assert job.errors == [bench.task(job, app_num=2).error]

    def test_example_usage(self, tmp_path):
        """ "EXAMPLE USAGE", typed as it stands; "model-2" has no range, so all of its apps are meant."""
        base = make_apps(tmp_path / "apps", {"model-1": [1, 2, 3], "model-2": [1]})
        job_storage, flask_app, need_to_cancel = JobStorage(), flask.Flask("seed"), True
        batch_service = BatchAnalysisService(job_storage, base)

        # Register Flask app
        batch_service.set_app(flask_app)

        # Create job (typically via web interface)
        job_data = {
            "name": "Security Scan",
            "models": ["model-1", "model-2"],
            "analysis_types": [AnalysisType.FRONTEND_SECURITY],
            "app_ranges": {"model-1": [1, 2, 3]},
        }
        job = job_storage.create_job(job_data, flask_app)

        # Start job execution
        success = batch_service.start_job(job.id)

        # Get job status
        status = batch_service.get_job_status(job.id)

        # Cancel job
        if need_to_cancel:
            batch_service.cancel_job(job.id)

        assert success is True
        assert (status["job"]["id"], status["job"]["name"]) == (job.id, "Security Scan")
        assert status["job"]["status"] != "pending"
        assert batch_service.wait(job.id, 20)
        assert job_storage.get_job(job.id).total_tasks == 4
        batch_service.close()
        job_storage.close()
