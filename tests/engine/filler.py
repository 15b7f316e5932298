"""A process whose files may not grow, as if the disk were full; prints what it saw as JSON."""

import json
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import finding, report

from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus, utc_now
from batchnb.records.errors import StorageError

path = Path(sys.argv[1])
seen = {"acknowledged": []}


@contextmanager
def limited(size):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def end(app):
    task_id = storage.create_task(job_id, "m", app, "gated").id
    storage.update_task(task_id, lambda task: task.start(utc_now()))
    issues = [finding(message="x" * 900) for _ in range(20)]
    storage.finish_task(task_id, lambda task: task.complete({"a": 1}, utc_now()), report(*issues))
    seen["acknowledged"].append(task_id)


try:
    with limited(4096):
        JobStorage(path)
except StorageError as error:
    seen["creation"] = str(error)
seen["left"] = [entry.name for entry in path.parent.iterdir()]

storage = JobStorage(path)
job_id = storage.create_job({"name": "filled"}).id
storage.update_job(job_id, status=JobStatus.INITIALIZING)
storage.update_job(job_id, status=JobStatus.RUNNING)
try:
    with limited(600_000):
        for app in range(1, 1_000):
            end(app)
except StorageError as error:
    seen["full"] = str(error)
seen["readable"] = [result.task_id for result in storage.get_results(job_id)]
end(2_000)
storage.close()
print(json.dumps(seen))
