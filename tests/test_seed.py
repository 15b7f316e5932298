"""The specification, section by section: each test quotes the line that it checks.

What stands in quotation marks in a docstring is the specification's own text. After "Product page:" it is that
of the page which settles what the specification leaves open or says twice; where the two differ, that page wins.
Its tables, examples and drawings are in seed_text.py.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import queue
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import product

import flask
import pytest
import seed_text
from seed_text import NOW, REQUIRED, WAYS, with_times
from support import LATER, START, error, finding, make_apps, processes_with, report, result, task, wait_until
from support import job as a_job

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.base import Options
from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.executor import TaskExecutor
from batchnb.engine.planning import cells
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings, base_path
from batchnb.engine.storage import JobStorage
from batchnb.records import (
    AnalysisType,
    BatchAnalysisResult,
    BatchAnalysisTask,
    CoverageStatus,
    ErrorCategory,
    JobError,
    JobStatus,
    TaskStatus,
    parse_app_range,
    utc_now,
)
from batchnb.records.errors import (
    EndedError,
    InvalidValueError,
    InvariantError,
    RecordNotFoundError,
    ToolMissingError,
    UnknownNameError,
)
from batchnb.tools.cancellation import CancelToken
from batchnb.tools.log import LoggerFactory
from batchnb.tools.log.files import LogFiles

pytest_plugins = ("service_bench",)

# Importable only after service_bench, which knows where it is.
from service_bench import Bench  # noqa: E402, F401
from gated import GatedAnalyzer, raises, report_of, sleeps  # noqa: E402

ABSENT = [kind.value for kind in AnalysisType if kind.value not in AnalyzerRegistry(extra=[]).keys]
"""Analysis types of the specification whose analyzers are not there yet."""


class FrontendOptions(Options):
    full_scan: bool = False


class FrontendGate(GatedAnalyzer):
    """The test's own analyzer in the place of the frontend's."""

    key, title, service = "frontend_security", "Frontend security", "frontend_security_analyzer"
    options = FrontendOptions


def by_field(table):
    return pytest.mark.parametrize(("line", "kind", "default"), table, ids=[line for line, *_ in table])


def check_field(line, kind, default, fresh, used):
    """Check a field's default on a record as it is made, and its type also on one that was used."""
    name = line.partition(":")[0]
    value = getattr(fresh, name)
    if default == NOW:
        assert abs((datetime.now(UTC) - value).total_seconds()) < 60
        assert value.utcoffset().total_seconds() == 0
    elif default != REQUIRED:
        assert value == default
        assert type(value) is type(default)
    for record in (fresh, used):
        found = getattr(record, name)
        assert isinstance(found, kind)
        assert isinstance(found, bool) == (kind is bool)


def required(table):
    return [line.partition(":")[0] for line, _, default in table if default == REQUIRED]


@pytest.fixture
def storage():
    store = JobStorage()
    yield store
    store.close()


def moved(storage, status, **data):
    """Create a job, bring it into `status` and return its id."""
    job_id = storage.create_job(data).id
    for step in WAYS[status]:
        storage.update_job(job_id, status=step)
    return job_id


def new_task(storage, job_id=None, app_num=1):
    made = storage.create_task(job_id or moved(storage, "running"), "m", app_num, "gated")
    return made.id


def started(storage, task_id):
    return storage.update_task(task_id, lambda each: each.start(utc_now()))


def completed(storage, task_id, *issues):
    started(storage, task_id)
    return storage.finish_task(task_id, lambda each: each.complete({"summary": {}}, utc_now()), report(*issues))


@pytest.fixture
def ended(bench):
    """Return a job of which one task completed with a finding and one failed."""
    bench.analyzer.scripts[2] = raises(ConnectionError("no answer"))
    return bench.run(apps=(1, 2), analysis_options={"gated": {"depth": 2}})


