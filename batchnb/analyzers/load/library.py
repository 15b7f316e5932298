"""A load test by a function call: what `PerformanceTester.run_test_library` gives back and raises."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.load.figures import summarize_load
from batchnb.analyzers.load.reading import LoadReader, Thresholds
from batchnb.analyzers.load.record import LoadRecord
from batchnb.analyzers.raw import RawTarget, ToolRun
from batchnb.records import CoverageStatus
from batchnb.records.errors import AnalyzerError, InvalidValueError

if TYPE_CHECKING:
    from batchnb.analyzers.load.figures import Figures, Summary
    from batchnb.records import Coverage, Finding, Measurement

_RUN_TIME = re.compile(r"([0-9]{1,6})\s*(s|m)?")


class PortClosedError(AnalyzerError, ConnectionError):
    """Nobody listens at the target's port, or whoever does breaks every connection."""


class NoAnswerError(AnalyzerError, TimeoutError):
    """The target takes connections, but answers no request in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadTestReport:
    """The outcome of one load test."""

    test_name: str
    host: str
    """Scheme, IP address and port that were asked."""
    total: Figures
    """All endpoints together."""
    endpoints: tuple[Figures, ...]
    """Those that were loaded; what was not is in `coverage.unread`."""
    summary: Summary
    """Also throughput over time, and how busy the generator was."""
    coverage: Coverage
    """What the numbers are worth: only with the status `ok` nothing is missing."""
    findings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        values = asdict(self)
        del values["summary"]["total"], values["summary"]["endpoints"]
        return values


def load_test_report(
    test_name: str, analysis_type: str, run: ToolRun, thresholds: Thresholds
) -> LoadTestReport:
    """Return the outcome of a load test.

    Raises:
        PortClosedError: if no endpoint could be asked because there was no connection.
        NoAnswerError: if no endpoint gave an answer in time.
        AnalyzerError: if there was no test at all: another one took all the time, say.
    """
    if run.status is not CoverageStatus.OK:
        raise AnalyzerError(f"the load test {test_name!r} did not take place: {run.detail}")
    record = LoadRecord.read(run.output)
    _reached(record)
    summary = summarize_load(record)
    reader = LoadReader(analysis_type, RawTarget(model=test_name, app_num=0), run, thresholds)
    report = reader.read(record, summary)
    return LoadTestReport(
        test_name=test_name,
        host=record.target,
        total=summary.total,
        endpoints=summary.endpoints,
        summary=summary,
        coverage=report.coverage[0],
        findings=report.issues,
        measurements=report.measurements,
    )


def _reached(record: LoadRecord) -> None:
    answers = [asked.answer for asked in record.endpoints if asked.answer]
    if record.cut or not answers or any(answer.status for answer in answers):
        return
    told = f"{record.target} gave no answer to any of {len(answers)} requests: {answers[0].error}"
    if any(answer.kind != "timeout" for answer in answers):
        raise PortClosedError(told)
    raise NoAnswerError(told)


def seconds_of(run_time: float | str) -> int:
    """Return a duration as whole seconds: a number, or a text such as "30s" or "2m".

    Raises:
        InvalidValueError: if it is neither.
    """
    if isinstance(run_time, str):
        match = _RUN_TIME.fullmatch(run_time.strip())
        if match is None:
            raise InvalidValueError("run time", run_time, 'write a number of seconds, or "30s", "2m"')
        return int(match[1]) * (60 if match[2] == "m" else 1)
    if isinstance(run_time, bool) or not float(run_time).is_integer():
        raise InvalidValueError("run time", run_time, "a whole number of seconds")
    return int(run_time)
