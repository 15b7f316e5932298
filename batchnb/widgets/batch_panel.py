"""BatchPanel: configure a job, run it, watch it, cancel it, and look at what it found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from batchnb.records.errors import BatchnbError, StorageError
from batchnb.results.text import plural
from batchnb.widgets.frozen import Pictures
from batchnb.widgets.host import require_host
from batchnb.widgets.job_form import JobForm
from batchnb.widgets.job_view import JobView
from batchnb.widgets.sinks import text_output
from batchnb.widgets.view import View, output_area, put, show

if TYPE_CHECKING:
    from batchnb.widgets.form_presenter import FormState

_MOST_VIEWS = 4
"""Jobs that are watched at once; an older one goes on without being shown."""
_DOUBLE_CLICK_SECONDS = 1.0
_TIMES_SECONDS = 20.0
"""For how long what the store knows of past tasks is not looked up again."""


class BatchPanel(View):
    """A form for a job and, below it, the jobs it started. The kernel stays free while they run."""

    def __init__(self, host: object) -> None:
        """Make a panel for a workspace (anything that is a PanelHost).

        Raises:
            TypeError: if `host` is something else.
        """
        self._host = require_host(host, "BatchPanel")
        self._portfolio = self._host.portfolio.portfolio
        self._said = self._refusal = ""
        self._started = self._times_due = 0.0
        self.views: tuple[JobView, ...] = ()
        """Of the jobs that this panel started, newest first: the newest, and those before it that go on."""
        self.pictures = Pictures()
        """Of its jobs that have ended, for the notebook that is saved."""
        self.form = JobForm(self._host, self._wake)
        self._failure = output_area()
        self._slot = widgets.VBox(layout={"overflow": "visible"})
        super().__init__([self._head(), self._slot], "batchnb-panel")

    @property
    def view(self) -> JobView | None:
        """The view of the job that was started last."""
        return self.views[0] if self.views else None

    def run(self) -> None:
        """Do what a click on Run does."""
        self.form.hear({"do": "run"})

    def step(self) -> float | None:
        """Take what was typed and clicked, start a job if that was asked for, and show what came of it."""
        self._learn()
        self.pictures.write()
        for _ in self.form.take():
            if time.monotonic() - self._started >= _DOUBLE_CLICK_SECONDS:
                self._start(self.form.present())
        state = self.form.present()
        if state.spec is not None and self._refusal.startswith("Not started. "):
            self._refusal = ""  # what was wrong with the form is corrected
        self.form.write(state, self._said, self._refusal)
        return None

    def show_failure(self, text: str) -> None:
        """Say in the panel that it failed."""
        show(self._failure, text_output(f"⚠ {text}", "error"))

    def _head(self) -> Any:
        models, apps = len(self._portfolio.models), len(self._portfolio.apps)
        text = f"Batch analysis: {plural(models, 'model')}, {plural(apps, 'app')}"
        title = widgets.Label(text, _dom_classes=("batchnb-line", "batchnb-head"))
        return widgets.VBox([title, self.form.widget, self._failure], _dom_classes=("batchnb-card",))

    def _wake(self) -> None:
        self.publisher.wake()

    def _learn(self) -> None:
        """Read how long past tasks took, if that may have changed."""
        now = time.monotonic()
        if now < self._times_due:
            return
        self._times_due = now + _TIMES_SECONDS
        try:
            self.form.learn(self._host.storage.get_metrics().times)
        except StorageError:  # starting says so; until then nothing is known
            self.form.learn(())

    def _start(self, state: FormState) -> None:
        """Start a job, if every field is right; while another one runs, it waits for its turn."""
        self._said, self._refusal = "", ""
        if state.spec is None:
            self._refusal = f"Not started. {state.summary}"
            return
        try:
            job_id = self._host.service.submit(state.spec)
        except BatchnbError as error:
            self._refusal = f"Not started: {error}"
            return
        self._started = time.monotonic()
        self._said = f"Job {job_id} was started."
        try:
            self._watch(JobView(self._host.service, self._host.storage, job_id, on_end=self._on_end))
        except BatchnbError as error:  # it runs, so nobody may start it again for want of a picture
            self._refusal = f"It cannot be shown now ({error}); ws.attach({job_id}) shows it later."

    def _watch(self, view: JobView) -> None:
        """Show a new job above those that go on, and keep a picture of its end."""
        view.freeze_into(lambda picture: self._keep(view.job_id, picture))
        old = self.views
        self.views = (view, *(other for other in old if self._goes_on(other)))[:_MOST_VIEWS]
        put(self._slot, children=self.views)
        for gone in set(old) - set(self.views):
            gone.close()

    def _goes_on(self, view: JobView) -> bool:
        try:
            job = self._host.storage.get_job(view.job_id)
        except StorageError:  # nobody can tell right now
            return True
        return job is not None and not job.status.is_ended

    def _keep(self, job_id: int, picture: dict[str, Any]) -> None:
        """Note what the notebook keeps of an ended job; runs on the view's thread."""
        self.pictures.keep(job_id, picture)
        self.publisher.wake()

    def _on_end(self) -> None:
        """Look up anew how long tasks take; runs on the view's thread."""
        self._times_due = 0.0
        self.publisher.wake()

    def _ipython_display_(self) -> None:
        """Show the panel, and keep what its jobs found in the notebook."""
        self.pictures.display(self._repr_mimebundle_())

    def __repr__(self) -> str:
        """Say what is shown, on one line."""
        return f"<BatchPanel of {self._portfolio.base}>"
