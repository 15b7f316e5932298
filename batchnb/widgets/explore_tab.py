"""Pick a job of a workspace and explore what it found."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets

from batchnb.records.errors import BatchnbError
from batchnb.widgets.explorer import Explorer
from batchnb.widgets.host import require_host
from batchnb.widgets.jobs_presenter import present_choice
from batchnb.widgets.live import Live
from batchnb.widgets.view import View, put

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BASELINES = 50


class JobChoice(Live):
    """Which job is explored; see `jobs_presenter.present_choice`."""

    script: ClassVar[str] = "choice.js"


class ExploreTab(View):
    """A list of the jobs, and the Explorer of the chosen one; the others are what it can be compared with."""

    def __init__(self, host: object) -> None:
        """Make it for a workspace.

        Args:
            host: the workspace: beside what a PanelHost has, its `attach` reads a job, and `decide` and
                `withdraw` store and take back decisions.

        Raises:
            TypeError: if `host` is something else.
        """
        self._host: Any = require_host(host, "ExploreTab")
        self._wanted: deque[int] = deque(maxlen=1)
        self._shown: int | None = None
        self._said = ""
        self.explorer: Explorer | None = None
        self.choice = JobChoice({"jobs": [], "job": None, "more": 0, "said": ""}, self.heard)
        self._slot = widgets.VBox(layout={"overflow": "visible"})
        super().__init__([self.choice, self._slot], "batchnb-explore-tab")
        self.publisher.wake()

    def step(self) -> float | None:
        """Show the jobs that there are now, and explore the one that was asked for."""
        while self._wanted:
            self._explore(self._wanted.popleft())
        try:
            jobs = present_choice(self._host.storage.get_jobs(), self._shown)
        except BatchnbError as error:
            put(self.choice, state={**self.choice.state, "said": f"cannot read the jobs: {error}"})
            return None
        put(self.choice, state={**jobs, "said": self._said})
        return None

    def show_failure(self, text: str) -> None:
        """Say that the tab itself failed."""
        put(self.choice, state={**self.choice.state, "said": text})

    def heard(self, message: dict[str, Any]) -> None:
        """Note what was chosen; without a choice only the list is read anew. Any thread calls this."""
        job_id = message.get("job")
        if message.get("do") == "show" and type(job_id) is int:
            self._wanted.append(job_id)
        self.publisher.wake()

    def _explore(self, job_id: int) -> None:
        host, old = self._host, self.explorer
        try:
            others = [job.id for job in reversed(host.storage.get_jobs()) if job.id != job_id]
            self.explorer = Explorer(
                host.attach(job_id),
                host.decide,
                withdraw=host.withdraw,
                baseline=[(f"Job {other}", self._attached(other)) for other in others[:_MOST_BASELINES]],
            )
        except (BatchnbError, AttributeError) as error:
            self._said = f"job {job_id} cannot be explored: {error}"
            return
        self._said, self._shown = "", job_id
        put(self._slot, children=(self.explorer,))
        if old is not None:
            old.close()

    def _attached(self, job_id: int) -> Callable[[], Any]:
        return lambda: self._host.attach(job_id)

    def __repr__(self) -> str:
        """Say what is shown, on one line."""
        return f"<ExploreTab of {self._host.portfolio.portfolio.base}>"
