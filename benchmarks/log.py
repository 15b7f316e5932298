"""What logging costs: the caller with and without log files, and how fast the writer is."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.log import bind, create_logger
from batchnb.tools.log.files import LogFiles
from batchnb.tools.log.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = 15_000
"""Fewer than the queue holds, so that none is dropped."""


def microseconds(label: str, work: Callable[[], object], repeats: int = LINES) -> None:
    """Print the time of one call; the best of three rounds."""
    rounds = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        rounds.append((time.perf_counter() - start) / repeats)
    print(f"{label:60} {min(rounds) * 1e6:8.2f} us")


def report() -> None:
    """Print every figure."""
    logger = create_logger("task")
    bound = bind(logger, job_id=3, task_id=17, store="a")

    def log() -> None:
        bound.info("started: %s of %s/app%d", "backend_security", "atlas-4", 12)

    microseconds("bind", lambda: bind(logger, job_id=3, task_id=17, store="a"))
    microseconds("info with no log files", log)
    microseconds("warning with no log files", lambda: bound.warning("timed out after %d s", 30))
    microseconds("redact a line", lambda: redact("[Job 3] [Task 17] started: bandit of atlas-4/app12"))
    with tempfile.TemporaryDirectory() as folder:
        with LogFiles(Path(folder), store="b"):
            microseconds("info with the log files of another store", log)
        for json_lines in (False, True):
            kind = "json" if json_lines else "text"
            with LogFiles(Path(folder, kind), store="a", json_lines=json_lines) as files:
                start = time.perf_counter()
                for _ in range(LINES):
                    log()
                called = time.perf_counter() - start
            everything = time.perf_counter() - start
            print(
                f"{f'info with log files ({kind}), the writer beside it':60} {called / LINES * 1e6:8.2f} us"
            )
            print(f"{f'lines/s, {kind}, until all are in both files':60} {LINES / everything:8,.0f}")
            print(f"{'lines dropped':60} {files.dropped:8}")
