"""The vocabulary of batchnb: frozen records and closed lists of words, on the standard library alone."""

from batchnb.records.board import BoardCell, BoardCount
from batchnb.records.clock import utc_now
from batchnb.records.coverage import Coverage, UnreadFile
from batchnb.records.decision import Decision, Member, Verdict
from batchnb.records.finding import Finding, fingerprint
from batchnb.records.job import BatchAnalysisJob, JobError, JobSpec
from batchnb.records.measurement import Measurement
from batchnb.records.metrics import Estimate, ExecutionTimes, LogLine, Metrics
from batchnb.records.portfolio import AppInfo, Portfolio, UnparsedFile
from batchnb.records.ranges import format_app_range, parse_app_range
from batchnb.records.report import AnalysisReport, summarize
from batchnb.records.result import BatchAnalysisResult
from batchnb.records.status import (
    AnalysisType,
    Confidence,
    CoverageStatus,
    ErrorCategory,
    JobStatus,
    Severity,
    TaskStatus,
)
from batchnb.records.task import BatchAnalysisTask

__all__ = [
    "AnalysisReport",
    "AnalysisType",
    "AppInfo",
    "BatchAnalysisJob",
    "BatchAnalysisResult",
    "BatchAnalysisTask",
    "BoardCell",
    "BoardCount",
    "Confidence",
    "Coverage",
    "CoverageStatus",
    "Decision",
    "ErrorCategory",
    "Estimate",
    "ExecutionTimes",
    "Finding",
    "JobError",
    "JobSpec",
    "JobStatus",
    "LogLine",
    "Measurement",
    "Member",
    "Metrics",
    "Portfolio",
    "Severity",
    "TaskStatus",
    "UnparsedFile",
    "UnreadFile",
    "Verdict",
    "fingerprint",
    "format_app_range",
    "parse_app_range",
    "summarize",
    "utc_now",
]
