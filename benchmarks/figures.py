"""What reading a portfolio and showing its findings costs: discovery, staging, a real analysis, a frame."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import batchnb as bn
from batchnb.records import Finding, Severity
from batchnb.results.frames import findings_frame
from batchnb.tools.staging import stage
from batchnb.tools.survey import discover

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "portfolio"


def timed(label: str, work: Callable[[], object], repeats: int = 3) -> None:
    """Print the median of a few runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(f"{label:60} {sorted(seconds)[repeats // 2]:8.2f} s")


def copies(target: Path, models: int, apps: int) -> None:
    """Lay out models x apps copies of the sample apps under `target`."""
    samples = sorted(path for path in EXAMPLES.glob("*/app*") if path.is_dir())
    for number in range(models * apps):
        model, app = divmod(number, apps)
        shutil.copytree(samples[number % len(samples)], target / f"model-{model}" / f"app{app + 1}")


def report() -> None:
    """Print what reading and showing cost."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch, "apps")
        copies(base, models=10, apps=30)
        timed("discover 300 apps", lambda: discover(base))
        with tempfile.TemporaryDirectory() as target:
            places = iter(range(1_000_000))
            apps = sorted(base.glob("*/app*"))
            timed(
                "stage the backends of 300 apps",
                lambda: [
                    stage(app / "backend", Path(target, str(next(places))), suffixes=frozenset({".py"}))
                    for app in apps
                ],
            )
        with bn.open(base, store=Path(scratch, "store.db")) as workspace:
            timed("backend_security of 300 apps, durable", lambda: workspace.run().wait(), repeats=1)
        finding = Finding(
            model="m",
            app_num=1,
            analysis_type="backend_security",
            tool="bandit",
            rule="B608",
            severity=Severity.MEDIUM,
            path="backend/app.py",
            line=7,
            message="text",
            fingerprint="0" * 16,
        )
        timed("a frame of 100,000 findings", lambda: findings_frame([finding] * 100_000))
