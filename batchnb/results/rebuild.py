"""Frames back to records, for what is written for records: gaps, reports, other formats.

Texts come back as the frame has them: characters that cannot be seen are escapes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records import (
    BatchAnalysisResult,
    BatchAnalysisTask,
    Confidence,
    Coverage,
    CoverageStatus,
    ErrorCategory,
    Finding,
    JobError,
    Measurement,
    Severity,
    TaskStatus,
    UnreadFile,
)
from batchnb.results.derived import NO_END

if TYPE_CHECKING:
    from collections.abc import Iterator


def coverage_records(frame: pd.DataFrame) -> tuple[Coverage, ...]:
    """Return the cells of a coverage frame, in its order."""
    return tuple(
        Coverage(
            **_shared(row),
            tool=row["tool"],
            status=CoverageStatus(row["status"]),
            files_eligible=row["files_eligible"],
            files_seen=row["files_seen"],
            unread=tuple(_unread(line) for line in row["unread"].split("\n") if line),
            exit_code=row["exit_code"],
            tool_version=row["tool_version"],
            seconds=row["seconds"],
            stderr_tail=row["stderr_tail"],
            cached=row["cached"],
            detail=row["detail"],
        )
        for row in _rows(frame)
    )


def task_records(frame: pd.DataFrame) -> tuple[BatchAnalysisTask, ...]:
    """Return the tasks of a tasks frame, in its order; of an error the category and the message."""
    return tuple(
        BatchAnalysisTask(
            id=row["task_id"],
            job_id=row["job_id"],
            model=row["model"],
            app_num=row["app_num"],
            analysis_type=row["analysis_type"],
            status=TaskStatus(row["status"]),
            created_at=row["created_at"],
            started_at=row["started_at"],
            completed_at=row["completed_at"],
            timeout_seconds=row["timeout_seconds"],
            error=_error(row),
            progress=row["progress"],
            priority=row["priority"],
        )
        for row in _rows(frame)
    )


def result_records(frame: pd.DataFrame) -> tuple[BatchAnalysisResult, ...]:
    """Return the results of a results frame, in its order. A count that nothing measured comes back as 0."""
    return tuple(
        BatchAnalysisResult(
            **_shared(row),
            id=row["result_id"],
            status=TaskStatus(row["status"]),
            issues_count=row["issues_count"] or 0,
            high_severity=row["high_severity"] or 0,
            medium_severity=row["medium_severity"] or 0,
            low_severity=row["low_severity"] or 0,
            scan_start_time=row["scan_start_time"],
            scan_end_time=row["scan_end_time"],
            duration_seconds=row["duration_seconds"],
            details=json.loads(row["details"]),
        )
        for row in _rows(frame)
    )


def finding_records(frame: pd.DataFrame) -> tuple[Finding, ...]:
    """Return the findings of a findings frame, in its order."""
    return tuple(
        Finding(
            **_shared(row),
            tool=row["tool"],
            rule=row["rule"],
            severity=Severity(row["severity"]),
            confidence=None if row["confidence"] is None else Confidence(row["confidence"]),
            cwe=row["cwe"],
            path=row["path"],
            line=row["line"],
            column=row["column"],
            message=row["message"],
            snippet=row["snippet"],
            fingerprint=row["fingerprint"],
            tags=tuple(row["tags"].split()),
            clone_key=row["clone_key"],
        )
        for row in _rows(frame)
    )


def measurement_records(frame: pd.DataFrame) -> tuple[Measurement, ...]:
    """Return the numbers of a measurements frame, in its order."""
    names = ("tool", "metric", "subject", "value", "unit", "low", "high", "samples", "detail")
    return tuple(Measurement(**_shared(row), **{name: row[name] for name in names}) for row in _rows(frame))


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("job_id", "task_id", "model", "app_num", "analysis_type")}


def _error(row: dict[str, Any]) -> JobError | None:
    if row["error_category"] is None and row["error_message"] is None:
        return None
    return JobError(
        category=ErrorCategory(row["error_category"] or ErrorCategory.INTERNAL),
        message=row["error_message"] or "",
        task_id=row["task_id"],
        timestamp=row["completed_at"] or row["created_at"],
    )


def _unread(line: str) -> UnreadFile:
    path, _, reason = line.partition(": ")
    return UnreadFile(path=path.replace(NO_END, ": "), reason=reason)


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows with plain Python values; a missing one is None."""
    columns = {name: _plain(frame[name]) for name in frame.columns}
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))


def _plain(column: pd.Series) -> list[Any]:
    values = column.astype(object)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return [None if value is pd.NaT else value.to_pydatetime() for value in values]
    plain: list[Any] = values.where(values.notna(), None).tolist()
    return plain
