"""11. Task-Oriented Guides. See test_seed.py."""

from __future__ import annotations

import queue
import subprocess
import sys

import pytest
from service_bench import gated
from support import make_apps

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.engine.executor import TaskExecutor
from batchnb.engine.service import BatchAnalysisService
from batchnb.records import (
    JobStatus,
)
from batchnb.tools.log.files import LogFiles
from seed.shared import moved

PLUG_IN = """
from batchnb.analyzers.base import Analyzer
from batchnb.records import AnalysisReport, Coverage, CoverageStatus


class NewAnalysisAnalyzer(Analyzer):
    key, title, service, tools = "new_analysis", "New analysis", "new_analysis_analyzer", ("new",)

    def analyze(self, app, options, context):
        cell = Coverage(
            model=app.model, app_num=app.app_num, analysis_type=self.key, tool="new",
            status=CoverageStatus.OK, files_eligible=1, files_seen=1,
        )
        return AnalysisReport(issues=(), coverage=(cell,))
"""


def grep(command, folder):
    """Run a command line of the seed as it stands and return the lines that it prints."""
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


class TestSection11NewAnalysisType:
    """11.1 "TASK: Add a new analysis type"."""

    @pytest.fixture
    def installed(self, tmp_path, monkeypatch):
        """Install a package of one file with one entry point."""
        site = tmp_path / "site"
        (site / "new_analysis-1.dist-info").mkdir(parents=True)
        (site / "new_analysis_plug_in.py").write_text(PLUG_IN)
        (site / "new_analysis-1.dist-info" / "METADATA").write_text("Name: new_analysis\nVersion: 1\n")
        (site / "new_analysis-1.dist-info" / "entry_points.txt").write_text(
            "[batchnb.analyzers]\nnew_analysis = new_analysis_plug_in:NewAnalysisAnalyzer\n"
        )
        monkeypatch.syspath_prepend(site)
        monkeypatch.setenv("PYTHONPATH", str(site))
        yield
        sys.modules.pop("new_analysis_plug_in", None)

    def test_one_class_in_one_file(self, installed, storage, tmp_path):
        """ "Create a new job with the new analysis type", "Verify the analyzer is called correctly". Product
        page: "Adding an analysis type takes one class in one file (entry-point group `batchnb.analyzers`)".
        """
        service = BatchAnalysisService(storage, make_apps(tmp_path / "apps", {"m": [1]}))
        job_id = storage.create_job({"models": ["m"], "analysis_types": ["new_analysis"]}).id
        assert service.start_job(job_id)
        assert service.wait(job_id, 20)
        service.close()
        job = storage.get_job(job_id)
        assert (job.status, job.errors) == (JobStatus.COMPLETED, [])
        assert [(cell.tool, cell.status.value) for cell in storage.get_coverage(job_id)] == [("new", "ok")]

    def test_its_function(self, storage):
        """ "Implement execute_new_analysis_task method in TaskExecutor": it is there for every type, and puts
        "skipped" with a "reason" where the analyzer is not.
        """
        put = queue.Queue()
        waiting = storage.create_task(moved(storage, "running"), "m", 1, "new_analysis")
        context = {"task": waiting, "job": storage.get_job(1), "result_queue": put, "services": {}}
        TaskExecutor(storage, lambda kind: (kind,)).execute_new_analysis_task(context)
        outcome = put.get_nowait()
        assert (outcome["status"], outcome["reason"]) == ("skipped", "new_analysis not available")

    def test_it_is_missed_by_name_when_it_is_not_there(self, bench):
        """ "Update _check_required_services in BatchAnalysisService": that is done by the entry point."""
        assert "new_analysis not available" in bench.run(types=("new_analysis",)).errors[0].message


class TestSection11Debugging:
    """11.2 Debugging Approaches: the command lines and the Python as they stand."""

    def test_dependency_errors(self, bench, tmp_path):
        """ "grep "Error" logs/batch_analysis.log | grep "dependency""."""
        with LogFiles(tmp_path / "logs"):
            job = bench.run(types=("unheard_of",))
        lines = grep('grep "Error" logs/batch_analysis.log | grep "dependency"', tmp_path)
        assert any(f"[Job {job.id}]" in line and "unheard_of not available" in line for line in lines)

    def test_timeouts(self, make_bench, tmp_path):
        """ "grep "timed out" logs/batch_analysis.log", and
        "grep "taking longer than expected" logs/batch_analysis.task.log".
        """
        bench = make_bench(task_timeout_seconds=2)
        bench.analyzer.scripts[1] = gated.sleeps("600.875")
        with LogFiles(tmp_path / "logs"):
            job = bench.run()
        prefix = f"[Task {bench.task(job).id}] "
        for command in (
            'grep "timed out" logs/batch_analysis.log',
            'grep "taking longer than expected" logs/batch_analysis.task.log',
        ):
            lines = grep(command, tmp_path)
            assert [line for line in lines if prefix in line], command

    @pytest.mark.tool
    def test_an_analyzer_by_hand(self, tmp_path, monkeypatch):
        """ "analyzer = FrontendSecurityAnalyzer()" and "analyzer.run_security_analysis("test-model", 1,
        False)", here of the backend; (7.3) "APP_BASE_PATH: Path to applications directory" says where the app
        is.
        """
        monkeypatch.setenv("APP_BASE_PATH", str(make_apps(tmp_path / "apps", {"test-model": [1]})))
        analyzer = BackendSecurityAnalyzer()
        result = analyzer.run_security_analysis("test-model", 1, False)  # noqa: FBT003 - as it stands
        assert result.is_measured
