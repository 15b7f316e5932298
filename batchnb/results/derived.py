"""Column values that are computed from a record rather than read off it. Pure functions, no pandas."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.records import (
        AppInfo,
        BatchAnalysisJob,
        BatchAnalysisResult,
        BatchAnalysisTask,
        Coverage,
        Decision,
        Finding,
    )

NO_END = ":\\x20"
"""How `: ` is written in the path of an unread file."""
_MEASURED = frozenset(str(status) for status in CoverageStatus if status.is_measured)


def job_models(job: BatchAnalysisJob) -> str:
    """Return the job's models, joined by a comma."""
    return ", ".join(job.models)


def job_analyses(job: BatchAnalysisJob) -> str:
    """Return the job's analysis types, joined by a comma."""
    return ", ".join(job.analysis_types)


def task_counter(status: str) -> Callable[[BatchAnalysisJob], int]:
    """Return the function that gives the number of a job's tasks in `status`."""
    return lambda job: job.task_count_by_status.get(status, 0)


def job_error_count(job: BatchAnalysisJob) -> int:
    """Return the number of errors that the job met."""
    return len(job.errors)


def seconds(record: BatchAnalysisJob | BatchAnalysisTask) -> float | None:
    """Return the seconds from start to end; None while one of them is missing."""
    if record.started_at is None or record.completed_at is None:
        return None
    return (record.completed_at - record.started_at).total_seconds()


def error_category(task: BatchAnalysisTask) -> str | None:
    """Return the category of the task's error; None: it has none."""
    return None if task.error is None else str(task.error.category)


def error_message(task: BatchAnalysisTask) -> str | None:
    """Return the message of the task's error; None: it has none."""
    return None if task.error is None else task.error.message


def tool_status(result: BatchAnalysisResult) -> str:
    """Return what each tool did, such as `bandit: ok, ruff: timed_out`; empty: the result does not say."""
    return ", ".join(f"{tool}: {status}" for tool, status in _tool_states(result).items())


def is_measured(result: BatchAnalysisResult) -> bool:
    """Whether the result's counts say anything: a tool read something, or (untold) the task completed."""
    states = _tool_states(result)
    if states:
        return any(status in _MEASURED for status in states.values())
    return result.status is TaskStatus.COMPLETED


def measured_count(name: str) -> Callable[[BatchAnalysisResult], int | None]:
    """Return the function that gives a result's count `name`, or None for a zero that nothing measured."""

    def count(result: BatchAnalysisResult) -> int | None:
        value: int = getattr(result, name)
        return value if result.issues_count or is_measured(result) else None

    return count


def unread_count(cell: Coverage) -> int:
    """Return how many eligible files the tool did not read."""
    return max(0, cell.files_eligible - cell.files_seen)


def unread_lines(cell: Coverage) -> str:
    """Return the unread files that the record names, one `path: reason` a line."""
    return "\n".join(
        # a path is told from its reason by the first ": ", so it must not have one itself
        f"{visible(file.path, one_line=True).replace(': ', NO_END)}: {visible(file.reason, one_line=True)}"
        for file in cell.unread
    )


def tags(finding: Finding) -> str:
    """Return the marks of a finding, joined by a space."""
    return " ".join(finding.tags)


def details(result: BatchAnalysisResult) -> str:
    """Return what the analysis left beside the findings, as JSON with sorted keys."""
    return json.dumps(result.details, sort_keys=True, ensure_ascii=False, default=str)


def members(decision: Decision) -> str:
    """Return the identities of the findings that the decision is about, as JSON."""
    return json.dumps([asdict(member) for member in decision.members], ensure_ascii=False)


def languages(app: AppInfo) -> str:
    """Return the app's lines of code per language, most first, such as `python 120, css 8`."""
    ranked = sorted(app.lines_by_language.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{language} {lines}" for language, lines in ranked)


def unparsed_count(app: AppInfo) -> int:
    """Return how many of the app's files do not parse."""
    return len(app.unparsed)


def unparsed_lines(app: AppInfo) -> str:
    """Return the app's files that do not parse, one `path:line: reason` a line."""
    return "\n".join(
        f"{file.path}: {file.reason}" if file.line is None else f"{file.path}:{file.line}: {file.reason}"
        for file in app.unparsed
    )


def app_path(app: AppInfo) -> str:
    """Return the app's folder as text."""
    return str(app.path)


def _tool_states(result: BatchAnalysisResult) -> dict[str, str]:
    states = result.details.get("tool_status")
    return {str(tool): str(status) for tool, status in states.items()} if isinstance(states, dict) else {}
