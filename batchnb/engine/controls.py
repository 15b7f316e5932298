"""Live control of a job that waits or runs, by way of its store: so it works from any process.

Whoever controls writes what he wants; whoever runs the job sees the job's `control` number change and heeds
it (engine.job_run). Nothing here touches a running task itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from batchnb.engine.rows import dump
from batchnb.engine.settings import MAX_CONCURRENT, MAX_SECONDS, check_between, check_whole
from batchnb.engine.statements import insert_log, marks, one_job, read_task
from batchnb.records import JobStatus, LogLine, utc_now
from batchnb.records.errors import EndedError, InvalidValueError, InvariantError, RecordNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import apsw

    from batchnb.engine.database import Database

T = TypeVar("T")
CANCEL, REQUEUE = "cancel", "requeue"
_MAX_PRIORITY = 1_000_000
_GOING_ON = frozenset({JobStatus.QUEUED, JobStatus.INITIALIZING, JobStatus.RUNNING})


class Look(NamedTuple):
    """What whoever runs a job has to know often, read in one small query."""

    cancellation_requested: bool
    control: int
    """Counts up with every change of what `Orders` holds."""


class Orders(NamedTuple):
    """How a job is to be run from now on."""

    paused: bool
    max_tasks: int | None
    wishes: dict[int, str]
    """Task id -> CANCEL or REQUEUE, for tasks that have not ended."""
    timeouts: dict[int, int]
    """Task id -> limit in seconds, for the tasks that were asked about."""


class JobControls:
    """The control part of a store; see JobStorage.controls.

    Every change raises RecordNotFoundError if there is no such job or task, InvalidValueError for a value
    that is not allowed, and InvariantError (EndedError) if the job or task does not go on any more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.listeners: list[Callable[[int], None]] = []
        """Called with a job's id after something was changed through this object."""

    def pause(self, job_id: int) -> bool:
        """Have no new task of a job started, those that run go on; False if it is paused already."""
        return self._set_paused(job_id, paused=True)

    def resume(self, job_id: int) -> bool:
        """Let a paused job go on; False if it was not paused."""
        return self._set_paused(job_id, paused=False)

    def _set_paused(self, job_id: int, *, paused: bool) -> bool:
        def work(db: apsw.Connection) -> bool:
            if one_job(db, job_id).paused == paused:
                return False
            db.execute("UPDATE jobs SET paused = ? WHERE id = ?", (paused, job_id))
            return True

        said = "paused: no new task is started" if paused else "resumed"
        return self._change(job_id, "paused or resumed", said, work)

    def set_max_tasks(self, job_id: int, max_tasks: int) -> None:
        """Set how many tasks of a job run at once, 1 to 256; surplus ones are not stopped."""
        number = check_whole("max_tasks", max_tasks, MAX_CONCURRENT, "set_max_tasks")
        sql = "UPDATE jobs SET max_tasks = ? WHERE id = ?"
        said = f"runs up to {number} tasks at once from now on"
        self._change(job_id, "changed", said, lambda db: db.execute(sql, (number, job_id)))

    def set_timeout(self, job_id: int, seconds: int, analysis_type: str | None = None) -> int:
        """Set the time limit of a job's tasks that have not ended, of one analysis type or all.

        For a running task it counts from its start; one that ran longer already is stopped.

        Returns:
            How many tasks got it; those that a queued job is yet to make will have it too.
        """
        limit = check_whole("timeout", seconds, MAX_SECONDS, "set_timeout")

        def work(db: apsw.Connection) -> int:
            job = one_job(db, job_id)
            kinds = job.analysis_types
            if analysis_type is not None and analysis_type not in kinds:
                raise InvalidValueError("analysis", analysis_type, f"the job has {', '.join(kinds)}")
            chosen = kinds if analysis_type is None else [analysis_type]
            limits = {**job.task_timeouts, **dict.fromkeys(chosen, limit)}
            db.execute("UPDATE jobs SET task_timeouts = ? WHERE id = ?", (dump(limits), job_id))
            db.execute(
                "UPDATE tasks SET timeout_seconds = ?1 WHERE job_id = ?2 "
                "AND status IN ('pending', 'running') AND (?3 IS NULL OR analysis_type = ?3)",
                (limit, job_id, analysis_type),
            )
            return int(db.changes())

        said = f"time limit of {analysis_type or 'all'} tasks: {limit} s from now on"
        return self._change(job_id, "changed", said, work)

    def set_priority(self, task_id: int, priority: int) -> None:
        """Set the priority of a task that waits; higher ones run first, 0 is what tasks start with."""
        check_between("priority", priority, -_MAX_PRIORITY, _MAX_PRIORITY, "set_priority")
        sql = "UPDATE tasks SET priority = ? WHERE id = ?"
        said = f"priority is {priority} from now on"
        self._change_task(task_id, said, lambda db: db.execute(sql, (priority, task_id)))

    def cancel_task(self, task_id: int) -> None:
        """Have one task cancelled, whether it waits or runs."""
        self._wish(task_id, CANCEL)

    def requeue_task(self, task_id: int) -> None:
        """Have one task stopped, if it runs, and run again after all that wait."""
        self._wish(task_id, REQUEUE)

    def look(self, job_id: int) -> Look:
        """Return whether the cancellation of a job was asked for, and its control number."""
        query = "SELECT cancellation_requested, control FROM jobs WHERE id = ?"
        row: Any = self._database.read(lambda db: db.execute(query, (job_id,)).fetchone())
        return Look(bool(row[0]), row[1]) if row else Look(cancellation_requested=False, control=0)

    def orders(self, job_id: int, task_ids: Collection[int]) -> Orders:
        """Return how a job is to be run, and the limits of the tasks `task_ids`."""
        ids = tuple(task_ids)

        def work(db: apsw.Connection) -> Orders:
            row: Any = db.execute("SELECT paused, max_tasks FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise RecordNotFoundError("job", job_id)
            wishes: list[Any] = db.execute(
                "SELECT id, wish FROM tasks WHERE job_id = ? AND status IN ('pending', 'running') "
                "AND wish IS NOT NULL",
                (job_id,),
            ).fetchall()
            limits: list[Any] = db.execute(
                f"SELECT id, timeout_seconds FROM tasks WHERE id IN ({marks(ids)})", ids
            ).fetchall()
            return Orders(bool(row[0]), row[1], dict(wishes), dict(limits))

        return self._database.read(work)

    def _wish(self, task_id: int, wish: str) -> None:
        last = (
            ", priority = (SELECT min(priority) - 1 FROM tasks AS other WHERE other.job_id = tasks.job_id)"
            if wish == REQUEUE
            else ""
        )
        sql = f"UPDATE tasks SET wish = ?{last} WHERE id = ?"
        said = "cancellation asked for" if wish == CANCEL else "to be run again, after all that wait"
        self._change_task(task_id, said, lambda db: db.execute(sql, (wish, task_id)))

    def _change_task(self, task_id: int, said: str, work: Callable[[apsw.Connection], object]) -> None:
        def change(db: apsw.Connection) -> int:
            task = read_task(db, task_id)
            if task is None:
                raise RecordNotFoundError("task", task_id)
            if task.status.is_ended:
                raise EndedError(
                    f"task {task_id} has ended ({task.status.value}); what did not succeed can be run again "
                    "once its job has ended, see resume(retry=True)"
                )
            _require(db, task.job_id, "controlled", {JobStatus.RUNNING})
            work(db)
            _count(db, task.job_id, said, task_id)
            return task.job_id

        self._tell(self._database.write(change))

    def _tell(self, job_id: int) -> None:
        for listener in tuple(self.listeners):
            listener(job_id)

    def _change(self, job_id: int, verb: str, said: str, work: Callable[[apsw.Connection], T]) -> T:
        def change(db: apsw.Connection) -> T:
            _require(db, job_id, verb, _GOING_ON)
            value = work(db)
            if value is not False:  # it was so already
                _count(db, job_id, said)
            return value

        value = self._database.write(change)
        self._tell(job_id)
        return value


def _require(db: apsw.Connection, job_id: int, verb: str, allowed: Collection[JobStatus]) -> None:
    status = one_job(db, job_id).status
    if status not in allowed:
        words = " or ".join(sorted(word.value for word in allowed))
        raise InvariantError(f"job {job_id} is {status.value}; only one that is {words} can be {verb}")


def _count(db: apsw.Connection, job_id: int, said: str, task_id: int | None = None) -> None:
    """Have whoever runs the job look at it, and note in its log what was asked for."""
    db.execute("UPDATE jobs SET control = control + 1 WHERE id = ?", (job_id,))
    insert_log(db, job_id, LogLine(time=utc_now(), level="info", task_id=task_id, message=said))
