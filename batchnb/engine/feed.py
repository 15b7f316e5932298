"""Feed: which task of a job comes next. Tasks stay in the store; a job of 100,000 costs no memory."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from batchnb.records import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisTask

_BATCH = 256
"""Pending tasks that are fetched from the store at once."""


class Feed:
    """Hands out the pending tasks of a job, each to one taker at a time, in their order of priority."""

    def __init__(self, storage: JobStorage, job_id: int) -> None:
        self._storage, self._job_id = storage, job_id
        self._lock = threading.Lock()
        self._fetched: list[BatchAnalysisTask] = []
        self._last: BatchAnalysisTask | None = None
        """The last one that was fetched; None: begin at the front."""
        self._out: set[int] = set()
        self._back: deque[Collection[int]] = deque()
        self._held: dict[int, BatchAnalysisTask] = {}
        """Those that are looked at together with one that runs; they wait, and may be taken out of turn."""

    def next(self) -> BatchAnalysisTask | None:
        """Return the next task; None: none is left that nobody has."""
        with self._lock:
            if not self._fetched:
                self._fetched = self._fetch()
            if not self._fetched:
                return None
            task = self._fetched.pop()
            self._out.add(task.id)
            return task

    def take(self, task_id: int) -> BatchAnalysisTask | None:
        """Take a certain task out of turn; None: somebody has it, or it has ended."""
        with self._lock:
            self._take_back()
            if task_id in self._out:
                return None
            task = self._storage.get_task_or_fail(task_id)
            if task.status is not TaskStatus.PENDING:
                return None
            self._out.add(task_id)
            self._held.pop(task_id, None)
            self._fetched = [each for each in self._fetched if each.id != task_id]
            return task

    def put_back(self, task: BatchAnalysisTask) -> None:
        """Let a task that was handed out, and has not begun, come next again."""
        with self._lock:
            self._out.discard(task.id)
            self._fetched.append(task)

    def hold(self, task: BatchAnalysisTask, most: int, takers: int) -> list[BatchAnalysisTask]:
        """Set aside those that come next and are of the same analysis as `task`, until `release`.

        Args:
            task: one that was handed out.
            most: how many at most.
            takers: how many take tasks at once: each of them is left its share, of this analysis or another.
        """
        with self._lock:
            kinds = {each.analysis_type for each in self._fetched} | {task.analysis_type}
            takers = -(-takers // len(kinds))
            alike = [each for each in reversed(self._fetched) if each.analysis_type == task.analysis_type]
            share = -(-(len(alike) + 1) // max(1, takers)) - 1
            chosen = alike[: max(0, min(most, share))]
            self._held |= {each.id: each for each in chosen}
            self._fetched = [each for each in self._fetched if each.id not in self._held]
            return chosen

    def release(self, tasks: Collection[BatchAnalysisTask]) -> None:
        """Let those that were set aside come next, unless somebody took them meanwhile."""
        with self._lock:
            back = [self._held.pop(each.id) for each in reversed(list(tasks)) if each.id in self._held]
            self._fetched += back

    def stored(self, task_ids: Collection[int]) -> None:
        """Note that nobody has these tasks any more: the store knows that they ended, or wait again.

        Waits for nothing: the store's own thread calls it, and a fetch waits for that thread.
        """
        self._back.append(task_ids)

    def refresh(self) -> None:
        """Forget those that were fetched: their order or their limits have changed."""
        with self._lock:
            self._fetched, self._last = [], None

    @property
    def is_exhausted(self) -> bool:
        """Whether every task has ended."""
        with self._lock:
            self._fetched = self._fetched or self._fetch()
            return not self._fetched and not self._out and not self._held

    def _fetch(self) -> list[BatchAnalysisTask]:
        """Return those that come next, the last one first; at the end, look from the front once more."""
        # The store may still call those that are out pending. They are taken back first: one that comes back
        # meanwhile is passed over, and whoever put it there says afterwards that there is more.
        self._take_back()
        fresh: list[BatchAnalysisTask] = []
        while self._last is not None and not fresh:
            fresh = self._page(_BATCH, self._last)
        return fresh or self._page(_BATCH + len(self._out) + len(self._held), None)

    def _page(self, limit: int, after: BatchAnalysisTask | None) -> list[BatchAnalysisTask]:
        tasks = self._storage.get_waiting(self._job_id, limit, after)
        self._last = tasks[-1] if tasks else None
        return [task for task in reversed(tasks) if task.id not in self._out and task.id not in self._held]

    def _take_back(self) -> None:
        while self._back:
            self._out.difference_update(self._back.popleft())
