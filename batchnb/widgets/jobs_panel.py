"""JobsPanel: all jobs of a workspace; open, cancel, resume, report or delete each."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets

from batchnb.records import utc_now
from batchnb.records.errors import BatchnbError
from batchnb.widgets.controls import aside
from batchnb.widgets.host import require_host
from batchnb.widgets.job_view import JobView
from batchnb.widgets.jobs_presenter import present_jobs
from batchnb.widgets.live import Live
from batchnb.widgets.view import View, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.records import BatchAnalysisJob

_LIVELY_SECONDS, _QUIET_SECONDS = 1.0, 10.0
_MOST_FILTER = 200


class JobsList(Live):
    """The table; see `jobs_presenter.present_jobs`."""

    script: ClassVar[str] = "jobs.js"


class JobsPanel(View):
    """The jobs of a workspace, whichever notebook started them, and the opened one below."""

    def __init__(self, host: object, *, report: Callable[[int, Path], Path] | None = None) -> None:
        """Make a panel for a workspace (anything that is a PanelHost).

        Args:
            host: the workspace.
            report: writes the report of a job to a path; None: `host.attach(job).report(path)`.

        Raises:
            TypeError: if `host` is something else.
        """
        self._host = require_host(host, "JobsPanel")
        self._report = report or self._report_of_host
        self._wanted = ""
        self._said = ""
        self._to_open: deque[int] = deque(maxlen=1)
        self.opened: JobView | None = None
        self.list = JobsList(self._state(), self.heard)
        self._slot = widgets.VBox(layout={"overflow": "visible"})
        super().__init__([self.list, self._slot], "batchnb-jobs")
        self.publisher.wake()

    def step(self) -> float | None:
        """Show the jobs as they are, and open the one that was asked for."""
        state = self._state()
        put(self.list, state=state)
        while self._to_open:
            self._open_job(self._to_open.popleft())
        return _QUIET_SECONDS if all(row["ended"] for row in state["rows"]) else _LIVELY_SECONDS

    def show_failure(self, text: str) -> None:
        """Say in the panel that it failed."""
        put(self.list, state={**self.list.state, "said": text})

    def heard(self, message: dict[str, Any]) -> None:
        """Note what was clicked. `message` is whatever the page sent; any thread calls this."""
        do, job_id = message.get("do"), message.get("job")
        if do == "filter":
            self._wanted = str(message.get("text", ""))[:_MOST_FILTER]
        elif isinstance(job_id, int) and isinstance(do, str):
            acts = {
                "cancel": self._cancel,
                "resume": self._resume,
                "delete": self._delete,
                "report": self._write,
            }
            if do == "open":
                self._to_open.append(job_id)
            elif do in acts:
                self._said = ""
                aside(f"batchnb-{do}-{job_id}", lambda: acts[do](job_id), self._tell)
        self.publisher.wake()

    def _state(self) -> dict[str, Any]:
        try:
            jobs: list[BatchAnalysisJob] = self._host.storage.get_jobs()
        except BatchnbError as error:
            return {"rows": [], "note": "", "filter": self._wanted, "said": f"cannot read the jobs: {error}"}
        return {**present_jobs(jobs, self._wanted, utc_now()), "said": self._said}

    def _open_job(self, job_id: int) -> None:
        old = self.opened
        try:
            self.opened = JobView(self._host.service, self._host.storage, job_id, on_end=self.publisher.wake)
        except BatchnbError as error:
            self._tell(str(error))
            return
        put(self._slot, children=(self.opened,))
        if old is not None:
            old.close()

    def _cancel(self, job_id: int) -> None:
        self._host.service.cancel_job(job_id)

    def _resume(self, job_id: int) -> None:
        new = self._host.service.continue_job(job_id, retry=True)
        self._said = f"job {new} goes on with what job {job_id} left"
        self._to_open.append(new)

    def _delete(self, job_id: int) -> None:
        self._host.storage.delete_job(job_id)
        self._said = f"job {job_id} is deleted"

    def _write(self, job_id: int) -> None:
        path = self._report(job_id, Path(f"batchnb-job-{job_id}.html"))
        self._said = f"the report of job {job_id} is in {path}"

    def _report_of_host(self, job_id: int, path: Path) -> Path:
        attach = getattr(self._host, "attach", None)
        if attach is None:
            raise BatchnbError("this host writes no reports")
        written: Path = attach(job_id).report(path)
        return written

    def _tell(self, failure: str) -> None:
        if failure:
            self._said = failure
        self.publisher.wake()

    def __repr__(self) -> str:
        """Say what is shown, on one line."""
        return f"<JobsPanel of {self._host.portfolio.portfolio.base}>"
