"""TaskExecutor: runs one task from its start to its stored result, whatever happens in between."""

from __future__ import annotations

import queue
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.base import AnalysisContext, Analyzer, check_options
from batchnb.records import (
    AnalysisReport,
    BatchAnalysisJob,
    BatchAnalysisTask,
    CoverageStatus,
    ErrorCategory,
    JobError,
    TaskStatus,
    summarize,
    utc_now,
)
from batchnb.records.errors import InvalidValueError, ReportError, ToolMissingError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.log import create_logger
from batchnb.tools.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisResult

_log = create_logger("task")

# The first that fits counts: ours before the builtin errors that they are as well.
_CATEGORIES: dict[type[BaseException], ErrorCategory] = {
    ToolMissingError: ErrorCategory.DEPENDENCY,
    ReportError: ErrorCategory.PARSE,
    TimeoutError: ErrorCategory.TIMEOUT,
    ConnectionError: ErrorCategory.NETWORK,
    PermissionError: ErrorCategory.PERMISSION,
    MemoryError: ErrorCategory.RESOURCE,
    OSError: ErrorCategory.RESOURCE,
    ValueError: ErrorCategory.VALIDATION,
}


class TaskExecutor:
    """Executes tasks with their context (seed, 8.1 and 9.2)."""

    def __init__(self, storage: JobStorage, tools: Callable[[str], Sequence[str]]) -> None:
        """Make an executor that reads tasks from `storage` and leaves their results there.

        Args:
            storage: the store.
            tools: gives the tools of an analysis type, for the coverage of a task that never came to run.
        """
        self._storage, self._tools = storage, tools

    def run(self, task_id: int, services: Mapping[str, Any], cancel: CancelToken) -> BatchAnalysisResult:
        """Run a task and store its one result: the seed's task execution context, step by step.

        Never raises for what goes wrong in the analysis; only a store that fails gets out.
        """
        task = self._storage.get_task_or_fail(task_id)
        job = self._storage.get_job_or_fail(task.job_id)
        if cancel.cancelled:
            report = AnalysisReport.unmeasured(
                task, self._tools(task.analysis_type), TaskStatus.CANCELLED, "never started"
            )
            return self._storage.finish_task(task_id, lambda t: t.cancel(utc_now()), report)
        task = self._storage.update_task(task_id, lambda t: t.start(utc_now()))
        _log.info("[Task %d] started: %s of %s/app%d", task.id, task.analysis_type, task.model, task.app_num)
        with self._task_execution_context(task, job, services, cancel) as context:
            self._execute(context)
            outcome = context["result_queue"].get_nowait()
        try:
            result = self._settle(task, outcome, cancel)
        except Exception as error:  # noqa: BLE001 - what cannot be stored is a failure of its analyzer
            result = self._settle(task, _failed(task, error), cancel)
        _log.info("[Task %d] %s, %d issues", task.id, result.status.value, result.issues_count)
        return result

    def execute_task(self, context: dict[str, Any]) -> None:
        """Execute the task in `context` with its analyzer and put the result dictionary in `result_queue`.

        The one body of the seed's `execute_frontend_security_task(context)` and its siblings, which exist for
        every analysis type under the name `execute_<analysis type>_task`.

        Args:
            context: `task`, `job`, `result_queue`, `app_context`, `services`, `progress_callback`, and
                optionally `cancel` (CancelToken), `deadline` (Deadline) and `scratch` (an empty folder).
        """
        task: BatchAnalysisTask = context["task"]
        analyzer = _analyzer(context["services"], task.analysis_type)
        put = context["result_queue"].put
        if analyzer is None:
            put(_skipped(f"{task.analysis_type} not available", ErrorCategory.DEPENDENCY))
            return
        try:
            put(self._analyzed(context, analyzer))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is one failed task
            put(_failed(task, error))

    def _analyzed(self, context: dict[str, Any], analyzer: Analyzer) -> dict[str, Any]:
        task: BatchAnalysisTask = context["task"]
        app = analyzer.find_app(task.model, task.app_num)
        name = f"{task.model}/app{task.app_num}"
        if app is None:  # not "not applicable": what should be measured is gone
            raise InvalidValueError("app", name, "it does not exist", str(analyzer.base_path))
        problem = app.problem(analyzer.part) if analyzer.part else ""
        if problem:
            raise InvalidValueError("app", name, f"its {analyzer.part} {problem}", str(app.path))
        if analyzer.part and not app.has(analyzer.part):
            return _skipped(f"{name} has no {analyzer.part}")
        given = context["job"].analysis_options.get(task.analysis_type, {})
        options = check_options(type(analyzer), given, f"job {task.job_id}")
        with _scratch(context) as scratch:
            report = analyzer.analyze(app, options, _analysis_context(context, scratch))
        return _outcome(report, analyzer.title)

    def __getattr__(self, name: str) -> Any:
        """Give `execute_<analysis type>_task` as the seed names it."""
        if name.startswith("execute_") and name.endswith("_task"):
            return self.execute_task
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @contextmanager
    def _task_execution_context(
        self,
        task: BatchAnalysisTask,
        job: BatchAnalysisJob,
        services: Mapping[str, Any],
        cancel: CancelToken,
    ) -> Iterator[dict[str, Any]]:
        with scratch_folder() as scratch:
            yield {
                "task": task,
                "job": job,
                "result_queue": queue.SimpleQueue(),
                "app_context": None,
                "services": services,
                "progress_callback": lambda percent: self._report_progress(task.id, percent),
                "cancel": cancel,
                "deadline": Deadline.after(task.timeout_seconds),
                "scratch": scratch,
            }

    def _execute(self, context: dict[str, Any]) -> None:
        task: BatchAnalysisTask = context["task"]
        try:
            getattr(self, f"execute_{task.analysis_type}_task")(context)
        except Exception as error:  # noqa: BLE001 - a task never takes its worker down
            context["result_queue"].put(_failed(task, error))

    def _report_progress(self, task_id: int, percent: int) -> None:
        self._storage.update_task(task_id, lambda task: task.with_progress(percent))

    def _settle(
        self, task: BatchAnalysisTask, outcome: dict[str, Any], cancel: CancelToken
    ) -> BatchAnalysisResult:
        """Turn a result dictionary into the task's ending, and store both."""
        report: AnalysisReport | None = outcome.get("report")
        details = {key: value for key, value in outcome.get("details", {}).items() if key != "issues"}
        status = _ending(outcome, report, cancel)
        error = _job_error(task, outcome, status)

        def end(current: BatchAnalysisTask) -> BatchAnalysisTask:
            now = utc_now()
            if status is TaskStatus.COMPLETED:
                return current.complete(details, now)
            if status is TaskStatus.CANCELLED:
                return current.cancel(now, details)
            if status is TaskStatus.SKIPPED:
                return current.skip(now, error, {**details, "reason": outcome.get("reason", "")})
            assert error is not None  # noqa: S101 - _job_error gives one for these two
            timed_out = status is TaskStatus.TIMED_OUT
            return current.time_out(error, now, details) if timed_out else current.fail(error, now, details)

        if report is None:
            why = outcome.get("reason") or outcome.get("error") or ""
            report = AnalysisReport.unmeasured(
                task, self._tools(task.analysis_type), status, why, lacks=error is not None
            )
        if status is TaskStatus.TIMED_OUT:
            _log.warning("[Task %d] timed out after %d s", task.id, task.timeout_seconds)
        return self._storage.finish_task(task.id, end, report)


