"""What a user types: a workspace on a folder of apps."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.ownership import Ownership, end_interrupted
from batchnb.engine.planning import plan
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.job import Job
from batchnb.records.errors import InvalidValueError, StorageError
from batchnb.tools.layout import base_path
from batchnb.tools.log.files import LogFiles
from batchnb.tools.survey import discover

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd

    from batchnb.engine.broker import EventBroker
    from batchnb.records import JobSpec
    from batchnb.records.portfolio import Apps
    from batchnb.results.dataset import Dataset
    from batchnb.results.portfolio_view import PortfolioView
    from batchnb.widgets.job_view import JobView

STORE_FOLDER = ".batchnb"
_SETTLE_SECONDS = 2.0
MEMORY: Literal[":memory:"] = ":memory:"


def open_workspace(  # noqa: PLR0913 - settings, each by its name
    base: str | Path | None = None,
    *,
    store: str | Path | None = None,
    max_jobs: int | None = None,
    max_tasks: int | None = None,
    task_timeout_seconds: int | None = None,
    task_timeouts: Mapping[str, int] | None = None,
    logs: str | Path | None = None,
    json_logs: bool = False,
) -> Workspace:
    """Open a workspace: the apps under `base`, a durable store, and a service that runs jobs on them.

    Args:
        base: folder with `<model>/app<N>/{backend,frontend}`; None: the environment variable APP_BASE_PATH.
        store: the store's file, created if missing; None: `<base>/.batchnb/store.db`; ":memory:": no file.
        max_jobs: jobs that run at once; None: BATCH_MAX_JOBS, or 2.
        max_tasks: tasks that run at once in one job; None: BATCH_MAX_TASKS, or 2.
        task_timeout_seconds: longest time for a task; None: BATCH_TASK_TIMEOUT_SECONDS, or 1800.
        task_timeouts: the same for single analysis types, such as {"performance": 3600}; by default from
            BATCH_TASK_TIMEOUT_SECONDS_PERFORMANCE and the like.
        logs: folder of the log files; None: `logs` beside the default store, `<store>.logs` beside another,
            none for a store in memory.
        json_logs: write one JSON object per line instead of text.

    Raises:
        InvalidValueError: for a setting that is not allowed.
        PortfolioError: if `base` is missing, is not a folder, or has no app.
        ForeignStoreError: if the store is not ours or newer than this code.
        StorageError: if the store cannot be opened or created.
    """
    settings = Settings.load(
        max_jobs=max_jobs,
        max_tasks=max_tasks,
        task_timeout_seconds=task_timeout_seconds,
        task_timeouts=task_timeouts,
    )
    return Workspace(base_path(base), store, settings, logs=logs, json_logs=json_logs)


class Workspace:
    """A portfolio, a store and a service. Use open() to make one, close() or `with` to end it."""

    def __init__(
        self,
        base: Path,
        store: str | Path | None,
        settings: Settings,
        *,
        logs: str | Path | None = None,
        json_logs: bool = False,
    ) -> None:
        """See open_workspace."""
        self._views: list[JobView] = []
        self._portfolio = discover(base)  # first: a folder without apps must leave nothing behind
        self.registry = AnalyzerRegistry()
        path = _store_path(base, store)
        with ExitStack() as stack:  # what was opened is closed if a later step fails
            self.storage = JobStorage(path)
            stack.callback(self.storage.close)
            folder = Path(logs) if logs else _log_folder(path)
            if folder:
                stack.enter_context(LogFiles(folder, store=self.storage.name, json_lines=json_logs))
            self._ownership = Ownership(path) if path else None
            if self._ownership:
                stack.callback(self._ownership.release)
                end_interrupted(self.storage, self._ownership, self.registry.tools)
            self.service = BatchAnalysisService(
                self.storage,
                base,
                settings=settings,
                registry=self.registry,
                ownership=self._ownership,
            )
            stack.callback(self.storage.close)  # before the log files: its closing may have to be told of
            self._closing = stack.pop_all()

    @property
    def portfolio(self) -> PortfolioView:
        """The apps as they were at the opening: a table in a notebook, `.frame` as a DataFrame."""
        from batchnb.results.portfolio_view import PortfolioView  # noqa: PLC0415 - pandas only when asked for

        return PortfolioView(self._portfolio)

    def run(  # noqa: PLR0913 - what a user may say about a job, each by its name
        self,
        *,
        models: Sequence[str] | None = None,
        apps: Apps = None,
        analyses: Sequence[str] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        name: str = "",
        description: str = "",
        task_timeout_seconds: int | None = None,
        task_timeouts: Mapping[str, int] | None = None,
        max_tasks: int | None = None,
    ) -> Job:
        """Start a job in the background and return it at once.

        Args:
            models: model names; None: all.
            apps: a range such as `"1-3,5"`, numbers, or one of these per model; None: all.
            analyses: analysis types such as `"backend_security"`; None: those that only read the apps (the
                others start them, load them, attack them, or send their source to a model).
            options: analysis type -> option -> value.
            name: the job's name; empty: "Batch Job {id}".
            description: what the job is for.
            task_timeout_seconds: longest time for one task; None: the workspace's setting.
            task_timeouts: the same for single analysis types; goes before `task_timeout_seconds`.
            max_tasks: tasks that run at once; None: the workspace's setting.

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
            task_timeouts=task_timeouts,
            max_tasks=max_tasks,
        )
        return self.submit(spec)

    def submit(self, spec: JobSpec) -> Job:
        """Start a job that was planned already."""
        return self._job(self.service.submit(spec))

    def attach(self, job_id: int) -> Job:
        """Return a job of this workspace by its id, wherever it runs or ran.

        Raises:
            RecordNotFoundError: if there is none.
        """
        return self._job(self.storage.get_job_or_fail(job_id).id)

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
        return self._job(self.service.continue_job(_id_of(job), retry=retry))

    def dataset(self, jobs: Sequence[Job | int] | None = None) -> Dataset:
        """Return several jobs as one dataset, for trends, or for `.latest()` of each app; None: all jobs.

        Raises:
            RecordNotFoundError: if there is no such job.
        """
        from batchnb.gather import gather  # noqa: PLC0415

        chosen = (
            [job.id for job in self.storage.get_jobs()] if jobs is None else [_id_of(job) for job in jobs]
        )
        for job_id in chosen:
            self.storage.get_job_or_fail(job_id)
        return gather(self.storage, self._portfolio, chosen)

    def decide(
        self,
        finding: pd.Series | pd.DataFrame,
        verdict: str,
        *,
        reason: str,
        author: str | None = None,
        expires: date | str | None = None,
    ) -> pd.DataFrame:
        """Note what you make of a finding, durably: it holds for later jobs too, as long as the code stays.

        Args:
            finding: a row of `job.findings` or `job.consensus`, or several; a row of one tool stands for the
                whole consensus finding.
            verdict: `"false_positive"`, `"accepted"` or `"confirmed"`.
            reason: why; not empty.
            author: who; None: the user's name on this computer.
            expires: a date, a time or text such as `"2027-01-01"`; None: it holds without end.

        Returns:
            The new decisions, one a row.

        Raises:
            InvalidValueError: for a value that is not allowed, or a row that is not of a stored job.
        """
        from batchnb.gather import decide  # noqa: PLC0415

        return decide(
            self.storage, self._portfolio, finding, verdict, reason=reason, author=author, expires=expires
        )

    def withdraw(self, decision_id: int, *, reason: str, author: str | None = None) -> None:
        """Take a decision back; it stays in `decisions`, as withdrawn.

        Raises:
            RecordNotFoundError: if there is no such decision.
            EndedError: if it was withdrawn already.
            InvalidValueError: if there is no reason.
        """
        from batchnb.gather import withdraw  # noqa: PLC0415

        withdraw(self.storage, decision_id, reason=reason, author=author)

    @property
    def decisions(self) -> pd.DataFrame:
        """All decisions, one a row; `job.triage.decisions` says which of them apply to a job."""
        from batchnb.results.decisions.decision_states import decision_states  # noqa: PLC0415

        return decision_states(self.storage.decisions.all())

    @property
    def jobs(self) -> pd.DataFrame:
        """All jobs of the workspace, one a row."""
        from batchnb.results.frames import jobs_frame  # noqa: PLC0415

        return jobs_frame(self.storage.get_jobs())

    @property
    def metrics(self) -> pd.DataFrame:
        """Counts by status and severity, execution times and time-outs of all jobs, one number a row."""
        from batchnb.results.frames import metrics_frame  # noqa: PLC0415

        return metrics_frame(self.storage.get_metrics())

    @property
    def events(self) -> EventBroker:
        """Where to subscribe to what happens: `ws.events.subscribe(print)`."""
        return self.service.events

    def close(self) -> None:
        """Cancel what runs, wait until it has ended, and close the store. Twice is allowed."""
        self.service.close()
        for view in self._views:
            view.settle(_SETTLE_SECONDS)
        self._closing.close()

    def _job(self, job_id: int) -> Job:
        return Job(self.service, self._portfolio, job_id, self._views)

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


def _id_of(job: Job | int) -> int:
    return job.id if isinstance(job, Job) else job


def _log_folder(store: Path | None) -> Path | None:
    if store is None:
        return None
    ours = store.parent.name == STORE_FOLDER
    return store.parent / "logs" if ours else store.with_name(f"{store.name}.logs")


def _resolved(path: Path) -> Path:
    """Return one name for one store, whatever links lead to it; what cannot be one is left to the store."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path
