"""A bench: apps on disk, an analyzer that does what the test says, and a service over a store."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from support import make_apps, wait_until

from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage

sys.path.insert(0, str(Path(__file__).parent / "engine"))
import gated

GATED = EntryPoint("gated", "gated:GatedAnalyzer", GROUP)


class Bench:
    """A service over made-up apps; `analyzer` answers at once until `hold` is called."""

    def __init__(self, base, apps, storage, **settings):
        self.base = make_apps(base, apps)
        self.storage = storage
        self.analyzer = gated.GatedAnalyzer(self.base)
        self.service = BatchAnalysisService(
            storage,
            self.base,
            settings=Settings.load(**settings, environ={}),
            registry=AnalyzerRegistry(extra=[GATED]),
            services={"gated_analyzer": self.analyzer},
        )

    def job(self, *models, apps=(1,), types=("gated",), **fields):
        """Create a job, by default of app 1 of model "m", and return its id."""
        ranges = {model: list(apps) for model in models or ("m",)}
        data = {"models": list(ranges), "app_ranges": ranges, "analysis_types": list(types), **fields}
        return self.storage.create_job(data).id

    def run(self, *models, **fields):
        """Run a job to its end and return its last snapshot."""
        job_id = self.job(*models, **fields)
        assert self.service.start_job(job_id)
        return self.ended(job_id)

    def ended(self, job_id, seconds=20):
        """Wait for a job's end and return its last snapshot."""
        assert self.service.wait(job_id, seconds), f"job {job_id} goes on: {self.storage.get_job(job_id)}"
        return self.storage.get_job(job_id)

    def counts(self, job_id, **expected):
        """Return the task counts of a job once they are as expected, or what they are after a while."""
        return (wait_until(lambda: self._counts(job_id) == expected) and expected) or self._counts(job_id)

    def _counts(self, job_id):
        return self.storage.get_job(job_id).task_count_by_status

    def status(self, job_id):
        return self.storage.get_job(job_id).status.value

    def task(self, job, **wanted):
        """Return the one task of a job with these fields."""
        tasks = self.storage.get_tasks(job.id)
        (found,) = [t for t in tasks if all(getattr(t, name) == value for name, value in wanted.items())]
        return found

    def close(self):
        self.analyzer.release()
        self.service.close()
        self.storage.close()


@pytest.fixture
def make_bench(tmp_path):
    """Return a function that makes benches; they are closed after the test."""
    benches = []

    def make(apps=None, storage=None, **settings):
        bench = Bench(
            tmp_path / f"apps{len(benches)}", apps or {"m": [1]}, storage or JobStorage(), **settings
        )
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench):
    """Return a bench of three models with five apps each, in memory."""
    return make_bench({"m": range(1, 6), "n": range(1, 6), "o": range(1, 6)})
