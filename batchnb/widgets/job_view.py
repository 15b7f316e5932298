"""One job, live: progress, a grid of its tasks, controls, and its results when it has ended."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchnb.records import utc_now
from batchnb.records.errors import RecordNotFoundError, StorageError, StoreClosedError
from batchnb.results.portfolio_view import job_html
from batchnb.results.snapshot import snapshot_html
from batchnb.tools.processes import tool_processes
from batchnb.widgets.board_feed import BoardFeed
from batchnb.widgets.controls import aside
from batchnb.widgets.form_presenter import analysis_titles
from batchnb.widgets.job_head import JobHead
from batchnb.widgets.job_presenter import CancelNote, cancel_command, present_job, stopped_text
from batchnb.widgets.outcome import Outcome, present_outcome
from batchnb.widgets.publisher import Pace
from batchnb.widgets.view import View, output_area, show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batchnb.engine.service import BatchAnalysisService
    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisJob, Estimate, Finding
    from batchnb.tools.processes import Process

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_ESTIMATE_SECONDS = 1.0
_AGAIN_SECONDS = 1.0


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
        self._is_repeated = False
        self._estimate: Estimate | None = None
        self._estimate_due = 0.0
        self._refused = self._result = ""
        self._to_stop: frozenset[Process] | None = None
        self._frozen: list[Callable[[dict[str, Any]], object]] = []
        self._pace = Pace()
        job = storage.get_job_or_fail(job_id)
        way = cancel_command(job_id, service.base_path, storage.path)
        self.head = JobHead(present_job(job, utc_now()), self._at_once(job), way, self._on_click)
        self._feed = BoardFeed(storage, job, analysis_titles(service.registry), self._wake)
        self.board = self._feed.board
        self._results = output_area()
        super().__init__([self.head, self.board, self._results], f"batchnb-view-{job_id}")
        self.publisher.wake()

    def step(self) -> float | None:
        """Write the job's state; at the end also its results."""
        try:
            job = self._storage.get_job_or_fail(self.job_id)
            self._write(job)
            if not job.status.is_ended:
                return self._pace.pause((job, self._cancel), time.monotonic())
            return self._end(job)
        except (StoreClosedError, RecordNotFoundError) as error:
            self.head.say(can_cancel=False)
            self.show_failure(f"the job can no longer be read, so this is its last known state: {error}")
        except StorageError as error:  # it may pass, and the job goes on
            self.head.say(status=f"cannot read the job right now: {error}")
            return self._pace.pause(str(error), time.monotonic())
        return None

    @property
    def is_ended(self) -> bool:
        """Whether the job has ended."""
        return self._storage.get_status(self.job_id).is_ended

    def settle(self, timeout: float) -> None:
        """Wait until the view shows the end of a job that has ended, at most `timeout` seconds."""
        thread = self.publisher.thread
        if thread is not None:
            self.publisher.wake()
            thread.join(timeout)

    def show_failure(self, text: str) -> None:
        """Say in the view that it no longer follows the job."""
        self.head.say(errors=[text])

    def mimebundle(self) -> dict[str, Any]:
        """Return what a notebook stores of this view: the live widget, and a static picture beside it."""
        job = self._storage.get_job_or_fail(self.job_id)
        if job.status.is_ended:
            return self.picture(job)
        static = {"text/html": job_html(job), "text/plain": repr(self)}
        if self.comm is None:
            return static
        live = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {_WIDGET_VIEW: live, **static}

    def picture(self, job: BatchAnalysisJob) -> dict[str, Any]:
        """Return the static picture of the ended job: a saved notebook shows it without a kernel."""
        findings = self._storage.get_findings(job.id)
        outcome = self._outcome or self._read_outcome(job, findings)
        html = snapshot_html(job, outcome.info, outcome.gaps, findings)
        return {"text/html": html, "text/plain": f"{self!r}: {job.status.value}"}

    def freeze_into(self, update: Callable[[dict[str, Any]], object]) -> None:
        """Call `update` with the static picture when the job has ended: at once if it has.

        It is called on the view's thread, once. A page that was loaded anew meanwhile does not hear of it,
        and goes on showing the live view, with the results in it.
        """
        self._frozen.append(update)
        self.publisher.wake()

    def _end(self, job: BatchAnalysisJob) -> float | None:
        """Show what the ended job left; a second later the whole state again.

        For a page that lost a message, as a flood of somebody else's can do, would keep an old number.
        """
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end()
        is_first = self._outcome is None
        if is_first:
            self._outcome = self._read_outcome(job, self._storage.get_findings(job.id))
            self._write(job)
            show(self._results, *self._outcome.outputs)
        elif not self._is_repeated:
            self._is_repeated = True
            self.head.send_state()
            self.board.send_state()
        self._freeze(job)
        return _AGAIN_SECONDS if is_first else None

    def _read_outcome(self, job: BatchAnalysisJob, findings: Sequence[Finding]) -> Outcome:
        storage = self._storage
        return present_outcome(storage.get_tasks(job.id), findings, storage.get_coverage(job.id))

    def _freeze(self, job: BatchAnalysisJob) -> None:
        if self._frozen:
            waiting, self._frozen = self._frozen, []
            picture = self.picture(job)
            for update in waiting:
                update(picture)

    def _write(self, job: BatchAnalysisJob) -> None:
        now = time.monotonic()
        if not job.status.is_ended and now >= self._estimate_due:
            self._estimate = self._service.estimate(job.id)
            self._estimate_due = now + _ESTIMATE_SECONDS
        state = present_job(job, utc_now(), self._cancel, self._outcome, self._estimate)
        if job.status.is_ended and self._to_stop is not None:
            self._result = stopped_text(self._to_stop, tool_processes() or frozenset())
            self._to_stop = None
        if self._refused:
            state = replace(state, errors=(self._refused, *state.errors))
        self.head.write(state, at_once=self._at_once(job), result=self._result)
        self._feed.write(job)

    # ------------------------------------------------- clicks: any thread, also while a cell is busy

    def _wake(self) -> None:
        self.publisher.wake()

    def _on_click(self, what: str, value: Any) -> None:
        if what == "cancel":
            self._on_cancel()
            return
        work = self._switch_pause if what == "pause" else lambda: self._set_at_once(value)
        aside(f"batchnb-{what}-{self.job_id}", work, self._told)

    def _on_cancel(self) -> None:
        """Note the click and pass it on. Cancelling is a durable write, which may have to wait."""
        if self._cancel is not None and not self._cancel.refused:
            return
        asked = self._cancel = CancelNote(asked_at=utc_now())
        self.publisher.wake()

        def told(failure: str) -> None:
            if failure:
                self._cancel = replace(asked, refused=failure)
            self.publisher.wake()

        aside(f"batchnb-cancel-{self.job_id}", self._stop_job, told)

    def _stop_job(self) -> None:
        self._to_stop = tool_processes()
        if not self._service.cancel_job(self.job_id):
            raise StorageError("it neither waits nor runs")

    def _switch_pause(self) -> None:
        controls, paused = self._storage.controls, self._storage.get_job_or_fail(self.job_id).paused
        (controls.resume if paused else controls.pause)(self.job_id)

    def _set_at_once(self, tasks: int) -> None:
        self._storage.controls.set_max_tasks(self.job_id, tasks)

    def _at_once(self, job: BatchAnalysisJob) -> int:
        return job.max_tasks or self._service.settings.max_tasks

    def _told(self, failure: str) -> None:
        self._refused = failure
        self.publisher.wake()

    def __repr__(self) -> str:
        """Name the job, on one line."""
        return f"<JobView of job {self.job_id}>"
