"""What the analyses of sources cost: one call for many apps, a call per app, and the tools run by hand.

    python -m benchmarks.static [--apps 40]

Every way runs in a process of its own; its CPU seconds are those of all processes that it leaves behind.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import batchnb as bn
from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.analyzers.scanners.base import Scanner, SourceCheck
from batchnb.analyzers.source_analyzer import SourceAnalyzer
from batchnb.tools.staging import Staging
from benchmarks.figures import copies

if TYPE_CHECKING:
    from collections.abc import Callable

ANALYSES = ("backend_security", "frontend_security")
_SUBREAPER = 36


def batched(base: Path, scratch: Path) -> None:
    """Run a job as a user does."""
    with bn.open(base, store=scratch / "store.db") as workspace:
        job = workspace.run(analyses=ANALYSES).wait()
        print(f"    {job!r}", file=sys.stderr)


def per_app(base: Path, scratch: Path) -> None:
    """Run the same job with a call for each app."""
    SourceAnalyzer.batch_size = 1
    batched(base, scratch)


def by_hand(base: Path, scratch: Path) -> None:
    """Run each tool once over all apps, with the same flags: the least that it can cost."""
    for key in ANALYSES:
        analyzer = AnalyzerRegistry(extra=())[key]
        assert issubclass(analyzer, SourceAnalyzer)
        suffixes = frozenset().union(*(tool.suffixes for tool in analyzer.sources))
        names = frozenset().union(*(tool.names for tool in analyzer.sources))
        root = scratch / key
        trees = []
        for number, app in enumerate(sorted(base.glob("*/app*"))):
            staging = Staging(root / f"{number:03d}")
            staging.add(app / analyzer.part, suffixes=suffixes, names=names, prefix=analyzer.part)
            if analyzer.beside:
                staging.add(app, suffixes=suffixes, names=names, shallow=True)
            trees.append(staging.tree())
        for tool in analyzer.sources:
            if isinstance(tool, Scanner) and (command := tool.command()):
                environment = {**os.environ, **tool.environment}
                called = (*command, *tool.argv(root))
                subprocess.run(called, env=environment, cwd=scratch, capture_output=True, check=False)
            elif isinstance(tool, SourceCheck):
                for tree in trees:
                    wanted = {path: text for path, text in tree.sources.items() if tool.is_for(path)}
                    if wanted:
                        tool.check(wanted)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "tools by hand, one call each": by_hand,
    "batchnb": batched,
    "batchnb, a call per app": per_app,
}


def measure(way: str, apps: int) -> tuple[float, float]:
    """Return the wall and the CPU seconds of one way, in a process of its own."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)  # whoever loses its parent becomes a child of ours
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", __spec__.name, "--apps", str(apps), "--way", way], check=True)
    wall = time.perf_counter() - started
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(apps: int = 40) -> None:
    """Print what each way costs."""
    floor = 0.0
    print(f"{f'static analyses of {apps} apps':44} {'wall s':>8} {'CPU s':>8} {'x floor':>8}")
    for way in WAYS:
        wall, cpu = measure(way, apps)
        floor = floor or cpu
        print(f"{way:44} {wall:8.1f} {cpu:8.1f} {cpu / floor:8.2f}", flush=True)


def main() -> None:
    """Print the figures, or be one of the ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apps", type=int, default=40)
    parser.add_argument("--way", choices=list(WAYS))
    chosen = parser.parse_args()
    if chosen.way is None:
        report(chosen.apps)
        return
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch, "apps")
        copies(base, models=4, apps=-(-chosen.apps // 4))
        WAYS[chosen.way](base, Path(scratch))


if __name__ == "__main__":
    main()
