"""The list of a workspace's jobs, as plain data for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records import JobStatus, Severity
from batchnb.results.text import duration, plural, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from batchnb.records import BatchAnalysisJob

MOST_JOBS = 200
"""Rows at once; the filter looks at all jobs."""
_NAME = 80
_CANCELLABLE = frozenset({JobStatus.QUEUED, JobStatus.INITIALIZING, JobStatus.RUNNING})


def present_jobs(jobs: Sequence[BatchAnalysisJob], wanted: str, now: datetime) -> dict[str, Any]:
    """Return what the list shows: the newest jobs first, those only that hold every word of `wanted`.

    Args:
        jobs: all jobs of the store.
        wanted: words, in any case, that a row's texts must hold.
        now: for how long a running job has been running.
    """
    words = wanted.lower().split()
    rows = [row for row in (_row(job, now) for job in reversed(jobs)) if _has(row, words)]
    shown = rows[:MOST_JOBS]
    total = plural(len(jobs), "job")
    note = total if len(shown) == len(jobs) else f"{len(shown):,} of {total}"
    return {"rows": shown, "note": note, "filter": wanted}


def present_choice(jobs: Sequence[BatchAnalysisJob], shown: int | None) -> dict[str, Any]:
    """Return the jobs to choose from, the newest first, and which of them is shown."""
    rows = [
        [job.id, shorten(visible(f"Job {job.id}: {job.name} ({job.status})", one_line=True), _NAME)]
        for job in list(reversed(jobs))[:MOST_JOBS]
    ]
    return {"jobs": rows, "job": shown, "more": max(0, len(jobs) - MOST_JOBS)}


def _row(job: BatchAnalysisJob, now: datetime) -> dict[str, Any]:
    end = job.completed_at or now
    took = duration((end - job.started_at).total_seconds()) if job.started_at else ""
    found = [f"{int(job.results_summary.get(f'{level}_total', 0)):,} {level}" for level in Severity]
    done = f"{job.completed_tasks:,} of {job.total_tasks:,}"
    ended = job.status.is_ended
    left = job.total_tasks - job.task_count_by_status.get("completed", 0)
    return {
        "id": job.id,
        "name": shorten(visible(job.name, one_line=True), _NAME),
        "status": str(job.status),
        "scope": shorten(
            visible(f"{', '.join(job.models)}: {', '.join(job.analysis_types)}", one_line=True), 160
        ),
        "tasks": done,
        "found": ", ".join(found),
        "created": f"{job.created_at:%Y-%m-%d %H:%M}",
        "took": took,
        "ended": ended,
        "can_cancel": job.status in _CANCELLABLE and not job.cancellation_requested,
        "can_resume": ended and left > 0,
    }


def _has(row: dict[str, Any], words: Sequence[str]) -> bool:
    text = " ".join(str(row[key]) for key in ("id", "name", "status", "scope", "created")).lower()
    return all(word in text for word in words)
