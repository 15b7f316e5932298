"""Events: small facts in the past tense about jobs and tasks, told after they are in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.records.clock import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from batchnb.records.status import JobStatus, TaskStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened to a job. `at` is when it was told, a moment after it happened."""

    job_id: int
    at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobAdded(Event):
    """A job was created."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobQueued(Event):
    """A job waits for one of the jobs that run to end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStarted(Event):
    """A job has its tasks and begins to run them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobChanged(Event):
    """Somebody paused or resumed a job, or changed its limits or the order of its tasks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFinished(Event):
    """A job has ended and left nothing running."""

    status: JobStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEvent(Event):
    """Something that happened to one task of a job."""

    task_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskStarted(TaskEvent):
    """A task is running."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskProgressed(TaskEvent):
    """A running task has come further. Of several steps in quick succession only the last is told."""

    progress: int
    """Percent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRequeued(TaskEvent):
    """A task waits again, or was moved to the end of the queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFinished(TaskEvent):
    """A task has ended, and its result is stored: in a file it would survive a power cut now."""

    status: TaskStatus
