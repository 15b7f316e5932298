"""What happened to a job as lines by time, and metrics as single numbers."""

from dataclasses import replace
from datetime import timedelta

from factories import START, error, job, task

from batchnb.records import (
    ExecutionTimes,
    JobStatus,
    LogLine,
    Metrics,
    Severity,
    TaskStatus,
)
from batchnb.results.history import history, metric_rows


def at(seconds):
    return START + timedelta(seconds=seconds)


def told(*args):
    return [(line.task_id, line.level, line.message) for line in history(*args)]


def test_a_whole_job_by_time():
    tasks = [
        task(1, started_at=at(1), completed_at=at(4)),
        task(2, app_num=2, status=TaskStatus.FAILED, started_at=at(2), completed_at=at(3)),
        task(3, app_num=3, status=TaskStatus.RUNNING, started_at=at(6)),
        task(4, app_num=4, status=TaskStatus.PENDING),
    ]
    lines = [
        LogLine(time=at(5), level="warning", task_id=3, message="slow"),
        LogLine(time=at(0.5), level="info", message="noted"),
    ]
    ran = job(tasks, JobStatus.FAILED, started_at=at(0.2), completed_at=at(7), continues=9)
    found = history(ran, tasks, lines)

    assert told(ran, tasks, lines) == [
        (None, "info", "job created, continues job 9"),
        (None, "info", "job started"),
        (None, "info", "noted"),
        (1, "info", "backend_security of gpt-4o/app1 started"),
        (2, "info", "backend_security of gpt-4o/app2 started"),
        (2, "error", "backend_security of gpt-4o/app2 failed: bandit ended with exit code 2"),
        (1, "info", "backend_security of gpt-4o/app1 completed"),
        (3, "warning", "slow"),
        (3, "info", "backend_security of gpt-4o/app3 started"),
        (None, "info", "job failed"),
    ]
    assert [line.time for line in found] == sorted(line.time for line in found)
    assert {line.job_id for line in found} == {1}


def test_a_job_that_only_waits_was_created():
    waiting = job([], JobStatus.QUEUED, started_at=None)
    assert told(waiting, [], []) == [(None, "info", "job created")]


def test_a_task_that_never_started_is_not_said_to_have_started():
    cancelled = task(status=TaskStatus.CANCELLED, started_at=START, completed_at=START)
    assert told(job([cancelled], started_at=None, completed_at=None), [cancelled], []) == [
        (None, "info", "job created"),
        (1, "info", "backend_security of gpt-4o/app1 cancelled"),
    ]


def test_endings_are_told_by_how_much_they_matter():
    lack = error("bandit not installed")
    tasks = [
        task(1, status=TaskStatus.TIMED_OUT),
        task(2, status=TaskStatus.SKIPPED),
        replace(task(3, status=TaskStatus.SKIPPED), error=lack),
        task(4, status=TaskStatus.CANCELLED),
    ]
    endings = {line.task_id: line.level for line in history(job(tasks), tasks, [])}
    assert endings == {None: "info", 1: "error", 2: "info", 3: "warning", 4: "info"}
    texts = [text for _, _, text in told(job(tasks), tasks, [])]
    assert "backend_security of gpt-4o/app1 timed out: bandit ended with exit code 2" in texts
    assert "backend_security of gpt-4o/app1 skipped: bandit not installed" in texts


def test_errors_of_the_job_are_told_and_those_of_tasks_only_once():
    failed = task(status=TaskStatus.FAILED)
    broken = job([failed], errors=[error("no such analysis"), error(task_id=1)])
    levels = [(task_id, text) for task_id, level, text in told(broken, [failed], []) if level == "error"]
    assert levels == [
        (None, "analysis: no such analysis"),
        (1, "backend_security of gpt-4o/app1 failed: bandit ended with exit code 2"),
    ]


def metrics(**changes):
    values = {
        "jobs_by_status": dict.fromkeys(JobStatus, 0) | {JobStatus.FAILED: 2},
        "tasks_by_status": dict.fromkeys(TaskStatus, 0) | {TaskStatus.COMPLETED: 5},
        "findings_by_severity": {Severity.HIGH: 1, Severity.MEDIUM: 2, Severity.LOW: 3},
        "issues_total": 7,
        "times": (
            ExecutionTimes(
                analysis_type="zap", tasks=4, timed_out=1, total=10, mean=2.5, p50=2, p95=4, longest=4.5
            ),
        ),
    }
    return Metrics(**{**values, **changes})


def test_every_number_of_the_metrics_is_a_row():
    rows = {(row.metric, row.label): (row.value, row.unit) for row in metric_rows(metrics())}
    assert len(rows) == len(metric_rows(metrics())) == len(JobStatus) + len(TaskStatus) + 4 + 7
    assert rows["jobs", "failed"] == (2, "count")
    assert rows["jobs", "pending"] == (0, "count")
    assert rows["tasks", "completed"] == (5, "count")
    assert [rows["findings", word] for word in ("high", "medium", "low", "total")] == [
        *((1, "count"), (2, "count"), (3, "count"), (7, "count")),
    ]
    of_zap = {metric: value for (metric, label), value in rows.items() if label == "zap"}
    assert of_zap == {
        "tasks run": (4, "count"),
        "tasks timed out": (1, "count"),
        "execution time, total": (10, "s"),
        "execution time, mean": (2.5, "s"),
        "execution time, p50": (2, "s"),
        "execution time, p95": (4, "s"),
        "execution time, longest": (4.5, "s"),
    }


def test_metrics_of_nothing_have_no_times():
    assert {row.unit for row in metric_rows(metrics(times=()))} == {"count"}
