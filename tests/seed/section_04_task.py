"""4. Core Data Structures: BatchAnalysisTask. See test_seed.py."""

from __future__ import annotations

from datetime import datetime

import pytest
from support import LATER, START, error, task

from batchnb.records import (
    BatchAnalysisTask,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import (
    EndedError,
    InvariantError,
)
from seed import text
from seed.shared import by_field, check_field, new_task, required, started
from seed.text import with_times


class TestSection4Task:
    """4. "DATA STRUCTURE: BatchAnalysisTask"."""

    @by_field(text.TASK_FIELDS)
    def test_fields(self, storage, bench, ended, line, kind, default):
        """ "SCHEMA": the line in the test's name, with its type and its "Default"."""
        fresh = storage.get_task(new_task(storage))
        check_field(line, kind, default, fresh, bench.task(ended, app_num=2))

    @pytest.mark.parametrize("name", required(text.TASK_FIELDS))
    def test_what_has_no_default(self, name):
        """ "Default: None", which is none of the "Valid values"."""
        given = with_times(text.TASK_EXAMPLE)
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
        """Product page: "a task that ends without having started (cancelled, skipped) still has
        started_at".
        """
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
        shown = BatchAnalysisTask(**with_times(text.TASK_EXAMPLE, status=TaskStatus.RUNNING))
        shown.check()
        assert {name: getattr(shown, name) for name in text.TASK_EXAMPLE} == with_times(text.TASK_EXAMPLE)
