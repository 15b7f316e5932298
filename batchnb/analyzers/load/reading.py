"""From the record of a load test to a report: measurements, findings and what could not be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.analyzers.load.figures import summarize_load
from batchnb.analyzers.load.judging import capped, judge, reasons_of, unread_of
from batchnb.analyzers.load.quantiles import Estimate
from batchnb.analyzers.load.record import LoadRecord
from batchnb.records import (
    AnalysisReport,
    Confidence,
    Coverage,
    CoverageStatus,
    Finding,
    Measurement,
    Severity,
    UnreadFile,
    fingerprint,
)
from batchnb.records.errors import ReportError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.analyzers.load.figures import Figures, Summary
    from batchnb.analyzers.raw import RawAnalysis, RawTarget, ToolRun

TOOL = "locust"
MAX_UNREAD = 200
FEW = 20
"""Of fewer answers, the 95th percentile is just the slowest one."""
UNKNOWN_SOURCE = "backend"
"""Where a finding points when no file is known that declares the endpoint."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What becomes a finding."""

    slow_ms: float
    failing_percent: float


def read_run(raw: RawAnalysis, number: int, run: ToolRun, thresholds: Thresholds) -> AnalysisReport:
    """Return the report of one app of a raw analysis: what its run says, or why there is nothing to say."""
    reader = LoadReader(raw.analysis_type, raw.targets[number], run, thresholds)
    if run.status is not CoverageStatus.OK:
        return reader.unmeasured(run.status, run.detail)
    try:
        record = LoadRecord.read(run.output)
    except ReportError as error:
        return reader.unmeasured(CoverageStatus.FAILED, str(error))
    return reader.read(record, summarize_load(record))


