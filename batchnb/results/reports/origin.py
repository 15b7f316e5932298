"""Where a report comes from: jobs, versions, settings, what failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records import TaskStatus
from batchnb.results.reports.table import Table, table_of
from batchnb.results.text import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from batchnb.results.dataset import Dataset

_JOBS = {
    "job_id": "Job",
    "name": "Name",
    "status": "Status",
    "created_at": "Created",
    "started_at": "Started",
    "completed_at": "Ended",
    "took": "Took",
    "total_tasks": "Tasks",
    "analysis_types": "Analyses",
    "models": "Models",
    "description": "Description",
}
_FAILED = {
    "job_id": "Job",
    "task_id": "Task",
    "model": "Model",
    "app_num": "App",
    "analysis_type": "Analysis",
    "status": "Status",
    "error_category": "Kind",
    "error_message": "Message",
    "seconds": "Seconds",
}
_APPS = {
    "model": "Model",
    "app_num": "App",
    "backend": "Backend",
    "frontend": "Frontend",
    "compose": "Compose file",
    "requirements": "Requirements",
    "files": "Files",
    "lines": "Lines of code",
    "languages": "Languages",
    "placeholder": "Placeholder",
    "unparsed": "Does not parse",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class OriginPart:
    """Where the data of a report come from."""

    dataset: Dataset

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The dataset's provenance. Untrusted."""
        return self.dataset.provenance

    @property
    def versions(self) -> dict[str, str]:
        """Name -> version of what made the data."""
        found = self.provenance.get("versions")
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    @property
    def details(self) -> dict[str, Any]:
        """Everything else that the provenance holds, such as settings, analysis options and digests."""
        return {name: value for name, value in self.provenance.items() if name != "versions" and value}

    @property
    def jobs(self) -> Table:
        """The jobs."""
        frame = self.dataset.jobs
        took = [None if each is None else duration(each) for each in _values(frame["seconds"])]
        return table_of(frame.assign(took=took), _JOBS)

    @property
    def job_errors(self) -> list[str]:
        """The errors that the jobs list, one a line. Untrusted."""
        jobs = self.provenance.get("jobs")
        listed = [
            (name, job.get("errors"))
            for name, job in (jobs.items() if isinstance(jobs, dict) else ())
            if isinstance(job, dict)
        ]
        return [
            f"Job {name}: {error}"
            for name, errors in listed
            for error in (errors if isinstance(errors, list) else ())
        ]

    @property
    def failed_tasks(self) -> Table:
        """The tasks that failed or timed out."""
        tasks = self.dataset.tasks
        failed = tasks[tasks["status"].isin([str(TaskStatus.FAILED), str(TaskStatus.TIMED_OUT)])]
        states = failed["status"].astype("string").str.replace("_", " ")
        caption = "Tasks that failed or timed out."
        return table_of(failed.assign(status=states), _FAILED, caption)

    @property
    def apps(self) -> Table:
        """The apps; their folders are left out, as they tell of the computer."""
        return table_of(self.dataset.portfolio, _APPS, "The apps that were analysed.", most=1_000)


def _values(values: pd.Series) -> list[Any]:
    plain: list[Any] = values.astype(object).where(values.notna(), None).tolist()
    return plain
