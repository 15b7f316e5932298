"""A handle on one job: what a user holds, watches, cancels and reads."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from batchnb.records import JobStatus, Severity
from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import pandas as pd

    from batchnb.engine.service import BatchAnalysisService
    from batchnb.records import BatchAnalysisJob, Estimate, Portfolio
    from batchnb.results.dataset import Dataset
    from batchnb.results.decisions.triage import Triage
    from batchnb.results.drawing._plotly import Figure
    from batchnb.widgets.explorer import Explorer
    from batchnb.widgets.job_view import JobView

_AWAIT_SECONDS = 0.05


class Job:
    """A handle on one job. Everything is read from the store when it is asked for."""

    def __init__(
        self, service: BatchAnalysisService, portfolio: Portfolio, job_id: int, views: list[JobView]
    ) -> None:
        """Make a handle; see Workspace.run and Workspace.attach.

        Args:
            service: the engine that runs it, or at least can ask for its cancellation.
            portfolio: the apps, for the report.
            job_id: the job's id.
            views: where a view of it is noted, for whoever closes the store.
        """
        self._service = service
        self._storage = service.storage
        self._portfolio = portfolio
        self._views = views
        self._view: JobView | None = None
        self.id = job_id

    @property
    def record(self) -> BatchAnalysisJob:
        """A snapshot of the job: status, counts, errors and what was asked for."""
        return self._storage.get_job_or_fail(self.id)

    @property
    def status(self) -> JobStatus:
        """The job's status now."""
        return self._storage.get_status(self.id)

    @property
    def is_ended(self) -> bool:
        """Whether the job has ended and left nothing running."""
        return self._service.is_ended(self.id)

    def cancel(self) -> bool:
        """Stop the job: kill its tools, cancel what waits. True if there was something to stop."""
        return self._service.cancel_job(self.id)

    def pause(self) -> bool:
        """Start no new task of the job for now; those that run go on. False if it is paused already.

        Raises:
            InvariantError: if the job has not been started or has ended; so for all that follows.
        """
        return self._storage.controls.pause(self.id)

    def resume(self) -> bool:
        """Let the paused job go on; False if it was not paused. An ended one: see Workspace.resume."""
        return self._storage.controls.resume(self.id)

    def set_max_tasks(self, max_tasks: int) -> None:
        """Change how many tasks of the job run at once (1 to 256). Surplus ones are not stopped."""
        self._storage.controls.set_max_tasks(self.id, max_tasks)

    def set_timeout(self, seconds: int, analysis: str | None = None) -> int:
        """Change the time limit of the tasks that wait or run, of one analysis or all; return how many.

        A job that has no tasks yet gives it to those that it will have, and 0 is returned.
        """
        return self._storage.controls.set_timeout(self.id, seconds, analysis)

    def cancel_task(self, task_id: int) -> None:
        """Cancel one task of the job, whether it waits or runs."""
        self._storage.controls.cancel_task(self._own(task_id))

    def requeue(self, task_id: int) -> None:
        """Stop one task, if it runs, and run it again after all that wait.

        Raises:
            EndedError: if it has ended; Workspace.resume(job, retry=True) runs it again after the job's end.
        """
        self._storage.controls.requeue_task(self._own(task_id))

    def prioritize(self, task_id: int, priority: int = 1) -> None:
        """Have a task that waits run before all of lower priority; they all start with 0."""
        self._storage.controls.set_priority(self._own(task_id), priority)

    def _own(self, task_id: int) -> int:
        if self._storage.get_task_or_fail(task_id).job_id != self.id:
            raise InvalidValueError("task", task_id, f"it is not one of job {self.id}")
        return task_id

    @property
    def eta(self) -> Estimate | None:
        """When the job may end, judged by its tasks that have run; None: none has yet, or it has ended."""
        return self._service.estimate(self.id)

    def wait(self, timeout: float | None = None) -> Job:
        """Block until the job has ended, or `timeout` seconds have passed, and return it.

        The notebook's stop button ends the waiting, not the job.
        """
        try:
            self._service.wait(self.id, timeout)
        except KeyboardInterrupt:
            print(f"stopped waiting; job {self.id} goes on ({self.status.value}), job.cancel() ends it")  # noqa: T201
        return self

    def __await__(self) -> Generator[Any, None, Job]:
        """Wait without blocking the event loop, so that widgets stay alive: `await job`."""
        return self._ended().__await__()

    async def _ended(self) -> Job:
        while not self.is_ended:  # noqa: ASYNC110 - other processes set no event
            # A look now and then, not a thread: one that waits would outlive a loop that gives up.
            await asyncio.sleep(_AWAIT_SECONDS)
        return self

    @property
    def dataset(self) -> Dataset:
        """Everything about the job at this moment, as frames: what charts, comparisons and exports take."""
        from batchnb.gather import gather  # noqa: PLC0415 - pandas only when asked for, as below

        return gather(self._storage, self._portfolio, [self.id])

    @property
    def tasks(self) -> pd.DataFrame:
        """The job's tasks, one a row."""
        return self._frame("tasks")

    @property
    def results(self) -> pd.DataFrame:
        """The results so far, one a row for each ended task."""
        return self._frame("results")

    @property
    def findings(self) -> pd.DataFrame:
        """The findings so far, one a row. Read `coverage` too: what was not measured has none."""
        return self._frame("findings")

    @property
    def coverage(self) -> pd.DataFrame:
        """What each tool did for each app so far, one a row."""
        return self._frame("coverage")

    @property
    def measurements(self) -> pd.DataFrame:
        """The numbers measured so far (latencies, requirements met, ...), one a row."""
        return self._frame("measurements")

    def _frame(self, kind: str) -> pd.DataFrame:
        from batchnb.engine.bulk import read_snapshot  # noqa: PLC0415
        from batchnb.results.bulk.bulk_frames import frames_of  # noqa: PLC0415

        return frames_of(read_snapshot(self._storage, [self.id], [kind]))[kind]

    @property
    def consensus(self) -> pd.DataFrame:
        """The findings so far with those of several tools about one fault as one row."""
        from batchnb.results.identity.consensus import consensus  # noqa: PLC0415

        return consensus(self)

    @property
    def triage(self) -> Triage:
        """The findings so far with what was decided about them, see Workspace.decide."""
        from batchnb.results.decisions.triage import apply_decisions  # noqa: PLC0415

        return apply_decisions(self)

    def reparse(self) -> pd.DataFrame:
        """Return the findings as today's parsers read the raw output that was kept; nothing is scanned.

        What the store holds does not change. Tasks whose raw output was not kept (none in a store in memory,
        none above 48 MiB, none of analyses that run no tool) have no rows: compare with `coverage`.

        Raises:
            FileNotFoundError: if a kept file is gone. Those of tasks that were taken over from the job that
                this one continues are that job's, and go with it.
            ReportError: if a kept file cannot be read by this version.
            InvalidValueError: if they lie behind a link, which is not followed.
        """
        from batchnb.engine.reparse import reparse  # noqa: PLC0415 - not needed to hold a job
        from batchnb.results.frames import findings_frame  # noqa: PLC0415

        service = self._service
        return findings_frame(reparse(self._storage, service.registry, service.base_path, self.id))

    @property
    def log(self) -> pd.DataFrame:
        """What happened to the job, by time, one line a row: from the store, so in any notebook."""
        from batchnb.results.frames import log_frame  # noqa: PLC0415

        return log_frame(self.record, self._storage.get_tasks(self.id), self._storage.get_log(self.id))

    @property
    def metrics(self) -> pd.DataFrame:
        """Counts by status and severity, execution times and time-outs of the job, one number a row."""
        from batchnb.results.frames import metrics_frame  # noqa: PLC0415

        return metrics_frame(self._storage.get_metrics(self.id))

    def explore(self, *, baseline: object = (), folder: str | Path = ".") -> Explorer:
        """Return a panel on the findings so far: filter, look, decide, compare, export.

        Args:
            baseline: an earlier Job or Dataset, or several as (label, what makes it), to compare with.
            folder: where exports are written.

        Raises:
            ImportError: if the widgets extra is not installed.
        """
        from batchnb.gather import decide, withdraw  # noqa: PLC0415
        from batchnb.widgets.explorer import Explorer  # noqa: PLC0415

        return Explorer(
            self,
            partial(decide, self._storage, self._portfolio),
            withdraw=partial(withdraw, self._storage),
            baseline=baseline,
            folder=folder,
        )

    def severity_chart(self) -> Figure:
        """Return findings by model, app and severity; what was not measured is hatched, never zero."""
        from batchnb.results.charts import severity  # noqa: PLC0415

        return severity(self)

    def report(self, path: str | Path, *, title: str | None = None, baseline: object = None) -> Path:
        """Write the job as one HTML file that needs no network, and return its path.

        Args:
            path: the file to write; an existing one is replaced.
            title: the heading; None: the job's name.
            baseline: an earlier Job or Dataset; adds what is new, fixed, reopened and not re-measured.

        Raises:
            InvalidValueError: if the file cannot be written.
        """
        from batchnb.results.identity.compare import compare  # noqa: PLC0415
        from batchnb.results.reports.report import write_report  # noqa: PLC0415

        data = self.dataset
        comparison = None if baseline is None else compare(baseline, data)
        return write_report(data, path, comparison=comparison, title=title)

    def export(self, path: str | Path, *, frame: str = "findings") -> Path:
        """Write the job's data in the format that the suffix names, and return the path.

        `.csv`, `.parquet` and `.jsonl` hold one frame, `.xlsx` all of them, `.sarif` the findings and the
        coverage, `.batchnb` everything: see `batchnb.load`.

        Raises:
            InvalidValueError: for another suffix, or if the file cannot be written.
        """
        from batchnb.gather import with_digests  # noqa: PLC0415
        from batchnb.results.exports.export import export  # noqa: PLC0415

        data = self.dataset
        if str(path).lower().endswith(".batchnb"):
            data = with_digests(data, self._portfolio)
        return export(data, path, frame=frame)

    def _ipython_display_(self) -> None:
        """Show the job in a notebook: live while it runs, and as a static picture when it has ended."""
        try:
            from batchnb.widgets.frozen import display_view  # noqa: PLC0415
        except ImportError:
            raise NotImplementedError from None  # then the notebook asks for the mimebundle
        bundle = self._repr_mimebundle_()
        if self._view is not None:
            display_view(self._view, bundle)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Show the job live in a notebook that has widgets, and as a table or a line of text elsewhere."""
        del include, exclude  # the notebook picks what it can show
        plain = {"text/plain": repr(self)}
        try:
            from batchnb.widgets.job_view import JobView  # noqa: PLC0415
        except ImportError:
            return plain
        if self._view is None:
            self._view = JobView(self._service, self._storage, self.id)
            self._views.append(self._view)
        return {**self._view.mimebundle(), **plain}

    def __repr__(self) -> str:
        """Say how far the job is, on one line."""
        job = self.record
        issues = ", ".join(
            f"{job.results_summary.get(f'{level.value}_total', 0)} {level.value}" for level in Severity
        )
        return (
            f"<Job {job.id} {job.name!r}: {job.status.value}, "
            f"{job.completed_tasks} of {job.total_tasks} tasks, findings: {issues}>"
        )
