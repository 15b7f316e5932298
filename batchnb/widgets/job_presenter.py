"""What a job's view says, as plain data: every text, number and switch, from snapshots."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import JobStatus, Severity, TaskStatus
from batchnb.results.text import duration, plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from batchnb.records import BatchAnalysisJob, Estimate
    from batchnb.widgets.outcome import Outcome

_MOST_ERRORS = 5
_BARS = {
    JobStatus.COMPLETED: "success",
    JobStatus.FAILED: "warning",
    JobStatus.ERROR: "danger",
    JobStatus.CANCELLING: "warning",
    JobStatus.CANCELLED: "warning",
}
_CANCELLABLE = frozenset({JobStatus.QUEUED, JobStatus.INITIALIZING, JobStatus.RUNNING})


@dataclass(frozen=True, kw_only=True, slots=True)
class JobState:
    """A job as its view shows it at one moment."""

    title: str
    """Untrusted text: it holds the job's name."""
    status: str
    """What the job does, in words; changes seldom, so that a screen reader can speak it."""
    elapsed: str
    value: int
    maximum: int
    bar: str
    """Style of the progress bar; the status says the same in words."""
    progress: str
    counts: tuple[tuple[str, int], ...]
    """Severity -> findings so far."""
    counts_note: str
    """How much the counts say."""
    errors: tuple[str, ...] = ()
    """Untrusted texts (capped)."""
    can_cancel: bool
    refused: str = ""
    """Why the wish to cancel came to nothing; untrusted."""
    paused: bool = False
    ended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelNote:
    """What came of the wish to cancel."""

    asked_at: datetime
    refused: str = ""
    """Why nothing was cancelled; empty: the engine took it."""


def present_job(
    job: BatchAnalysisJob,
    now: datetime,
    cancel: CancelNote | None = None,
    outcome: Outcome | None = None,
    estimate: Estimate | None = None,
) -> JobState:
    """Return what to show.

    Args:
        job: the job's snapshot.
        now: the time of the snapshot.
        cancel: what this view's cancel button was told, if it was used.
        outcome: the results of the ended job, once they are read.
        estimate: when it may end; None: nobody can tell yet.
    """
    done, total = job.completed_tasks, job.total_tasks
    ended = job.status.is_ended
    asked = (cancel is not None and not cancel.refused) or _is_stopping(job)
    return JobState(
        title=f"Job {job.id}: {job.name}",
        status=_status(job, cancel),
        elapsed=_elapsed(job, now, cancel) + _outlook(job, now, estimate),
        value=total if ended and not total else done,
        maximum=max(1, total),
        bar=_BARS.get(job.status, "info"),
        progress=_progress(job),
        counts=tuple((str(level), int(job.results_summary.get(f"{level}_total", 0))) for level in Severity),
        counts_note=_counts_note(job, outcome),
        errors=_errors(job),
        can_cancel=job.status in _CANCELLABLE and not asked,
        refused=cancel.refused if cancel is not None and not ended else "",
        paused=job.paused,
        ended=ended,
    )


def cancel_command(job_id: int, base: Path, store: Path | None) -> str:
    """Return what cancels a job from a terminal, whatever this kernel does; empty: its store is no file."""
    if store is None:
        return ""
    return f"batchnb cancel {job_id} --base {_word_of(base)} --store {_word_of(store)}"


def _word_of(path: Path) -> str:
    return shlex.quote(visible(str(path.absolute()), one_line=True))


def stopped_text(before: Collection[object], after: Collection[object]) -> str:
    """Say how many programs that ran when cancel was asked are gone.

    Args:
        before: the programs below the kernel then, of all jobs.
        after: those below it now.
    """
    left = len(set(before) & set(after))
    if not before:
        return "no tool was running"
    gone = len(before) - left
    return f"{gone:,} tool process{'' if gone == 1 else 'es'} stopped" + (
        f", {left} of other jobs go on" if left else ", none is left"
    )


def _count(job: BatchAnalysisJob, *statuses: TaskStatus) -> int:
    return sum(job.task_count_by_status.get(status.value, 0) for status in statuses)


def _is_stopping(job: BatchAnalysisJob) -> bool:
    """Whether somebody asked to cancel it, here or in another process."""
    return job.cancellation_requested or job.status is JobStatus.CANCELLING


