"""The closed vocabularies: what a job, a task, a finding or a coverage cell can be (seed, section 4)."""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    """Execution status of a job (seed, `BatchAnalysisJob.status`)."""

    PENDING = "pending"
    QUEUED = "queued"
    INITIALIZING = "initializing"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    ERROR = "error"

    @property
    def is_ended(self) -> bool:
        """Whether the job can never change again."""
        return not _JOB_MOVES[self]

    @property
    def is_active(self) -> bool:
        """Whether the job waits for a slot or runs, so that it can be cancelled and not deleted."""
        return self in _ACTIVE_JOBS

    def can_become(self, new: JobStatus) -> bool:
        """Whether the seed's state machine has an arrow from here to `new`."""
        return new in _JOB_MOVES[self]


_JOB_MOVES: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.QUEUED, JobStatus.INITIALIZING, JobStatus.ERROR}),
    JobStatus.QUEUED: frozenset({JobStatus.INITIALIZING, JobStatus.CANCELLED, JobStatus.ERROR}),
    JobStatus.INITIALIZING: frozenset(
        {JobStatus.RUNNING, JobStatus.CANCELLING, JobStatus.FAILED, JobStatus.ERROR}
    ),
    JobStatus.RUNNING: frozenset(
        {JobStatus.CANCELLING, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.ERROR}
    ),
    JobStatus.CANCELLING: frozenset({JobStatus.CANCELLED, JobStatus.ERROR}),
    JobStatus.CANCELLED: frozenset(),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.ERROR: frozenset(),
}
_ACTIVE_JOBS = frozenset({JobStatus.QUEUED, JobStatus.INITIALIZING, JobStatus.RUNNING, JobStatus.CANCELLING})


class TaskStatus(StrEnum):
    """Execution status of a task (seed, `BatchAnalysisTask.status`)."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_ended(self) -> bool:
        """Whether the task can never change again; it then has exactly one result."""
        return self is not TaskStatus.PENDING and self is not TaskStatus.RUNNING

    def can_become(self, new: TaskStatus) -> bool:
        """Whether a task may go from here to `new`; one that runs may be put back into the queue."""
        if self is TaskStatus.PENDING:
            return new is not TaskStatus.PENDING
        return self is TaskStatus.RUNNING and new is not TaskStatus.RUNNING


class AnalysisType(StrEnum):
    """The five analyses of the seed; a plug-in's key is a plain string beside them."""

    FRONTEND_SECURITY = "frontend_security"
    BACKEND_SECURITY = "backend_security"
    PERFORMANCE = "performance"
    GPT4ALL = "gpt4all"
    ZAP = "zap"


class Severity(StrEnum):
    """How bad a finding is, as the reporting tool says, on one scale."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Confidence(StrEnum):
    """How sure the reporting tool is; a tool that does not say leaves None."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class CoverageStatus(StrEnum):
    """What one tool did for one app. Only `ok` with no finding means "clean"."""

    OK = "ok"
    """The tool read every eligible file."""
    PARTIAL = "partial"
    """The tool ran, but some eligible files were not read; they are named."""
    NOT_APPLICABLE = "not_applicable"
    """The app has nothing for this tool (no backend, no file of its kind)."""
    TOOL_MISSING = "tool_missing"
    OFFLINE = "offline"
    """The tool's data source could not be reached."""
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"

    @property
    def is_measured(self) -> bool:
        """Whether the cell's findings count as a measurement (a partial one is a lower bound)."""
        return self in {CoverageStatus.OK, CoverageStatus.PARTIAL}


class ErrorCategory(StrEnum):
    """Why something went wrong (the seed's structured error categories, settled by the product page)."""

    TIMEOUT = "timeout"
    DEPENDENCY = "dependency"
    NETWORK = "network"
    PERMISSION = "permission"
    RESOURCE = "resource"
    VALIDATION = "validation"
    PARSE = "parse"
    ANALYSIS = "analysis"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"
