"""BatchPanel: configure a job, run it, watch it, cancel it, and look at what it found."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as widgets

from batchnb.records.errors import BatchnbError, StorageError, StoreClosedError
from batchnb.results.text import plural
from batchnb.widgets.form_presenter import FormState, present_form
from batchnb.widgets.host import require_host
from batchnb.widgets.job_form import JobForm
from batchnb.widgets.job_view import JobView
from batchnb.widgets.sinks import text_output
from batchnb.widgets.view import View, output_area, put, show


class BatchPanel(View):
    """A form for a job and, below it, the job. The kernel stays free while the job runs."""

    def __init__(self, host: object) -> None:
        """Make a panel for a workspace (anything that is a PanelHost).

        Raises:
            TypeError: if `host` is something else.
        """
        self._host = require_host(host, "BatchPanel")
        self._portfolio = self._host.portfolio.portfolio
        self.form = JobForm(
            self._portfolio, self._host.registry, self._host.service.settings.task_timeout_seconds
        )
        self.run_button = widgets.Button(
            description="Run", icon="play", button_style="primary", tooltip="Start the job in the background"
        )
        state = present_form(self.form.read(), self._portfolio, self._host.registry)
        self._summary = output_area(text_output(state.summary), flex="1 1 200px", width="auto")
        self._slot = widgets.VBox(layout={"overflow": "visible"})
        self._run_asked = threading.Event()
        self._refusal = ""
        self.view: JobView | None = None
        super().__init__([self._head(), self._slot], "batchnb-panel")
        self.form.observe(self.publisher.wake)
        self.run_button.on_click(self._on_run)

    def _head(self) -> Any:
        models, apps = len(self._portfolio.models), len(self._portfolio.apps)
        text = f"Batch analysis: {plural(models, 'model')}, {plural(apps, 'app')}"
        title = widgets.Label(text, _dom_classes=("batchnb-line", "batchnb-head"))
        row = widgets.HBox(
            [self.run_button, self._summary], layout={"flex_flow": "row wrap"}, _dom_classes=("batchnb-row",)
        )
        return widgets.VBox([title, self.form.widget, row], _dom_classes=("batchnb-card",))

    def step(self) -> float | None:
        """Check the form, and start the job if that was asked for."""
        asked = self._run_asked.is_set()
        self._run_asked.clear()
        state = present_form(self.form.read(), self._portfolio, self._host.registry)
        self.form.write(state)
        if asked and not self._is_busy():
            self._refusal = ""
            self._start(state)
        elif not asked and state.spec is not None:
            self._refusal = ""
        refusal = text_output(f"⚠ {self._refusal}", "error") if self._refusal else None
        show(self._summary, refusal or text_output(state.summary))
        put(self.run_button, disabled=self._is_busy())
        return None

    def show_failure(self, text: str) -> None:
        """Say in the panel that it failed."""
        show(self._summary, text_output(f"⚠ {text}", "error"))

    def _start(self, state: FormState) -> None:
        """Run on the publisher's thread: nothing is started unless every field is right."""
        if state.spec is None:
            self._refusal = f"Not started. {state.summary}"
            return
        try:
            job_id = self._host.service.submit(state.spec)
        except BatchnbError as error:
            self._refusal = f"Not started: {error}"
            return
        old, service = self.view, self._host.service
        self.view = JobView(service, self._host.storage, job_id, on_end=self.publisher.wake)
        put(self._slot, children=(self.view,))
        if old is not None:
            old.close()

    def _is_busy(self) -> bool:
        """Whether this panel's job goes on. Another one can be started when it has ended."""
        if self.view is None:
            return False
        try:
            job = self._host.storage.get_job(self.view.job_id)
        except StoreClosedError:  # starting says so
            return False
        except StorageError:  # it cannot tell right now: as before
            return bool(self.run_button.disabled)
        return job is not None and not job.status.is_ended

    def _on_run(self, button: object) -> None:
        """Note the wish; runs on any thread, also while a cell is busy."""
        del button
        self._run_asked.set()
        self.publisher.wake()

    def __repr__(self) -> str:
        """Say what is shown, on one line."""
        return f"<BatchPanel of {self._portfolio.base}>"