def _status(job: BatchAnalysisJob, cancel: CancelNote | None) -> str:
    if job.status is JobStatus.CANCELLED:
        return _cancelled(job)
    if job.status.is_ended:
        return _ending(job)
    if cancel is not None and cancel.refused and not _is_stopping(job):
        return f"{job.status.value}; not cancelled: {cancel.refused}"
    running = plural(_count(job, TaskStatus.RUNNING), "running task")
    if cancel is not None or _is_stopping(job):
        return f"cancelling: stopping {running}"
    return {
        JobStatus.PENDING: "pending: not started",
        JobStatus.QUEUED: "queued: starts by itself when a running job ends",
        JobStatus.INITIALIZING: "starting",
    }.get(job.status, f"{'paused' if job.paused else 'running'}: {running}")


def _cancelled(job: BatchAnalysisJob) -> str:
    """Say what a cancelled job left. It ends only after the last tool was stopped, so that can be said."""
    cancelled = _count(job, TaskStatus.CANCELLED)
    kept = job.completed_tasks - cancelled
    if not job.total_tasks:
        return "cancelled before its first task started"
    before = f"; {plural(kept, 'task')} had ended before, with results" if kept else ""
    return f"cancelled: {plural(cancelled, 'task')} cancelled, all tools stopped{before}"


def _ending(job: BatchAnalysisJob) -> str:
    if job.status is JobStatus.ERROR:
        left = job.total_tasks - job.completed_tasks
        return f"error: the job broke off, {plural(left, 'task')} did not run"
    if job.status is JobStatus.COMPLETED:
        return "completed"
    kinds = (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
    bad = [f"{_count(job, kind):,} {_word(kind)}" for kind in kinds if _count(job, kind)]
    bad = bad or ["something that is needed is missing"]
    return f"failed: {', '.join(bad)} of {plural(job.total_tasks, 'task')}; the results of the others stand"


def _elapsed(job: BatchAnalysisJob, now: datetime, cancel: CancelNote | None) -> str:
    if job.started_at is None and job.completed_at is None:
        return ""
    end = job.completed_at
    start = job.started_at or job.created_at
    if end is None:
        running = (now - start).total_seconds()
        passed = f"{int(running)} s elapsed" if running < 60 else f"{duration(running)} elapsed"
        if cancel is None or cancel.refused:
            return passed
        return f"{passed}, cancel asked {duration((now - cancel.asked_at).total_seconds())} ago"
    took = f"took {duration((end - start).total_seconds())}"
    if job.status is JobStatus.CANCELLED and cancel is not None:
        return f"{took}, ended {duration((end - cancel.asked_at).total_seconds())} after cancel was asked"
    return took


def _outlook(job: BatchAnalysisJob, now: datetime, estimate: Estimate | None) -> str:
    """Return how fast it goes and when it may end; empty: it has ended, or nobody can tell yet."""
    if job.status.is_ended or estimate is None or job.started_at is None:
        return ""
    minutes = max(1.0, (now - job.started_at).total_seconds()) / 60
    rate = job.completed_tasks / minutes
    speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
    left = f", about {duration(estimate.seconds_left)} left" if estimate.seconds_left >= 1 else ""
    return f"; {speed} tasks/min{left}"  # below a second it only says that past tasks were shorter


def _progress(job: BatchAnalysisJob) -> str:
    if not job.total_tasks:
        return "no task" if job.status.is_ended else "tasks are being prepared"
    percent = 100 * job.completed_tasks // job.total_tasks
    shown = [TaskStatus.COMPLETED, *(status for status in TaskStatus if status is not TaskStatus.COMPLETED)]
    parts = [f"{_count(job, status):,} {_word(status)}" for status in shown if _count(job, status)]
    return f"{job.completed_tasks:,} of {plural(job.total_tasks, 'task')} ({percent} %): {', '.join(parts)}"


def _word(status: TaskStatus) -> str:
    return status.value.replace("_", " ")


def _counts_note(job: BatchAnalysisJob, outcome: Outcome | None) -> str:
    if not job.status.is_ended:
        return "findings so far"
    if outcome is None:
        return "findings"
    if not outcome.info.has_measurement:
        return "nothing was measured, so there is no number of findings"
    return "findings at least: not everything was measured" if outcome.info.is_lower_bound else "findings"


def _errors(job: BatchAnalysisJob) -> tuple[str, ...]:
    shown = [f"{error.category.value}: {error.message}" for error in job.errors[:_MOST_ERRORS]]
    more = len(job.errors) - _MOST_ERRORS
    return (*shown, *([f"and {plural(more, 'more error')}"] if more > 0 else []))
