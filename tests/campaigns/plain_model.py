"""What the engines and their store should be like, as plain Python: no thread, no database, no time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from steered import VERDICTS

from batchnb.records import JobStatus, TaskStatus

MAX_TASKS = 2
_BY_NAME = {verdict.name: verdict for verdict in VERDICTS}
_GOING_ON = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})


@dataclass
class ModelTask:
    app: int
    status: TaskStatus = TaskStatus.PENDING
    priority: int = 0
    verdict: str = ""
    """How it ended, if its analyzer had a say in that."""
    is_interrupted: bool = False
    id: int = 0
    """Learned from the store, once it is there."""

    def end(self, verdict):
        self.status, self.verdict = verdict.status, verdict.name

    def is_left(self, *, retry):
        """Whether a job that continues this one has to run it."""
        if not self.status.is_ended or self.status is TaskStatus.CANCELLED or self.is_interrupted:
            return True
        return retry and _BY_NAME[self.verdict].is_to_retry


@dataclass
class ModelJob:
    id: int
    apps: tuple[int, ...]
    max_tasks: int | None = None
    status: JobStatus = JobStatus.PENDING
    tasks: list[ModelTask] = field(default_factory=list)
    owner: object = None
    """The engine that runs it, or did when it crashed."""
    is_paused: bool = False
    is_asked: bool = False
    """Whether its cancellation was asked for."""

    @property
    def goes_on(self):
        return self.status in _GOING_ON

    def of(self, *statuses):
        return [task for task in self.tasks if task.status in statuses]

    @property
    def running(self):
        return self.of(TaskStatus.RUNNING)

    @property
    def pending(self):
        return self.of(TaskStatus.PENDING)


class Model:
    """Jobs by id; each rule changes them, `settle` does what the engines then do by themselves."""

    def __init__(self):
        self.jobs = {}
        self.queues = {}
        """Living engine -> the jobs that wait for it, first in first out."""

    def running_jobs(self, engine):
        return [job for job in self.jobs.values() if job.owner is engine and job.status is JobStatus.RUNNING]

    def is_orphan(self, job):
        return job.goes_on and job.owner not in self.queues

    def open(self, engine):
        self.queues[engine] = []

    # -------------------------------------------------------------------------------------------- jobs

    def add(self, job_id, apps, max_tasks):
        self.jobs[job_id] = ModelJob(job_id, tuple(sorted(apps)), max_tasks)

    def start(self, engine, job_id):
        """Start or queue a job; return what start_job must return."""
        job = self.jobs.get(job_id)
        if job is None or job.status is not JobStatus.PENDING:
            return False
        job.owner, job.status = engine, JobStatus.QUEUED
        self.queues[engine].append(job)
        self.settle()
        return job.status is not JobStatus.QUEUED

    def cancel(self, job_id):
        """Cancel a job; return what cancel_job must return."""
        job = self.jobs.get(job_id)
        if job is None or not job.goes_on or job.is_asked:
            return False
        job.is_asked = True
        if job.status is JobStatus.QUEUED:
            job.status = JobStatus.CANCELLED
        if job.status is JobStatus.CANCELLED or not self.is_orphan(job):
            for task in (*job.running, *job.pending):
                task.status = TaskStatus.CANCELLED
        self.settle()
        return True

    def interrupt(self):
        """End the jobs whose engine is gone; return their ids."""
        orphans = [job for job in self.jobs.values() if self.is_orphan(job)]
        for job in orphans:
            job.status = JobStatus.ERROR
            for task in job.running:
                task.status, task.is_interrupted = TaskStatus.FAILED, True
        return [job.id for job in orphans]

    def close(self, engine):
        for job in (*self.queues[engine], *self.running_jobs(engine)):
            self.cancel(job.id)
        del self.queues[engine]

    def crash(self, engine):
        del self.queues[engine]

    def continue_job(self, job_id, new_id, *, retry):
        old = self.jobs[job_id]
        self.add(new_id, old.apps, old.max_tasks)
        fresh = {"status": TaskStatus.PENDING, "verdict": "", "is_interrupted": False}
        self.jobs[new_id].tasks = [
            replace(task, id=0, **(fresh if task.is_left(retry=retry) else {})) for task in old.tasks
        ]

    def can_continue(self, job_id, *, retry):
        job = self.jobs[job_id]
        left = any(task.is_left(retry=retry) for task in job.tasks) or not job.tasks
        return job.status.is_ended and left

    # ------------------------------------------------------------------------------------------- tasks

    def cancel_task(self, job, task):
        if not self.is_orphan(job):
            task.status = TaskStatus.CANCELLED
            self.settle()

    def requeue(self, job, task):
        task.priority = min(each.priority for each in job.tasks) - 1
        if not self.is_orphan(job):
            task.status = TaskStatus.PENDING
            self.settle()

    # -------------------------------------------------------------------------- what happens by itself

    def settle(self):
        for engine, queue in self.queues.items():
            before = None
            while before != (before := self._state(engine)):
                for job in self.running_jobs(engine):
                    self._go_on(job)
                queue[:] = [job for job in queue if job.status is JobStatus.QUEUED]
                if queue and len(self.running_jobs(engine)) < engine.max_jobs:
                    self._begin(queue.pop(0))

    def _state(self, engine):
        return [(job.id, job.status, len(job.running)) for job in self.running_jobs(engine)]

    def _begin(self, job):
        job.status = JobStatus.RUNNING
        job.tasks = job.tasks or [ModelTask(app) for app in job.apps]

    def _go_on(self, job):
        while not job.is_paused and job.pending and len(job.running) < (job.max_tasks or MAX_TASKS):
            first = max(job.pending, key=lambda task: task.priority)  # of equal ones, the first
            first.status = TaskStatus.RUNNING
        if job.is_asked and not job.running:
            job.status = JobStatus.CANCELLED
        elif not job.running and not job.pending:
            bad = job.of(TaskStatus.FAILED, TaskStatus.TIMED_OUT)
            lacking = [task for task in job.tasks if task.verdict and _BY_NAME[task.verdict].lacks]
            job.status = JobStatus.FAILED if bad or lacking else JobStatus.COMPLETED
