"""What the tests of the specification share: records brought into a state, and a frontend's stand-in."""

from __future__ import annotations

import queue
from datetime import UTC, datetime

import flask
import pytest
import service_bench
from service_bench import gated
from support import make_apps, report

from batchnb.analyzers.base import Options
from batchnb.engine.executor import TaskExecutor
from batchnb.engine.storage import JobStorage
from batchnb.records import utc_now
from seed.text import NOW, REQUIRED, WAYS

bench, make_bench = service_bench.bench, service_bench.make_bench  # fixtures


class FrontendOptions(Options):
    full_scan: bool = False


class FrontendGate(gated.GatedAnalyzer):
    """The test's own analyzer in the place of the frontend's."""

    key, title, service = "frontend_security", "Frontend security", "frontend_security_analyzer"
    options = FrontendOptions


def by_field(table):
    return pytest.mark.parametrize(("line", "kind", "default"), table, ids=[line for line, *_ in table])


def check_field(line, kind, default, fresh, used):
    """Check a field's default on a record as it is made, and its type also on one that was used."""
    name = line.partition(":")[0]
    value = getattr(fresh, name)
    if default == NOW:
        assert abs((datetime.now(UTC) - value).total_seconds()) < 60
        assert value.utcoffset().total_seconds() == 0
    elif default != REQUIRED:
        assert value == default
        assert type(value) is type(default)
    for record in (fresh, used):
        found = getattr(record, name)
        assert isinstance(found, kind)
        assert isinstance(found, bool) == (kind is bool)


def required(table):
    return [line.partition(":")[0] for line, _, default in table if default == REQUIRED]


@pytest.fixture
def storage():
    store = JobStorage()
    yield store
    store.close()


def moved(storage, status, **data):
    """Create a job, bring it into `status` and return its id."""
    job_id = storage.create_job(data).id
    for step in WAYS[status]:
        storage.update_job(job_id, status=step)
    return job_id


def new_task(storage, job_id=None, app_num=1):
    made = storage.create_task(job_id or moved(storage, "running"), "m", app_num, "gated")
    return made.id


def started(storage, task_id):
    return storage.update_task(task_id, lambda each: each.start(utc_now()))


def completed(storage, task_id, *issues):
    started(storage, task_id)
    return storage.finish_task(
        task_id, lambda each: each.complete({"summary": {}}, utc_now()), report(*issues)
    )


@pytest.fixture
def ended(bench):
    """Return a job of which one task completed with a finding and one failed."""
    bench.analyzer.scripts[2] = gated.raises(ConnectionError("no answer"))
    return bench.run(apps=(1, 2), analysis_options={"gated": {"depth": 2}})


@pytest.fixture
def frontend(storage, tmp_path):
    """Return what the seed calls a context, for a frontend security task; its analyzer is the test's."""
    analyzer = FrontendGate(make_apps(tmp_path / "apps", {"m": [1]}))
    options = {"frontend_security": {"full_scan": True}}
    job = storage.create_job({"analysis_types": ["frontend_security"], "analysis_options": options})
    return {
        "task": storage.create_task(job.id, "m", 1, "frontend_security"),
        "job": job,
        "result_queue": queue.Queue(),
        "app_context": flask.Flask(__name__).app_context(),
        "services": {"frontend_security_analyzer": analyzer},
        "progress_callback": lambda percent: None,
    }


def put_by(storage, context):
    """Execute the task and return the one dictionary that it put into the queue."""
    assert TaskExecutor(storage, lambda kind: (kind,)).execute_frontend_security_task(context) is None
    outcome = context["result_queue"].get_nowait()
    assert context["result_queue"].empty()
    return outcome
