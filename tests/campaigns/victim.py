"""A nursery of processes that run the real engine until they are killed: `victim.py STORE BASE`.

Each line of input is a job to run in a new process; that says on standard output `born PID`, then
`result JOB TASK` for each task as soon as it was told that its result is stored, or read it back. When it is
dead, the nursery says `dead STATUS`. It has imported everything, so that a birth takes milliseconds.
"""

import os
import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from support import coverage, finding  # noqa: E402 - the path comes first

from batchnb.analyzers.base import Analyzer  # noqa: E402
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry  # noqa: E402
from batchnb.engine.ownership import Ownership  # noqa: E402
from batchnb.engine.service import BatchAnalysisService  # noqa: E402
from batchnb.engine.settings import Settings  # noqa: E402
from batchnb.engine.storage import JobStorage  # noqa: E402
from batchnb.records import AnalysisReport  # noqa: E402
from batchnb.records.events import TaskFinished  # noqa: E402

EXECUTED = "executed.txt"
"""Beside the store: a line `PID APP` for each time that an app was analysed."""


class TrivialAnalyzer(Analyzer):
    """Notes that it ran and reports two findings, slow enough for a kill to come in between."""

    key = "trivial"
    title = "Trivial"
    service = "trivial_analyzer"
    tools = ("trivial",)
    part = "backend"
    isolated = False

    def missing_tools(self):
        return ()

    def analyze(self, app, options, context):
        os.write(self.notes, f"{os.getpid()} {app.app_num}\n".encode())
        threading.Event().wait(0.003)
        about = {"model": app.model, "app_num": app.app_num, "analysis_type": self.key, "tool": "trivial"}
        return AnalysisReport(
            issues=(finding(**about), finding(**about, rule="B101")), coverage=(coverage(**about),)
        )


def say(line):
    os.write(1, f"{line}\n".encode())  # in one piece, from whatever thread


def live(store, base, job_id):
    """Run a job to its end, then wait to be killed."""
    say(f"born {os.getpid()}")
    storage, ownership = JobStorage(store), Ownership(store)
    analyzer = TrivialAnalyzer(base)
    analyzer.notes = os.open(store.with_name(EXECUTED), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    service = BatchAnalysisService(
        storage,
        base,
        settings=Settings(max_jobs=1, max_tasks=4),
        registry=AnalyzerRegistry(extra=[EntryPoint("trivial", "victim:TrivialAnalyzer", GROUP)]),
        services={"trivial_analyzer": analyzer},
        ownership=ownership,
    )
    service.events.subscribe(lambda event: say(f"result {event.job_id} {event.task_id}"), TaskFinished)
    seen = {result.task_id for result in storage.get_results(job_id)}  # taken over from the job it continues
    service.start_job(job_id)
    while not service.wait(job_id, 0.002):
        for result in storage.get_results(job_id):
            if result.task_id not in seen:
                seen.add(result.task_id)
                say(f"result {job_id} {result.task_id}")
    say("finished")
    threading.Event().wait(60)


def main():
    store, base = Path(sys.argv[1]), Path(sys.argv[2])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                live(store, base, int(line))
            finally:
                os._exit(1)
        say(f"dead {os.waitpid(child, 0)[1]}")


if __name__ == "__main__":
    main()
