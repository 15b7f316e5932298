"""A process that runs one job of eight apps, two at once, each with a tool: `live.py STORE BASE WORD`.

The tool of app N is `sleep WORDN`. Waits until it is told to go, by the end of its standard input.
"""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from gated import GatedAnalyzer, sleeps  # noqa: E402 - the path comes first

from batchnb.analyzers.registry import GROUP, AnalyzerRegistry  # noqa: E402
from batchnb.engine.ownership import Ownership  # noqa: E402
from batchnb.engine.service import BatchAnalysisService  # noqa: E402
from batchnb.engine.settings import Settings  # noqa: E402
from batchnb.engine.storage import JobStorage  # noqa: E402

store, base, word = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
analyzer = GatedAnalyzer(base)
analyzer.scripts = {number: sleeps(f"{word}{number}") for number in range(1, 9)}
service = BatchAnalysisService(
    JobStorage(store),
    base,
    settings=Settings(max_jobs=1, max_tasks=2),
    registry=AnalyzerRegistry(extra=[EntryPoint("gated", "gated:GatedAnalyzer", GROUP)]),
    services={"gated_analyzer": analyzer},
    ownership=Ownership(store),
)
data = {"models": ["m"], "app_ranges": {"m": list(range(1, 9))}, "analysis_types": ["gated"]}
service.start_job(service.storage.create_job(data).id)
print("running", flush=True)
sys.stdin.read()
service.close()
