"""What all systems are given alike: a folder on the repository's disk, and a number of workers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryFile

SCRATCH = Path(__file__).resolve().parents[1] / "build" / "bench"
"""Not the system's folder for temporary files: that may be memory, where durable writes cost nothing."""
SCRATCH.mkdir(parents=True, exist_ok=True)
WORKERS = 2


def sync_seconds(repeats: int = 200) -> float:
    """Return the median of the seconds that one small write takes until it is on the disk."""
    seconds = []
    with TemporaryFile(dir=SCRATCH, buffering=0) as file:
        for _ in range(repeats):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    return sorted(seconds)[repeats // 2]