@pytest.fixture
def frontend(storage, tmp_path):
    """Return what the seed calls a context, for a frontend security task; its analyzer is the test's."""
    analyzer = FrontendGate(make_apps(tmp_path / "apps", {"m": [1]}))
    options = {"frontend_security": {"full_scan": True}}
    job = storage.create_job({"analysis_types": ["frontend_security"], "analysis_options": options})
    return {
        "task": storage.create_task(job.id, "m", 1, "frontend_security"),
        "job": job,
        "result_queue": queue.Queue(),
        "app_context": flask.Flask(__name__).app_context(),
        "services": {"frontend_security_analyzer": analyzer},
        "progress_callback": lambda percent: None,
    }


def put_by(storage, context):
    """Execute the task and return the one dictionary that it put into the queue."""
    assert TaskExecutor(storage, lambda kind: (kind,)).execute_frontend_security_task(context) is None
    outcome = context["result_queue"].get_nowait()
    assert context["result_queue"].empty()
    return outcome


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

    @pytest.mark.parametrize("kind", ABSENT)
    def test_an_analyzer_that_is_not_there_is_missed(self, bench, kind):
        """Product page: "The tasks of that type end SKIPPED ("X not available")"."""
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
            return report_of(app, CoverageStatus.OK)

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
            return report_of(app, CoverageStatus.CANCELLED)

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


