"""TaskExecutor: runs one task from its start to its stored result, whatever happens in between."""

from __future__ import annotations

import queue
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.base import AnalysisContext, Analyzer, Options, check_options
from batchnb.engine.endings import Ended
from batchnb.engine.outcome import end_task, ending_of, failed, job_error, outcome_of, skipped, with_raw
from batchnb.records import (
    AnalysisReport,
    BatchAnalysisJob,
    BatchAnalysisTask,
    ErrorCategory,
    TaskStatus,
    utc_now,
)
from batchnb.records.errors import (
    InvalidValueError,
    ToolMissingError,
)
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.scratch import LazyScratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisResult
    from batchnb.tools.layout import AppFolder

_NO_OPTIONS: dict[str, Any] = {}


class TaskExecutor:
    """Executes tasks with their context (seed, 8.1 and 9.2)."""

    def __init__(self, storage: JobStorage, tools: Callable[[str], Sequence[str]]) -> None:
        """Make an executor that reads tasks from `storage` and leaves their results there.

        Args:
            storage: the store.
            tools: gives the tools of an analysis type, for the coverage of a task that never came to run.
        """
        self._storage, self._tools = storage, tools
        self._checked: dict[str, tuple[object, type, Options]] = {}
        self.app: Any = None
        """The seed's Flask application, if there is one: tasks get a context of it."""

    def run(self, task_id: int, services: Mapping[str, Any], cancel: CancelToken) -> BatchAnalysisResult:
        """Run one task here and now and store its one result: the seed's task execution context.

        Never raises for what goes wrong in the analysis; only a store that fails gets out.
        """
        task = self._storage.get_task_or_fail(task_id)
        job = self._storage.get_job_or_fail(task.job_id)
        if cancel.cancelled:
            ended = self.cancelled(task)
        else:
            task = self._storage.update_task(task_id, lambda t: t.start(utc_now()))
            deadline = Deadline.after(task.timeout_seconds)

            def report(percent: int) -> None:
                self._storage.update_task(task_id, lambda t: t.with_progress(percent))

            outcome = self.perform(task, job, services, cancel, deadline, report)
            ended = self.settle(task, outcome, cancel)
        return self._storage.end_task(ended)

    def perform(
        self,
        task: BatchAnalysisTask,
        job: BatchAnalysisJob,
        services: Mapping[str, Any],
        cancel: CancelToken,
        deadline: Deadline,
        progress: Callable[[int], None],
    ) -> dict[str, Any]:
        """Run a task that has started and return its result dictionary; the store is not touched."""
        results: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        context = {
            "task": task,
            "job": job,
            "result_queue": results,
            "app_context": self.app.app_context() if hasattr(self.app, "app_context") else None,
            "services": services,
            "progress_callback": progress,
            "cancel": cancel,
            "deadline": deadline,
        }
        try:
            getattr(self, f"execute_{task.analysis_type}_task")(context)
        except Exception as error:  # noqa: BLE001 - a task never takes its worker down
            results.put(failed(task.analysis_type, error))
        return results.get_nowait()

    def perform_all(
        self,
        tasks: Sequence[BatchAnalysisTask],
        job: BatchAnalysisJob,
        services: Mapping[str, Any],
        cancel: CancelToken,
        deadline: Deadline,
        progress: Callable[[int], None],
    ) -> list[dict[str, Any] | None]:
        """Run several tasks of one analysis in one call; the store is not touched.

        Returns:
            The result dictionary of each; None: it could not be settled in this call and runs alone.

        Raises:
            Exception: whatever the analyzer raises; it holds for none of them.
        """
        analyzer = _analyzer(services, tasks[0].analysis_type)
        assert analyzer is not None  # noqa: S101 - it said its batch size
        apps = [_usable_app(task, analyzer) for task in tasks]
        raw_file = self._raw_file(tasks[0])
        with _unless_it_fails(raw_file), LazyScratch() as scratch:
            context = AnalysisContext(
                scratch=scratch.path,
                deadline=deadline,
                cancel=cancel,
                progress=progress,
                raw_file=raw_file,
                secrets=analyzer.given_secrets(),
            )
            usable = [app for app in apps if app is not None]
            reports = analyzer.analyze_all(usable, self._options(job, analyzer), context)
            found = [
                None if report is None else with_raw(outcome_of(report, analyzer.title), raw_file, place)
                for place, report in enumerate(reports)
            ]
        if not any(found):
            _drop(raw_file)
        outcomes = iter(found)
        return [None if app is None else next(outcomes) for app in apps]

    def _raw_file(self, task: BatchAnalysisTask) -> Path | None:
        """Return a new name for the raw output of a call that a task makes."""
        folder = self._storage.raw_folder_of(task.job_id)
        return folder and folder / f"{task.id}-{uuid.uuid4().hex[:8]}.json.gz"

    def settle(self, task: BatchAnalysisTask, outcome: dict[str, Any], cancel: CancelToken) -> Ended:
        """Return how a task ended by its result dictionary; one that cannot be stored is a failure."""
        try:
            return self._settle(task, outcome, cancel)
        except Exception as error:  # noqa: BLE001 - it is a failure of its analyzer
            return self._settle(task, failed(task.analysis_type, error), cancel)

    def cancelled(self, task: BatchAnalysisTask) -> Ended:
        """Return the ending of a task that was cancelled before it started."""
        report = AnalysisReport.unmeasured(
            task, self._tools(task.analysis_type), TaskStatus.CANCELLED, "never started"
        )
        return Ended.of(task.cancel(utc_now()), report)

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
            put(skipped(f"{task.analysis_type} not available", ErrorCategory.DEPENDENCY))
            return
        try:
            put(self._analyzed(context, analyzer))
        except ToolMissingError as error:
            put(skipped(f"{analyzer.title} not available: {error}", ErrorCategory.DEPENDENCY))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is one failed task
            put(failed(analyzer.title, error))

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
            return skipped(f"{name} has no {analyzer.part}")
        options = self._options(context["job"], analyzer)
        raw_file = self._raw_file(task)
        with _unless_it_fails(raw_file), LazyScratch() as folder:
            scratch = context.get("scratch") or folder.path
            asked = _analysis_context(context, scratch, raw_file, analyzer.given_secrets())
            report = analyzer.analyze(app, options, asked)
        return with_raw(outcome_of(report, analyzer.title), raw_file, 0)

    def _options(self, job: BatchAnalysisJob, analyzer: Analyzer) -> Options:
        """Return the job's options for an analyzer; those of one job are checked once, not for each task."""
        given = job.analysis_options.get(analyzer.key, _NO_OPTIONS)
        known = self._checked.get(analyzer.key)
        if known is not None and known[0] is given and known[1] is type(analyzer):
            return known[2]
        options = check_options(type(analyzer), given, f"job {job.id}")
        self._checked[analyzer.key] = (given, type(analyzer), options)
        return options

    def __getattr__(self, name: str) -> Any:
        """Give `execute_<analysis type>_task` as the seed names it."""
        if name.startswith("execute_") and name.endswith("_task"):
            return self.execute_task
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _settle(self, task: BatchAnalysisTask, outcome: dict[str, Any], cancel: CancelToken) -> Ended:
        report: AnalysisReport | None = outcome.get("report")
        details = {key: value for key, value in outcome.get("details", {}).items() if key != "issues"}
        status = ending_of(outcome, report, cancel)
        error = job_error(task, outcome, status)

        if report is None:
            why = outcome.get("reason") or outcome.get("error") or ""
            report = AnalysisReport.unmeasured(
                task, self._tools(task.analysis_type), status, why, lacks=error is not None
            )
        return Ended.of(end_task(task, status, error, details, outcome.get("reason", "")), report)


