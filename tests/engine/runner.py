"""A process that runs a job with a tool that sleeps, to be killed: `runner.py STORE BASE WORD COUNT`.

Starts COUNT jobs, of which one runs and the others wait, says so once the tool is up, and waits.
"""

import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from gated import GatedAnalyzer, sleeps  # noqa: E402 - the path comes first
from support import processes_with, wait_until  # noqa: E402

from batchnb.analyzers.registry import GROUP, AnalyzerRegistry  # noqa: E402
from batchnb.engine.ownership import Ownership  # noqa: E402
from batchnb.engine.service import BatchAnalysisService  # noqa: E402
from batchnb.engine.settings import Settings  # noqa: E402
from batchnb.engine.storage import JobStorage  # noqa: E402
from batchnb.records import TaskStatus  # noqa: E402

store, base, word = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
storage, ownership = JobStorage(store), Ownership(store)
analyzer = GatedAnalyzer(base)
analyzer.scripts = {2: sleeps(word)}
service = BatchAnalysisService(
    storage,
    base,
    settings=Settings(max_jobs=1, max_tasks=1),
    registry=AnalyzerRegistry(extra=[EntryPoint("gated", "gated:GatedAnalyzer", GROUP)]),
    services={"gated_analyzer": analyzer},
    ownership=ownership,
)
for _ in range(int(sys.argv[4])):
    data = {"models": ["m"], "app_ranges": {"m": [1, 2, 3]}, "analysis_types": ["gated"]}
    service.start_job(storage.create_job(data).id)
# the job runs app 1, then hangs in the tool of app 2
assert wait_until(lambda: len(processes_with(word)) > 1)
assert wait_until(lambda: storage.get_tasks(1, TaskStatus.RUNNING))
print("running", flush=True)
threading.Event().wait(60)
