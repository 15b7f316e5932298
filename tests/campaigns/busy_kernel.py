"""Runs in a kernel: everything that keeps a notebook busy at once, until `stop`."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from dataclasses import dataclass

from IPython.display import display
from loads import NOTHING, REPORTS, NothingAnalyzer
from support import make_apps, wait_until

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.records import JobSpec, TaskStatus
from batchnb.results.portfolio_view import PortfolioView
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import run_tool
from batchnb.tools.survey import discover
from batchnb.widgets.batch_panel import BatchPanel
from batchnb.widgets.job_view import JobView

SCANNERS = 8
LIFE = 120.0
"""Seconds after which a scanner ends even if nobody says `stop`."""
CHATTER = "while :; do echo scanning one file of many: nothing to report so far; done"
APPS = {"atlas": range(1, 101)}


@dataclass(frozen=True)
class Host:
    portfolio: PortfolioView
    registry: AnalyzerRegistry
    service: BatchAnalysisService
    storage: JobStorage


class Busy:
    """The loads of one run; each starts only if it is asked for."""

    def __init__(self, folder, loads, rate):
        self._cancel, self._printed, self._jobs = CancelToken(), [], {}
        self._threads, self._views = [], []
        self._closing = ExitStack()
        self._base = make_apps(folder / "apps", APPS)
        self._storage = self._closed(JobStorage(folder / "store.db"))
        registry = AnalyzerRegistry(extra=[NOTHING, REPORTS])
        nothing = {NothingAnalyzer.service: NothingAnalyzer(self._base, rate)}
        many = self._service(registry, Settings(max_tasks=8), nothing)
        single = self._service(registry, Settings(max_tasks=1), None)
        if "tasks" in loads:
            self._start(many, "nothing", range(1, 60_001))
        if "reports" in loads:
            self._start(single, "big_report", APPS["atlas"])
        if "scanners" in loads:
            self._threads = [threading.Thread(target=self._scan, daemon=True) for _ in range(SCANNERS)]
            for thread in self._threads:
                thread.start()
        if "panel" in loads:
            host = Host(PortfolioView(discover(self._base)), registry, many, self._storage)
            self._show(BatchPanel(host))
            for service, job_id in self._jobs.values():
                self._show(JobView(service, self._storage, job_id))

    def counts(self):
        """Return how much of each load there has been so far; printed bytes of scanners that have ended."""
        kinds = {kind: self._storage.get_job_or_fail(job_id) for kind, (_, job_id) in self._jobs.items()}
        done = {kind: job.task_count_by_status for kind, job in kinds.items()}
        return {
            "tasks": done.get("nothing", {}).get(TaskStatus.COMPLETED.value, 0),
            "reports": done.get("big_report", {}).get(TaskStatus.COMPLETED.value, 0),
            "not completed": sum(
                count
                for counts in done.values()
                for status, count in counts.items()
                if TaskStatus(status).is_ended and status != TaskStatus.COMPLETED.value
            ),
            "printed": sum(self._printed),
            "errors": [error.message for job in kinds.values() for error in job.errors[:3]],
        }

    def stop(self):
        """End everything and return the last counts."""
        self._cancel.cancel("the measurement is over")
        assert wait_until(lambda: not any(thread.is_alive() for thread in self._threads))
        last = self.counts()
        for service, job_id in self._jobs.values():
            service.cancel_job(job_id)
        for view in self._views:
            view.close()
        self._closing.close()
        return last

    def _service(self, registry, settings, services):
        return self._closed(
            BatchAnalysisService(
                self._storage, self._base, settings=settings, registry=registry, services=services
            )
        )

    def _closed(self, thing):
        self._closing.callback(thing.close)
        return thing

    def _start(self, service, kind, apps):
        ranges = {"atlas": tuple(apps)}
        spec = JobSpec(models=("atlas",), app_ranges=ranges, analysis_types=(kind,))
        self._jobs[kind] = service, service.submit(spec)

    def _scan(self):
        deadline = Deadline.after(LIFE)
        while not (self._cancel.cancelled or deadline.expired):
            out = run_tool(("sh", "-c", CHATTER), deadline=deadline, cancel=self._cancel)
            self._printed.append(len(out.stdout))

    def _show(self, view):
        self._views.append(view)
        display(view)


_running = []


def start(folder, loads, rate):
    _running.append(Busy(folder, loads, rate))


def say_counts():
    print(json.dumps(_running[0].counts()))


def stop():
    print(json.dumps(_running.pop().stop()))
