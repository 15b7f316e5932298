"""Reads what a board shows, not more often than it must, and passes on what is clicked in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from batchnb.records import utc_now
from batchnb.widgets.board_presenter import MOST_CELLS, MOST_LINES, BoardSources, present_board, task_at
from batchnb.widgets.controls import Board, aside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisJob

_SMALL = 500
"""Tasks up to which a board is read twice a second, and above it once."""


class BoardFeed:
    """The board of one job, and what its reader asked for. `write` is called by the publisher only."""

    def __init__(
        self,
        storage: JobStorage,
        job: BatchAnalysisJob,
        titles: Mapping[str, str],
        wake: Callable[[], None],
    ) -> None:
        """Make the board of `job`.

        Args:
            storage: the store that has it.
            job: its snapshot.
            titles: analysis type -> title.
            wake: called, on any thread, when there is something new to show.
        """
        self._storage, self._job_id, self._titles, self._wake = storage, job.id, titles, wake
        self._wanted: object = None
        self._note = ""
        self._next = 0.0
        self.board = Board(self._read(job), self.heard)

    def write(self, job: BatchAnalysisJob) -> None:
        """Let the board show how far `job` is, if it is time to; an ended job always."""
        now = time.monotonic()
        if now < self._next and not job.status.is_ended:
            return
        self._next = now + (0.5 if job.total_tasks <= _SMALL else 1.0)
        state = self._read(job)
        if state != self.board.state:
            self.board.state = state

    def heard(self, message: dict[str, Any]) -> None:
        """Note what was clicked. `message` is whatever the page sent; any thread calls this."""
        do, task = message.get("do"), message.get("task")
        if do == "pick":
            self._wanted = message.get("place")
        elif do in ("cancel", "requeue") and isinstance(task, int):
            act = self._cancel if do == "cancel" else self._requeue
            aside(f"batchnb-{do}-{task}", lambda: act(task), self._tell)
        self._next = 0.0
        self._wake()

    def _cancel(self, task_id: int) -> None:
        self._require_own(task_id)
        self._storage.controls.cancel_task(task_id)

    def _requeue(self, task_id: int) -> None:
        self._require_own(task_id)
        self._storage.controls.requeue_task(task_id)

    def _require_own(self, task_id: int) -> None:
        if self._storage.get_task_or_fail(task_id).job_id != self._job_id:
            raise ValueError(f"task {task_id} is not one of job {self._job_id}")

    def _tell(self, failure: str) -> None:
        self._note, self._next = failure, 0.0
        self._wake()

    def _read(self, job: BatchAnalysisJob) -> dict[str, Any]:
        storage, big = self._storage, job.total_tasks > MOST_CELLS
        cells = [] if big else storage.get_board(job.id)
        recent = storage.get_recent_tasks(job.id, MOST_LINES)
        picked = task_at(cells, self._wanted)
        if picked is not None and picked not in {task.id for task in recent}:
            task = storage.get_task(picked)
            recent += [task] if task else []
        sources = BoardSources(
            job=job,
            cells=cells,
            counts=storage.count_board(job.id) if big else (),
            recent=recent,
            lines=storage.get_log(job.id),
            titles=self._titles,
            selected=picked,
            now=utc_now(),
        )
        return {**present_board(sources), "note": self._note, "durable": storage.path is not None}
