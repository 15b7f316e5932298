"""What a user types: a workspace on a folder of apps, and the jobs in it."""

from __future__ import annotations

import asyncio
import platform
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.ownership import Ownership, end_interrupted
from batchnb.engine.planning import plan
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings, base_path
from batchnb.engine.storage import JobStorage
from batchnb.records import JobSpec, JobStatus, Severity
from batchnb.records.errors import InvalidValueError, StorageError
from batchnb.tools.survey import discover

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import pandas as pd

    from batchnb.records import BatchAnalysisJob
    from batchnb.records.portfolio import Apps
    from batchnb.results._plotly import Figure
    from batchnb.results.portfolio_view import PortfolioView
    from batchnb.widgets.job_view import JobView

STORE_FOLDER = ".batchnb"
_SETTLE_SECONDS = 2.0
_AWAIT_SECONDS = 0.05
MEMORY: Literal[":memory:"] = ":memory:"


def open_workspace(
    base: str | Path | None = None,
    *,
    store: str | Path | None = None,
    max_jobs: int | None = None,
    max_tasks: int | None = None,
    task_timeout_seconds: int | None = None,
) -> Workspace:
    """Open a workspace: the apps under `base`, a durable store, and a service that runs jobs on them.

    Args:
        base: folder with `<model>/app<N>/{backend,frontend}`; None: the environment variable APP_BASE_PATH.
        store: the store's file, created if missing; None: `<base>/.batchnb/store.db`; ":memory:": no file.
        max_jobs: jobs that run at once; None: BATCH_MAX_JOBS, or 2.
        max_tasks: tasks that run at once in one job; None: BATCH_MAX_TASKS, or 2.
        task_timeout_seconds: longest time for a task; None: BATCH_TASK_TIMEOUT_SECONDS, or 1800.

    Raises:
        InvalidValueError: for a setting that is not allowed.
        PortfolioError: if `base` is missing, is not a folder, or has no app.
        ForeignStoreError: if the store is not ours or newer than this code.
        StorageError: if the store cannot be opened or created.
    """
    settings = Settings.load(
        max_jobs=max_jobs, max_tasks=max_tasks, task_timeout_seconds=task_timeout_seconds
    )
    return Workspace(base_path(base), store, settings)


