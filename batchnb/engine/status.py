"""The seed's status of a job (section 6): what a page or a script that polls gets to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records import TaskStatus

if TYPE_CHECKING:
    from batchnb.records import BatchAnalysisJob

_SHOWN = ("id", "name", "status", "models", "app_ranges", "analysis_types", "analysis_options")


def status_of(job: BatchAnalysisJob) -> dict[str, Any]:
    """Return the job, its progress and a summary of its results, ready to become JSON."""
    total, done = job.total_tasks, job.completed_tasks
    return {
        "job": {
            **{name: getattr(job, name) for name in _SHOWN},
            "total_tasks": total,
            "completed_tasks": done,
        },
        "progress": {
            "total": total,
            "completed": done,
            "percent": 100 * done // total if total else 100 if job.status.is_ended else 0,
            "by_status": job.task_count_by_status,
        },
        "results_summary": job.results_summary,
        "active_tasks_count": job.task_count_by_status.get(TaskStatus.RUNNING.value, 0),
    }
