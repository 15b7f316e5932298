"""Records to rows and back: one table, one record type, one column per field.

Times are ISO 8601 in UTC, structures are JSON, enums are their values; no pickle anywhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from batchnb.records import (
    BatchAnalysisJob,
    BatchAnalysisResult,
    BatchAnalysisTask,
    Confidence,
    Coverage,
    CoverageStatus,
    ErrorCategory,
    Finding,
    JobError,
    JobStatus,
    Severity,
    TaskStatus,
    UnreadFile,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
Row = tuple[Any, ...]


def dump(value: object) -> str:
    """Return `value` as JSON.

    Raises:
        TypeError: if it holds something that is neither JSON, a time nor a record.
    """
    return json.dumps(value, separators=(",", ":"), default=_jsonable)


def encode(value: object) -> str | int | float | None:
    """Return `value` as SQLite holds it. Text is made storable: a lone surrogate becomes an escape."""
    if value is None or isinstance(value, (int, float)):  # a bool is an int here and in SQLite
        return value
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return stamp(value) if isinstance(value, datetime) else dump(value)


def stamp(value: datetime) -> str:
    """Return a time as ISO 8601 text in UTC."""
    return value.astimezone(UTC).isoformat()


class Table(Generic[T]):
    """How one record type lies in its table."""

    def __init__(
        self,
        name: str,
        record: type[T],
        decoders: Mapping[str, Callable[[Any], Any]],
        *,
        counted: tuple[str, ...] = (),
    ) -> None:
        """Describe a table.

        Args:
            name: the table's name.
            record: the dataclass of its rows.
            decoders: field name -> what turns the stored value back; None is never passed to it.
            counted: fields that are not stored but counted from other tables.
        """
        self.name, self.record = name, record
        self.stored = tuple(field.name for field in fields(record) if field.name not in counted)  # type: ignore[arg-type]  # every record is a dataclass
        self._decoders = [decoders.get(column) for column in self.stored]
        self.columns = ", ".join(self.stored)
        self.insert = f"INSERT INTO {name} ({self.columns}) VALUES ({', '.join('?' * len(self.stored))})"
        self.select = f"SELECT {self.columns} FROM {name}"

    def row(self, record: T, **changes: object) -> Row:
        """Return the row of `record`, with some fields replaced."""
        return tuple(
            encode(changes[column] if column in changes else getattr(record, column))
            for column in self.stored
        )

    def values(self, row: Row) -> dict[str, Any]:
        """Return the fields that are stored in `row`."""
        decoded = zip(self.stored, self._decoders, row, strict=True)
        return {
            column: value if decode is None or value is None else decode(value)
            for column, decode, value in decoded
        }

    def read(self, row: Row, **counted: object) -> T:
        """Return the record of `row`; `counted` are the fields that are not stored."""
        return self.record(**self.values(row), **counted)


def _jsonable(value: object) -> object:
    if isinstance(value, datetime):
        return stamp(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} {value!r} cannot be stored: details hold JSON values only")


def _unread(stored: str) -> tuple[UnreadFile, ...]:
    return tuple(UnreadFile(**file) for file in json.loads(stored))


_ERROR = {"category": ErrorCategory, "timestamp": datetime.fromisoformat, "details": json.loads}


def _error(stored: str) -> JobError:
    values = json.loads(stored)
    values["category"] = ErrorCategory(values["category"])
    values["timestamp"] = datetime.fromisoformat(values["timestamp"])
    return JobError(**values)


_TIMES = dict.fromkeys(
    ("created_at", "started_at", "completed_at", "scan_start_time", "scan_end_time"), datetime.fromisoformat
)
_JSON = dict.fromkeys(
    ("models", "app_ranges", "analysis_types", "analysis_options", "details", "result_details"), json.loads
)

JOBS = Table(
    "jobs",
    BatchAnalysisJob,
    {**_TIMES, **_JSON, "status": JobStatus, "cancellation_requested": bool},
    counted=("total_tasks", "completed_tasks", "results_summary", "errors", "task_count_by_status"),
)
JOB_ERRORS = Table("job_errors", JobError, _ERROR)
TASKS = Table("tasks", BatchAnalysisTask, {**_TIMES, **_JSON, "status": TaskStatus, "error": _error})
RESULTS = Table("results", BatchAnalysisResult, {**_TIMES, **_JSON, "status": TaskStatus})
FINDINGS = Table("findings", Finding, {"severity": Severity, "confidence": Confidence})
COVERAGE = Table("coverage", Coverage, {"status": CoverageStatus, "cached": bool, "unread": _unread})
