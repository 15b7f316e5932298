"""Tasks of one analysis looked at together: one start of a tool serves many apps.

The engine runs task by task all the same. A task that starts may bring others that still wait into its call;
when their turn comes, their outcome is there already, and they end at once. So no more tasks run at a time
than is allowed, and cancelling, pausing or reordering those that wait means what it always means.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from batchnb.tools.cancellation import Deadline
from batchnb.tools.log import bind, create_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from batchnb.analyzers.base import Analyzer
    from batchnb.engine.executor import TaskExecutor
    from batchnb.engine.feed import Feed
    from batchnb.engine.task_run import TaskRun
    from batchnb.records import BatchAnalysisJob, BatchAnalysisTask

_log = create_logger("task")
PATIENCE = 120.0
"""Seconds that a call for several apps may take, and ..."""
PATIENCE_EACH = 20.0
"""... seconds more for each of them. It then fails, and they are split."""


class Sharing:
    """The calls of one job that serve several tasks. Used from many threads."""

    def __init__(
        self, feed: Feed, executor: TaskExecutor, job: BatchAnalysisJob, services: Mapping[str, Analyzer]
    ) -> None:
        self._sizes = {analyzer.key: analyzer.batch_size for analyzer in services.values()}
        self._feed, self._executor, self._job, self._services = feed, executor, job, services
        self._ready: dict[int, dict[str, Any]] = {}
        """Task id -> its result dictionary, from a call that another task made."""
        self._alone: set[int] = set()
        """Tasks that share no call (any more): one of theirs failed, or they were not settled in it."""
        self._lock = threading.Lock()
        self._sharers = 0
        """Threads that make a call for several tasks at the moment, so have had their share."""

    def perform(
        self, run: TaskRun, takers: int, progress: Callable[[int], None], more: Callable[[], None]
    ) -> dict[str, Any]:
        """Run a task that has started, maybe with others that wait, and return its result dictionary.

        Args:
            run: the task.
            takers: how many threads take tasks.
            progress: told how far it is, in percent.
            more: called when tasks that were set aside wait again.
        """
        if run.task.id not in self._ready and run.task.id not in self._alone:
            size = self._sizes.get(run.task.analysis_type, 1)  # nothing of it may be installed
            if size > 1:
                self._share_with_mates(run, size - 1, takers, progress, more)
        self._alone.discard(run.task.id)
        ready = self._ready.pop(run.task.id, None)
        if ready is not None:
            return ready
        return self._executor.perform(run.task, self._job, self._services, run.cancel, run.deadline, progress)

    def _share_with_mates(
        self, run: TaskRun, most: int, takers: int, progress: Callable[[int], None], more: Callable[[], None]
    ) -> None:
        with self._lock:
            mates = self._feed.hold(run.task, most, takers - self._sharers)
            self._sharers += 1
        try:
            if mates:
                self._share(run, [run.task, *mates], progress)
        finally:
            with self._lock:
                self._sharers -= 1
            if mates:
                self._feed.release(mates)
                more()

    def _share(
        self, run: TaskRun, tasks: Sequence[BatchAnalysisTask], progress: Callable[[int], None]
    ) -> None:
        """Run a call for all the tasks; when it fails, one for each half of them, and so on."""
        groups = [tasks]
        while groups and not run.cancel.cancelled:
            group = groups.pop()
            usable = [task for task in group if task.id not in self._alone]
            if len(usable) < 2:
                self._alone.update(task.id for task in group)
                continue
            outcomes = self._call(run, usable, progress)
            if outcomes is None:
                middle = len(usable) // 2
                groups += [usable[middle:], usable[:middle]]
                continue
            for task, outcome in zip(usable, outcomes, strict=True):
                if outcome is None:
                    self._alone.add(task.id)
                else:
                    self._ready[task.id] = outcome
        if run.task.id not in self._ready and not run.cancel.cancelled:
            run.restart()

    def _call(
        self, run: TaskRun, tasks: Sequence[BatchAnalysisTask], progress: Callable[[int], None]
    ) -> Sequence[dict[str, Any] | None] | None:
        """Return one result dictionary per task, None for one that is to run alone; None: the call failed."""
        patience = time.monotonic() + PATIENCE + PATIENCE_EACH * len(tasks)
        deadline = Deadline(min(run.deadline.at, patience))
        unsubscribe = run.deadline.subscribe(lambda: deadline.move(min(run.deadline.at, patience)))
        try:
            return self._executor.perform_all(
                tasks, self._job, self._services, run.cancel, deadline, progress
            )
        except Exception as error:  # noqa: BLE001 - whatever an analyzer raises for several says nothing of one
            if not run.cancel.cancelled:
                log = bind(_log, job_id=self._job.id, task_id=run.task.id)
                text = "a call for %d apps failed (%s: %s); they are split"
                log.log(logging.INFO, text, len(tasks), type(error).__name__, error)
            return None
        finally:
            unsubscribe()
