"""Records to rows and back: one table, one record type, one column per field.

Times are ISO 8601 in UTC, structures are JSON, enums are their values; no pickle anywhere.

Many rows go into the database as one JSON text that one statement takes apart. SQLite runs that statement
without the interpreter's lock; bound row by row, the writer would ask for the lock after every row, and wait
up to a switch interval (5 ms) for it while other threads compute.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import apsw

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
    LogLine,
    Measurement,
    Severity,
    TaskStatus,
    UnreadFile,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")
Row = tuple[Any, ...]


def dump(value: object) -> str:
    """Return `value` as JSON.

    Raises:
        TypeError: if it holds something that is neither JSON, a time nor a record.
    """
    return _JSON_TEXT.encode(value)


def encode(value: object) -> str | int | float | None:
    """Return `value` as SQLite holds it. Text is made storable: a lone surrogate becomes an escape."""
    if type(value) is str:
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if value is None or isinstance(value, (int, float)):  # a bool is an int here and in SQLite
        return value
    if isinstance(value, Enum):
        return str(value.value)
    return stamp(value) if isinstance(value, datetime) else dump(value)


def stamp(value: datetime) -> str:
    """Return a time as ISO 8601 text in UTC."""
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()


def bulk(rows: Iterable[Row]) -> str:
    """Return encoded rows as the one parameter of a statement that reads them with `json_each(?)`."""
    return _JSON_TEXT.encode(list(rows))


def column(number: int) -> str:
    """Return the SQL for one column, from 0, of a row of `bulk`."""
    return f"each.value ->> {number}"


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
        self._decoders = [decoders.get(name) for name in self.stored]
        self._get = attrgetter(*self.stored)
        self._places = {name: place for place, name in enumerate(self.stored)}
        self._kinds = [_kinds(str(field.type)) for field in fields(record) if field.name in self.stored]  # type: ignore[arg-type]  # as above
        self.columns = ", ".join(self.stored)
        self.insert = f"INSERT INTO {name} ({self.columns}) VALUES ({', '.join('?' * len(self.stored))})"
        each = ", ".join(column(number) for number in range(len(self.stored)))
        self.insert_bulk = f"INSERT INTO {name} ({self.columns}) SELECT {each} FROM json_each(?) AS each"
        self.select = f"SELECT {self.columns} FROM {name}"

    def row(self, record: T, **changes: object) -> Row:
        """Return the row of `record`, with some fields replaced."""
        return tuple([encode(value) for value in self._values_of(record, changes)])

    def checked_row(self, record: T, **changes: object) -> Row:
        """Return the row of `record`, which comes from an analyzer and may hold anything.

        Raises:
            TypeError: if a value is not what its field is declared to hold.
        """
        row = self._values_of(record, changes)
        for place, kinds in enumerate(self._kinds):
            value = row[place]
            kind = type(value)
            if kind is str or kind not in kinds:
                row[place] = value = encode(value)
                kind = type(value)
            if kind not in kinds or (kind in _NUMBERS and not _fits(value)):
                raise TypeError(f"{self.name}.{self.stored[place]} cannot hold {value!r:.80}")
        return tuple(row)

    def _values_of(self, record: T, changes: Mapping[str, object]) -> list[Any]:
        values = list(self._get(record))
        for name, value in changes.items():
            values[self._places[name]] = value
        return values

    def values(self, row: Row) -> dict[str, Any]:
        """Return the fields that are stored in `row`.

        Raises:
            apsw.CorruptError: if one of them is nothing that we wrote.
        """
        decoded = zip(self.stored, self._decoders, row, strict=True)
        try:
            return {
                name: value if decode is None or value is None else decode(value)
                for name, decode, value in decoded
            }
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise apsw.CorruptError(f"a row of {self.name}: {error}") from error

    def read(self, row: Row, **counted: object) -> T:
        """Return the record of `row`; `counted` are the fields that are not stored."""
        return self.record(**self.values(row), **counted)


def _kinds(annotation: str) -> frozenset[type]:
    """Return the types that a column holds for a field that is annotated so."""
    words = set(re.findall(r"\w+", annotation))
    empty = {type(None)} if "None" in words else set()
    if words & {"int", "float", "bool"}:
        return frozenset({int, bool} | ({float} if "float" in words else set()) | empty)
    return frozenset({str} | empty)


_NUMBERS = frozenset({int, float})


def _fits(value: Any) -> bool:
    """Whether a number fits into the database."""
    return abs(value) < 1 << 63 and math.isfinite(value)


def _jsonable(value: object) -> object:
    if isinstance(value, datetime):
        return stamp(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} {value!r} cannot be stored: details hold JSON values only")


# One for all: json.dumps makes an encoder for each call that wants anything but the defaults.
_JSON_TEXT = json.JSONEncoder(separators=(",", ":"), default=_jsonable)


def _unread(stored: str) -> tuple[UnreadFile, ...]:
    return tuple(UnreadFile(**file) for file in json.loads(stored))


def _words(stored: str) -> tuple[str, ...]:
    return tuple(_list(stored))


def _list(stored: str) -> list[Any]:
    value = json.loads(stored)
    if not isinstance(value, list):
        raise TypeError(f"{stored:.80} where a list belongs")
    return value


def _dict(stored: str) -> dict[str, Any]:
    value = json.loads(stored)
    if not isinstance(value, dict):
        raise TypeError(f"{stored:.80} where an object belongs")
    return value


def _error(stored: str) -> JobError:
    values = _dict(stored)
    values["category"] = ErrorCategory(values["category"])
    values["timestamp"] = datetime.fromisoformat(values["timestamp"])
    return JobError(**values)


_TIMES = dict.fromkeys(
    ("created_at", "started_at", "completed_at", "scan_start_time", "scan_end_time"), datetime.fromisoformat
)
_JSON = {
    **dict.fromkeys(("models", "analysis_types"), _list),
    **dict.fromkeys(("app_ranges", "analysis_options", "task_timeouts", "details", "result_details"), _dict),
}

JOBS = Table(
    "jobs",
    BatchAnalysisJob,
    {**_TIMES, **_JSON, "status": JobStatus, "cancellation_requested": bool, "paused": bool},
    counted=("total_tasks", "completed_tasks", "results_summary", "errors", "task_count_by_status"),
)
JOB_ERRORS = Table(
    "job_errors", JobError, {"category": ErrorCategory, "timestamp": datetime.fromisoformat, "details": _dict}
)
TASKS = Table("tasks", BatchAnalysisTask, {**_TIMES, **_JSON, "status": TaskStatus, "error": _error})
WAITING = Table(
    "tasks",
    BatchAnalysisTask,
    _TIMES,
    counted=("status", "started_at", "completed_at", "error", "progress", "result_details"),
)
"""Of tasks that wait: what they have in common is not read."""
RESULTS = Table("results", BatchAnalysisResult, {**_TIMES, **_JSON, "status": TaskStatus})
FINDINGS = Table("findings", Finding, {"severity": Severity, "confidence": Confidence, "tags": _words})
MEASUREMENTS = Table("measurements", Measurement, {})
COVERAGE = Table("coverage", Coverage, {"status": CoverageStatus, "cached": bool, "unread": _unread})
JOB_LOG = Table("job_log", LogLine, {"time": datetime.fromisoformat})
