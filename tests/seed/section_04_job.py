"""4. Core Data Structures: BatchAnalysisJob. See test_seed.py."""

from __future__ import annotations

from datetime import datetime

import pytest
from service_bench import gated
from support import START
from support import job as a_job

from batchnb.engine.planning import cells
from batchnb.engine.storage import JobStorage
from batchnb.records import (
    AnalysisType,
    JobError,
    JobStatus,
)
from batchnb.records.errors import (
    InvalidValueError,
    InvariantError,
)
from seed import text
from seed.shared import by_field, check_field, completed, moved


class TestSection4Job:
    """4. "DATA STRUCTURE: BatchAnalysisJob"."""

    @by_field(text.JOB_FIELDS)
    def test_fields(self, bench, ended, line, kind, default):
        """ "SCHEMA": the line in the test's name, with its type and its "Default"."""
        check_field(line, kind, default, JobStorage().create_job({}), ended)

    def test_what_the_containers_hold(self, bench, ended):
        """ "models: List[str]", "app_ranges: Dict[str, List[int]]", "errors: List[JobError]",
        "task_count_by_status: Dict[str, int]", "Dictionary mapping analysis type names to option
        dictionaries".
        """
        assert (ended.models, ended.app_ranges) == (["m"], {"m": [1, 2]})
        assert ended.analysis_options == {"gated": {"depth": 2}}
        assert [type(each) for each in ended.errors] == [JobError]
        assert ended.task_count_by_status == {"completed": 1, "failed": 1}

    def test_statuses(self):
        """ "Enum (PENDING, QUEUED, INITIALIZING, RUNNING, CANCELLING, CANCELLED, COMPLETED, FAILED,
        ERROR)".
        """
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
        bench.analyzer.scripts = {3: gated.raises(ConnectionError("no")), 5: gated.raises(TimeoutError("no"))}
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
        example = text.JOB_EXAMPLE
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
