"""Outcomes: the seed's result dictionaries, what they mean for a task, and how its error reads."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from batchnb.records import (
    AnalysisReport,
    BatchAnalysisTask,
    CoverageStatus,
    ErrorCategory,
    JobError,
    TaskStatus,
    summarize,
    utc_now,
)
from batchnb.records.errors import RemoteError, ReportError, ToolMissingError, WorkerDiedError
from batchnb.tools.log.redaction import redact
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.tools.cancellation import CancelToken

# The first that fits counts: ours before the builtin errors that they are as well.
_CATEGORIES: dict[type[BaseException], ErrorCategory] = {
    ToolMissingError: ErrorCategory.DEPENDENCY,
    ReportError: ErrorCategory.PARSE,
    WorkerDiedError: ErrorCategory.RESOURCE,
    TimeoutError: ErrorCategory.TIMEOUT,
    ConnectionError: ErrorCategory.NETWORK,
    PermissionError: ErrorCategory.PERMISSION,
    MemoryError: ErrorCategory.RESOURCE,
    OSError: ErrorCategory.RESOURCE,
    ValueError: ErrorCategory.VALIDATION,
}


def end_task(
    task: BatchAnalysisTask, status: TaskStatus, error: JobError | None, details: dict[str, Any], reason: str
) -> BatchAnalysisTask:
    """Return a task as ended now, in this way."""
    now = utc_now()
    if status is TaskStatus.COMPLETED:
        return task.complete(details, now)
    if status is TaskStatus.CANCELLED:
        return task.cancel(now, details)
    if status is TaskStatus.SKIPPED:
        return task.skip(now, error, {**details, "reason": reason})
    assert error is not None  # noqa: S101 - _job_error gives one for these two
    end = task.time_out if status is TaskStatus.TIMED_OUT else task.fail
    return end(error, now, details)


def with_raw(outcome: dict[str, Any], raw_file: Path | None, place: int) -> dict[str, Any]:
    """Note where the raw output of a call was kept, if it was: the file, and which of its targets."""
    if raw_file is not None and "details" in outcome and raw_file.exists():
        outcome["details"]["raw"] = {"file": f"{raw_file.parent.name}/{raw_file.name}", "target": place}
    return outcome


def outcome_of(report: AnalysisReport, title: str) -> dict[str, Any]:
    """Return the seed's result dictionary for a report."""
    details = {
        "issues": list(report.issues),
        "summary": summarize(report.issues),
        "tool_status": report.tool_status,
    }
    outcome: dict[str, Any] = {"status": "completed", "details": details, "report": report}
    if report.is_measured:
        return outcome
    if not report.coverage:
        error = f"{title} did not say what it read, so nothing counts as measured"
        return {"status": "failed", "error": error, "category": ErrorCategory.ANALYSIS.value}
    states = {cell.status for cell in report.coverage}
    reasons = "; ".join(f"{cell.tool}: {cell.detail or cell.status.value}" for cell in report.coverage)
    if states == {CoverageStatus.NOT_APPLICABLE}:
        return {**outcome, "status": "skipped", "reason": reasons}
    if states <= {CoverageStatus.NOT_APPLICABLE, CoverageStatus.TOOL_MISSING}:
        return {**outcome, **skipped(f"{title} not available: {reasons}", ErrorCategory.DEPENDENCY)}
    parse = any(cell.unread for cell in report.coverage)
    category = ErrorCategory.PARSE if parse else ErrorCategory.ANALYSIS
    return {**outcome, "status": "failed", "error": f"{title}: {reasons}", "category": category.value}


def skipped(reason: str, category: ErrorCategory | None = None) -> dict[str, Any]:
    """Return the seed's dictionary for a task that was not run; with a category: something was missing."""
    told = {"status": "skipped", "reason": reason}
    return told if category is None else {**told, "error": reason, "category": category.value}


def failed(title: str, error: BaseException) -> dict[str, Any]:
    """Return the seed's error dictionary."""
    return {
        "status": "failed",
        "error": _clean(f"{title} analysis failed: {error}"),
        "category": categorize(error).value,
        "traceback": _clean("".join(traceback.format_exception(error))),
        "details": {
            "error_type": error.type_name if isinstance(error, RemoteError) else type(error).__name__
        },
    }


def _clean(text: str) -> str:
    """Return a text of an error with no secret and nothing invisible in it: it is shown and stored."""
    return visible(redact(text))


def categorize(error: BaseException) -> ErrorCategory:
    """Return the category of an error that an analysis raised."""
    return next(
        (kind for base, kind in _CATEGORIES.items() if isinstance(error, base)), ErrorCategory.ANALYSIS
    )


def ending_of(outcome: dict[str, Any], report: AnalysisReport | None, cancel: CancelToken) -> TaskStatus:
    """Return how the task ended: a tool that was stopped decides over what the others found."""
    states = {cell.status for cell in report.coverage} if report else set()
    if CoverageStatus.CANCELLED in states or (cancel.cancelled and outcome["status"] != "completed"):
        return TaskStatus.CANCELLED
    if CoverageStatus.TIMED_OUT in states:
        return TaskStatus.TIMED_OUT
    return TaskStatus(outcome["status"])


def job_error(task: BatchAnalysisTask, outcome: dict[str, Any], status: TaskStatus) -> JobError | None:
    """Return the error of a task that ended so; None: nothing went wrong."""
    if status is TaskStatus.TIMED_OUT:
        message = (
            f"{task.analysis_type} of {task.model}/app{task.app_num} timed out: {task.timeout_seconds} s"
        )
        return JobError(category=ErrorCategory.TIMEOUT, message=message, task_id=task.id)
    if "error" not in outcome or status is TaskStatus.CANCELLED:
        return None
    return JobError(
        category=ErrorCategory(outcome.get("category", ErrorCategory.ANALYSIS)),
        message=outcome["error"],
        task_id=task.id,
        traceback=outcome.get("traceback", ""),
        details=outcome.get("details", {}) if "traceback" in outcome else {},
    )