class Workspace:
    """A portfolio, a store and a service. Use open() to make one, close() or `with` to end it."""

    def __init__(self, base: Path, store: str | Path | None, settings: Settings) -> None:
        """See open_workspace."""
        self._views: list[JobView] = []
        self._portfolio = discover(base)  # first: a folder without apps must leave nothing behind
        self.registry = AnalyzerRegistry()
        path = _store_path(base, store)
        with ExitStack() as stack:  # what was opened is closed if a later step fails
            self.storage = JobStorage(path)
            stack.callback(self.storage.close)
            self._ownership = Ownership(path) if path else None
            if self._ownership:
                stack.callback(self._ownership.release)
                end_interrupted(self.storage, self._ownership, self.registry.tools)
            self._closing = stack.pop_all()
        self.service = BatchAnalysisService(
            self.storage,
            base,
            settings=settings,
            registry=self.registry,
            owner=self._ownership.name if self._ownership else None,
        )

    @property
    def portfolio(self) -> PortfolioView:
        """The apps as they were at the opening: a table in a notebook, `.frame` as a DataFrame."""
        from batchnb.results.portfolio_view import PortfolioView  # noqa: PLC0415 - pandas only when asked for

        return PortfolioView(self._portfolio)

    def run(
        self,
        *,
        models: Sequence[str] | None = None,
        apps: Apps = None,
        analyses: Sequence[str] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        name: str = "",
        description: str = "",
        task_timeout_seconds: int | None = None,
    ) -> Job:
        """Start a job in the background and return it at once.

        Args:
            models: model names; None: all.
            apps: a range such as `"1-3,5"`, numbers, or one of these per model; None: all.
            analyses: analysis types such as `"backend_security"`; None: every one there is.
            options: analysis type -> option -> value.
            name: the job's name; empty: "Batch Job {id}".
            description: what the job is for.
            task_timeout_seconds: longest time for one task; None: the workspace's setting.

        Raises:
            InvalidValueError: naming the wrong value and what is allowed; then no job was created.
        """
        spec = plan(
            self._portfolio,
            self.registry,
            models=models,
            apps=apps,
            analyses=analyses,
            options=options,
            name=name,
            description=description,
            task_timeout_seconds=task_timeout_seconds,
        )
        return self.submit(spec)

    def submit(self, spec: JobSpec) -> Job:
        """Start a job that was planned already."""
        return Job(self, self.service.submit(spec))

    def attach(self, job_id: int) -> Job:
        """Return a job of this workspace by its id, wherever it runs or ran.

        Raises:
            RecordNotFoundError: if there is none.
        """
        return Job(self, self.storage.get_job_or_fail(job_id).id)

    def resume(self, job: Job | int, *, retry: bool = False) -> Job:
        """Go on where an ended job stopped: a new job takes over its finished tasks and runs the rest.

        The rest is what never ran, was cancelled, or was interrupted by the death of its process.

        Args:
            job: the ended job, or its id; it stays as it is.
            retry: also run again what failed, timed out, or lacked a tool.

        Raises:
            RecordNotFoundError: if there is no such job.
            InvariantError: if it has not ended, or there is nothing to run again.
        """
        job_id = job.id if isinstance(job, Job) else job
        return Job(self, self.service.resume(job_id, retry=retry))

    def watch(self, view: JobView) -> JobView:
        """Remember a view of one of the jobs, so that it can show the job's end before the store closes."""
        self._views.append(view)
        return view

    @property
    def jobs(self) -> pd.DataFrame:
        """All jobs of the workspace, one a row."""
        from batchnb.results.frames import jobs_frame  # noqa: PLC0415

        return jobs_frame(self.storage.get_jobs())

    def close(self) -> None:
        """Cancel what runs, wait until it has ended, and close the store. Twice is allowed."""
        self.service.close()
        for view in self._views:
            view.settle(_SETTLE_SECONDS)
        self._closing.close()

    def __enter__(self) -> Self:
        """Return the workspace itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the workspace."""
        self.close()

    def __repr__(self) -> str:
        """Name the base path, the store and what is there, on one line."""
        where = self.storage.path or "in memory"
        models, apps = len(self._portfolio.models), len(self._portfolio.apps)
        return f"<Workspace {self._portfolio.base}: {models} models, {apps} apps; store {where}>"


