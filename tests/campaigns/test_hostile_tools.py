"""Hostile programs by the thousand: each run has an answer, nothing is alive after it, deadlines hold."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest
from hostile import Payload, alive, put_down, spread

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, Limits, run_tool

pytestmark = [
    pytest.mark.xdist_group("campaigns"),  # one at a time: they measure
    pytest.mark.skipif(sys.platform != "linux", reason="there is no subreaper"),
]

WEIGHTS = {
    "plain": 6,
    "child": 6,
    "deaf": 8,
    "session": 8,
    "daemon": 8,
    "masked": 10,
    "stopped": 8,
    "tree": 10,
    "hop": 8,
    "mob": 10,
    "daemon_only": 6,
    "abandon": 6,
    "kill_guard": 4,
    "stop_guard": 2,
    "burst": 2,
}
"""Kind of payload -> its share of the runs, in percent."""
END_WELL = {"daemon_only", "abandon"}
END_THEIR_GUARD = {"kill_guard", "stop_guard"}
MIB = 1 << 20
OVERRUN = 100
"""Milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    kind: str
    seconds: float
    cancel_after: float | None
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class Outcome:
    attack: Attack
    ending: Ending
    survived: bool
    overrun: float
    """Seconds from the deadline until the caller had the answer."""
    guard_overrun: float | None
    """Seconds from the deadline until the last process was dead, at most 10 ms too much; None: unknown."""
    since_cancel: float | None
    """Seconds from the cancellation until the caller had the answer; None: not cancelled."""


def attack(rng):
    """Return a random attack: one in four is cancelled before its deadline."""
    seconds = rng.uniform(0.02, 0.6)
    return Attack(
        kind=rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0],
        seconds=seconds,
        cancel_after=rng.uniform(0, seconds) if rng.random() < 0.25 else None,
        limits=Limits(
            memory_bytes=rng.choice([None, 128 * MIB, 512 * MIB, 4096 * MIB]),
            file_bytes=rng.choice([MIB, 32 * MIB]),
            cpu_seconds=rng.choice([None, None, 2, 30]),
            output_bytes=rng.choice([MIB, 32 * MIB]),
        ),
    )


def suffer(attack, payload):
    """Run one attack to its end."""
    cancel, cancelled_at = CancelToken(), []

    def pull():
        cancelled_at.append(time.monotonic())
        cancel.cancel("at random")

    timer = None if attack.cancel_after is None else threading.Timer(attack.cancel_after, pull)
    if timer:
        timer.start()
    deadline = Deadline.after(attack.seconds)
    out = run_tool(payload.command(attack.kind), deadline=deadline, cancel=cancel, limits=attack.limits)
    returned = time.monotonic()
    survived, born = payload.is_alive(), payload.born()
    if timer:
        timer.cancel()
    return Outcome(
        attack=attack,
        ending=out.ending,
        survived=survived,
        overrun=returned - deadline.at,
        guard_overrun=None if born is None else born + out.seconds - deadline.at,
        since_cancel=returned - cancelled_at[0] if cancelled_at else None,
    )


def storm(size, threads, folder, seed):
    """Run `size` random attacks on `threads` threads; return their outcomes and who is alive afterwards."""
    rng, word = random.Random(seed), f"storm-{uuid4().hex}"
    attacks = [attack(rng) for _ in range(size)]
    payloads = [Payload(folder, str(number), word) for number in range(size)]
    with ThreadPoolExecutor(threads) as pool:
        outcomes = list(pool.map(suffer, attacks, payloads))
    left = alive(word, folder)
    put_down(left)
    return outcomes, left


def is_right(outcome):
    """Whether a run ended in a way that its attack explains."""
    attack, ending = outcome.attack, outcome.ending
    if ending is Ending.TIMED_OUT:
        return outcome.overrun >= 0
    if ending is Ending.CANCELLED:
        return outcome.since_cancel is not None
    if ending is Ending.LOST:
        return attack.kind in END_THEIR_GUARD
    return ending is Ending.EXITED and attack.kind in END_WELL


def campaign(size, threads, folder, seed, figures):
    """Run a storm, note its figures, and check all but the overruns, which are returned in ms.

    Returns:
        How long after its deadline a caller had the answer, and how long after it the last process was dead.
    """
    started = time.monotonic()
    outcomes, left = storm(size, threads, folder, seed)
    figures(f"runs on {threads} threads", size)
    figures("took", time.monotonic() - started, "s")
    endings = Counter(outcome.ending.value for outcome in outcomes)
    figures("answers", ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items())))
    figures("survivors", sum(outcome.survived for outcome in outcomes) + len(left))
    late = [outcome for outcome in outcomes if outcome.ending is Ending.TIMED_OUT]
    answered = spread([outcome.overrun for outcome in late])
    dead = spread([outcome.guard_overrun for outcome in late if outcome.guard_overrun is not None])
    stopped = [outcome.since_cancel for outcome in outcomes if outcome.ending is Ending.CANCELLED]
    for what, values in (
        ("deadline to answer", answered),
        ("deadline to last death", dead),
        ("cancellation to answer", spread(stopped)),
    ):
        for name, value in values.items():
            figures(f"{what}, {name}", value, "ms")
    worst = sorted(late, key=lambda outcome: -outcome.overrun)[:5]
    figures("latest", ", ".join(f"{one.attack.kind} {1000 * one.overrun:.0f} ms" for one in worst))

    assert len(outcomes) == size
    assert [outcome for outcome in outcomes if outcome.survived] == []
    assert left == set()
    assert [outcome for outcome in outcomes if not is_right(outcome)] == []
    return answered, dead


def test_some_hostile_runs_have_an_answer_each_and_no_survivor(tmp_path, figures, seed):
    _, dead = campaign(150, 8, tmp_path, seed, figures)

    assert dead["p50"] < OVERRUN


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_thousand_hostile_runs(tmp_path, figures, seed):
    answered, dead = campaign(2000, 8, tmp_path, seed, figures)

    assert dead["p99"] < OVERRUN
    assert answered["p99"] < OVERRUN


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_thousand_hostile_runs_on_twice_as_many_threads(tmp_path, figures, seed):
    """The trees die as soon; when their callers hear of it is up to a machine with as many tools."""
    _, dead = campaign(2000, 16, tmp_path, seed, figures)

    assert dead["p99"] < OVERRUN
