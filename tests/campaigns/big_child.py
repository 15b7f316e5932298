"""A large job, run as a program of its own: `big_child.py STORE TASKS` (STORE "" is in memory).

Prints as JSON how long planning and cancelling took, in seconds, and how much the memory grew, in MB.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from support import wait_until  # noqa: E402 - the path comes first

from batchnb.analyzers.base import Analyzer  # noqa: E402
from batchnb.analyzers.registry import AnalyzerRegistry  # noqa: E402
from batchnb.engine.service import BatchAnalysisService  # noqa: E402
from batchnb.engine.settings import Settings  # noqa: E402
from batchnb.engine.storage import JobStorage  # noqa: E402
from batchnb.tools.layout import AppFolder  # noqa: E402

MODELS = 10


class Waiting(Analyzer):
    """Waits until it is cancelled."""

    key = "waiting"
    title = "Waiting"
    service = "waiting_analyzer"
    tools = ("nothing",)

    def find_app(self, model, app_num):
        return AppFolder(model=model, app_num=app_num, path=self.base_path)

    def analyze(self, app, options, context):
        context.cancel.wait(60)
        raise RuntimeError("stopped")


class Service(BatchAnalysisService):
    """Has one analysis more than the registry, without an entry point."""

    def _analyzer(self, kind):
        return Waiting(self.base_path)


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main():
    store, tasks = sys.argv[1], int(sys.argv[2])
    storage = JobStorage(Path(store) if store else None)
    service = Service(storage, Path("/tmp"), settings=Settings(), registry=AnalyzerRegistry(extra=[]))
    models = [f"model-{number}" for number in range(MODELS)]
    apps = list(range(1, tasks // MODELS + 1))
    before = peak = resident()
    planned = threading.Event()

    def watch():
        nonlocal peak
        while not planned.wait(0.005):
            peak = max(peak, resident())

    threading.Thread(target=watch, daemon=True).start()
    begun = time.monotonic()
    job = storage.create_job(
        {"models": models, "app_ranges": dict.fromkeys(models, apps), "analysis_types": ["waiting"]}
    )
    service.start_job(job.id)
    assert wait_until(lambda: storage.get_status(job.id) == "running", 60)
    planning = time.monotonic() - begun
    planned.set()

    begun = time.monotonic()
    assert service.cancel_job(job.id)
    assert service.wait(job.id, 60)
    cancelling = time.monotonic() - begun
    assert storage.get_job(job.id).task_count_by_status == {"cancelled": tasks}
    service.close()
    storage.close()
    print(json.dumps({"planning": planning, "cancelling": cancelling, "grown": peak - before}))


if __name__ == "__main__":
    main()