class Job:
    """A handle on one job. Everything is read from the store when it is asked for."""

    def __init__(self, workspace: Workspace, job_id: int) -> None:
        """See Workspace.run and Workspace.attach."""
        self._workspace = workspace
        self._storage = workspace.storage
        self._view: JobView | None = None
        self.id = job_id

    @property
    def record(self) -> BatchAnalysisJob:
        """A snapshot of the job: status, counts, errors and what was asked for."""
        return self._storage.get_job_or_fail(self.id)

    @property
    def status(self) -> JobStatus:
        """The job's status now."""
        return self.record.status

    @property
    def is_ended(self) -> bool:
        """Whether the job has ended and left nothing running."""
        return self._workspace.service.is_ended(self.id)

    def cancel(self) -> bool:
        """Stop the job: kill its tools, cancel what waits. True if there was something to stop."""
        return self._workspace.service.cancel_job(self.id)

    def wait(self, timeout: float | None = None) -> Job:
        """Block until the job has ended, or `timeout` seconds have passed, and return it.

        The notebook's stop button ends the waiting, not the job.
        """
        try:
            self._workspace.service.wait(self.id, timeout)
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
    def tasks(self) -> pd.DataFrame:
        """The job's tasks, one a row."""
        from batchnb.results.frames import tasks_frame  # noqa: PLC0415

        return tasks_frame(self._storage.get_tasks(self.id))

    @property
    def results(self) -> pd.DataFrame:
        """The results so far, one a row for each ended task."""
        from batchnb.results.frames import results_frame  # noqa: PLC0415

        return results_frame(self._storage.get_results(self.id))

    @property
    def findings(self) -> pd.DataFrame:
        """The findings so far, one a row. Read `coverage` too: what was not measured has none."""
        from batchnb.results.frames import findings_frame  # noqa: PLC0415

        return findings_frame(self._storage.get_findings(self.id))

    @property
    def coverage(self) -> pd.DataFrame:
        """What each tool did for each app so far, one a row."""
        from batchnb.results.frames import coverage_frame  # noqa: PLC0415

        return coverage_frame(self._storage.get_coverage(self.id))

    def severity_chart(self) -> Figure:
        """Return findings by model, app and severity; what was not measured is hatched, never zero."""
        from batchnb.results.charts import severity_chart  # noqa: PLC0415

        return severity_chart(
            self._storage.get_findings(self.id),
            self._storage.get_coverage(self.id),
            self._storage.get_tasks(self.id),
        )

    def report(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write the job as one HTML file that needs no network, and return its path.

        Raises:
            InvalidValueError: if the file cannot be written.
        """
        from batchnb.results.report import write_report  # noqa: PLC0415

        return write_report(
            Path(path),
            job=self.record,
            tasks=self._storage.get_tasks(self.id),
            findings=self._storage.get_findings(self.id),
            coverage=self._storage.get_coverage(self.id),
            portfolio=self._workspace.portfolio.portfolio,
            versions=_versions(),
            title=title,
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Show the job live in a notebook that has widgets, and as a table or a line of text elsewhere."""
        del include, exclude  # the notebook picks what it can show
        plain = {"text/plain": repr(self)}
        try:
            from batchnb.widgets.job_view import JobView  # noqa: PLC0415
        except ImportError:
            return plain
        if self._view is None:
            self._view = self._workspace.watch(JobView(self._workspace.service, self._storage, self.id))
        return {**self._view.mimebundle(), **plain}

    def __repr__(self) -> str:
        """Say how far the job is, on one line."""
        job = self.record
        issues = ", ".join(
            f"{job.results_summary[f'{level.value}_total']} {level.value}" for level in Severity
        )
        return (
            f"<Job {job.id} {job.name!r}: {job.status.value}, "
            f"{job.completed_tasks} of {job.total_tasks} tasks, findings: {issues}>"
        )


def severity_chart(job: Job) -> Figure:
    """Return a job's findings by model, app and severity; what was not measured is hatched, never zero."""
    return job.severity_chart()


def _store_path(base: Path, store: str | Path | None) -> Path | None:
    if store == MEMORY:
        return None
    if store is not None:
        try:
            path = Path(store).expanduser().absolute()
        except RuntimeError as error:  # ~name of a user that there is not
            raise InvalidValueError("store", str(store), str(error), "store=") from error
        if not path.parent.is_dir():
            raise InvalidValueError("store", str(store), f"the folder {path.parent} does not exist", "store=")
        return _resolved(path)
    folder = base.resolve() / STORE_FOLDER
    path = folder / "store.db"
    for place in (folder, path):  # whoever made the portfolio may have put them there
        if place.is_symlink():
            raise InvalidValueError("store", str(place), "it is a link; name another place with store=")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StorageError(
            f"the store's folder {str(folder)!r} cannot be made ({error.strerror}); "
            'name another place with store=, or store=":memory:"'
        ) from error
    return path


def _resolved(path: Path) -> Path:
    """Return one name for one store, whatever links lead to it; what cannot be one is left to the store."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path


def _versions() -> dict[str, str]:
    """Return the versions that a report names."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in ("batchnb", "pandas", "plotly"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
