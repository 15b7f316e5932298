"""A result: what one ended task leaves behind, whatever its ending (seed, section 4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.records.clock import require_aware
from batchnb.records.errors import InvariantError
from batchnb.records.status import Severity, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from batchnb.records.finding import Finding
    from batchnb.records.task import BatchAnalysisTask


_NOTHING: Counter[Severity] = Counter()


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchAnalysisResult:
    """The outcome of one task. Never updated after creation; deleted with its job."""

    id: int = 0
    """Given by the store; 0 until then."""
    job_id: int
    task_id: int
    model: str
    app_num: int
    analysis_type: str
    status: TaskStatus
    issues_count: int = 0
    high_severity: int = 0
    medium_severity: int = 0
    low_severity: int = 0
    scan_start_time: datetime | None = None
    scan_end_time: datetime | None = None
    duration_seconds: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_task(cls, task: BatchAnalysisTask, findings: Iterable[Finding] = ()) -> BatchAnalysisResult:
        """Make the result of an ended `task` that reported `findings`."""
        found = tuple(findings)
        by_severity = Counter(finding.severity for finding in found) if found else _NOTHING
        start, end = task.started_at, task.completed_at
        if start is None or end is None:
            raise InvariantError(f"task {task.id} has not ended, so it has no result")
        started = start < end  # a task that was cancelled or skipped unstarted has both times equal
        return cls(
            job_id=task.job_id,
            task_id=task.id,
            model=task.model,
            app_num=task.app_num,
            analysis_type=task.analysis_type,
            status=task.status,
            issues_count=len(found),
            high_severity=by_severity[Severity.HIGH],
            medium_severity=by_severity[Severity.MEDIUM],
            low_severity=by_severity[Severity.LOW],
            scan_start_time=start if started else None,
            scan_end_time=end if started else None,
            duration_seconds=(end - start).total_seconds() if started else None,
            details=task.result_details,
        )

    def check(self) -> None:
        """Raise InvariantError if one of the seed's invariants does not hold."""
        for name in ("scan_start_time", "scan_end_time"):
            require_aware(name, getattr(self, name))
        counts = (self.issues_count, self.high_severity, self.medium_severity, self.low_severity)
        start, end = self.scan_start_time, self.scan_end_time
        seconds = self.duration_seconds
        rules = [
            (min(self.job_id, self.task_id, self.app_num) > 0, "an id is not positive"),
            (bool(self.model and self.analysis_type), "model or analysis_type is empty"),
            (seconds is None or seconds > 0, "duration_seconds is not positive"),
            (self.status.is_ended, f"status {self.status.value} is no ending"),
            (min(counts) >= 0, "a count is negative"),
            (counts[0] >= sum(counts[1:]), "issues_count is less than high + medium + low"),
            (start is None or end is None or end > start, "scan_end_time is not after scan_start_time"),
            (self.status is not TaskStatus.COMPLETED or bool(self.details), "completed without details"),
        ]
        broken = [text for holds, text in rules if not holds]
        if broken:
            raise InvariantError(f"result of task {self.task_id}: {'; '.join(broken)}")
