"""A task: one analysis of one app (seed, section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchnb.records.clock import require_aware
from batchnb.records.errors import EndedError, InvariantError
from batchnb.records.status import TaskStatus

if TYPE_CHECKING:
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

    def start(self, now: datetime) -> BatchAnalysisTask:
        """Return the task as running since `now`."""
        return self._become(TaskStatus.RUNNING, started_at=now)

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
        broken = [text for holds, text in self._invariants() if not holds]
        if broken:
            raise InvariantError(f"task {self.id}: {'; '.join(broken)}")

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

    def _invariants(self) -> list[tuple[bool, str]]:
        for name in ("created_at", "started_at", "completed_at"):
            require_aware(name, getattr(self, name))
        status = self.status
        failed = status in {TaskStatus.FAILED, TaskStatus.TIMED_OUT}
        return [
            (self.id > 0 and self.job_id > 0 and self.app_num > 0, "an id is not positive"),
            (bool(self.model), "model is empty"),
            (bool(self.analysis_type), "analysis_type is empty"),
            (self.timeout_seconds > 0, f"timeout_seconds {self.timeout_seconds} is not positive"),
            (0 <= self.progress <= 100, f"progress {self.progress} is not within 0-100"),
            (status is TaskStatus.PENDING or self.started_at is not None, "has no started_at"),
            (not status.is_ended or self.completed_at is not None, "ended without completed_at"),
            (not failed or self.error is not None, f"{status.value} without an error"),
            (status is not TaskStatus.COMPLETED or bool(self.result_details), "completed without details"),
        ]