def _analyzer(services: Mapping[str, Any], analysis_type: str) -> Analyzer | None:
    return next((s for s in services.values() if isinstance(s, Analyzer) and s.key == analysis_type), None)


def _analysis_context(context: dict[str, Any], scratch: Path) -> AnalysisContext:
    task: BatchAnalysisTask = context["task"]
    return AnalysisContext(
        scratch=scratch,
        deadline=context.get("deadline") or Deadline.after(task.timeout_seconds),
        cancel=context.get("cancel") or CancelToken(),
        progress=context.get("progress_callback") or (lambda percent: None),  # noqa: ARG005
    )


@contextmanager
def _scratch(context: dict[str, Any]) -> Iterator[Path]:
    if "scratch" in context:
        yield context["scratch"]
        return
    with scratch_folder() as scratch:
        yield scratch


def _outcome(report: AnalysisReport, title: str) -> dict[str, Any]:
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
        skipped = _skipped(f"{title} not available: {reasons}", ErrorCategory.DEPENDENCY)
        return {**outcome, **skipped}
    parse = any(cell.unread for cell in report.coverage)
    category = ErrorCategory.PARSE if parse else ErrorCategory.ANALYSIS
    return {**outcome, "status": "failed", "error": f"{title}: {reasons}", "category": category.value}


def _skipped(reason: str, category: ErrorCategory | None = None) -> dict[str, Any]:
    skipped = {"status": "skipped", "reason": reason}
    return skipped if category is None else {**skipped, "error": reason, "category": category.value}


def _failed(task: BatchAnalysisTask, error: BaseException) -> dict[str, Any]:
    """Return the seed's error dictionary."""
    return {
        "status": "failed",
        "error": f"{task.analysis_type} of {task.model}/app{task.app_num} failed: {error}",
        "category": categorize(error).value,
        "traceback": traceback.format_exc(),
        "details": {"error_type": type(error).__name__},
    }


def categorize(error: BaseException) -> ErrorCategory:
    """Return the category of an error that an analysis raised."""
    return next(
        (kind for base, kind in _CATEGORIES.items() if isinstance(error, base)), ErrorCategory.ANALYSIS
    )


def _ending(outcome: dict[str, Any], report: AnalysisReport | None, cancel: CancelToken) -> TaskStatus:
    """Return how the task ended: a tool that was stopped decides over what the others found."""
    states = {cell.status for cell in report.coverage} if report else set()
    if CoverageStatus.CANCELLED in states or (cancel.cancelled and outcome["status"] != "completed"):
        return TaskStatus.CANCELLED
    if CoverageStatus.TIMED_OUT in states:
        return TaskStatus.TIMED_OUT
    return TaskStatus(outcome["status"])


def _job_error(task: BatchAnalysisTask, outcome: dict[str, Any], status: TaskStatus) -> JobError | None:
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