class TestSection4Job:
    """4. "DATA STRUCTURE: BatchAnalysisJob"."""

    @by_field(seed_text.JOB_FIELDS)
    def test_fields(self, bench, ended, line, kind, default):
        """ "SCHEMA": the line in the test's name, with its type and its "Default"."""
        check_field(line, kind, default, JobStorage().create_job({}), ended)

    def test_what_the_containers_hold(self, bench, ended):
        """ "models: List[str]", "app_ranges: Dict[str, List[int]]", "errors: List[JobError]",
        "task_count_by_status: Dict[str, int]", "Dictionary mapping analysis type names to option dictionaries".
        """
        assert (ended.models, ended.app_ranges) == (["m"], {"m": [1, 2]})
        assert ended.analysis_options == {"gated": {"depth": 2}}
        assert [type(each) for each in ended.errors] == [JobError]
        assert ended.task_count_by_status == {"completed": 1, "failed": 1}

    def test_statuses(self):
        """ "Enum (PENDING, QUEUED, INITIALIZING, RUNNING, CANCELLING, CANCELLED, COMPLETED, FAILED, ERROR)"."""
        names = "PENDING, QUEUED, INITIALIZING, RUNNING, CANCELLING, CANCELLED, COMPLETED, FAILED, ERROR"
        assert [status.name for status in JobStatus] == names.split(", ")

    def test_analysis_types_are_members_or_names(self, storage):
        """ "List of AnalysisType enum values"; a plug-in's type is a name beside them."""
        job = storage.create_job({"analysis_types": [AnalysisType.ZAP, "accessibility"]})
        assert job.analysis_types == ["zap", "accessibility"]

    def test_ids_count_up(self, storage):
        """ "Default: Auto-incremented". Product page: "never used twice, also after deletion and restart"."""
        ids = [storage.create_job({}).id for _ in range(3)]
        storage.delete_job(ids[2])
        assert [*ids, storage.create_job({}).id] == [1, 2, 3, 4]

    def test_the_summary_adds_up_the_results(self, bench, ended):
        """ "Aggregated metrics and statistics from task results"."""
        made = bench.storage.get_results(ended.id)
        assert ended.results_summary["issues_total"] == sum(each.issues_count for each in made) == 1
        assert ended.results_summary["high_total"] == sum(each.high_severity for each in made) == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param({"name": 7}, id="name: str"),
            pytest.param({"description": None}, id="description: Any string"),
            pytest.param({"models": [""]}, id="models: List of valid model names"),
            pytest.param({"models": "m"}, id="models: List[str]"),
            pytest.param({"app_ranges": {"m": [0]}}, id="lists of app numbers, 0"),
            pytest.param({"app_ranges": {"m": ["1"]}}, id="lists of app numbers, text"),
            pytest.param({"app_ranges": [1]}, id="Dictionary mapping model names"),
            pytest.param({"analysis_types": [3]}, id="List of AnalysisType enum values"),
            pytest.param({"analysis_options": {"gated": 1}}, id="to option dictionaries"),
        ],
    )
    def test_wrong_values_make_no_job(self, storage, wrong):
        """ "Valid values" of each field. Product page: "Nothing half-created stays behind"."""
        with pytest.raises(InvalidValueError):
            storage.create_job(wrong)
        assert storage.get_jobs() == []

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            pytest.param({"id": 0}, "id is not positive", id="Positive integers"),
            pytest.param({"name": " "}, "name is empty", id="Non-empty string"),
            pytest.param({"total_tasks": -1}, "completed_tasks", id="Non-negative integer"),
            pytest.param(
                {"total_tasks": 1, "completed_tasks": 2, "task_count_by_status": {"completed": 1}},
                "completed_tasks is not within total_tasks",
                id="completed_tasks ≤ total_tasks",
            ),
            pytest.param(
                {"total_tasks": 2, "task_count_by_status": {"pending": 1}},
                "status counts do not add up",
                id="Sum of task_count_by_status values equals total_tasks",
            ),
            *(
                pytest.param(
                    {"status": JobStatus[status], "started_at": START},
                    "ended without completed_at",
                    id=f"If status is COMPLETED or FAILED, completed_at must not be None: {status}",
                )
                for status in ("COMPLETED", "FAILED")
            ),
            pytest.param(
                {"status": JobStatus.RUNNING},
                "runs without started_at",
                id="If status is RUNNING, started_at must not be None",
            ),
        ],
    )
    def test_invariants(self, broken, words):
        """ "INVARIANTS" and "Valid values": the line in the test's name."""
        a_job().check()
        with pytest.raises(InvariantError, match=words):
            a_job(**broken).check()

    @pytest.mark.parametrize("name", ["created_at", "started_at", "completed_at"])
    def test_times_have_a_zone(self, name):
        """ "Valid datetime with timezone"."""
        with pytest.raises(ValueError, match="has no time zone"):
            a_job(**{name: datetime(2026, 5, 4)}).check()  # noqa: DTZ001 - it is the wrong value

    def test_the_invariants_hold_at_every_moment(self, make_bench):
        """Product page: "Invariants hold always", "also between two calls from other threads"."""
        bench = make_bench({"m": range(1, 41)}, max_tasks=4)
        bench.analyzer.scripts = {3: raises(ConnectionError("no")), 5: raises(TimeoutError("no"))}
        job_id, seen = bench.job(apps=range(1, 41)), set()
        bench.service.start_job(job_id)
        while not bench.service.is_ended(job_id):
            job = bench.storage.get_job(job_id)
            for record in (job, *bench.storage.get_tasks(job_id), *bench.storage.get_results(job_id)):
                record.check()
            seen.add(job.completed_tasks)
        assert len(seen) > 1
        assert bench.ended(job_id).task_count_by_status == {"completed": 38, "failed": 2}

    def test_creation_mutation_and_termination(self, storage):
        """ "Created through job_storage.create_job()", "Updated through job_storage.update_job()",
        "Deleted through job_storage.delete_job()".
        """
        job_id = storage.create_job({"name": "one"}).id
        changed = storage.update_job(job_id, name="two", status=JobStatus.QUEUED)
        assert storage.get_job(job_id) == changed
        assert (changed.name, changed.status) == ("two", JobStatus.QUEUED)
        storage.update_job(job_id, status=JobStatus.CANCELLED)
        assert storage.delete_job(job_id) is True
        assert storage.get_job(job_id) is None

    def test_it_has_many_tasks_results_and_errors(self, bench, ended):
        """ "HAS_MANY BatchAnalysisTask", "HAS_MANY BatchAnalysisResult", "HAS_MANY JobError"."""
        tasks, results = bench.storage.get_tasks(ended.id), bench.storage.get_results(ended.id)
        assert {each.job_id for each in (*tasks, *results)} == {ended.id}
        assert {each.task_id for each in results} == {each.id for each in tasks}
        assert [each.task_id for each in ended.errors] == [tasks[1].id]

    def test_the_example(self, storage):
        """ "EXAMPLES": "Security Scan - GPT Models", of which 4 of 10 tasks are done."""
        example = seed_text.JOB_EXAMPLE
        given = (
            "name", "description", "models", "app_ranges", "analysis_types", "analysis_options",
        )  # fmt: skip
        job_id = moved(storage, "running", **{name: example[name] for name in given})
        planned = storage.create_tasks(job_id, cells(storage.get_job(job_id), base=None))
        for task_id in planned[:4]:
            completed(storage, task_id)

        job = storage.get_job(job_id)
        own = ("id", "created_at", "started_at")
        assert {k: getattr(job, k) for k in example if k not in own} == {
            k: value for k, value in example.items() if k not in own
        }
        assert job.created_at < job.started_at


