"""Programs that write too much, nothing readable, one endless line, or that ask: stopped, and soon."""

from __future__ import annotations

import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile import EVIL

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import STDERR_TAIL, Ending, Limits, run_tool

PYTHON = (sys.executable, "-I", "-S")
MIB = 1 << 20
BOUND = 1.0
"""Seconds in which a flood must be over."""
MOST_MEMORY = 64 * MIB

pytestmark = pytest.mark.xdist_group("campaigns")  # one at a time: they measure
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def run(*command, seconds=30.0, **options):
    return run_tool(command, deadline=Deadline.after(seconds), cancel=CancelToken(), **options)


def resident(what):
    """Return this process's resident memory in bytes: VmRSS now, or VmHWM at its highest."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) * 1024


def measured(*command, **options):
    """Run a program; return its output, the seconds it took, and by how much our memory grew at most."""
    run("true")  # the warden is up
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    before, started = resident("VmRSS"), time.monotonic()
    out = run(*command, **options)
    return out, time.monotonic() - started, resident("VmHWM") - before


def at_best(*command):
    """Return the first of three measurements that is within the bound, else the last: others work too."""
    for _ in range(3):
        found = measured(*command)
        if found[1] < BOUND:
            break
    return found


FLOODS = {
    "1 GiB of standard output": (*PYTHON, str(EVIL), "flood", "-", "-"),
    "1 GiB in small pieces": ("dd", "if=/dev/zero", "bs=4k", "count=256K", "status=none"),
    "1 GiB of standard error": ("sh", "-c", "head -c 1G /dev/zero >&2"),
    "a line of 100 MB": (*PYTHON, "-c", "print('x' * 100_000_000)"),
    "1 GiB of words": ("sh", "-c", "yes a line of words | head -c 1G"),
}


@on_linux
@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_is_over_within_a_second_and_fits_into_little_memory(what, figures):
    out, seconds, grown = at_best(*FLOODS[what])
    figures(f"{what}: over after", 1000 * seconds, "ms")
    figures(f"{what}: memory grew by", grown / MIB, "MiB")

    # Where several programs write, the cap kills one and the shell may end well: the flood still counts.
    assert out.ending is Ending.OUTPUT_CAP
    assert seconds < BOUND
    assert grown < MOST_MEMORY
    assert len(out.stdout) <= Limits().output_bytes
    assert len(out.stderr) <= STDERR_TAIL


@on_linux
def test_a_line_of_100_mb_that_is_allowed_is_written_but_not_read_beyond_the_cap():
    out, seconds, grown = measured(
        *PYTHON, "-c", "print('x' * 100_000_000)", limits=Limits(file_bytes=256 * MIB)
    )

    assert (out.ending, out.returncode, out.stdout_truncated) == (Ending.OUTPUT_CAP, 0, True)
    assert out.stdout == b"x" * Limits().output_bytes
    assert seconds < 5
    assert grown < MOST_MEMORY


@pytest.mark.parametrize(
    ("script", "stdout"),
    [
        ("import os; os.close(1); os.close(2); os.close(0)", b""),
        ("import os; os.write(1, b'before'); os.close(1); os._exit(0)", b"before"),
        ("import os, sys; os.closerange(0, 1024)", b""),
    ],
)
def test_a_program_that_closes_its_streams_ends_as_it_likes(script, stdout):
    out = run(*PYTHON, "-c", script)

    assert out.ending is Ending.EXITED
    assert out.stdout == stdout


def test_a_program_that_closes_its_streams_and_stays_meets_its_deadline():
    script = "import os, time; os.closerange(0, 1024); time.sleep(60)"
    out = run(*PYTHON, "-c", script, seconds=0.3)

    assert out.ending is Ending.TIMED_OUT
    assert out.seconds < 0.3 + BOUND


def test_a_writer_whose_reader_has_gone_dies_as_in_a_shell():
    """Python ignores SIGPIPE; a program started by Python must not."""
    out = run("sh", "-c", "yes | head -n 1; exit 0")

    assert (out.ending, out.returncode, out.stdout, out.stderr) == (Ending.EXITED, 0, b"y\n", b"")


@pytest.mark.parametrize(
    "question",
    [
        (*PYTHON, "-c", "input('Proceed? ')"),
        (*PYTHON, "-c", "open('/dev/tty')"),
        ("sh", "-c", "read answer"),
    ],
)
def test_a_program_that_asks_has_no_one_to_wait_for(question):
    started = time.monotonic()
    out = run(*question)

    assert out.ending is Ending.EXITED
    assert out.returncode != 0
    assert time.monotonic() - started < 5


@on_linux
@pytest.mark.slow
def test_eight_floods_at_once_are_over_soon_and_fit_into_their_caps(figures):
    run("true")
    Path("/proc/self/clear_refs").write_text("5")
    before, started = resident("VmRSS"), time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        outs = list(pool.map(lambda _: run("head", "-c", "1G", "/dev/zero"), range(8)))
    seconds, grown = time.monotonic() - started, resident("VmHWM") - before
    figures("eight floods of 1 GiB: over after", 1000 * seconds, "ms")
    figures("eight floods of 1 GiB: memory grew by", grown / MIB, "MiB")

    assert {out.ending for out in outs} == {Ending.OUTPUT_CAP}
    assert seconds < 8 * BOUND
    assert grown < 8 * Limits().output_bytes + MOST_MEMORY
