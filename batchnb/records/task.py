"""A task: one analysis of one app (seed, section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchnb.records.clock import require_aware
from batchnb.records.errors import EndedError, InvariantError
from batchnb.records.status import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from batchnb.records.job import JobError

DEFAULT_TIMEOUT_SECONDS = 1800
"""The seed's default for a task: 30 minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchAnalysisTask:
    """A snapshot of a task. The methods return the task after a change; the storage makes it last."""

    id: int
    job_id: int
    model: str
    app_num: int
    analysis_type: str
    status: TaskStatus = TaskStatus.PENDING
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    error: JobError | None = None
    progress: int = 0
    result_details: dict[str, Any] = field(default_factory=dict)
    priority: int = 0
    """Higher ones run first; equal ones in the order of their ids."""

    def start(self, now: datetime) -> BatchAnalysisTask:
        """Return the task as running since `now`."""
        return self._become(TaskStatus.RUNNING, started_at=now)

    def requeue(self) -> BatchAnalysisTask:
        """Return the running task as one that waits, as if it had never started."""
        return self._become(TaskStatus.PENDING, started_at=None, progress=0)

    def with_progress(self, percent: int) -> BatchAnalysisTask:
        """Return the running task at `percent` (0-100)."""
        if self.status.is_ended:
            raise EndedError(f"task {self.id} has ended ({self.status.value})")
        return self._checked(progress=percent)

    def complete(self, details: dict[str, Any], now: datetime) -> BatchAnalysisTask:
        """Return the task as completed with `details` (not empty)."""
        return self._end(TaskStatus.COMPLETED, now, result_details=details, progress=100)

    def fail(
        self, error: JobError, now: datetime, details: dict[str, Any] | None = None
    ) -> BatchAnalysisTask:
        """Return the task as failed for the reason in `error`."""
        return self._end(TaskStatus.FAILED, now, error=error, result_details=details or {})

    def time_out(
        self, error: JobError, now: datetime, details: dict[str, Any] | None = None
    ) -> BatchAnalysisTask:
        """Return the task as stopped at its deadline."""
        return self._end(TaskStatus.TIMED_OUT, now, error=error, result_details=details or {})

    def cancel(self, now: datetime, details: dict[str, Any] | None = None) -> BatchAnalysisTask:
        """Return the task as cancelled, whether it had started or not."""
        return self._end(TaskStatus.CANCELLED, now, result_details=details or {})

    def skip(
        self, now: datetime, error: JobError | None = None, details: dict[str, Any] | None = None
    ) -> BatchAnalysisTask:
        """Return the task as skipped: nothing to analyse, or (with `error`) a dependency that is missing."""
        return self._end(TaskStatus.SKIPPED, now, error=error, result_details=details or {})

    def check(self) -> None:
        """Raise InvariantError if one of the seed's invariants does not hold."""
        for name, value in (
            ("created_at", self.created_at),
            ("started_at", self.started_at),
            ("completed_at", self.completed_at),
        ):
            require_aware(name, value)
        broken = [text for holds, text in _INVARIANTS if not holds(self)]
        if broken:
            raise InvariantError(f"task {self.id}: {'; '.join(broken).format(self)}")

    def _end(self, status: TaskStatus, now: datetime, **changes: Any) -> BatchAnalysisTask:
        started = self.started_at or now
        return self._become(status, completed_at=now, started_at=started, **changes)

    def _become(self, status: TaskStatus, **changes: Any) -> BatchAnalysisTask:
        if self.status.is_ended:
            raise EndedError(f"task {self.id} ended as {self.status.value}, cannot become {status.value}")
        if not self.status.can_become(status):
            raise InvariantError(f"task {self.id} is {self.status.value} and cannot become {status.value}")
        return self._checked(status=status, **changes)

    def _checked(self, **changes: Any) -> BatchAnalysisTask:
        changed = replace(self, **changes)
        changed.check()
        return changed


_PERCENT = range(101)
_FAILED = frozenset({TaskStatus.FAILED, TaskStatus.TIMED_OUT})
_INVARIANTS: tuple[tuple[Callable[[BatchAnalysisTask], bool], str], ...] = (
    (lambda task: task.id > 0 and task.job_id > 0 and task.app_num > 0, "an id is not positive"),
    (lambda task: bool(task.model), "model is empty"),
    (lambda task: bool(task.analysis_type), "analysis_type is empty"),
    (lambda task: task.timeout_seconds > 0, "timeout_seconds {0.timeout_seconds} is not positive"),
    (lambda task: task.progress in _PERCENT, "progress {0.progress} is not within 0-100"),
    (lambda task: task.status is TaskStatus.PENDING or task.started_at is not None, "has no started_at"),
    (lambda task: task.completed_at is not None or not task.status.is_ended, "ended without completed_at"),
    (lambda task: task.error is not None or task.status not in _FAILED, "{0.status} without an error"),
    (
        lambda task: task.status is not TaskStatus.COMPLETED or bool(task.result_details),
        "completed without details",
    ),
)
