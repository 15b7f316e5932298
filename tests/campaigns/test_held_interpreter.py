"""Deadlines hold while one regular expression keeps the interpreter from doing anything else for seconds."""

from __future__ import annotations

import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile import Payload, spread
from support import wait_until

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, run_tool

pytestmark = [
    pytest.mark.xdist_group("campaigns"),  # one at a time: they measure
    pytest.mark.skipif(sys.platform != "linux", reason="there is no subreaper"),
]

CATASTROPHE = re.compile(r"(a+)+$")
OVERRUN = 0.1
"""Seconds that a tool may outlive its deadline."""
BUSY = 0.5
"""Seconds for which a living tool may be silent while others have the processors."""


def hold(letters, clock=time.monotonic):
    """Hold the interpreter's lock and return for how many seconds."""
    started = clock()
    assert CATASTROPHE.match("a" * letters + "b") is None
    return clock() - started


def letters_for(seconds):
    """Return the length of text that takes at least `seconds` here: one letter more doubles the time."""
    letters = 20
    while (took := hold(letters, time.thread_time)) < 0.1:  # its own time, however busy the machine is
        letters += 1
    while took < 1.2 * seconds:
        letters, took = letters + 1, 2 * took
    return letters


def campaign(size, seconds, folder, figures):
    """Give `size` tools deadlines within the `seconds` that the lock is held; check when each fell silent."""
    letters, word = letters_for(seconds), "held"
    payloads = [Payload(folder, str(number), word) for number in range(size)]
    start = time.monotonic() + 1.5  # by then all of them stand
    deadlines = [Deadline(start + seconds * (0.2 + 0.7 * number / size)) for number in range(size)]
    held = []
    with ThreadPoolExecutor(size) as pool:
        runs = [
            pool.submit(run_tool, payload.command("pulse"), deadline=deadline, cancel=CancelToken())
            for payload, deadline in zip(payloads, deadlines, strict=True)
        ]
        assert wait_until(lambda: all(payload.pulse.exists() for payload in payloads))
        assert wait_until(lambda: time.monotonic() >= start)
        began = time.monotonic()
        holder = threading.Thread(target=lambda: held.append(hold(letters)))
        holder.start()
        holder.join()
        ended = began + held[0]
        outs = [run.result(30) for run in runs]
    last = [float(payload.pulse.read_bytes()) for payload in payloads]
    silent = [seen - one.at for seen, one in zip(last, deadlines, strict=True)]
    answered = [time.monotonic() - one.at for one in deadlines]
    figures("the interpreter's lock was held for", held[0], "s")
    figures("deadlines in that time", size)
    figures("last sign of life after its deadline, max", spread(silent)["max"], "ms")
    figures("(the caller itself had its answer after, max)", spread(answered)["max"], "ms")

    assert held[0] >= seconds, "the lock was not held for long enough to prove anything"
    assert began <= min(one.at for one in deadlines)
    assert max(one.at for one in deadlines) < ended
    assert {out.ending for out in outs} == {Ending.TIMED_OUT}
    assert all(-BUSY < late < OVERRUN for late in silent), silent
    assert max(answered) > OVERRUN, "the caller was not held up, so nothing was proved"


def test_deadlines_hold_while_the_interpreter_is_held_for_a_second(tmp_path, figures):
    campaign(3, 1.0, tmp_path, figures)


@pytest.mark.slow
def test_deadlines_hold_while_the_interpreter_is_held_for_three_seconds(tmp_path, figures):
    campaign(16, 3.0, tmp_path, figures)
