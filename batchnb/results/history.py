"""A job's history as lines, and metrics as single numbers: records in, plain rows out, no pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from batchnb.records import BatchAnalysisJob, BatchAnalysisTask, LogLine, Metrics

_LEVELS = {TaskStatus.FAILED: "error", TaskStatus.TIMED_OUT: "error"}


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryLine:
    """Something that happened to a job or one of its tasks."""

    time: datetime
    job_id: int
    task_id: int | None = None
    level: str
    """info, warning or error."""
    message: str
    """Untrusted: it can hold names of apps and texts of tools."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRow:
    """One number."""

    metric: str
    """jobs, tasks, findings, or one of the execution times of an analysis type."""
    label: str
    """The status, severity or analysis type that it is about."""
    value: float
    unit: str


def history(
    job: BatchAnalysisJob, tasks: Iterable[BatchAnalysisTask], lines: Iterable[LogLine]
) -> list[HistoryLine]:
    """Return what happened to a job, by time.

    Starts and endings are read off the records, so they cannot be missing from it and cost nothing to keep;
    `lines` are what the engine noted beside them.
    """
    found = [*_of_job(job), *(line for task in tasks for line in _of_task(task))]
    found += [
        HistoryLine(
            time=line.time, job_id=job.id, task_id=line.task_id, level=line.level, message=line.message
        )
        for line in lines
    ]
    return sorted(found, key=lambda line: line.time)


def _of_job(job: BatchAnalysisJob) -> Iterator[HistoryLine]:
    def line(time: datetime, level: str, message: str) -> HistoryLine:
        return HistoryLine(time=time, job_id=job.id, level=level, message=message)

    continues = f", continues job {job.continues}" if job.continues else ""
    yield line(job.created_at, "info", f"job created{continues}")
    if job.started_at:
        yield line(job.started_at, "info", "job started")
    for error in job.errors:
        if error.task_id is None:  # those of tasks are told with the task's ending
            yield line(error.timestamp, "error", f"{error.category.value}: {error.message}")
    if job.completed_at:
        yield line(job.completed_at, "info", f"job {job.status.value}")


def _of_task(task: BatchAnalysisTask) -> Iterator[HistoryLine]:
    def line(time: datetime, level: str, message: str) -> HistoryLine:
        return HistoryLine(time=time, job_id=task.job_id, task_id=task.id, level=level, message=message)

    name = f"{task.analysis_type} of {task.model}/app{task.app_num}"
    ran = task.started_at is not None and task.started_at != task.completed_at
    if task.started_at and ran:
        yield line(task.started_at, "info", f"{name} started")
    if task.completed_at:
        why = f": {task.error.message}" if task.error else ""
        level = _LEVELS.get(task.status, "warning" if task.error else "info")
        yield line(task.completed_at, level, f"{name} {task.status.value.replace('_', ' ')}{why}")


def metric_rows(metrics: Metrics) -> list[MetricRow]:
    """Return metrics one number a row: jobs and tasks by status, findings, times by analysis type."""
    findings = {str(level): count for level, count in metrics.findings_by_severity.items()}
    counted: dict[str, Mapping[Any, int]] = {
        "jobs": metrics.jobs_by_status,
        "tasks": metrics.tasks_by_status,
        "findings": {**findings, "total": metrics.issues_total},
    }
    rows = [
        MetricRow(metric=metric, label=str(label), value=count, unit="count")
        for metric, counts in counted.items()
        for label, count in counts.items()
    ]
    for times in metrics.times:
        numbers = [
            ("tasks run", times.tasks, "count"),
            ("tasks timed out", times.timed_out, "count"),
            ("execution time, total", times.total, "s"),
            ("execution time, mean", times.mean, "s"),
            ("execution time, p50", times.p50, "s"),
            ("execution time, p95", times.p95, "s"),
            ("execution time, longest", times.longest, "s"),
        ]
        rows += [
            MetricRow(metric=metric, label=times.analysis_type, value=value, unit=unit)
            for metric, value, unit in numbers
        ]
    return rows