def _analyzer(services: Mapping[str, Any], analysis_type: str) -> Analyzer | None:
    return next((s for s in services.values() if isinstance(s, Analyzer) and s.key == analysis_type), None)


@contextmanager
def _unless_it_fails(raw_file: Path | None) -> Iterator[None]:
    """Remove what was kept of a call that fails: no result will name it."""
    try:
        yield
    except BaseException:
        _drop(raw_file)
        raise


def _drop(raw_file: Path | None) -> None:
    if raw_file is not None:
        with suppress(OSError):  # it goes with its job, at the latest
            raw_file.unlink(missing_ok=True)


def _usable_app(task: BatchAnalysisTask, analyzer: Analyzer) -> AppFolder | None:
    """Return a task's app; None: there is something to be said about it, which its own call will say."""
    app = analyzer.find_app(task.model, task.app_num)
    if app is None or (analyzer.part and (app.problem(analyzer.part) or not app.has(analyzer.part))):
        return None
    return app


def _analysis_context(
    context: dict[str, Any],
    scratch: Path | Callable[[], Path],
    raw_file: Path | None,
    secrets: Mapping[str, str],
) -> AnalysisContext:
    task: BatchAnalysisTask = context["task"]
    return AnalysisContext(
        scratch=scratch,
        deadline=context.get("deadline") or Deadline.after(task.timeout_seconds),
        cancel=context.get("cancel") or CancelToken(),
        progress=context.get("progress_callback") or (lambda percent: None),  # noqa: ARG005
        raw_file=raw_file,
        secrets=secrets,
    )
