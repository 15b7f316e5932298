"""The engine's own cost per task beside other systems', and what a big job costs before its tasks run.

Every measurement has a fresh process, warmed up by a small run. The systems take turns, round by round, so
that whatever else the machine does meets all of them alike.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import apsw

from benchmarks import ours, peers
from benchmarks.disk import WORKERS, sync_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
WARM_UP = 100
"""Tasks that are run before the measured ones."""


class System(NamedTuple):
    """One of those that are compared."""

    name: str
    seconds: Callable[[int], float]
    """Runs as many no-op tasks and returns what they took."""
    needs: str | None = None
    """The package that it is; None: nothing that is not here already."""
    most_rounds: int = 100
    """For one that takes so long that a round more tells less than it costs."""


MEMORY = System("ours, in memory", ours.in_memory)
DURABLE = System("ours, durable", ours.durable)
POOL = System("bare ThreadPoolExecutor", peers.bare_pool)
JOBLIB = System("joblib, threads", peers.joblib_threads, "joblib")
DASK = System("dask distributed, saturated", peers.dask_saturated, "distributed")
DASK_DEFAULT = System("dask distributed, as it comes", peers.dask_default, "distributed", 1)
DASK_THREADS = System("dask, threaded scheduler", peers.dask_threads, "dask")
HUEY = System("huey, SQLite", peers.huey_sqlite, "huey")
SYSTEMS = (MEMORY, DURABLE, POOL, JOBLIB, DASK, DASK_DEFAULT, DASK_THREADS, HUEY)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured."""

    tasks: int = 10_000
    big: int = 100_000
    rounds: int = 3
    big_rounds: int = 3


QUICK = Size(tasks=1_000, big=10_000, rounds=3, big_rounds=1)


@dataclass
class Case:
    """A system at a number of tasks, and what was measured."""

    system: System
    tasks: int
    rounds: int
    seconds: list[float] = field(default_factory=list)
    trouble: str = ""

    def measure(self) -> None:
        """Run one round; a system that failed once is not asked again."""
        if self.trouble:
            return
        try:
            self.seconds.append(in_own_process(_warm, self.system.seconds, self.tasks))
        except Exception as error:  # noqa: BLE001 - the others' figures are still wanted
            self.trouble = f"{type(error).__name__}: {error}"

    @property
    def per_task(self) -> float:
        """The median, in microseconds; NaN if there is none."""
        return 1e6 * median(self.seconds) / self.tasks if self.seconds else float("nan")

    def line(self) -> str:
        """Return the row of the table."""
        label = f"{self.system.name:32}{self.tasks:>8,}"
        if self.trouble:
            return f"{label}  {self.trouble}"
        low, high = (1e6 * end(self.seconds) / self.tasks for end in (min, max))
        return f"{label}{1e6 / self.per_task:>11,.0f}{low:>10.1f}{self.per_task:>10.1f}{high:>10.1f}"


def compare(size: Size) -> dict[tuple[str, int], Case]:
    """Measure every system that is installed and return the cases by name and number of tasks."""
    installed = [system for system in SYSTEMS if system.needs is None or find_spec(system.needs)]
    cases = [Case(system, size.tasks, min(size.rounds, system.most_rounds)) for system in installed]
    cases += [Case(system, size.big, size.big_rounds) for system in (MEMORY, DURABLE)]
    for number in range(size.rounds):
        for case in cases:
            if number < case.rounds:
                case.measure()
    return {(case.system.name, case.tasks): case for case in cases}


def print_comparison(size: Size) -> None:
    """Print the table, and the ratios that the goals speak of."""
    print(f"no-op tasks on {WORKERS} workers, from the first hand-over to the last result stored")
    print("(ours: the no-op is an analyzer that looks up no folder and returns one constant report;")
    print(" dask distributed: a LocalCluster of threads; huey: all queued, then a consumer with threads)")
    print(f"{'':32}{'tasks':>8}{'tasks/s':>11}{'us: min':>10}{'median':>10}{'max':>10}")
    cases = compare(size)
    for case in cases.values():
        print(case.line())
    for system in SYSTEMS:
        if (system.name, size.tasks) not in cases:
            print(f"{system.name:32}not installed: left out")
    for line in ratios(cases, size):
        print(line)


def ratios(cases: dict[tuple[str, int], Case], size: Size) -> list[str]:
    """Return a line for every goal."""

    def us(system: System, tasks: int = size.tasks) -> float:
        case = cases.get((system.name, tasks))
        return case.per_task if case else float("nan")

    def growth(system: System) -> float:
        return 100 * (us(system, size.big) / us(system) - 1)

    return [
        _goal("in memory, times the bare pool's time per task", us(MEMORY) / us(POOL), "<= 3"),
        _goal("durable, times huey's rate", us(HUEY) / us(DURABLE), ">= 2"),
        _goal("durable, times dask distributed's rate, saturated", us(DASK) / us(DURABLE), ">= 5"),
        _goal("durable, times dask distributed's rate, as it comes", us(DASK_DEFAULT) / us(DURABLE), ">= 5"),
        _goal("durable, times dask threaded scheduler's rate", us(DASK_THREADS) / us(DURABLE), ""),
        _goal(f"in memory, {size.big:,} against {size.tasks:,}, % per task", growth(MEMORY), "within 15"),
        _goal(f"durable, {size.big:,} against {size.tasks:,}, % per task", growth(DURABLE), "within 15"),
    ]


def print_big_job(size: Size) -> None:
    """Print what a big job costs before its tasks run, and to cancel right after its start."""
    for label, measure in (("in memory", ours.big_job_in_memory), ("durable", ours.big_job_durable)):
        found = [in_own_process(measure, size.big) for _ in range(size.big_rounds)]
        values = [median(column) for column in zip(*found, strict=True)]
        print(f"a job of {size.big:,} tasks, {label}:")
        print(_goal("  seconds until its first task runs", values[0], "< 2"))
        print(_goal("  MB more memory until then", values[1], "< 50"))
        print(_goal("  seconds in cancel_job", values[2], ""))
        print(_goal("  seconds until all is cancelled and stored", values[3], "< 1"))


def print_machine() -> None:
    """Print what the figures depend on."""
    names = ("joblib", "dask", "distributed", "huey")
    versions = [f"{name} {metadata.version(name)}" for name in names if find_spec(name)]
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"{os.cpu_count()} cores ({platform.machine()}), load {load}, "
        f"Python {platform.python_version()} on {sys.platform}, apsw {metadata.version('apsw')} "
        f"with SQLite {apsw.sqlite_lib_version()}, sqlite3 with SQLite {sqlite3.sqlite_version}, "
        f"{', '.join(versions) or 'no peers'}; one synced write of 4 KB: {1e6 * sync_seconds():.0f} us"
    )


def report(size: Size) -> None:
    """Print everything."""
    start = time.perf_counter()
    print_machine()
    print_comparison(size)
    print_big_job(size)
    print(f"(measured in {time.perf_counter() - start:.0f} s)")


def in_own_process(work: Callable[..., T], *arguments: object) -> T:
    """Return `work(*arguments)`, run by a process that ends then: nobody inherits another's memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _warm(seconds: Callable[[int], float], tasks: int) -> float:
    seconds(min(WARM_UP, tasks))
    return seconds(tasks)


def _goal(text: str, value: float, goal: str) -> str:
    return f"{text:62}{value:>10.2f}" + (f"   goal: {goal}" if goal else "")
