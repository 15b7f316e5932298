"""Journal: what the tasks of a running job do, on its way into the store.

Nobody waits for a commit: a worker hands an ending over and takes the next task. While one group is being
written the next one gathers, so the slower the disk, the larger the groups. A task that began and ended in
between is written, and told about, once. Told as an event, and so acknowledged, is only what is stored.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from batchnb.records import TaskStatus
from batchnb.records.events import TaskFinished, TaskProgressed, TaskRequeued, TaskStarted

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from batchnb.engine.broker import EventBroker
    from batchnb.engine.endings import Ended
    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisTask
    from batchnb.records.events import Event

_MOST_WAITING = 2_000
"""Endings that may wait for the store; beyond, whoever brings one waits for room."""


class _Group(NamedTuple):
    going_on: dict[int, BatchAnalysisTask]
    endings: list[Ended]


class Journal:
    """Takes changes from any thread and keeps one write at a time under way."""

    def __init__(
        self,
        storage: JobStorage,
        job_id: int,
        events: EventBroker,
        stored: Callable[[list[int]], None],
        failed: Callable[[], None],
    ) -> None:
        """Make the journal of one job.

        Args:
            storage: where it all goes.
            job_id: the job.
            events: told what has been stored.
            stored: called with the ids of the tasks that ended or wait again, once that is stored; must not
                wait for the store.
            failed: called when the store does not take a group; nothing more will be stored.
        """
        self._storage, self._job_id, self._events = storage, job_id, events
        self._stored, self._failed = stored, failed
        self._changed = threading.Condition()
        self._next = _Group({}, [])
        self._current = _Group({}, [])
        self._is_writing = False
        self._failure: BaseException | None = None

    def note(self, task: BatchAnalysisTask, still: Callable[[], bool] | None = None) -> None:
        """Have the present state of a task that goes on stored: the last one before the next write.

        Args:
            task: the task.
            still: asked whether it counts; what is noted or ended after it said so goes before it.
        """
        with self._changed:
            if still is None or still():
                self._next.going_on[task.id] = task
        self._write()

    def end(self, ended: Ended) -> None:
        """Have an ending stored.

        Raises:
            BatchnbError: what kept an earlier group from being stored; nothing more will be.
        """
        with self._changed:
            self._next.going_on.pop(ended.task.id, None)
            self._next.endings.append(ended)
        self._write()
        if len(self._next.endings) >= _MOST_WAITING or self._failure is not None:
            with self._changed:
                self._changed.wait_for(lambda: len(self._next.endings) < _MOST_WAITING or self._failure)
            self._check()

    def drain(self) -> None:
        """Wait until everything is stored.

        Raises:
            BatchnbError: what kept a group from being stored.
        """
        with self._changed:
            self._changed.wait_for(lambda: not (self._is_writing or any(self._next)) or self._failure)
        self._check()

    def settle(self, task_id: int) -> None:
        """Wait until what was noted about one task is stored, whatever else goes on.

        Raises:
            BatchnbError: what kept it from being stored.
        """

        def is_on_its_way() -> bool:
            writing = self._is_writing and task_id in self._current.going_on
            return writing or task_id in self._next.going_on

        with self._changed:
            self._changed.wait_for(lambda: not is_on_its_way() or self._failure)
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        """Ask the store for a turn, unless one is under way: that one will be followed by another."""
        while self._begin():
            try:
                future = self._storage.record(self._job_id, self._take())
            except BaseException as failure:  # noqa: BLE001 - whoever brings or drains gets it
                self._fail(failure)
                return
            if not future.done():
                future.add_done_callback(self._go_on)
                return
            # Not by the callback, in which each turn would be nested in the one before.
            self._written(future)

    def _begin(self) -> bool:
        with self._changed:
            if self._is_writing or self._failure is not None or not any(self._next):
                return False
            self._is_writing = True
            return True

    def _go_on(self, future: Future[None]) -> None:
        self._written(future)
        self._write()

    def _take(self) -> Callable[[], tuple[list[BatchAnalysisTask], list[Ended]]]:
        """Return what gives the group, the same one however often the store has to begin anew."""
        taken: list[_Group] = []

        def take() -> tuple[list[BatchAnalysisTask], list[Ended]]:
            if not taken:
                with self._changed:
                    taken.append(self._next)
                    self._current, self._next = self._next, _Group({}, [])
                    self._changed.notify_all()
            return list(taken[0].going_on.values()), taken[0].endings

        return take

    def _written(self, future: Future[None]) -> None:
        """Tell about the group that is stored. In a file, called by the store's thread."""
        try:
            future.result()
            group = self._current
            self._stored(_left(group))
            if self._events.is_heard:
                self._events.publish(*self._facts(group))
        except BaseException as failure:  # noqa: BLE001 - whoever brings or drains gets it
            self._fail(failure)
            return
        with self._changed:
            self._is_writing, self._current = False, _Group({}, [])
            self._changed.notify_all()

    def _fail(self, failure: BaseException) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()
        self._failed()

    def _facts(self, group: _Group) -> list[Event]:
        facts = [_fact(task) for task in group.going_on.values()]
        return facts + [
            TaskFinished(job_id=self._job_id, task_id=ended.task.id, status=ended.task.status)
            for ended in group.endings
        ]


def _left(group: _Group) -> list[int]:
    """Return the ids of the tasks that nobody is at work on any more."""
    waiting = [task.id for task in group.going_on.values() if task.status is TaskStatus.PENDING]
    return waiting + [ended.task.id for ended in group.endings]


def _fact(task: BatchAnalysisTask) -> Event:
    if task.status is TaskStatus.PENDING:
        return TaskRequeued(job_id=task.job_id, task_id=task.id)
    if task.progress:
        return TaskProgressed(job_id=task.job_id, task_id=task.id, progress=task.progress)
    return TaskStarted(job_id=task.job_id, task_id=task.id)