class TestSection4Task:
    """4. "DATA STRUCTURE: BatchAnalysisTask"."""

    @by_field(seed_text.TASK_FIELDS)
    def test_fields(self, storage, bench, ended, line, kind, default):
        """ "SCHEMA": the line in the test's name, with its type and its "Default"."""
        fresh = storage.get_task(new_task(storage))
        check_field(line, kind, default, fresh, bench.task(ended, app_num=2))

    @pytest.mark.parametrize("name", required(seed_text.TASK_FIELDS))
    def test_what_has_no_default(self, name):
        """ "Default: None", which is none of the "Valid values"."""
        given = with_times(seed_text.TASK_EXAMPLE)
        del given[name]
        with pytest.raises(TypeError, match=name):
            BatchAnalysisTask(**given)

    def test_statuses(self):
        """ "Enum (PENDING, RUNNING, COMPLETED, FAILED, TIMED_OUT, CANCELLED, SKIPPED)"."""
        names = "PENDING, RUNNING, COMPLETED, FAILED, TIMED_OUT, CANCELLED, SKIPPED"
        assert [status.name for status in TaskStatus] == names.split(", ")

    @pytest.mark.parametrize(
        ("broken", "words"),
        [
            pytest.param({"id": 0}, "not positive", id="id: Positive integers"),
            pytest.param({"job_id": -1}, "not positive", id="job_id: Positive integers"),
            pytest.param({"app_num": 0}, "not positive", id="app_num: Positive integers"),
            pytest.param({"model": ""}, "model is empty", id="model: Non-empty string"),
            pytest.param({"analysis_type": ""}, "analysis_type", id="analysis_type"),
            pytest.param({"timeout_seconds": 0}, "timeout_seconds 0", id="Positive integer"),
            pytest.param({"progress": -1}, "progress -1", id="0 ≤ progress"),
            pytest.param({"progress": 101}, "progress 101", id="progress ≤ 100"),
            pytest.param({"progress": 33.3}, "progress 33.3", id="Integer between 0 and 100"),
            *(
                pytest.param(
                    {"status": status, "completed_at": LATER, "error": error(), "result_details": {"a": 1}},
                    "has no started_at",
                    id=f"If status is not PENDING, started_at must not be None: {status}",
                )
                for status in TaskStatus
                if status is not TaskStatus.PENDING
            ),
            *(
                pytest.param(
                    {"status": status, "started_at": START, "error": error(), "result_details": {"a": 1}},
                    "ended without completed_at",
                    id=f"If status is not PENDING or RUNNING, completed_at must not be None: {status}",
                )
                for status in TaskStatus
                if status not in {TaskStatus.PENDING, TaskStatus.RUNNING}
            ),
            *(
                pytest.param(
                    {"status": status, "started_at": START, "completed_at": LATER},
                    "without an error",
                    id=f"If status is FAILED or TIMED_OUT, error must not be None: {status}",
                )
                for status in (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
            ),
            pytest.param(
                {"status": TaskStatus.COMPLETED, "started_at": START, "completed_at": LATER},
                "completed without details",
                id="If status is COMPLETED, result_details must not be empty",
            ),
        ],
    )
    def test_invariants(self, broken, words):
        """ "INVARIANTS" and "Valid values": the line in the test's name."""
        task().check()
        with pytest.raises(InvariantError, match=words):
            task(**broken).check()

    @pytest.mark.parametrize("name", ["created_at", "started_at", "completed_at"])
    def test_times_have_a_zone(self, name):
        """ "Valid datetime with timezone"."""
        with pytest.raises(ValueError, match="has no time zone"):
            task(**{name: datetime(2026, 5, 4)}).check()  # noqa: DTZ001 - it is the wrong value

    def test_creation_and_start(self, storage):
        """ "Created through job_storage.create_task()", "Updated through job_storage.update_task()"."""
        task_id = new_task(storage)
        running = started(storage, task_id)
        assert (running.status, storage.get_task(task_id)) == (TaskStatus.RUNNING, running)
        assert running.started_at >= running.created_at
        storage.update_task(task_id, lambda each: each.with_progress(45))
        assert storage.get_task(task_id).progress == 45

    @pytest.mark.parametrize(
        ("method", "arguments", "status"),
        [
            ("complete", ({"summary": {}},), "completed"),
            ("fail", (error(),), "failed"),
            ("time_out", (error(),), "timed_out"),
            ("cancel", (), "cancelled"),
            ("skip", (), "skipped"),
        ],
    )
    def test_task_methods(self, storage, method, arguments, status):
        """ "task methods (start(), complete(), fail(), etc.)". Product page: "One result per ended task",
        so what ends a task stores the result in the same step.
        """
        task_id = new_task(storage)
        started(storage, task_id)

        def end(each):
            now = {"now": utc_now()}
            return getattr(each, method)(*arguments, **now)

        made = storage.finish_task(task_id, end)
        assert storage.get_task(task_id).status.value == made.status.value == status
        storage.get_task(task_id).check()
        assert storage.get_results(made.job_id) == [made]
        with pytest.raises(EndedError):
            storage.update_task(task_id, lambda each: each.start(utc_now()))

    def test_one_that_never_started_has_its_times(self, storage):
        """Product page: "a task that ends without having started (cancelled, skipped) still has started_at"."""
        task_id = new_task(storage)
        storage.finish_task(task_id, lambda each: each.cancel(utc_now()))
        ended = storage.get_task(task_id)
        assert ended.started_at == ended.completed_at is not None

    def test_termination(self, bench, ended):
        """ "Not explicitly deleted; referenced by job". Product page: "Deleting a job deletes its tasks"."""
        assert not hasattr(bench.storage, "delete_task")
        task_id = bench.task(ended, app_num=1).id
        bench.storage.delete_job(ended.id)
        assert bench.storage.get_task(task_id) is None

    def test_it_has_one_result(self, bench, ended):
        """ "BELONGS_TO BatchAnalysisJob", "HAS_ONE BatchAnalysisResult"."""
        tasks = bench.storage.get_tasks(ended.id)
        of_tasks = sorted(made.task_id for made in bench.storage.get_results(ended.id))
        assert of_tasks == [each.id for each in tasks]

    def test_the_example(self):
        """ "EXAMPLES": a running task at 45 percent."""
        shown = BatchAnalysisTask(**with_times(seed_text.TASK_EXAMPLE, status=TaskStatus.RUNNING))
        shown.check()
        assert {name: getattr(shown, name) for name in seed_text.TASK_EXAMPLE} == with_times(
            seed_text.TASK_EXAMPLE
        )


class TestSection4Result:
    """4. "DATA STRUCTURE: BatchAnalysisResult"."""

    @by_field(seed_text.RESULT_FIELDS)
    def test_fields(self, storage, bench, ended, line, kind, default):
        """ "SCHEMA": the line in the test's name, with its type and its "Default"."""
        task_id = new_task(storage)
        storage.finish_task(task_id, lambda each: each.cancel(utc_now()))
        (bare,) = storage.get_results(storage.get_task(task_id).job_id)
        check_field(line, kind, default, bare, bench.storage.get_results(ended.id)[0])

    @pytest.mark.parametrize("name", required(seed_text.RESULT_FIELDS))
    def test_what_has_no_default(self, name):
        """ "Default: None", which is none of the "Valid values"."""
        given = with_times(seed_text.RESULT_EXAMPLE)
        del given[name]
        with pytest.raises(TypeError, match=name):
            BatchAnalysisResult(**given)

    @pytest.mark.parametrize("status", TaskStatus)
    def test_statuses(self, status):
        """ "completed", "failed", "timed_out", "cancelled", "skipped": no other status is an ending."""
        if status in {"completed", "failed", "timed_out", "cancelled", "skipped"}:
            result(status=status).check()
        else:
            with pytest.raises(InvariantError, match="is no ending"):
                result(status=status).check()

    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param({"job_id": 0}, id="job_id: Positive integers"),
            pytest.param({"task_id": 0}, id="task_id: Positive integers"),
            pytest.param({"app_num": 0}, id="app_num: Positive integers"),
            pytest.param({"model": ""}, id="model: Non-empty string"),
            pytest.param({"analysis_type": ""}, id="analysis_type: AnalysisType enum value"),
            pytest.param({"issues_count": -1}, id="issues_count: Non-negative integer"),
            pytest.param({"high_severity": -1}, id="high_severity: Non-negative integer"),
            pytest.param({"medium_severity": -1}, id="medium_severity: Non-negative integer"),
            pytest.param({"low_severity": -1}, id="low_severity: Non-negative integer"),
            pytest.param({"duration_seconds": -1.5}, id="Positive float or None: negative"),
            pytest.param({"duration_seconds": 0.0}, id="Positive float or None: 0"),
            pytest.param(
                {"issues_count": 2, "high_severity": 1, "medium_severity": 1, "low_severity": 1},
                id="issues_count ≥ high_severity + medium_severity + low_severity",
            ),
            pytest.param(
                {"scan_start_time": START, "scan_end_time": START}, id="scan_end_time > scan_start_time: equal"
            ),
            pytest.param(
                {"scan_start_time": LATER, "scan_end_time": START}, id="scan_end_time > scan_start_time: before"
            ),
            pytest.param(
                {"details": {}}, id='If status is "completed", details should contain analysis-specific data'
            ),
        ],
    )
    def test_invariants(self, broken):
        """ "INVARIANTS" and "Valid values": the line in the test's name."""
        result(issues_count=3, high_severity=1, medium_severity=1, low_severity=1).check()
        with pytest.raises(InvariantError):
            result(**broken).check()

    @pytest.mark.parametrize("name", ["scan_start_time", "scan_end_time"])
    def test_times_have_a_zone(self, name):
        """ "Valid datetime with timezone or None"."""
        with pytest.raises(ValueError, match="has no time zone"):
            result(**{name: datetime(2026, 5, 4)}).check()  # noqa: DTZ001 - it is the wrong value

    def test_counts_and_times_are_the_tasks(self, storage):
        """ "Total number of issues found", "Timestamp when analysis started",
        "Duration of the analysis in seconds".
        """
        made = completed(storage, new_task(storage), finding(), finding(severity="low"))
        ended = storage.get_task(made.task_id)
        assert (made.issues_count, made.high_severity, made.medium_severity, made.low_severity) == (2, 1, 0, 1)
        assert (made.scan_start_time, made.scan_end_time) == (ended.started_at, ended.completed_at)
        assert made.duration_seconds == (made.scan_end_time - made.scan_start_time).total_seconds() > 0

    def test_creation(self, storage):
        """ "Created through job_storage.add_result()": it ends the task in the same step, because (product
        page) "One result per ended task".
        """
        running = started(storage, new_task(storage))
        own = {"job_id": running.job_id, "task_id": running.id, "model": "m", "app_num": 1}
        made = storage.add_result(result(**own, analysis_type="gated", issues_count=2, high_severity=1))

        assert storage.get_results(running.job_id) == [made]
        assert storage.get_task(running.id).status is TaskStatus.COMPLETED
        with pytest.raises(InvariantError, match="has its result already"):
            storage.add_result(made)

    def test_mutation_and_termination(self, storage):
        """ "Not updated after creation", "Deleted when parent job is deleted"."""
        made = completed(storage, new_task(storage))
        assert not [name for name in dir(storage) if re.search("(update|change|delete)_result", name)]
        with pytest.raises(EndedError):
            completed(storage, made.task_id)
        assert storage.get_results(made.job_id) == [made]
        storage.update_job(made.job_id, status="completed")
        storage.delete_job(made.job_id)
        assert storage.get_result(made.id) is None

    def test_the_example(self):
        """ "EXAMPLES": 17 issues in 270 seconds; it does not show the details that it must have."""
        shown = BatchAnalysisResult(
            **with_times(seed_text.RESULT_EXAMPLE, status=TaskStatus.COMPLETED, details={"summary": {}})
        )
        shown.check()
        assert {name: getattr(shown, name) for name in seed_text.RESULT_EXAMPLE} == with_times(
            seed_text.RESULT_EXAMPLE
        )


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
            return report_of(app, CoverageStatus.CANCELLED)

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
        """ "False if job not found or not in a cancellable state"; "Job in COMPLETED state": "result == False".
        Product page: "a PENDING or ended job gives False".
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
        """ "task: The BatchAnalysisTask to execute", "job: The parent BatchAnalysisJob"; "Gets analysis options
        from job configuration", "Executes the security analysis via the analyzer".
        """
        put_by(storage, frontend)
        ((app, options),) = frontend["services"]["frontend_security_analyzer"].calls
        assert (app.model, app.app_num, options.full_scan) == ("m", 1, True)

    def test_services(self, storage, frontend):
        """ "Checks for frontend_security_analyzer availability"; "Places error dictionary in result_queue with
        status "failed" or "skipped"".
        """
        outcome = put_by(storage, {**frontend, "services": {}})
        assert (outcome["status"], outcome["reason"]) == ("skipped", "frontend_security not available")

    def test_progress_callback(self, storage, frontend):
        """ "progress_callback: Function to report progress updates"."""
        told = []

        def script(app, context):
            context.progress(30)
            context.progress(60)
            return report_of(app, CoverageStatus.OK)

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
        frontend["services"]["frontend_security_analyzer"].scripts[1] = raises(TimeoutError("Network timeout"))
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
        """ "JSON object with job status, progress, and results summary": the example's job, with 2 of 5 tasks
        done and "active_tasks_count": 2. The example counts those 2 as pending too; here they are running,
        or (4.) the "Sum of task_count_by_status values equals total_tasks" would say two things.
        """
        bench = make_bench({"gpt-3": [1, 2, 3], "gpt-4": [1, 2]})
        bench.analyzer.hold("gpt-3", "gpt-4")
        example = json.loads(json.dumps(seed_text.STATUS_EXAMPLE).replace("frontend_security", "gated"))
        example["job"]["analysis_options"] = {"gated": {"depth": 2}}
        given = ("name", "models", "app_ranges", "analysis_types", "analysis_options")
        job_id = bench.storage.create_job({name: example["job"][name] for name in given}).id
        bench.service.start_job(job_id)
        bench.analyzer.await_calls(**{"gpt-3": 1, "gpt-4": 1})
        bench.analyzer.hold_apps = {1}
        bench.analyzer.release()
        raise NotImplementedError

    def test_job_not_found(self, bench):
        """ "JSON error if job not found": the engine says None."""
        assert bench.service.get_job_status(999) is None
