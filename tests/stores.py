"""Stores on the disk that hold jobs with given findings, without running a tool."""

from __future__ import annotations

from batchnb.records import JobStatus, utc_now


def add_job(storage, reports, *, name="a job", ended=True):
    """Store a job with one completed task per app, and return its id.

    Args:
        storage: the store.
        reports: model and app number -> the AnalysisReport of its backend security.
        name: the job's name.
        ended: whether the job has ended, or goes on.
    """
    models = sorted({model for model, _ in reports})
    job_id = storage.create_job({"name": name, "models": models}).id
    for step in (JobStatus.INITIALIZING, JobStatus.RUNNING):
        storage.update_job(job_id, status=step)
    cells = [(model, number, "backend_security") for model, number in reports]
    for task_id, told in zip(storage.create_tasks(job_id, cells), reports.values(), strict=True):
        storage.update_task(task_id, lambda task: task.start(utc_now()))
        storage.finish_task(task_id, lambda task: task.complete({"a": 1}, utc_now()), told)
    if ended:
        storage.finish_job(job_id, cancelled=False, lacking=False)
    return job_id
