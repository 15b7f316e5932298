"""How an analysis report crosses from a worker process: rows of JSON out, checked records in."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from batchnb.records import AnalysisReport, Coverage, CoverageStatus, Finding, Measurement, UnreadFile
from batchnb.records.errors import ReportError
from batchnb.records.status import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from batchnb.tools.layout import AppFolder

MAX_TEXT = 20_000
"""Characters of one text of a row; longer ones are refused, not cut."""
_BATCH_BYTES = 32 << 10
_MAX_NUMBER = 2**53
_MAX_REAL = 1e300
_MAX_TAGS = 20
_TAG = re.compile(r"[a-z0-9-]{1,40}")
_Word = TypeVar("_Word", bound=StrEnum)
_WHOSE = ("model", "app_num", "analysis_type", "job_id", "task_id")


def rows_of(report: AnalysisReport) -> Iterator[list[Any]]:
    """Give the rows of `report` in batches that are quick to read: findings, coverage, measurements."""
    batch: list[Any] = []
    size = 0
    for row in _rows(report):
        length = len(json.dumps(row))
        if batch and size + length > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


def _rows(report: AnalysisReport) -> Iterator[list[Any]]:
    for issue in report.issues:
        yield ["finding", {key: value for key, value in asdict(issue).items() if key not in _WHOSE}]
    for cell in report.coverage:
        own = {key: value for key, value in asdict(cell).items() if key not in (*_WHOSE, "unread")}
        yield ["coverage", own]
        for file in cell.unread:  # a row each: together they may exceed a frame
            yield ["unread", asdict(file)]
    for number in report.measurements:
        yield ["measurement", {key: value for key, value in asdict(number).items() if key not in _WHOSE}]


class ReportReader:
    """Makes a report of rows that nobody vouches for.

    Whose findings they are is not asked: the app and the analysis are the ones that the caller named.
    """

    def __init__(self, app: AppFolder, analysis_type: str, tools: Collection[str]) -> None:
        self._whose: dict[str, Any] = {
            "model": app.model,
            "app_num": app.app_num,
            "analysis_type": analysis_type,
        }
        self._tools = tools
        self._issues: list[Finding] = []
        self._cells: list[dict[str, Any]] = []
        self._unread: list[list[UnreadFile]] = []
        self._measurements: list[Measurement] = []

    def read(self, batch: Any) -> None:
        """Take over one batch of rows.

        Raises:
            ReportError: if it is not what `rows_of` gives.
        """
        if not isinstance(batch, list):
            _refuse("a batch that is no list")
        for row in batch:
            match row:
                case ["finding", dict() as fields]:
                    self._issues.append(self._finding(_Fields(fields)))
                case ["coverage", dict() as fields]:
                    self._cells.append(self._coverage(_Fields(fields)))
                    self._unread.append([])
                case ["unread", dict() as fields] if self._unread:
                    self._unread[-1].append(_unread(_Fields(fields)))
                case ["measurement", dict() as fields]:
                    self._measurements.append(self._measurement(_Fields(fields)))
                case _:
                    _refuse("a row of an unknown kind")

    def report(self) -> AnalysisReport:
        """Return what was read."""
        cells = tuple(
            Coverage(**self._whose, **cell, unread=tuple(unread))
            for cell, unread in zip(self._cells, self._unread, strict=True)
        )
        return AnalysisReport(
            issues=tuple(self._issues), coverage=cells, measurements=tuple(self._measurements)
        )

    def _finding(self, fields: _Fields) -> Finding:
        finding = Finding(
            **self._whose,
            tool=self._tool(fields),
            rule=fields.text("rule"),
            severity=fields.word("severity", Severity),
            confidence=fields.word("confidence", Confidence) if fields.has("confidence") else None,
            cwe=fields.count_or_none("cwe"),
            path=fields.text("path"),
            line=fields.count_or_none("line"),
            column=fields.count_or_none("column"),
            message=fields.text("message"),
            snippet=fields.text("snippet"),
            fingerprint=fields.text("fingerprint"),
            tags=fields.tags("tags"),
            clone_key=fields.text("clone_key"),
        )
        fields.end()
        return finding

    def _measurement(self, fields: _Fields) -> Measurement:
        measurement = Measurement(
            **self._whose,
            tool=self._tool(fields),
            metric=fields.text("metric"),
            subject=fields.text("subject"),
            value=fields.real_or_none("value"),
            unit=fields.text("unit"),
            low=fields.real_or_none("low"),
            high=fields.real_or_none("high"),
            samples=fields.count_or_none("samples"),
            detail=fields.text("detail"),
        )
        fields.end()
        return measurement

    def _coverage(self, fields: _Fields) -> dict[str, Any]:
        cell = {
            "tool": self._tool(fields),
            "status": fields.word("status", CoverageStatus),
            "files_eligible": fields.count("files_eligible"),
            "files_seen": fields.count("files_seen"),
            "exit_code": fields.number_or_none("exit_code"),
            "tool_version": fields.text("tool_version"),
            "seconds": fields.seconds("seconds"),
            "stderr_tail": fields.text("stderr_tail"),
            "cached": fields.flag("cached"),
            "detail": fields.text("detail"),
        }
        fields.end()
        return cell

    def _tool(self, fields: _Fields) -> str:
        tool = fields.text("tool")
        if tool not in self._tools:
            _refuse(f"a row of the tool {tool[:100]!r}, which the analysis does not name")
        return tool


def _unread(fields: _Fields) -> UnreadFile:
    file = UnreadFile(path=fields.text("path"), reason=fields.text("reason"))
    fields.end()
    return file


class _Fields:
    """The fields of one row, each asked for by its type and then gone; ReportError for any other type."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._left = dict(fields)

    def end(self) -> None:
        if self._left:
            _refuse(f"a row with the unknown field {next(iter(self._left))[:100]!r}")

    def has(self, name: str) -> bool:
        """Whether the field holds a value; one that is None is gone after that."""
        if self._left.get(name, 0) is None:
            del self._left[name]
            return False
        return True

    def text(self, name: str) -> str:
        value = self._take(name)
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            _refuse(f"a {name} that is no text of at most {MAX_TEXT:,} characters")
        return value

    def word(self, name: str, words: type[_Word]) -> _Word:
        value = self.text(name)
        if value not in set(words):
            _refuse(f"the {name} {value[:100]!r}")
        return words(value)

    def number(self, name: str) -> int:
        value = self._take(name)
        if type(value) is not int or abs(value) > _MAX_NUMBER:
            _refuse(f"a {name} that is no whole number")
        return value

    def number_or_none(self, name: str) -> int | None:
        return self.number(name) if self.has(name) else None

    def count(self, name: str) -> int:
        value = self.number(name)
        if value < 0:
            _refuse(f"a {name} below 0")
        return value

    def count_or_none(self, name: str) -> int | None:
        return self.count(name) if self.has(name) else None

    def real_or_none(self, name: str) -> float | None:
        if not self.has(name):
            return None
        value = self._take(name)
        if type(value) not in {int, float} or not -math.inf < value < math.inf or abs(value) > _MAX_REAL:
            _refuse(f"a {name} that is no number")
        return float(value)

    def tags(self, name: str) -> tuple[str, ...]:
        value = self._take(name)
        if not isinstance(value, (list, tuple)) or len(value) > _MAX_TAGS:
            _refuse(f"a {name} that is no list of at most {_MAX_TAGS} words")
        if not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in value):
            _refuse(f"a {name} with a word that is not of [a-z0-9-]")
        return tuple(value)

    def seconds(self, name: str) -> float:
        value = self._take(name)
        if type(value) not in {int, float} or not 0 <= value < math.inf:
            _refuse(f"a {name} that is no number of seconds")
        return float(value)

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if not isinstance(value, bool):
            _refuse(f"a {name} that is neither true nor false")
        return value

    def _take(self, name: str) -> Any:
        if name not in self._left:
            _refuse(f"a row without {name}")
        return self._left.pop(name)


def _refuse(what: str) -> NoReturn:
    raise ReportError(f"the analyzer's process sent {what}")
