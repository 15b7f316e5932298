"""The columns of every frame, declared once: name, dtype, meaning, and where the value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from batchnb.records import Confidence, CoverageStatus, JobStatus, Severity, TaskStatus, Verdict
from batchnb.results import derived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TIME = "datetime64[us, UTC]"


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column."""

    name: str
    dtype: str
    """Int64, Int32, Float64, string, boolean, datetime64[us, UTC] or category."""
    doc: str
    source: str | Callable[[Any], Any] = ""
    """The record's attribute, or a function of the record; empty: the attribute called like the column."""
    categories: tuple[str, ...] = ()
    """The closed vocabulary of an ordered category, lowest first; empty: the values that occur."""

    @property
    def getter(self) -> Callable[[Any], Any]:
        """The function from record to value."""
        return self.source if callable(self.source) else attrgetter(self.source or self.name)

    @property
    def dtype_text(self) -> str:
        """The dtype as documentation shows it, with the order of an ordered category."""
        return f"category ({' < '.join(self.categories)})" if self.categories else self.dtype


def _levels(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(str(word) for word in words)


_JOB_ID = Column("job_id", "Int64", "Id of the job; missing: outside a job")
_TASK_ID = Column("task_id", "Int64", "Id of the task; missing: outside a job")
APP = (
    Column("model", "category", "AI model that wrote the app"),
    Column("app_num", "Int32", "Number of the app"),
)
_CELL = (*APP, Column("analysis_type", "category", "Analysis, such as backend_security"))
_TASK_STATUS = Column("status", "category", "How far the task has come", categories=_levels(TaskStatus))
_TOOL = Column("tool", "category", "Tool that reported it, such as bandit")

JOBS = (
    Column("job_id", "Int64", "Id of the job", "id"),
    Column("name", "string", "Name of the job"),
    Column("status", "category", "How far the job has come", categories=_levels(JobStatus)),
    Column("models", "string", "Models of the job, joined by a comma", derived.job_models),
    Column("analysis_types", "string", "Analyses of the job, joined by a comma", derived.job_analyses),
    Column("total_tasks", "Int64", "Number of tasks"),
    Column("completed_tasks", "Int64", "Tasks that ended, whatever the ending"),
    *(
        Column(f"tasks_{word}", "Int64", f"Tasks that are {word}", derived.task_counter(word))
        for word in _levels(TaskStatus)
    ),
    Column("errors", "Int64", "Number of errors listed, at most about 1,000", derived.job_error_count),
    Column("created_at", TIME, "When the job was made"),
    Column("started_at", TIME, "When it started; missing: not yet"),
    Column("completed_at", TIME, "When it ended; missing: not yet"),
    Column("seconds", "Float64", "Time from start to end, in seconds", derived.seconds),
    Column("cancellation_requested", "boolean", "Whether somebody asked to cancel it"),
    Column("task_timeout_seconds", "Int64", "Limit per task in seconds; missing: the service's default"),
    Column("paused", "boolean", "Whether no new task is started at present"),
    Column("max_tasks", "Int64", "Tasks that run at once; missing: the service's default"),
    Column("continues", "Int64", "Job whose finished tasks it took over; missing: none"),
    Column("description", "string", "Description of the job"),
)
TASKS = (
    _JOB_ID,
    Column("task_id", "Int64", "Id of the task", "id"),
    *_CELL,
    _TASK_STATUS,
    Column("progress", "Int32", "Progress in percent, 0-100"),
    Column("created_at", TIME, "When the task was made"),
    Column("started_at", TIME, "When it started; missing: not yet"),
    Column("completed_at", TIME, "When it ended; missing: not yet"),
    Column("seconds", "Float64", "Time from start to end, in seconds", derived.seconds),
    Column("timeout_seconds", "Int64", "Time limit in seconds"),
    Column("priority", "Int64", "Higher ones run first"),
    Column("error_category", "category", "Kind of error, such as timeout", derived.error_category),
    Column("error_message", "string", "What went wrong; missing: nothing", derived.error_message),
)
RESULTS = (
    _JOB_ID,
    _TASK_ID,
    Column("result_id", "Int64", "Id of the result", "id"),
    *_CELL,
    _TASK_STATUS,
    Column("measured", "boolean", "Whether at least one tool read something", derived.is_measured),
    Column("tool_status", "string", "What each tool did, such as 'bandit: ok'", derived.tool_status),
    *(
        Column(name, "Int64", f"{doc}; missing: not measured", derived.measured_count(name))
        for name, doc in (
            ("issues_count", "Number of findings"),
            ("high_severity", "Findings of high severity"),
            ("medium_severity", "Findings of medium severity"),
            ("low_severity", "Findings of low severity"),
        )
    ),
    Column("scan_start_time", TIME, "When the scan started; missing: never"),
    Column("scan_end_time", TIME, "When the scan ended"),
    Column("duration_seconds", "Float64", "Length of the scan in seconds"),
    Column("details", "string", "What the analysis left beside the findings, as JSON", derived.details),
)
FINDINGS = (
    _JOB_ID,
    _TASK_ID,
    *_CELL,
    _TOOL,
    Column("rule", "string", "The tool's own rule id, such as B608"),
    Column(
        "severity", "category", "How bad the tool says it is", categories=_levels(reversed(list(Severity)))
    ),
    Column(
        "confidence",
        "category",
        "How sure the tool is; missing: it does not say",
        categories=_levels(reversed(list(Confidence))),
    ),
    Column("cwe", "Int64", "Number in the Common Weakness Enumeration; missing: the rule has none"),
    Column("path", "string", "File, relative to the app's folder, with forward slashes"),
    Column("line", "Int64", "Line, from 1; missing: the whole file"),
    Column("column", "Int64", "Column in characters, from 1"),
    Column("message", "string", "What the tool says"),
    Column("snippet", "string", "The source that it points at"),
    Column("fingerprint", "string", "Identity within the app, stable when lines shift"),
    Column("tags", "string", "Marks such as noise or suppressed, joined by a space", derived.tags),
    Column(
        "clone_key",
        "string",
        "Identity of the flaw without its place, equal in every app that has it",
    ),
)
MEASUREMENTS = (
    _JOB_ID,
    _TASK_ID,
    *_CELL,
    _TOOL,
    Column("metric", "category", "What was measured, such as p95 or requirement_met"),
    Column("subject", "string", "What of the app, such as 'GET /api/todos'; empty: the app as a whole"),
    Column("value", "Float64", "The number; missing: it could not be told"),
    Column("unit", "category", "Its unit; empty: a plain number"),
    Column("low", "Float64", "Lower end of the interval around it; missing: none"),
    Column("high", "Float64", "Upper end of the interval around it; missing: none"),
    Column("samples", "Int64", "Number of observations behind it; missing: not counted"),
    Column("detail", "string", "In words: evidence, texts of failures"),
)
COVERAGE = (
    _JOB_ID,
    _TASK_ID,
    *_CELL,
    _TOOL,
    Column("status", "category", "What the tool did for the app", categories=_levels(CoverageStatus)),
    Column("measured", "boolean", "Whether its findings count as a measurement", "status.is_measured"),
    Column("files_eligible", "Int64", "Files that the tool is for"),
    Column("files_seen", "Int64", "Those of them that it read and understood"),
    Column("files_unread", "Int64", "Those of them that it did not", derived.unread_count),
    Column("unread", "string", "Unread files, one 'path: reason' a line (capped)", derived.unread_lines),
    Column("exit_code", "Int64", "Exit code of the tool; missing: it did not end by itself or did not run"),
    Column("tool_version", "string", "Version of the tool"),
    Column("seconds", "Float64", "Time that the tool took, in seconds"),
    Column("stderr_tail", "string", "The end of its error output"),
    Column("cached", "boolean", "Whether the outcome was taken from an earlier run"),
    Column("detail", "string", "Why the status is not ok, or what is to be known about it"),
)
PORTFOLIO = (
    *APP,
    Column("backend", "boolean", "Whether there is a backend"),
    Column("frontend", "boolean", "Whether there is a frontend"),
    Column("compose", "boolean", "Whether a compose file lies beside them"),
    Column("requirements", "Int64", "Number of listed requirements; missing: no list"),
    Column("files", "Int64", "Number of files of its own code"),
    Column("lines", "Int64", "Lines of code in all languages, without blanks and comments"),
    Column("languages", "string", "Lines per language, most first", derived.languages),
    Column("placeholder", "boolean", "Whether there is (almost) nothing to analyse"),
    Column("files_unparsed", "Int64", "Files that their language's parser rejects", derived.unparsed_count),
    Column("unparsed", "string", "Those files, one 'path:line: reason' a line", derived.unparsed_lines),
    Column("files_skipped", "Int64", "Files that were not looked at (links, devices, too large)", "skipped"),
    Column("path", "string", "Folder of the app", derived.app_path),
)
DECISIONS = (
    Column("decision_id", "Int64", "Id of the decision", "id"),
    Column("verdict", "category", "What was decided about the finding", categories=_levels(Verdict)),
    *APP,
    Column("reason", "string", "Why, in the author's words"),
    Column("author", "string", "Who decided"),
    Column("decided_at", TIME, "When"),
    Column("expires_at", TIME, "Until when it holds; missing: no end"),
    Column("withdrawn_at", TIME, "When it was taken back; missing: it was not"),
    Column("withdrawn_by", "string", "Who took it back; empty: nobody"),
    Column("withdrawn_because", "string", "Why it was taken back"),
    Column("message", "string", "What the finding said"),
    Column("members", "string", "The identities of the findings that it is about, as JSON", derived.members),
)
LOG = (
    Column("time", TIME, "When it happened"),
    _JOB_ID,
    Column("task_id", "Int64", "Id of the task; missing: it is about the whole job"),
    Column("level", "category", "How much it matters", categories=("info", "warning", "error")),
    Column("message", "string", "What happened"),
)
METRICS = (
    Column("metric", "string", "What is counted or measured"),
    Column("label", "string", "The status, severity or analysis type that it is about"),
    Column("value", "Float64", "The number"),
    Column("unit", "category", "count, or s for seconds"),
)
FRAMES = {
    "jobs": JOBS,
    "tasks": TASKS,
    "results": RESULTS,
    "findings": FINDINGS,
    "coverage": COVERAGE,
    "measurements": MEASUREMENTS,
    "decisions": DECISIONS,
    "portfolio": PORTFOLIO,
    "log": LOG,
    "metrics": METRICS,
}
"""Frame name -> its columns, in order."""
