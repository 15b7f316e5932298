"""4. Core Data Structures: BatchAnalysisResult. See test_seed.py."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from support import LATER, START, finding, result

from batchnb.records import (
    BatchAnalysisResult,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import (
    EndedError,
    InvariantError,
)
from seed import text
from seed.shared import by_field, check_field, completed, new_task, required, started
from seed.text import with_times


class TestSection4Result:
    """4. "DATA STRUCTURE: BatchAnalysisResult"."""

    @by_field(text.RESULT_FIELDS)
    def test_fields(self, storage, bench, ended, line, kind, default):
        """ "SCHEMA": the line in the test's name, with its type and its "Default"."""
        task_id = new_task(storage)
        storage.finish_task(task_id, lambda each: each.cancel(utc_now()))
        (bare,) = storage.get_results(storage.get_task(task_id).job_id)
        check_field(line, kind, default, bare, bench.storage.get_results(ended.id)[0])

    @pytest.mark.parametrize("name", required(text.RESULT_FIELDS))
    def test_what_has_no_default(self, name):
        """ "Default: None", which is none of the "Valid values"."""
        given = with_times(text.RESULT_EXAMPLE)
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
                {"scan_start_time": START, "scan_end_time": START},
                id="scan_end_time > scan_start_time: equal",
            ),
            pytest.param(
                {"scan_start_time": LATER, "scan_end_time": START},
                id="scan_end_time > scan_start_time: before",
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
        assert (made.issues_count, made.high_severity, made.medium_severity, made.low_severity) == (
            2,
            1,
            0,
            1,
        )
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
            **with_times(text.RESULT_EXAMPLE, status=TaskStatus.COMPLETED, details={"summary": {}})
        )
        shown.check()
        assert {name: getattr(shown, name) for name in text.RESULT_EXAMPLE} == with_times(text.RESULT_EXAMPLE)
