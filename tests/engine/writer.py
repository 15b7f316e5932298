"""A process that ends tasks in a store until it is killed, and says which ones were acknowledged."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import finding, report

from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus, utc_now

storage = JobStorage(Path(sys.argv[1]))
job_id = storage.create_job({"name": "written"}).id
storage.update_job(job_id, status=JobStatus.INITIALIZING)
storage.update_job(job_id, status=JobStatus.RUNNING)
for app in range(1, 100_000):
    task_id = storage.create_task(job_id, "m", app, "gated").id
    storage.update_task(task_id, lambda task: task.start(utc_now()))
    storage.finish_task(
        task_id, lambda task: task.complete({"a": 1}, utc_now()), report(finding(), finding())
    )
    print(job_id, task_id, flush=True)
