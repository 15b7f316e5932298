"""A long day of an engine, run as a program of its own: `soak_child.py STORE BASE TASKS JOBS WORD`.

Runs JOBS jobs of real processes one after the other, TASKS in all, and prints what it used as JSON.
"""

import json
import os
import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from support import coverage  # noqa: E402 - the path comes first

from batchnb.analyzers.base import Analyzer  # noqa: E402
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry  # noqa: E402
from batchnb.engine.service import BatchAnalysisService  # noqa: E402
from batchnb.engine.settings import Settings  # noqa: E402
from batchnb.engine.storage import JobStorage  # noqa: E402
from batchnb.records import AnalysisReport, CoverageStatus  # noqa: E402
from batchnb.tools.layout import AppFolder  # noqa: E402
from batchnb.tools.process import Ending, run_tool  # noqa: E402

STORE, BASE, TASKS, JOBS, WORD = sys.argv[1:]
STATES = {Ending.TIMED_OUT: CoverageStatus.TIMED_OUT, Ending.EXITED: CoverageStatus.OK}


class Soak(Analyzer):
    """One short process a task; of each hundred one hangs, one crashes and one leaves a daemon behind."""

    key = "soak"
    title = "Soak"
    service = "soak_analyzer"
    tools = ("sh",)

    def find_app(self, model, app_num):
        return AppFolder(model=model, app_num=app_num, path=self.base_path)

    def analyze(self, app, options, context):
        script = {1: f"sleep {WORD}", 2: "kill -SEGV $$", 3: f"setsid sleep {WORD} & exit 0"}
        raw = run_tool(
            ["/bin/sh", "-c", script.get(app.app_num % 100, "echo done")],
            deadline=context.deadline,
            cancel=context.cancel,
        )
        status = STATES.get(raw.ending, CoverageStatus.FAILED)
        if raw.ending is Ending.EXITED and raw.returncode != 0:
            status = CoverageStatus.FAILED
        cell = coverage(model=app.model, app_num=app.app_num, analysis_type="soak", tool="sh", status=status)
        return AnalysisReport(issues=(), coverage=(cell,))


def used():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "rss_mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": threading.active_count(),
    }


def main():
    storage = JobStorage(Path(STORE))
    service = BatchAnalysisService(
        storage,
        Path(BASE),
        settings=Settings(max_jobs=1, max_tasks=8, task_timeout_seconds=1),
        registry=AnalyzerRegistry(extra=[EntryPoint("soak", "soak_child:Soak", GROUP)]),
        services={"soak_analyzer": Soak(BASE)},
    )
    each = int(TASKS) // int(JOBS)
    samples = []
    for _ in range(int(JOBS)):
        data = {"models": ["m"], "app_ranges": {"m": list(range(1, each + 1))}, "analysis_types": ["soak"]}
        job = storage.create_job(data)
        service.start_job(job.id)
        service.wait(job.id)
        samples.append(used())
    service.close()
    storage.close()
    print(json.dumps(samples), flush=True)


if __name__ == "__main__":
    main()
