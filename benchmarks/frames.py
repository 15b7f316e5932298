"""What many findings cost: from the store into a frame, out into files, into a bundle and back.

python -m benchmarks.frames [ROWS]
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil
import pyarrow as pa

from batchnb.engine.bulk import read_snapshot
from batchnb.engine.rows import FINDINGS, bulk
from batchnb.engine.storage import JobStorage
from batchnb.records import Confidence, Finding, Severity, fingerprint
from batchnb.results.bulk.bulk_frames import frames_of
from batchnb.results.dataset import Dataset
from batchnb.results.exports.bundle import load_bundle, save_bundle
from batchnb.results.exports.export import write_csv, write_json_lines, write_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).resolve().parents[1] / "examples" / "portfolio"
MODELS = tuple(f"model-{number}" for number in range(10))
RULES = (
    (
        "bandit",
        "B608",
        Severity.MEDIUM,
        89,
        "Possible SQL injection through string-based query construction.",
    ),
    ("bandit", "B201", Severity.HIGH, 94, "A Flask app appears to be run with debug=True, which exposes it."),
    ("ruff", "S113", Severity.LOW, None, "Probable use of `requests` call without timeout"),
    ("oxlint", "no-unused-vars", Severity.LOW, None, "A variable is declared but never used."),
)
TICK = 0.01


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured; sizes in megabytes, times in seconds."""

    rows: int
    read_seconds: float
    seconds: float
    """From the store to the frame, reading included."""
    cpu_seconds: float
    """The processor's time for it: what other programs on the machine do does not count."""
    megabytes: float
    """The most that the process grew meanwhile."""
    longest_gap: float
    """The longest time that a thread which wants to run every 10 ms had to wait meanwhile."""
    written: dict[str, tuple[float, float]]
    """Kind of file -> time and size."""
    load_seconds: float
    """From the bundle to its frames."""

    def lines(self) -> list[str]:
        head = f"{self.rows:,} findings"
        read = (
            f"{head}: store to frame {self.seconds:.2f} s, of them {self.read_seconds:.2f} s reading; "
            f"{self.cpu_seconds:.2f} s of processor time"
        )
        return [
            read,
            f"{head}: at most {self.megabytes:,.0f} MB more, longest gap {1000 * self.longest_gap:.0f} ms",
            *(f"{head}: {kind} {s:.2f} s, {mb:,.0f} MB" for kind, (s, mb) in self.written.items()),
            f"{head}: bundle to frames {self.load_seconds:.2f} s",
        ]


class Watch:
    """Sees, while it is entered, how long other threads wait and how much the process grows."""

    def __enter__(self) -> Self:
        gc.collect()
        pa.default_memory_pool().release_unused()
        self.gap, self.megabytes = 0.0, 0.0
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()
        return self

    def _tick(self) -> None:
        last = time.perf_counter()
        while not self._done.wait(TICK):
            now = time.perf_counter()
            self.gap = max(self.gap, now - last - TICK)
            grown = (self._process.memory_info().rss - self._before) / 1e6
            self.megabytes = max(self.megabytes, grown)
            last = time.perf_counter()

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()


def findings(rows: int, distinct: int) -> Iterator[Finding]:
    """Yield made-up findings about real lines of the sample apps, in `distinct` variants of the lines."""
    sources = [file for kind in ("py", "js", "jsx") for file in sorted(SAMPLES.rglob(f"*.{kind}"))]
    lines = [line for file in sources for line in file.read_text().splitlines() if len(line) > 20]
    snippets = cycle(f"{lines[n % len(lines)]}\n    item_{n} = load({n})" for n in range(distinct))
    for number, snippet in zip(range(rows), snippets, strict=False):
        tool, rule, severity, cwe, message = RULES[number * 7 % len(RULES)]
        path = f"backend/views/page_{number % 40}.py"
        yield Finding(
            model=MODELS[0],
            app_num=1,
            analysis_type="backend_security",
            tool=tool,
            rule=rule,
            severity=severity,
            confidence=list(Confidence)[number % 3] if number % 2 else None,
            cwe=cwe,
            path=path,
            line=number * 31 % 900 + 1,
            column=5,
            message=message,
            snippet=snippet,
            fingerprint=fingerprint(tool, rule, path, snippet, number),
            tags=("noise",) if number % 9 == 0 else (),
        )


def fill(path: Path, rows: int, distinct: int) -> int:
    """Make a store of one job with that many findings, and return the job's id."""
    storage = JobStorage(path)
    job = storage.create_job({"name": "many findings", "models": list(MODELS)})
    cells = [(model, app, "backend_security") for app in range(1, 101) for model in MODELS]
    ids = storage.create_tasks(job.id, cells)
    share = -(-rows // len(cells))
    stream = findings(rows, distinct)
    for task_id, (model, app, _) in zip(ids, cells, strict=True):
        own = [
            replace(each, model=model, app_num=app, job_id=job.id, task_id=task_id)
            for _, each in zip(range(share), stream, strict=False)
        ]
        text = bulk([FINDINGS.row(each) for each in own])
        storage._database.write(lambda db, text=text: db.execute(FINDINGS.insert_bulk, (text,)))  # noqa: SLF001
    storage.close()
    return job.id


def measure(path: Path, job_id: int, folder: Path) -> Figures:
    """Read the findings of a job, write them in every format, and load the bundle again."""
    storage = JobStorage(path)
    with Watch() as watch:
        start, cpu = time.perf_counter(), time.process_time()
        snapshot = read_snapshot(storage, [job_id], ["findings"])
        read = time.perf_counter()
        frame = frames_of(snapshot)["findings"]
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    del snapshot
    storage.close()
    dataset = replace(Dataset.from_records(), findings=frame)
    written: dict[str, tuple[float, float]] = {}
    writers: dict[str, tuple[Any, Any, str]] = {
        "CSV": (write_csv, frame, "x.csv"),
        "Parquet": (write_parquet, frame, "x.parquet"),
        "JSON lines": (write_json_lines, frame, "x.jsonl"),
        "bundle": (save_bundle, dataset, "x.batchnb"),
    }
    for kind, (write, what, name) in writers.items():
        begun = time.perf_counter()
        file = write(what, folder / name)
        written[kind] = (time.perf_counter() - begun, file.stat().st_size / 1e6)
    begun = time.perf_counter()
    loaded = load_bundle(folder / "x.batchnb")
    load_seconds = time.perf_counter() - begun
    if not loaded.findings.equals(frame):
        raise RuntimeError("the bundle did not give the findings back")
    return Figures(
        rows=len(frame),
        read_seconds=read - start,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        megabytes=watch.megabytes,
        longest_gap=watch.gap,
        written=written,
        load_seconds=load_seconds,
    )


def figures(rows: int, distinct: int) -> Figures:
    """Fill a store in a process of its own, so that its memory is not counted, and measure here."""
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch, "store.db")
        call = f"from benchmarks.frames import *; print(fill(Path({str(store)!r}), {rows}, {distinct}))"
        root = Path(__file__).resolve().parents[1]
        filled = subprocess.run(
            [sys.executable, "-c", call], cwd=root, check=True, capture_output=True, text=True
        )
        return measure(store, int(filled.stdout), Path(scratch))


def report(rows: int = 1_000_000) -> None:
    """Print the figures where one finding in ten has a source line of its own, and where each has."""
    for distinct in (max(1, rows // 10), rows):
        print(f"findings with {distinct:,} different source lines")
        for line in figures(rows, distinct).lines():
            print(f"  {line}")


if __name__ == "__main__":
    report(*map(int, sys.argv[1:]))