@dataclass(frozen=True, slots=True)
class LoadReader:
    """Reads the one run of one app."""

    analysis_type: str
    target: RawTarget
    run: ToolRun
    thresholds: Thresholds

    def read(self, record: LoadRecord, summary: Summary) -> AnalysisReport:
        """Return the report of a load test; the summary is the record's."""
        return AnalysisReport(
            issues=tuple(self._findings(record, summary)),
            coverage=(self._coverage(record, summary),),
            measurements=tuple(self._measurements(record, summary)),
        )

    def unmeasured(self, status: CoverageStatus, why: str) -> AnalysisReport:
        """Return the report of one that did not take place, or left no record."""
        return AnalysisReport(issues=(), coverage=(self._cell(status, why),))

    # -------------------------------------------------------------------------------------- coverage

    def _coverage(self, record: LoadRecord, summary: Summary) -> Coverage:
        unread = tuple(unread_of(record, summary))
        status, why = judge(record, summary, unread)
        return self._cell(status, why, eligible=len(record.endpoints) + len(record.left_out), unread=unread)

    def _cell(
        self, status: CoverageStatus, why: str, eligible: int = 0, unread: tuple[UnreadFile, ...] = ()
    ) -> Coverage:
        return Coverage(
            model=self.target.model,
            app_num=self.target.app_num,
            analysis_type=self.analysis_type,
            tool=TOOL,
            status=status,
            files_eligible=eligible,
            files_seen=eligible - len(unread) if status.is_measured else 0,
            unread=unread[:MAX_UNREAD],
            exit_code=self.run.exit_code,
            tool_version=self.run.version,
            seconds=self.run.seconds,
            stderr_tail=visible(self.run.stderr_tail),
            detail=capped(visible(why, one_line=True)),
        )

    # -------------------------------------------------------------------------------------- findings

    def _findings(self, record: LoadRecord, summary: Summary) -> Iterator[Finding]:
        if record.alive is False and record.runs:
            first = next(iter(summary.endpoints), None)
            yield self._finding(
                "died-under-load",
                Severity.HIGH,
                Confidence.HIGH,
                first.source if first else "",
                None,
                f"the app no longer answered after {summary.total.requests} requests of {record.users} users",
            )
        for figures in summary.endpoints:
            yield from self._failing(figures)
            yield from self._slow(figures)

    def _failing(self, figures: Figures) -> Iterator[Finding]:
        ratio = figures.failure_ratio.value
        if ratio is None or figures.failures == 0 or 100 * ratio <= self.thresholds.failing_percent:
            return
        severity, sure = _weight(figures)
        text = f"{figures.name} fails under load: {figures.failures} of {figures.requests} requests"
        yield self._finding(
            "http-errors",
            severity,
            sure,
            figures.source,
            figures.line,
            f"{text} ({100 * ratio:.1f} %): {reasons_of(figures)}",
            name=figures.name,
        )

    def _slow(self, figures: Figures) -> Iterator[Finding]:
        p95, limit = figures.latency["p95"], self.thresholds.slow_ms
        if p95.value is None or p95.value <= limit:
            return
        sure = Confidence.LOW if p95.samples < FEW else Confidence.MEDIUM
        if p95.low is not None and p95.low > limit:
            sure = Confidence.HIGH
        yield self._finding(
            "slow-endpoint",
            Severity.MEDIUM if p95.value > 5 * limit else Severity.LOW,
            sure,
            figures.source,
            figures.line,
            f"{figures.name} is slow under load: the 95th percentile of {p95.samples} answers is "
            f"{p95.value:.0f} ms (limit {limit:g} ms)",
            name=figures.name,
        )

    def _finding(
        self,
        rule: str,
        severity: Severity,
        confidence: Confidence,
        source: str,
        line: int | None,
        message: str,
        name: str = "",
    ) -> Finding:
        path = source or UNKNOWN_SOURCE
        return Finding(
            model=self.target.model,
            app_num=self.target.app_num,
            analysis_type=self.analysis_type,
            tool=TOOL,
            rule=rule,
            severity=severity,
            confidence=confidence,
            path=path,
            line=line if source else None,
            message=capped(visible(message, one_line=True), 1_000),
            fingerprint=fingerprint(TOOL, rule, path, name, 1),
        )

    # ---------------------------------------------------------------------------------- measurements

    def _measurements(self, record: LoadRecord, summary: Summary) -> Iterator[Measurement]:
        if not record.runs:
            return
        for figures in (summary.total, *summary.endpoints):
            yield from self._of_endpoint(figures)
        loaded = len(summary.endpoints)
        writes = f"{record.writes} more change data and were not asked for" if record.writes else ""
        yield self._number("endpoints", "", Estimate(value=float(loaded)), "", writes)
        yield self._number("app_cpu_percent", "", summary.app_cpu_percent, "%", record.how)
        yield self._number("app_rss_mib", "", summary.app_rss_mib, "MiB", record.how)
        machine = f"{record.processors} processors"
        if record.load_average is not None:
            machine += f", load average {record.load_average:.2f} before the first run"
        yield self._number("generator_cpu_percent", "", summary.generator_cpu_percent, "%", machine)
        yield self._number("generator_wait_percent", "", summary.generator_wait_percent, "%", machine)
        yield self._number("generator_lag_ms", "", summary.generator_lag_ms, "ms", summary.bottleneck)
        for point in summary.throughput:
            notes = [f"over {point.width} s"] if point.width > 1 else []
            notes += ["warm-up"] if point.warm_up else []
            notes += [f"{point.failures} failed"] if point.failures else []
            subject = f"t={point.second}s"
            yield self._number("throughput", subject, point.rate, "1/s", ", ".join(notes))

    def _of_endpoint(self, figures: Figures) -> Iterator[Measurement]:
        name = figures.name
        statuses = ", ".join(f"{code or 'none'}: {count}" for code, count in figures.statuses.items())
        count = Estimate(value=float(figures.requests), samples=figures.requests)
        yield self._number("requests", name, count, "", f"by status: {statuses}" if statuses else "")
        yield self._number("requests_per_second", name, figures.requests_per_second, "1/s")
        yield self._number("failure_ratio", name, figures.failure_ratio, "", reasons_of(figures))
        none = "" if figures.answered else "no request was answered without a failure"
        for metric, estimate in figures.latency.items():
            yield self._number(metric, name, estimate, "ms", none)

    def _number(
        self, metric: str, subject: str, estimate: Estimate, unit: str, detail: str = ""
    ) -> Measurement:
        return Measurement(
            model=self.target.model,
            app_num=self.target.app_num,
            analysis_type=self.analysis_type,
            tool=TOOL,
            metric=metric,
            subject=visible(subject, one_line=True),
            value=_short(estimate.value),
            unit=unit,
            low=_short(estimate.low),
            high=_short(estimate.high),
            samples=estimate.samples or None,
            detail=capped(visible(detail, one_line=True)),
        )


def _weight(figures: Figures) -> tuple[Severity, Confidence]:
    """Return how bad failures are. A 4xx may be the fault of who asks: the second account of a name, say."""
    own = sum(count for kind, _, count in figures.reasons if not kind.startswith("HTTP 4"))
    if own == 0:
        return Severity.LOW, Confidence.LOW
    share = own / figures.requests
    severity = Severity.HIGH if share >= 0.5 else Severity.MEDIUM if share >= 0.05 else Severity.LOW
    return severity, Confidence.HIGH if own >= 10 else Confidence.MEDIUM


def _short(value: float | None) -> float | None:
    """Return a number without the digits that mean nothing."""
    return None if value is None else round(value, 4)
