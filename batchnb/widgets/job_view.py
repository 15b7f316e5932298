"""One job, live: progress, findings so far, a cancel button, and its results when it has ended."""

from __future__ import annotations

import html
import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from batchnb.records import utc_now
from batchnb.records.errors import RecordNotFoundError, StorageError, StoreClosedError
from batchnb.results.portfolio_view import job_html
from batchnb.results.severity import severity_info
from batchnb.widgets.job_presenter import CancelNote, JobState, present_job
from batchnb.widgets.outcome import Outcome, present_outcome
from batchnb.widgets.publisher import Pace
from batchnb.widgets.sinks import escape, list_output, text_output
from batchnb.widgets.view import View, output_area, put, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.engine.service import BatchAnalysisService
    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisJob
    from batchnb.results.severity import SeverityInfo

_log = logging.getLogger(__name__)
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class JobView(View):
    """A view of one job of a store; it holds nothing of the job, so closing it loses nothing."""

    def __init__(
        self,
        service: BatchAnalysisService,
        storage: JobStorage,
        job_id: int,
        *,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Show a job.

        Args:
            service: what cancels the job.
            storage: the store that has it.
            job_id: the job's id.
            on_end: called once, on the view's thread, when the job has ended.

        Raises:
            RecordNotFoundError: if there is no such job.
        """
        self._service, self._storage, self._on_end = service, storage, on_end
        self.job_id = job_id
        self._cancel: CancelNote | None = None
        self._outcome: Outcome | None = None
        self._pace = Pace()
        state = present_job(storage.get_job_or_fail(job_id), utc_now())
        self._title = output_area(text_output(state.title, "title"))
        self._bar = widgets.IntProgress(max=1, layout={"flex": "1 1 160px", "width": "auto"})
        self.cancel_button = widgets.Button(
            description="Cancel", icon="stop", tooltip="Stop this job and every tool that it runs"
        )
        self._progress = widgets.Label(_dom_classes=("batchnb-line",))
        self._counts = widgets.HTML()
        self._status = widgets.HTML()
        self._elapsed = widgets.Label(_dom_classes=("batchnb-line", "batchnb-quiet"))
        self._errors, self._results = output_area(), output_area()
        self._write(state)
        self.cancel_button.on_click(self._on_cancel)
        super().__init__([self._head(), self._results], f"batchnb-view-{job_id}")
        self.publisher.wake()

    def _head(self) -> Any:
        """Return the box with everything but the results."""
        row = {"flex_flow": "row wrap"}
        bar = widgets.HBox([self._bar, self.cancel_button], layout=row, _dom_classes=("batchnb-row",))
        status = widgets.HBox([self._status, self._elapsed], layout=row, _dom_classes=("batchnb-row",))
        parts = [self._title, bar, self._progress, status, self._counts, self._errors]
        return widgets.VBox(parts, _dom_classes=("batchnb-card",))

    def step(self) -> float | None:
        """Write the job's state; at the end also its results."""
        try:
            job = self._storage.get_job_or_fail(self.job_id)
            self._write(present_job(job, utc_now(), self._cancel, self._outcome))
            if not job.status.is_ended:
                return self._pace.pause((job, self._cancel), time.monotonic())
            if self._on_end is not None:
                on_end, self._on_end = self._on_end, None
                on_end()
            if self._outcome is None:
                self._show_results(job)
        except (StoreClosedError, RecordNotFoundError) as error:
            put(self.cancel_button, disabled=True)
            self.show_failure(f"the job can no longer be read, so this is its last known state: {error}")
        except StorageError as error:  # it may pass, and the job goes on
            put(self._status, value=_status_html(f"cannot read the job right now: {error}"))
            return self._pace.pause(str(error), time.monotonic())
        return None

    def settle(self, timeout: float) -> None:
        """Wait until the view shows the end of a job that has ended, at most `timeout` seconds."""
        thread = self.publisher.thread
        if thread is not None:
            self.publisher.wake()
            thread.join(timeout)

    def show_failure(self, text: str) -> None:
        """Say in the view that it no longer follows the job."""
        show(self._errors, list_output([text]))

    def mimebundle(self) -> dict[str, Any]:
        """Return what a notebook stores of this view: the live widget, and a static picture beside it."""
        job = self._storage.get_job_or_fail(self.job_id)
        static = {"text/html": job_html(job, self._info(job)), "text/plain": repr(self)}
        if self.comm is None:
            return static
        live = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {_WIDGET_VIEW: live, **static}

    def _info(self, job: BatchAnalysisJob) -> SeverityInfo | None:
        """Return what an ended job found and measured; None: it has not ended."""
        outcome, storage = self._outcome, self._storage
        if outcome is not None:
            return outcome.info
        if not job.status.is_ended:
            return None
        return severity_info(
            storage.get_findings(job.id), storage.get_coverage(job.id), storage.get_tasks(job.id)
        )

    def _show_results(self, job: BatchAnalysisJob) -> None:
        storage = self._storage
        tasks, coverage = storage.get_tasks(job.id), storage.get_coverage(job.id)
        self._outcome = present_outcome(tasks, storage.get_findings(job.id), coverage)
        self._write(present_job(job, utc_now(), self._cancel, self._outcome))
        show(self._results, *self._outcome.outputs)
        # The last state goes out once more in full: a page that lost a message would keep an old number.
        for widget in (self._bar, self._progress, self._status, self._elapsed, self._counts):
            widget.send_state()

    def _write(self, state: JobState) -> None:
        put(self._bar, max=state.maximum, value=state.value, bar_style=state.bar)
        put(self._progress, value=state.progress)
        put(self._status, value=_status_html(state.status))
        put(self._elapsed, value=state.elapsed)
        put(self._counts, value=_counts_html(state))
        put(self.cancel_button, disabled=not state.can_cancel)
        show(self._errors, *([list_output(state.errors)] if state.errors else []))

    def _on_cancel(self, button: object) -> None:
        """Note the click and pass it on; runs on any thread, also while a cell is busy."""
        del button
        if self._cancel is not None and not self._cancel.refused:
            return
        self._cancel = CancelNote(asked_at=utc_now())
        self.publisher.wake()
        # Cancelling is a durable write, which may wait for other processes; a callback must not.
        name = f"batchnb-cancel-{self.job_id}"
        threading.Thread(target=self._pass_on, args=(self._cancel,), name=name, daemon=True).start()

    def _pass_on(self, asked: CancelNote) -> None:
        try:
            refused = "" if self._service.cancel_job(self.job_id) else "it neither waits nor runs"
        except Exception as error:  # noqa: BLE001 - whoever clicked must hear of it, and may try again
            _log.exception("job %d could not be cancelled", self.job_id)
            refused = str(error)
        if refused:
            self._cancel = replace(asked, refused=refused)
        self.publisher.wake()

    def __repr__(self) -> str:
        """Name the job, on one line."""
        return f"<JobView of job {self.job_id}>"


def _status_html(text: str) -> str:
    return f'<div role="status">{escape(text)}</div>'


def _counts_html(state: JobState) -> str:
    """Return the counts as markup: words and numbers of our own only."""
    chips = "".join(
        f'<span class="batchnb-chip batchnb-{level}"><b>{count:,}</b> {level}</span>'
        for level, count in state.counts
    )
    note = f'<span class="batchnb-quiet">{html.escape(state.counts_note)}</span>'
    return f'<div class="batchnb-counts">{chips}{note}</div>'
