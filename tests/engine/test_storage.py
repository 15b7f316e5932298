"""The store's contract, in memory and in a file alike."""

import threading
from dataclasses import replace

import pytest
from support import LATER, PATIENCE, START, coverage, error, finding, report, result, wait_until

from batchnb.engine import endings
from batchnb.engine.endings import Ended
from batchnb.engine.storage import JobStorage
from batchnb.records import (
    CoverageStatus,
    ErrorCategory,
    JobSpec,
    JobStatus,
    Severity,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import (
    EndedError,
    InvalidValueError,
    InvariantError,
    RecordNotFoundError,
    StorageError,
    UnknownNameError,
)

KIND = "backend_security"
DATA = {
    "name": "scan",
    "description": "of two",
    "models": ["atlas", "birch"],
    "app_ranges": {"atlas": [1, 2], "birch": [3]},
    "analysis_types": [KIND],
    "analysis_options": {KIND: {"full_scan": True}},
    "task_timeout_seconds": 60,
}


def tools(kind):
    return ("bandit", "ruff")


def running_job(storage, **data):
    job_id = storage.create_job({**DATA, **data}).id
    storage.update_job(job_id, status=JobStatus.INITIALIZING)
    storage.update_job(job_id, status=JobStatus.RUNNING)
    return job_id


def end_job(storage, job_id):
    storage.update_job(job_id, status=JobStatus.COMPLETED)


def new_tasks(storage, job_id, count):
    return list(storage.create_tasks(job_id, [("atlas", app, KIND) for app in range(1, count + 1)]))


def start(storage, task_id):
    return storage.update_task(task_id, lambda task: task.start(utc_now()))


def complete(task):
    return task.complete({"summary": {"total": 0}}, utc_now())


def finish(storage, task_id, *issues):
    start(storage, task_id)
    return storage.finish_task(task_id, complete, report(*issues))


class TestJobs:
    def test_a_job_comes_back_as_it_was_given(self, storage):
        made = storage.create_job(DATA)

        assert {name: getattr(made, name) for name in DATA} == DATA
        assert (made.id, made.status, made.total_tasks) == (1, JobStatus.PENDING, 0)
        made.check()
        assert storage.get_job(made.id) == made
        assert storage.get_jobs() == [made]

    def test_a_specification_makes_the_same_job_as_a_dictionary(self, storage):
        spec = JobSpec(**{**DATA, "models": ("atlas", "birch"), "analysis_types": (KIND,)})

        one, other = storage.create_job(spec), storage.create_job(DATA, app=object())

        assert replace(one, id=2, created_at=other.created_at) == other

    def test_what_is_not_given_takes_the_default_of_the_specification(self, storage):
        made = storage.create_job({})

        assert made.name == f"Batch Job {made.id}"
        assert (made.description, made.models, made.app_ranges, made.analysis_options) == ("", [], {}, {})
        assert storage.create_job({"name": " "}).name == "Batch Job 2"

    def test_there_is_no_job_that_was_not_made(self, storage):
        assert storage.get_job(1) is None
        assert storage.get_jobs() == []
        assert storage.delete_job(1) is False
        assert storage.delete_job(1 << 70) is False
        assert storage.ask_cancellation(1 << 70, tools) is False
        with pytest.raises(RecordNotFoundError, match="there is no job"):
            storage.get_status(1 << 70)
        with pytest.raises(RecordNotFoundError, match="there is no job 1 in this store"):
            storage.get_job_or_fail(1)
        with pytest.raises(RecordNotFoundError):
            storage.update_job(1, name="x")
        with pytest.raises(RecordNotFoundError):
            new_tasks(storage, 1, 1)

    def test_jobs_can_be_asked_for_by_id(self, storage):
        ids = [storage.create_job({}).id for _ in range(3)]

        assert [job.id for job in storage.get_jobs([ids[2], ids[0], 99])] == [ids[0], ids[2]]
        assert storage.get_jobs([]) == []

    def test_fields_can_be_changed_one_by_one(self, storage):
        job_id = storage.create_job(DATA).id

        changed = storage.update_job(job_id, name="other", description="new", cancellation_requested=True)

        assert (changed.name, changed.description, changed.cancellation_requested) == ("other", "new", True)
        assert storage.get_job(job_id) == changed

    @pytest.mark.parametrize("name", ["total_tasks", "id", "models", "errors", "nonsense"])
    def test_a_field_that_cannot_be_set_is_refused_by_name(self, storage, name):
        job = storage.create_job(DATA)

        with pytest.raises(
            UnknownNameError, match=rf"job field '{name}' \(from update_job\).*known are name"
        ):
            storage.update_job(job.id, **{name: 1})

        assert storage.get_job(job.id) == job

    @pytest.mark.parametrize("name", ["status", "id", "created_at", "nonsense"])
    def test_a_job_is_not_made_with_a_field_that_is_not_the_callers(self, storage, name):
        with pytest.raises(UnknownNameError, match=rf"job field '{name}' \(from create_job\).*app_ranges"):
            storage.create_job({name: 1})

        assert storage.get_jobs() == []

    def test_a_status_that_there_is_not_is_refused_like_other_wrong_values(self, storage):
        job = storage.create_job(DATA)

        with pytest.raises(InvalidValueError, match="nonsense"):
            storage.update_job(job.id, status="nonsense")

        assert storage.get_job(job.id) == job

    def test_a_move_sets_its_times(self, storage):
        before = utc_now()
        job_id = running_job(storage)
        started = storage.get_job(job_id).started_at
        end_job(storage, job_id)
        ended = storage.get_job(job_id)

        assert before < started < ended.completed_at < utc_now()
        assert ended.started_at == started

    def test_a_forbidden_move_changes_nothing(self, storage):
        job = storage.create_job(DATA)

        with pytest.raises(InvariantError, match="is pending and cannot become completed"):
            storage.update_job(job.id, status=JobStatus.COMPLETED, name="other")

        assert storage.get_job(job.id) == job

    @pytest.mark.parametrize(
        "change",
        [
            lambda storage, job_id, waiting: storage.update_job(job_id, name="other"),
            lambda storage, job_id, waiting: storage.update_job(job_id, status=JobStatus.ERROR),
            lambda storage, job_id, waiting: storage.change_job(job_id, lambda job: replace(job, name="x")),
            lambda storage, job_id, waiting: storage.add_job_error(job_id, error()),
            lambda storage, job_id, waiting: storage.break_job(job_id, error(), tools),
            lambda storage, job_id, waiting: storage.create_task(job_id, "atlas", 9, KIND),
            lambda storage, job_id, waiting: start(storage, waiting),
            lambda storage, job_id, waiting: storage.finish_task(
                waiting, lambda task: task.cancel(utc_now())
            ),
        ],
        ids=["update", "move", "change", "error", "break", "add a task", "start a task", "end a task"],
    )
    def test_an_ended_job_never_changes(self, storage, change):
        job_id = running_job(storage)
        task_id, waiting = new_tasks(storage, job_id, 2)
        finish(storage, task_id)
        storage.break_job(job_id, error(), tools)
        ended = storage.get_job(job_id)

        with pytest.raises(InvariantError, match=f"job {job_id} "):
            change(storage, job_id, waiting)

        assert storage.get_job(job_id) == ended

    def test_errors_are_kept_in_order_and_whole(self, storage):
        job_id = storage.create_job(DATA).id
        errors = [
            error(category=ErrorCategory.DEPENDENCY, message="no tool", details={"tool": "x"}),
            error(task_id=7, traceback="Traceback ...", message="\ud800 \0 <b>"),
        ]
        for one in errors:
            storage.add_job_error(job_id, one)

        kept = storage.get_job(job_id).errors

        assert kept[0] == errors[0]
        assert (kept[1].task_id, kept[1].traceback, kept[1].message) == (7, "Traceback ...", "\\ud800 \0 <b>")

    def test_the_owners_of_jobs_that_wait_or_run_are_known(self, storage):
        waiting, job_id, ended = (storage.create_job({}).id for _ in range(3))
        move = lambda job: job.with_status(JobStatus.INITIALIZING, utc_now())  # noqa: E731
        storage.change_job(job_id, move, owner="me")
        storage.change_job(ended, move, owner="me")
        storage.update_job(ended, status=JobStatus.FAILED)

        assert storage.owners() == {job_id: "me"}
        assert storage.get_job(waiting).status is JobStatus.PENDING


class TestTasks:
    def test_tasks_come_back_as_they_were_given(self, storage):
        job_id = storage.create_job(DATA).id
        made = storage.create_task(job_id, "atlas", 2, KIND, 45)

        assert (made.job_id, made.model, made.app_num, made.analysis_type) == (job_id, "atlas", 2, KIND)
        assert (made.status, made.timeout_seconds, made.progress) == (TaskStatus.PENDING, 45, 0)
        made.check()
        assert storage.get_task(made.id) == made
        assert storage.create_task(job_id, "atlas", 3, KIND).timeout_seconds == 1800

    def test_many_are_made_at_once_in_order(self, storage):
        job_id = storage.create_job(DATA).id
        first = new_tasks(storage, job_id, 3)
        second = storage.create_tasks(job_id, [("birch", 1, KIND)], 5)

        tasks = storage.get_tasks(job_id)
        assert [task.id for task in tasks] == [*first, *second] == [1, 2, 3, 4]
        assert [(task.model, task.app_num) for task in tasks] == [
            *[("atlas", 1), ("atlas", 2), ("atlas", 3), ("birch", 1)],
        ]
        assert storage.get_job(job_id).task_count_by_status == {"pending": 4}
        assert list(storage.create_tasks(job_id, [])) == []

    @pytest.mark.parametrize(
        "cells",
        [
            [("atlas", 1, KIND), ("atlas", 0, KIND)],
            [("atlas", 1, KIND), ("", 2, KIND)],
            [("atlas", 1, KIND), ("atlas", 2, "")],
            [("atlas", 1, KIND), ("atlas", 1, KIND)],
        ],
    )
    def test_one_bad_task_makes_none(self, storage, cells):
        job_id = storage.create_job(DATA).id

        with pytest.raises(StorageError):
            storage.create_tasks(job_id, cells)

        assert storage.get_tasks(job_id) == []
        assert storage.get_job(job_id).total_tasks == 0

    def test_there_is_no_task_that_was_not_made(self, storage):
        assert storage.get_task(1) is None
        assert storage.get_tasks(1) == []
        for use in (
            lambda: storage.get_task_or_fail(1),
            lambda: start(storage, 1),
            lambda: storage.finish_task(1, complete),
        ):
            with pytest.raises(RecordNotFoundError, match="there is no task 1"):
                use()

    def test_tasks_can_be_asked_for_by_status_and_in_parts(self, storage):
        job_id = running_job(storage)
        ids = new_tasks(storage, job_id, 5)
        start(storage, ids[1])

        pending = storage.get_tasks(job_id, TaskStatus.PENDING, after=ids[0], limit=2)

        assert [task.id for task in pending] == [ids[2], ids[3]]
        assert [task.id for task in storage.get_tasks(job_id, TaskStatus.RUNNING)] == [ids[1]]

    def test_progress_is_kept(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        start(storage, task_id)
        storage.update_task(task_id, lambda task: task.with_progress(45))

        assert storage.get_task(task_id).progress == 45
        with pytest.raises(InvariantError, match="progress 101"):
            storage.update_task(task_id, lambda task: task.with_progress(101))
        assert storage.get_task(task_id).progress == 45

    def test_an_ending_without_its_result_is_refused(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        start(storage, task_id)

        with pytest.raises(InvariantError, match="an ending needs its result, use finish_task"):
            storage.update_task(task_id, complete)

        assert storage.get_task(task_id).status is TaskStatus.RUNNING
        assert storage.get_job(job_id).task_count_by_status == {"running": 1}

    def test_an_ended_task_never_changes(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        finish(storage, task_id)
        ended = storage.get_task(task_id)

        for change in (
            lambda: storage.update_task(task_id, lambda task: task),
            lambda: storage.update_task(task_id, lambda task: replace(task, progress=1)),
            lambda: storage.finish_task(task_id, lambda task: task.fail(error(), utc_now())),
        ):
            with pytest.raises(EndedError, match=f"task {task_id} has ended"):
                change()

        assert storage.get_task(task_id) == ended
        assert len(storage.get_results(job_id)) == 1


class TestResults:
    def test_task_result_findings_and_coverage_are_stored_together(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        issues = [finding(), finding(severity=Severity.LOW, line=None, column=None, cwe=None)]

        made = finish(storage, task_id, *issues)

        assert storage.get_task(task_id).status is TaskStatus.COMPLETED
        assert storage.get_results(job_id) == [made]
        assert (made.id, made.task_id, made.issues_count, made.high_severity, made.low_severity) == (
            1,
            1,
            2,
            1,
            1,
        )
        ids = {"job_id": job_id, "task_id": task_id}
        assert storage.get_findings(job_id) == [replace(issue, **ids) for issue in issues]
        assert storage.get_coverage(job_id) == [coverage(**ids)]
        job = storage.get_job(job_id)
        assert (job.completed_tasks, job.task_count_by_status) == (1, {"completed": 1})
        assert job.results_summary == {"issues_total": 2, "high_total": 1, "medium_total": 0, "low_total": 1}

    def test_one_result_has_the_findings_in_its_details(self, storage):
        job_id = running_job(storage)
        one, other = new_tasks(storage, job_id, 2)
        made = finish(storage, one, finding())
        finish(storage, other, finding(rule="B101"))

        got = storage.get_result(made.id)

        assert [issue["rule"] for issue in got.details["issues"]] == ["B602"]
        assert replace(got, details=made.details) == made
        assert storage.get_result(99) is None

    @pytest.mark.parametrize(
        ("end", "status"),
        [
            (lambda task: task.fail(error(), utc_now()), TaskStatus.FAILED),
            (lambda task: task.time_out(error(), utc_now()), TaskStatus.TIMED_OUT),
            (lambda task: task.cancel(utc_now()), TaskStatus.CANCELLED),
            (lambda task: task.skip(utc_now(), details={"reason": "no backend"}), TaskStatus.SKIPPED),
            (complete, TaskStatus.COMPLETED),
        ],
    )
    def test_every_ending_has_one_result(self, storage, end, status):
        job_id = running_job(storage)
        started, unstarted = new_tasks(storage, job_id, 2)
        start(storage, started)

        for task_id in (started, unstarted):
            made = storage.finish_task(task_id, end)
            made.check()
            storage.get_task(task_id).check()
            assert made.status is status
        assert [made.task_id for made in storage.get_results(job_id)] == [started, unstarted]
        assert storage.get_job(job_id).task_count_by_status == {status.value: 2}

    def test_the_error_of_a_task_is_an_error_of_its_job(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        storage.finish_task(task_id, lambda task: task.fail(error(task_id=task_id), utc_now()))

        assert storage.get_job(job_id).errors == [error(task_id=task_id)]
        assert storage.get_task(task_id).error == error(task_id=task_id)

    @pytest.mark.parametrize("at_once", [1, 2, 3, 7])
    def test_a_job_does_not_list_every_error_of_very_many(self, storage, monkeypatch, at_once):
        """Its record is read while somebody watches: a hundred thousand errors took most of a second."""
        monkeypatch.setattr(endings, "MOST_ERRORS", 3)
        job_id = running_job(storage)
        ids = list(new_tasks(storage, job_id, 7))
        failed = [task.fail(error(), utc_now()) for task in map(storage.get_task, ids)]
        for start in range(0, 7, at_once):
            group = [Ended.of(task) for task in failed[start : start + at_once]]
            storage.record(job_id, lambda group=group: ((), group)).result(PATIENCE)

        *listed, note = storage.get_job(job_id).errors
        assert [each.task_id for each in listed] == ids[:3]
        assert (note.message, note.task_id) == (
            "3 errors are listed; those of further tasks are with the tasks",
            None,
        )
        assert [task.error for task in storage.get_tasks(job_id)] == [error()] * 7

    def test_finishing_is_all_or_nothing(self, storage):
        """A record that cannot be stored leaves the task running, without a result, findings or coverage."""
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        running, job = start(storage, task_id), storage.get_job(job_id)

        for bad in (finding(message=object()), finding(line="x"), replace(finding(), tool=None)):
            with pytest.raises((StorageError, TypeError)):
                storage.finish_task(task_id, complete, report(finding(), bad))
        with pytest.raises(ZeroDivisionError):
            storage.finish_task(task_id, lambda task: 1 // 0, report(finding()))

        assert storage.get_task(task_id) == running
        assert storage.get_job(job_id) == job
        assert (storage.get_results(job_id), storage.get_findings(job_id), storage.get_coverage(job_id)) == (
            *([], [], []),
        )

    @pytest.mark.parametrize("status", [status for status in TaskStatus if status.is_ended])
    def test_a_result_that_is_added_ends_its_task_and_can_be_added_only_once(self, storage, status):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        mine = {"job_id": job_id, "task_id": task_id}

        added = storage.add_result(result(**mine, status=status))

        task = storage.get_task(task_id)
        task.check()
        assert (task.status, added.status, added.id > 0) == (status, status, True)
        with pytest.raises(EndedError, match=f"task {task_id} has its result already"):
            storage.add_result(result(**mine))
        assert len(storage.get_results(job_id)) == 1

    def test_a_result_that_cannot_be_is_not_added(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        with pytest.raises(RecordNotFoundError):
            storage.add_result(result(task_id=99))
        with pytest.raises(InvariantError, match="pending is no ending"):
            storage.add_result(result(job_id=job_id, task_id=task_id, status=TaskStatus.PENDING))

        assert storage.get_task(task_id).status is TaskStatus.PENDING
        assert storage.get_results(job_id) == []

    def test_results_follow_the_order_of_ending(self, storage):
        job_id = running_job(storage)
        one, two, three = new_tasks(storage, job_id, 3)
        for task_id in (three, one, two):
            finish(storage, task_id)

        assert [made.task_id for made in storage.get_results(job_id)] == [three, one, two]


class TestDeleting:
    def test_a_job_goes_with_all_that_belongs_to_it_and_nothing_else(self, storage):
        gone, stays = running_job(storage), running_job(storage)
        for job_id in (gone, stays):
            one, _ = new_tasks(storage, job_id, 2)
            finish(storage, one, finding())
            storage.add_job_error(job_id, error())
            end_job(storage, job_id)
        before = storage.get_job(stays)
        task_id, result_id = storage.get_tasks(gone)[0].id, storage.get_results(gone)[0].id

        assert storage.delete_job(gone) is True

        assert storage.get_job(gone) is None
        assert (storage.get_task(task_id), storage.get_result(result_id)) == (None, None)
        assert [
            read(gone)
            for read in (storage.get_tasks, storage.get_results, storage.get_findings, storage.get_coverage)
        ] == [[], [], [], []]
        assert storage.get_job(stays) == before
        assert len(storage.get_findings(stays)) == 1
        assert storage.delete_job(gone) is False

    @pytest.mark.parametrize(
        "path",
        [
            [JobStatus.QUEUED],
            [JobStatus.INITIALIZING],
            [JobStatus.INITIALIZING, JobStatus.RUNNING],
            [JobStatus.INITIALIZING, JobStatus.RUNNING, JobStatus.CANCELLING],
        ],
    )
    def test_a_job_that_waits_or_runs_cannot_be_deleted(self, storage, path):
        job_id = storage.create_job(DATA).id
        for status in path:
            storage.update_job(job_id, status=status)
        new_tasks(storage, job_id, 1)

        with pytest.raises(
            InvariantError, match=f"job {job_id} is {path[-1].value}; cancel it before deleting"
        ):
            storage.delete_job(job_id)

        assert storage.get_job(job_id).total_tasks == 1

    def test_ids_are_not_used_again(self, storage):
        for round_ in (1, 2, 3):
            job_id = running_job(storage)
            (task_id,) = new_tasks(storage, job_id, 1)
            made = finish(storage, task_id)
            end_job(storage, job_id)
            assert (job_id, task_id, made.id) == (round_, round_, round_)
            storage.delete_job(job_id)


class TestEndingManyAtOnce:
    def test_what_is_pending_is_cancelled_with_results_and_coverage(self, storage):
        job_id = running_job(storage)
        done, running, *waiting = new_tasks(storage, job_id, 5)
        finish(storage, done, finding())
        start(storage, running)

        assert storage.cancel_pending(job_id, tools) == 3

        job = storage.get_job(job_id)
        assert job.task_count_by_status == {"completed": 1, "running": 1, "cancelled": 3}
        assert job.results_summary["issues_total"] == 1
        for task_id in waiting:
            task = storage.get_task(task_id)
            task.check()
            assert task.status is TaskStatus.CANCELLED
            (made,) = [r for r in storage.get_results(job_id) if r.task_id == task_id]
            made.check()
            assert (made.status, made.issues_count) == (TaskStatus.CANCELLED, 0)
            cells = [c for c in storage.get_coverage(job_id) if c.task_id == task_id]
            assert [(c.tool, c.status, c.detail) for c in cells] == [
                ("bandit", CoverageStatus.CANCELLED, "never started"),
                ("ruff", CoverageStatus.CANCELLED, "never started"),
            ]
            assert {(c.model, c.app_num, c.analysis_type) for c in cells} == {("atlas", task.app_num, KIND)}
        assert storage.cancel_pending(job_id, tools) == 0

    def test_cancelling_is_asked_for_the_tools_of_each_type(self, storage):
        job_id = running_job(storage)
        storage.create_tasks(job_id, [("atlas", 1, KIND), ("atlas", 1, "zap"), ("birch", 1, KIND)])

        storage.cancel_pending(job_id, lambda kind: {KIND: ("bandit",), "zap": ("zap",)}[kind])

        cells = [(c.model, c.analysis_type, c.tool) for c in storage.get_coverage(job_id)]
        assert sorted(cells) == [
            ("atlas", KIND, "bandit"),
            ("atlas", "zap", "zap"),
            ("birch", KIND, "bandit"),
        ]

    def test_a_broken_job_fails_what_runs_and_leaves_what_waits(self, storage):
        job_id = running_job(storage)
        done, running, waiting = new_tasks(storage, job_id, 3)
        finish(storage, done)
        start(storage, running)
        broken = error(category=ErrorCategory.INTERRUPTED, message="the process died")

        job = storage.break_job(job_id, broken, tools)

        job.check()
        assert (job, job.status) == (storage.get_job(job_id), JobStatus.ERROR)
        assert job.task_count_by_status == {"completed": 1, "failed": 1, "pending": 1}
        assert broken in job.errors
        failed = storage.get_task(running)
        failed.check()
        assert (failed.status, failed.error.category) == (TaskStatus.FAILED, ErrorCategory.INTERRUPTED)
        assert storage.get_task(waiting).status is TaskStatus.PENDING
        assert [r.task_id for r in storage.get_results(job_id)] == [done, running]
        cells = [(c.tool, c.status, c.detail) for c in storage.get_coverage(job_id) if c.task_id == running]
        assert cells == [(tool, CoverageStatus.FAILED, "the process died") for tool in ("bandit", "ruff")]

    @pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.QUEUED, JobStatus.INITIALIZING])
    def test_a_job_can_break_before_it_runs(self, storage, status):
        job_id = storage.create_job(DATA).id
        if status is not JobStatus.PENDING:
            storage.update_job(job_id, status=status)

        broken = storage.break_job(job_id, error(), tools)

        broken.check()
        assert broken.status is JobStatus.ERROR

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            (lambda task: task.complete({"a": 1}, utc_now()), "completed"),
            (lambda task: task.skip(utc_now()), "completed"),
            (lambda task: task.skip(utc_now(), error(category=ErrorCategory.DEPENDENCY)), "failed"),
            (lambda task: task.fail(error(), utc_now()), "failed"),
            (lambda task: task.time_out(error(), utc_now()), "failed"),
        ],
    )
    def test_a_job_ends_by_how_its_tasks_ended(self, storage, change, status):
        """A task that was skipped as it does not apply fails nothing; one that lacked a tool does."""
        job_id = running_job(storage)
        one, two = new_tasks(storage, job_id, 2)
        storage.finish_task(one, lambda task: task.complete({"a": 1}, utc_now()))
        storage.finish_task(two, change)

        ended = storage.finish_job(job_id, cancelled=False, lacking=False)

        ended.check()
        assert ended.status.value == status == storage.get_status(job_id).value

    def test_a_tool_that_was_missing_fails_the_job_though_another_measured(self, storage):
        job_id = running_job(storage)
        (one,) = new_tasks(storage, job_id, 1)
        missing = report(status=CoverageStatus.TOOL_MISSING)
        storage.finish_task(one, lambda task: task.complete({"a": 1}, utc_now()), missing)

        assert storage.finish_job(job_id, cancelled=False, lacking=False).status is JobStatus.FAILED

    @pytest.mark.parametrize("asked", [True, False])
    def test_a_job_that_was_cancelled_ends_so(self, storage, asked):
        job_id = running_job(storage)
        if asked:
            storage.ask_cancellation(job_id, tools)

        ended = storage.finish_job(job_id, cancelled=not asked, lacking=False)

        assert (ended.status, ended.cancellation_requested) == (JobStatus.CANCELLED, True)

    def test_a_job_that_waits_is_cancelled_with_the_tasks_that_it_took_over(self, storage):
        """One that continues another has its tasks before it runs."""
        job_id = running_job(storage)
        new_tasks(storage, job_id, 2)
        storage.break_job(job_id, error(), tools)
        continued = storage.continue_job(job_id).id
        storage.update_job(continued, status=JobStatus.QUEUED)

        assert storage.ask_cancellation(continued, tools) is True

        ended = storage.get_job(continued)
        assert (ended.status, ended.task_count_by_status) == (JobStatus.CANCELLED, {"cancelled": 2})
        assert len(storage.get_results(continued)) == 2

    def test_a_job_is_finished_for_a_dead_process_only_if_every_task_has_its_result(self, storage):
        job_id = running_job(storage)
        one, two = new_tasks(storage, job_id, 2)
        storage.finish_task(one, lambda task: task.complete({"a": 1}, utc_now()))
        assert storage.finish_if_done(job_id) is False
        assert storage.get_status(job_id) is JobStatus.RUNNING

        storage.finish_task(two, lambda task: task.complete({"a": 1}, utc_now()))
        assert storage.finish_if_done(job_id) is True
        assert storage.get_status(job_id) is JobStatus.COMPLETED

    def test_a_job_without_tasks_is_not_done(self, storage):
        assert storage.finish_if_done(running_job(storage)) is False


class TestSnapshots:
    def test_changing_what_was_returned_or_given_changes_nothing(self, storage):
        data = {**DATA, "models": ["atlas"], "app_ranges": {"atlas": [1]}, "analysis_options": {KIND: {}}}
        job_id = storage.create_job(data).id
        data["models"].append("birch")
        data["app_ranges"]["atlas"].append(2)
        data["analysis_options"][KIND]["full_scan"] = True
        storage.update_job(job_id, status=JobStatus.INITIALIZING)
        storage.update_job(job_id, status=JobStatus.RUNNING)
        (task_id,) = new_tasks(storage, job_id, 1)
        details = {"summary": {"total": 0}, "list": [1]}
        start(storage, task_id)
        returned = storage.finish_task(
            task_id, lambda task: task.complete(details, utc_now()), report(finding())
        )
        storage.add_job_error(job_id, error(details={"a": 1}))
        reads = (
            lambda: storage.get_job(job_id),
            lambda: storage.get_jobs()[0],
            lambda: storage.get_task(task_id),
            lambda: storage.get_tasks(job_id)[0],
            lambda: storage.get_result(returned.id),
            lambda: storage.get_results(job_id)[0],
        )
        before = [repr(read()) for read in reads]
        assert storage.get_job(job_id).models == ["atlas"]

        details["list"].append(2)
        returned.details.clear()
        for read in reads:
            got = read()
            for name in ("models", "analysis_types", "errors"):
                getattr(got, name, []).append("rubbish")
            for name in ("app_ranges", "analysis_options", "task_count_by_status", "results_summary"):
                getattr(got, name, {}).clear()
            for name in ("details", "result_details"):
                getattr(got, name, {}).update(rubbish=1)
            for one in getattr(got, "errors", [])[:1]:
                one.details.clear()

        assert [repr(read()) for read in reads] == before

    def test_a_returned_result_equals_what_is_read(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)

        assert finish(storage, task_id, finding()) == storage.get_results(job_id)[0]


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            ("a\ud800b", "a\\ud800b"),
            ("a\0b", "a\0b"),
            ("\udcff\U0001f600\u202e\x1b[31m", "\\udcff\U0001f600\u202e\x1b[31m"),
            ("x" * 3_000_000, "x" * 3_000_000),
            ("'; DROP TABLE jobs; --", "'; DROP TABLE jobs; --"),
        ],
        ids=["lone surrogate", "NUL", "mixed", "huge", "SQL"],
    )
    def test_any_text_survives(self, storage, text, stored):
        """What UTF-8 cannot hold becomes an escape in a column; in details (JSON) it stays what it is."""
        job_id = running_job(storage, name=f"n{text}", description=text, models=[text])
        task = storage.create_task(job_id, text, 1, KIND)
        start(storage, task.id)
        cell = coverage(stderr_tail=text, detail=text)
        details = {"summary": {"text": text, text[:50]: 1}}
        storage.finish_task(
            task.id,
            lambda task: task.complete(details, utc_now()),
            replace(report(finding(message=text, snippet=text, path=text)), coverage=(cell,)),
        )

        job = storage.get_job(job_id)
        assert (job.name, job.description, job.models) == (f"n{stored}", stored, [text])
        assert storage.get_task(task.id).model == stored
        assert storage.get_results(job_id)[0].details == details
        (issue,) = storage.get_findings(job_id)
        assert (issue.message, issue.snippet, issue.path) == (stored, stored, stored)
        assert storage.get_coverage(job_id)[0].stderr_tail == stored

    @pytest.mark.parametrize(
        "value", [object(), {1, 2}, b"bytes", float, 1j], ids=["object", "set", "bytes", "type", "complex"]
    )
    def test_details_that_are_not_json_are_refused_and_change_nothing(self, storage, value):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        running = start(storage, task_id)
        job = storage.get_job(job_id)

        with pytest.raises(TypeError, match="cannot be stored: details hold JSON values only"):
            storage.finish_task(
                task_id, lambda task: task.complete({"x": value}, utc_now()), report(finding())
            )
        with pytest.raises(TypeError, match="cannot be stored"):
            storage.add_job_error(job_id, error(details={"x": value}))
        with pytest.raises(InvalidValueError, match=r"analysis_options\['x'\].*cannot be stored"):
            storage.create_job({"analysis_options": {"x": {"depth": value}}})

        assert storage.get_task(task_id) == running
        assert storage.get_jobs() == [job]
        assert (storage.get_results(job_id), storage.get_findings(job_id)) == ([], [])

    def test_times_come_back_to_the_microsecond_and_in_utc(self, storage):
        job_id = running_job(storage)
        (task_id,) = new_tasks(storage, job_id, 1)
        storage.update_task(task_id, lambda task: task.start(START.replace(microsecond=7)))
        storage.finish_task(task_id, lambda task: task.complete({"a": 1}, LATER))

        (made,) = storage.get_results(job_id)
        assert (made.scan_start_time, made.scan_end_time) == (START.replace(microsecond=7), LATER)
        assert made.scan_end_time.utcoffset().total_seconds() == 0


class TestThreads:
    def test_no_update_is_lost(self, storage):
        job_id = running_job(storage, description="")
        (task_id,) = new_tasks(storage, job_id, 1)
        start(storage, task_id)

        def update():
            for _ in range(12):
                storage.change_job(job_id, lambda job: replace(job, description=job.description + "x"))
                storage.update_task(task_id, lambda task: task.with_progress(task.progress + 1))

        assert in_threads([update] * 8) == []
        assert storage.get_job(job_id).description == "x" * 96
        assert storage.get_task(task_id).progress == 96

    def test_a_reader_never_sees_a_state_in_between(self, storage):
        """Every task ends with two findings, so counts, totals, results and findings must always agree."""
        job_id = running_job(storage)
        ids = new_tasks(storage, job_id, 80)
        done = threading.Event()
        looks = []

        def write(mine):
            for task_id in mine:
                finish(storage, task_id, finding(), finding(severity=Severity.LOW))

        def read():
            last = 0
            while not done.is_set() or not looks:
                job, results = storage.get_job(job_id), storage.get_results(job_id)
                issues, tasks = storage.get_findings(job_id), storage.get_tasks(job_id)
                job.check()
                assert job.total_tasks == 80
                assert last <= job.completed_tasks <= len(results) <= len(issues) / 2
                assert len(issues) % 2 == 0
                assert len(issues) / 2 <= sum(task.status.is_ended for task in tasks)
                assert job.results_summary.get("issues_total", 0) == 2 * job.completed_tasks
                assert job.results_summary.get("high_total", 0) == job.completed_tasks
                for record in (*tasks, *results):
                    record.check()
                last = job.completed_tasks
                looks.append(last)

        reader = threading.Thread(target=lambda: failures.extend(in_threads([read])))
        failures = []
        reader.start()
        try:
            failures += in_threads([lambda mine=ids[n::4]: write(mine) for n in range(4)])
        finally:
            done.set()
            reader.join()
        assert failures == []
        assert len(looks) > 1
        assert storage.get_job(job_id).task_count_by_status == {"completed": 80}

    def test_two_threads_that_end_one_task_leave_one_result(self, storage):
        job_id = running_job(storage)
        ids = new_tasks(storage, job_id, 20)
        outcomes = []

        def end():
            for task_id in ids:
                try:
                    outcomes.append(storage.finish_task(task_id, complete, report(finding())))
                except EndedError:
                    outcomes.append(None)

        assert in_threads([end] * 4) == []
        assert sum(outcome is not None for outcome in outcomes) == 20
        assert sorted(made.task_id for made in storage.get_results(job_id)) == ids
        assert len(storage.get_findings(job_id)) == 20

    def test_a_change_that_raises_harms_no_other_in_the_same_commit(self, storage):
        """The writer collects what waits into one transaction; each change is undone on its own."""
        job_id = running_job(storage, description="")
        entered, leave = threading.Event(), threading.Event()

        def slow(job):
            entered.set()
            leave.wait(10)
            return replace(job, description=job.description + "s")

        def bad():
            with pytest.raises(ZeroDivisionError):
                storage.change_job(job_id, lambda job: 1 // 0)

        def good():
            storage.change_job(job_id, lambda job: replace(job, description=job.description + "g"))

        threads = [threading.Thread(target=lambda: storage.change_job(job_id, slow))]
        threads[0].start()
        assert entered.wait(10)
        others = [threading.Thread(target=work) for work in (bad, good, bad, good, good, bad)]
        for thread in others:
            thread.start()
        if storage.path:  # in memory they wait for a lock, and join the queue one by one
            assert wait_until(lambda: storage._database._queue.qsize() == 6)
        leave.set()
        for thread in (*threads, *others):
            thread.join(10)

        assert storage.get_job(job_id).description == "sggg"

    def test_closing_finishes_what_was_asked_and_refuses_the_rest(self, storage):
        job_id = storage.create_job(DATA).id
        storage.close()
        storage.close()

        for use in (
            lambda: storage.get_job(job_id),
            lambda: storage.create_job(DATA),
            lambda: storage.get_findings(job_id),
            lambda: storage.update_job(job_id, name="x"),
        ):
            with pytest.raises(StorageError):
                use()


def in_threads(works):
    """Run functions at the same time and return what they raised."""
    start, failures = threading.Barrier(len(works)), []

    def run(work):
        try:
            start.wait(10)
            work()
        except BaseException as failure:  # noqa: BLE001 - shown by the assertion of the test
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return failures


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"models": 5}, ["models", "5"]),
        ({"models": "atlas"}, ["models", "'atlas'"]),
        ({"analysis_types": "zap"}, ["analysis_types", "'zap'"]),
        ({"analysis_types": 5}, ["analysis_types", "5"]),
        ({"app_ranges": [1]}, ["app_ranges", "[1]"]),
        ({"app_ranges": {"atlas": 3}}, ["app_ranges", "atlas", "3"]),
        ({"app_ranges": {"atlas": "1-3"}}, ["app_ranges", "atlas", "1-3"]),
        ({"app_ranges": {"atlas": [0]}}, ["app_ranges", "atlas", "0"]),
        ({"app_ranges": {"atlas": [1, "x"]}}, ["app_ranges", "atlas", "x"]),
        ({"app_ranges": {"atlas": [True]}}, ["app_ranges", "atlas", "True"]),
        ({"app_ranges": {"atlas": [1.5]}}, ["app_ranges", "atlas", "1.5"]),
        ({"task_timeout_seconds": 0}, ["task_timeout_seconds", "0"]),
        ({"task_timeout_seconds": "soon"}, ["task_timeout_seconds", "'soon'"]),
        ({"analysis_options": [1]}, ["analysis_options", "[1]"]),
        ({"name": 5}, ["name", "5"]),
        ({"description": None}, ["description", "None"]),
    ],
)
def test_a_job_is_not_made_of_wrong_values(changes, names):
    storage = JobStorage()
    try:
        with pytest.raises(InvalidValueError) as caught:
            storage.create_job({**DATA, **changes})
        assert [name for name in [*names, "create_job"] if name not in str(caught.value)] == []
        assert storage.get_jobs() == []
    finally:
        storage.close()
