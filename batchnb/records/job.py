"""A job: which apps of which models get which analyses, and how far that has come (seed, section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchnb.records.clock import require_aware, utc_now
from batchnb.records.errors import InvariantError
from batchnb.records.status import ErrorCategory, JobStatus

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class JobError:
    """An error met while a job ran (seed, `errors: List[JobError]`)."""

    category: ErrorCategory
    message: str
    task_id: int | None = None
    """The task it belongs to; None for an error of the whole job."""
    timestamp: datetime = field(default_factory=utc_now)
    traceback: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpec:
    """What a user asks for; the storage makes a job of it."""

    models: tuple[str, ...]
    app_ranges: dict[str, tuple[int, ...]]
    """App numbers per model."""
    analysis_types: tuple[str, ...]
    analysis_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Options per analysis type, already checked against the analyzer's schema."""
    name: str = ""
    """Empty: the storage calls it "Batch Job {id}"."""
    description: str = ""
    task_timeout_seconds: int | None = None
    """Overrides the service's default for every task of this job."""
    task_timeouts: dict[str, int] = field(default_factory=dict)
    """Seconds per analysis type; goes before `task_timeout_seconds`."""
    max_tasks: int | None = None
    """Tasks that run at once; None: the service's setting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchAnalysisJob:
    """A snapshot of a job, as the seed defines it. Changing it changes nothing in the store.

    `total_tasks`, `completed_tasks` (tasks that ended, whatever the ending) and `task_count_by_status` are
    counted by the store from the tasks themselves, so they always agree with each other.
    """

    id: int
    name: str
    description: str = ""
    created_at: datetime
    status: JobStatus = JobStatus.PENDING
    models: list[str] = field(default_factory=list)
    app_ranges: dict[str, list[int]] = field(default_factory=dict)
    analysis_types: list[str] = field(default_factory=list)
    analysis_options: dict[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    total_tasks: int = 0
    completed_tasks: int = 0
    results_summary: dict[str, Any] = field(default_factory=dict)
    errors: list[JobError] = field(default_factory=list)
    task_count_by_status: dict[str, int] = field(default_factory=dict)
    cancellation_requested: bool = False
    task_timeout_seconds: int | None = None
    task_timeouts: dict[str, int] = field(default_factory=dict)
    """Seconds per analysis type; goes before `task_timeout_seconds`."""
    max_tasks: int | None = None
    """Tasks that run at once; None: the service's setting."""
    paused: bool = False
    """Whether no new task is started at present; those that run go on."""
    continues: int | None = None
    """The ended job whose finished tasks this one took over; None: it started afresh."""

    def with_status(self, status: JobStatus, now: datetime) -> BatchAnalysisJob:
        """Return this job in `status`, with the times that the status implies.

        Raises:
            InvariantError: if the state machine has no such arrow.
        """
        if not self.status.can_become(status):
            raise InvariantError(f"job {self.id} is {self.status.value} and cannot become {status.value}")
        started = self.started_at or (now if status is not JobStatus.QUEUED else None)
        completed = now if status.is_ended else None
        return replace(self, status=status, started_at=started, completed_at=completed)

    def cancelling(self, now: datetime) -> BatchAnalysisJob:
        """Return this job as asked to stop.

        Raises:
            InvariantError: if it neither runs nor is being prepared.
        """
        return replace(self.with_status(JobStatus.CANCELLING, now), cancellation_requested=True)

    def check(self) -> None:
        """Raise InvariantError if one of the seed's invariants does not hold."""
        broken = [text for holds, text in self._invariants() if not holds]
        if broken:
            raise InvariantError(f"job {self.id}: {'; '.join(broken)}")

    def _invariants(self) -> list[tuple[bool, str]]:
        for name in ("created_at", "started_at", "completed_at"):
            require_aware(name, getattr(self, name))
        return [
            (self.id > 0, "id is not positive"),
            (bool(self.name.strip()), "name is empty"),
            (0 <= self.completed_tasks <= self.total_tasks, "completed_tasks is not within total_tasks"),
            (sum(self.task_count_by_status.values()) == self.total_tasks, "status counts do not add up"),
            (not self.status.is_ended or self.completed_at is not None, "ended without completed_at"),
            (self.status is not JobStatus.RUNNING or self.started_at is not None, "runs without started_at"),
        ]
