"""How long `1+1` takes in a real kernel while tasks run, scanners print, reports arrive, panels are shown."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing

import pytest
from hostile import spread

pytest.importorskip("ipykernel")
pytest.importorskip("ipywidgets")

from kernels import Kernel
from support import PATIENCE

pytestmark = [
    pytest.mark.xdist_group("campaigns"),  # one at a time: they measure
    pytest.mark.skipif(sys.platform != "linux", reason="there is no subreaper"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

EVERYTHING = ("tasks", "scanners", "reports", "panel")
RATE = 1_000
"""Tasks that are wanted per second."""
INTERVAL = 0.05
COUNTS = {"tasks": "tasks", "scanners": "printed", "reports": "reports"}
"""Load -> what tells that it came about."""
P95, MAX = 50, 250
"""Milliseconds."""


def round_trips(kernel, seconds):
    """Return how long each `1+1` took, one every 50 ms, until its result was there."""
    times, end = [], time.monotonic() + seconds
    while (started := time.monotonic()) < end:
        sent = kernel.client.execute("1+1", store_history=False)
        kernel.result(sent)
        times.append(time.monotonic() - started)
        kernel.reply(sent)
        time.sleep(max(0.0, started + INTERVAL - time.monotonic()))
    return times


def note(figures, what, times):
    found = spread(times)
    for name, value in found.items():
        figures(f"1+1 {what}, {name}", value, "ms")
    return found


def campaign(loads, seconds, folder, figures):
    """Measure an idle kernel, then the same one under `loads`; return the figures of the latter in ms."""
    with closing(Kernel(folder / "kernel")) as kernel:
        kernel.value("import pathlib, busy_kernel")
        round_trips(kernel, 0.5)  # the first ones load what the later ones have
        note(figures, "idle", round_trips(kernel, min(3, seconds / 2)))
        started = time.monotonic()
        kernel.value(f"busy_kernel.start(pathlib.Path({str(folder)!r}), {loads!r}, {RATE})")
        times, missing = [], True
        while missing and len(times) < PATIENCE / INTERVAL:  # on a busy machine a first report takes a while
            times += round_trips(kernel, seconds)
            counts = json.loads(kernel.value("busy_kernel.say_counts()"))
            missing = not all(counts[COUNTS[load]] for load in loads if load in COUNTS)
        done, took = json.loads(kernel.value("busy_kernel.stop()")), time.monotonic() - started
    figures("round trips", len(times))
    figures("tasks", done["tasks"] / took, "/s")
    figures("reports of 10 MB", done["reports"] / took, "/s")
    figures("printed by scanners", done["printed"] / took / 1e6, "MB/s")
    measured = note(figures, "busy", times)

    assert (done["not completed"], done["errors"]) == (0, [])
    assert not missing, done
    return measured


def test_the_kernel_answers_while_everything_happens_at_once(tmp_path, figures):
    busy = campaign(EVERYTHING, 6, tmp_path, figures)

    assert busy["p50"] < 500, "the kernel was frozen most of the time"


@pytest.mark.slow
def test_the_kernel_answers_at_once_while_everything_happens_at_once(tmp_path, figures):
    busy = campaign(EVERYTHING, 25, tmp_path, figures)

    assert busy["p95"] < P95
    assert busy["max"] < MAX


@pytest.mark.slow
@pytest.mark.parametrize("load", EVERYTHING[:-1])
def test_the_kernel_answers_at_once_under_each_load_with_a_panel(tmp_path, figures, load):
    """Tells which of the loads is to blame when the test of all of them fails."""
    busy = campaign((load, "panel"), 8, tmp_path, figures)

    assert busy["p95"] < P95
    assert busy["max"] < MAX
