"""The tasks of one job while they run: who is at work, on what, for how long, and what is wanted of them."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from batchnb.engine.controls import CANCEL, REQUEUE
from batchnb.engine.crew import Crew
from batchnb.engine.feed import Feed
from batchnb.engine.journal import Journal
from batchnb.engine.sharing import Sharing
from batchnb.engine.task_run import TaskRun
from batchnb.records import JobStatus, LogLine, TaskStatus, utc_now
from batchnb.records.errors import InvariantError, StorageError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.log import bind, create_logger

if TYPE_CHECKING:
    from batchnb.analyzers.base import Analyzer
    from batchnb.engine.broker import EventBroker
    from batchnb.engine.executor import TaskExecutor
    from batchnb.engine.storage import JobStorage
    from batchnb.records import BatchAnalysisJob, BatchAnalysisTask

_log = create_logger("task")
LOOK_SECONDS = 0.2
"""How often the store is looked at for what other processes want."""
_SLOW = 0.5
"""Part of its time limit after which a task takes longer than expected."""


class TaskRuns:
    """Works through a job's pending tasks and heeds what is wanted of them meanwhile."""

    def __init__(
        self,
        job: BatchAnalysisJob,
        services: dict[str, Analyzer],
        storage: JobStorage,
        executor: TaskExecutor,
        events: EventBroker,
        cancel: CancelToken,
        max_tasks: int,
    ) -> None:
        """Prepare to run a job's tasks.

        Args:
            job: the job, RUNNING.
            services: the analyzers that it needs.
            storage: the store.
            executor: runs one task.
            events: told what happens.
            cancel: the job's token.
            max_tasks: tasks at once, for a job that does not say its own number.
        """
        self._job, self._storage, self._executor = job, storage, executor
        self._exclusive = {analyzer.key for analyzer in services.values() if analyzer.exclusive}
        self._cancel, self._max_tasks = cancel, max_tasks
        self._feed = Feed(storage, job.id)
        self._journal = Journal(storage, job.id, events, self._feed.stored, self._give_up)
        self._crew = Crew(
            self._step,
            self._give_up,
            name=f"batchnb-job-{job.id}",
            limit=job.max_tasks or max_tasks,
            paused=job.paused,
        )
        self._sharing = Sharing(self._feed, executor, job, services)
        self._running: dict[int, TaskRun] = {}
        self._wanted_limit = job.max_tasks or max_tasks
        self._alone = False
        """Whether the task that runs, or comes next, is one that nothing else may run beside."""
        self._turn = threading.Lock()
        self._heeded = -1
        self._heeds, self._is_overtaken = 0, False

    def run(self) -> None:
        """Run every task to its end, or until the job is cancelled; nothing of them is left running."""
        unsubscribe = self._cancel.subscribe(self._crew.dismiss)
        try:
            self._crew.run(self._look, LOOK_SECONDS)
        except BaseException:
            with suppress(Exception):  # what ended well is kept, if that can be; the first failure counts
                self._journal.drain()
            raise
        finally:
            unsubscribe()
        self._journal.drain()

    def nudge(self) -> None:
        """Have the store looked at now."""
        self._crew.nudge()

    # ------------------------------------------------------------------------------- on the threads

    def _step(self) -> bool:
        """Run the next task; False: there is none."""
        heeds = self._heeds
        task = self._feed.next()
        if task is None:
            return False
        run = self._take_turn(task)
        if run is None:
            return True
        if heeds != self._heeds:  # it may have an old limit
            self._is_overtaken = True
            self._crew.nudge()
        self._run_task(run)
        return True

    def _take_turn(self, task: BatchAnalysisTask) -> TaskRun | None:
        """Begin a task; None: it has to wait for others, and was put back.

        Before one that is to run alone, the crew shrinks to one: this thread goes home if others are at
        work, and the last of them to end takes the task.
        """
        with self._turn:
            if self._alone_runs():  # the limit is one: this thread is too many, and goes home
                self._feed.put_back(task)
                return None
            alone = task.analysis_type in self._exclusive
            if alone != self._alone:
                self._alone = alone
                self._crew.set_limit(self._limit())
            if alone and self._running:
                self._feed.put_back(task)
                return None
            return self._begin(task)

    def _alone_runs(self) -> bool:
        return any(run.task.analysis_type in self._exclusive for run in list(self._running.values()))

    def _limit(self) -> int:
        return 1 if self._alone else self._wanted_limit

    def _give_up(self) -> None:
        """Stop the tools of all tasks at once: the engine is broken, nothing of what they do can count."""
        self._cancel.cancel("the engine failed")

    def _begin(self, waiting: BatchAnalysisTask) -> TaskRun:
        task = waiting.start(utc_now())
        self._journal.note(task)
        now, limit = time.monotonic(), task.timeout_seconds
        run = TaskRun(task, self._cancel.child(), Deadline(now + limit), now, limit)
        self._running[task.id] = run
        return run

    def _run_task(self, run: TaskRun) -> None:
        task = run.task
        self._say(task, logging.INFO, "started: %s of %s/app%d", task.analysis_type, task.model, task.app_num)
        try:
            outcome = self._sharing.perform(
                run, self._crew.limit, lambda percent: self._come_further(run, percent), self._crew.more
            )
        finally:
            del self._running[task.id]
            run.cancel.close()
        ended = self._executor.settle(run.limited(), outcome, run.cancel)
        status = ended.task.status
        if run.wish == REQUEUE and status is TaskStatus.CANCELLED and not self._cancel.cancelled:
            self._put_back(run.task)
            return
        if status is TaskStatus.TIMED_OUT:
            self._say(task, logging.WARNING, "timed out after %d s", run.timeout_seconds)
        self._say(task, logging.INFO, "%s, %d issues", status.value, ended.result.issues_count)
        self._journal.end(ended)

    def _say(self, task: BatchAnalysisTask, level: int, text: str, *values: object) -> None:
        if _log.isEnabledFor(level):  # asked first: this is said twice for every task
            log = bind(_log, job_id=task.job_id, task_id=task.id, store=self._storage.name)
            log.log(level, text, *values)

    def _come_further(self, run: TaskRun, percent: int) -> None:
        run.task = task = run.task.with_progress(percent)
        # A thread that an analyzer left behind may still tell, when the task has ended or runs again.
        self._journal.note(task, lambda: self._running.get(task.id) is run)

    def _put_back(self, task: BatchAnalysisTask) -> None:
        self._say(task, logging.INFO, "stopped; it waits again")
        self._journal.note(task.requeue())
        self._journal.settle(task.id)  # until then the feed would not find it, and the crew could go home
        self._crew.more()

    # --------------------------------------------------------------------------- on the job's thread

    def _look(self) -> None:
        """See what somebody wants, in this process or another, and who takes long."""
        try:
            look = self._storage.controls.look(self._job.id)
            if look.cancellation_requested and not self._cancel.cancelled:
                self._cancel.cancel("the job was cancelled from another notebook")
                with suppress(InvariantError):  # it is CANCELLING already
                    self._storage.update_job(self._job.id, status=JobStatus.CANCELLING)
            has_changed = look.control != self._heeded
            if has_changed or self._is_overtaken:
                self._is_overtaken = False
                if self._heed(afresh=has_changed):
                    self._heeded = look.control
            if self._crew.is_paused and self._feed.is_exhausted:
                self._crew.dismiss()  # there is nothing to go on with
            self._warn()
        except StorageError:  # the next look may succeed; what must be stored will tell if not
            log = bind(_log, job_id=self._job.id, store=self._storage.name)
            log.warning("the store could not be looked at", exc_info=True)

    def _heed(self, *, afresh: bool) -> bool:
        """Do what the store says, which was not known yet or (not `afresh`) not to all; False: try again."""
        if afresh:
            # In this order: a task that was fetched before is in the copy, or sees the number change (_step).
            self._feed.refresh()
            self._heeds += 1
        running = dict(self._running)
        orders = self._storage.controls.orders(self._job.id, running)
        self._wanted_limit = orders.max_tasks or self._max_tasks
        self._crew.set_limit(self._limit())
        self._crew.set_paused(paused=orders.paused)
        for task_id, seconds in orders.timeouts.items():
            running[task_id].limit(seconds)
        moved: list[int] = []
        fulfilled = [
            self._stop(running[task_id], wish) if task_id in running else self._move(task_id, wish, moved)
            for task_id, wish in orders.wishes.items()
        ]
        for task_id in moved:
            self._journal.settle(task_id)
        if moved:
            self._crew.more()
        return all(fulfilled)

    def _stop(self, run: TaskRun, wish: str) -> bool:
        """Stop a task that runs; False: it ended in this moment and may not have seen the wish."""
        run.wish = wish
        run.cancel.cancel("it was cancelled" if wish == CANCEL else "it was put back into the queue")
        return self._running.get(run.task.id) is run

    def _move(self, task_id: int, wish: str, moved: list[int]) -> bool:
        """Cancel a task that waits, or note that it was moved; False: it is about to start or to end."""
        task = self._feed.take(task_id)
        if task is None:
            return False
        if wish == CANCEL:
            self._journal.end(self._executor.cancelled(task))
        else:
            self._journal.note(task)
            moved.append(task_id)
        return True

    def _warn(self) -> None:
        now = time.monotonic()
        for run in list(self._running.values()):
            seconds, limit = now - run.since, run.timeout_seconds
            if not run.is_slow and seconds > _SLOW * limit:
                run.is_slow = True
                text = f"taking longer than expected: {seconds:.0f} s of at most {limit} s"
                self._say(run.task, logging.WARNING, "%s", text)
                line = LogLine(time=utc_now(), level="warning", task_id=run.task.id, message=text)
                self._storage.add_log(self._job.id, line)
