"""The upper part of a job's view: how far it is, what it found so far, and the controls."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets as widgets

from batchnb.widgets.controls import CancelButton
from batchnb.widgets.sinks import escape, list_output, text_output
from batchnb.widgets.view import output_area, put, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.widgets.job_presenter import JobState

MOST_AT_ONCE = 32
"""The slider's end; `job.set_max_tasks` takes more."""
_ROW = {"flex_flow": "row wrap"}


class JobHead:
    """The widgets. `write` and `say` are called by the publisher's thread only."""

    def __init__(self, job_id: int, title: str, at_once: int, on_cancel: Callable[[], None]) -> None:
        """Make them.

        Args:
            job_id: the job's id.
            title: untrusted.
            at_once: how many of its tasks run at once.
            on_cancel: called on any thread when the cancel button is clicked.
        """
        self.cancel = CancelButton(job_id, on_cancel)
        self.pause = widgets.Button(description="Pause", tooltip="Start no new task; those that run go on")
        self.at_once = widgets.IntSlider(
            value=min(at_once, MOST_AT_ONCE),
            min=1,
            max=MOST_AT_ONCE,
            description="Tasks at once",
            continuous_update=False,
            style={"description_width": "90px"},
            layout={"width": "280px"},
        )
        self.bar = widgets.IntProgress(max=1, layout={"flex": "1 1 160px", "width": "auto", "height": "26px"})
        self.progress = widgets.Label(_dom_classes=("batchnb-line",))
        self.counts, self.status = widgets.HTML(), widgets.HTML()
        self.elapsed = widgets.Label(_dom_classes=("batchnb-line", "batchnb-quiet"))
        self.errors = output_area()
        self._controls = widgets.HBox([self.pause, self.at_once], layout=_ROW, _dom_classes=("batchnb-row",))
        status = widgets.HBox([self.status, self.elapsed], layout=_ROW, _dom_classes=("batchnb-row",))
        self.title = output_area(text_output(title, "title"))
        parts = [
            self.title,
            widgets.HBox([self.bar, self.cancel], layout=_ROW, _dom_classes=("batchnb-row", "batchnb-bar")),
            self.progress,
            status,
            self.counts,
            self._controls,
            self.errors,
        ]
        self.widget = widgets.VBox(parts, _dom_classes=("batchnb-card",))

    def write(self, state: JobState) -> None:
        """Show the state of the job."""
        put(self.bar, max=state.maximum, value=state.value, bar_style=state.bar)
        put(self.progress, value=state.progress)
        self.say(state.status)
        put(self.elapsed, value=state.elapsed)
        put(self.counts, value=_counts_html(state))
        cancel = {"can_cancel": state.can_cancel, "ended": state.ended, "refused": state.refused}
        put(self.cancel, state={**self.cancel.state, **cancel})
        put(self.pause, description="Resume" if state.paused else "Pause", disabled=not state.can_cancel)
        put(self._controls.layout, display="none" if state.ended else None)
        show(self.errors, *([list_output(state.errors)] if state.errors else []))

    def say(self, text: str) -> None:
        """Put untrusted words in place of the status."""
        put(self.status, value=f'<div role="status">{escape(text)}</div>')

    def tell_stopped(self, text: str) -> None:
        """Say beside the cancel button what was stopped."""
        put(self.cancel, state={**self.cancel.state, "result": text})

    def fail(self, text: str) -> None:
        """Say that the view no longer follows the job."""
        show(self.errors, list_output([text]))

    def disable(self) -> None:
        """Take the controls away: there is nobody who would obey them."""
        put(self.cancel, state={**self.cancel.state, "can_cancel": False})
        put(self._controls.layout, display="none")

    def send_all(self) -> None:
        """Send everything once more: a page that lost a message would keep an old number."""
        for widget in (self.bar, self.progress, self.status, self.elapsed, self.counts, self.cancel):
            widget.send_state()


def _counts_html(state: JobState) -> str:
    """Return the counts as markup: words and numbers of our own only."""
    chips = "".join(
        f'<span class="batchnb-chip batchnb-{level}"><b>{count:,}</b> {level}</span>'
        for level, count in state.counts
    )
    note = f'<span class="batchnb-quiet">{html.escape(state.counts_note)}</span>'
    return f'<div class="batchnb-counts">{chips}{note}</div>'
