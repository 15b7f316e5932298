"""Numbers about the whole store or one job: the seed's key metrics (10.2), and when a job may end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from batchnb.records.status import JobStatus, Severity, TaskStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionTimes:
    """How long the tasks of one analysis type took, in seconds, and how many hit their limit."""

    analysis_type: str
    tasks: int
    """Tasks that ran and ended; those that were skipped or never started are not among them."""
    timed_out: int
    total: float
    mean: float
    p50: float
    p95: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """Job and task counts by status, findings by severity, execution times and time-outs."""

    jobs_by_status: dict[JobStatus, int]
    """Every status, 0 included."""
    tasks_by_status: dict[TaskStatus, int]
    findings_by_severity: dict[Severity, int]
    issues_total: int
    times: tuple[ExecutionTimes, ...]
    """By analysis type."""

    @property
    def timeouts(self) -> int:
        """Tasks that were stopped at their time limit."""
        return sum(times.timed_out for times in self.times)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """When a running job may end, judged by the tasks of it that have run."""

    seconds_left: float
    ends_at: datetime
    tasks_left: int
    based_on: int
    """Tasks whose times were used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of a job's own log."""

    time: datetime
    level: str
    task_id: int | None = None
    message: str
