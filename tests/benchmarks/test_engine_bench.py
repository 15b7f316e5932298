"""The comparison with other systems runs, whichever of them are installed, and its figures are sane."""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec

import pytest
from support import REPOSITORY

sys.path.insert(0, str(REPOSITORY))

from benchmarks import engine, ours


def names(systems):
    return [pytest.param(system, id=system.name) for system in systems]


@pytest.mark.parametrize("system", names(engine.SYSTEMS))
def test_every_system_runs_its_tasks_to_the_end(system):
    if system.needs and not find_spec(system.needs):
        pytest.skip(f"{system.needs} is not installed (make bench installs it)")
    case = engine.Case(system, tasks=50, rounds=1)
    case.measure()
    assert not case.trouble
    assert 0 < case.seconds[0] < ours.LONGEST
    assert system.name in case.line()


def test_a_system_that_fails_is_said_to_and_not_asked_again():
    case = engine.Case(engine.System("broken", math.factorial), tasks=-5, rounds=2)
    case.measure()
    told = case.line()
    assert "ValueError: factorial() not defined for negative values" in told
    case.system = engine.POOL
    case.measure()
    assert not case.seconds


def test_a_goal_is_a_ratio_of_medians():
    size = engine.Size(tasks=10, big=100)
    cases = {}
    for system, tasks, seconds in (
        (engine.MEMORY, 10, [0.2, 0.3, 9.0]),
        (engine.POOL, 10, [0.1]),
        (engine.MEMORY, 100, [3.3]),
    ):
        cases[system.name, tasks] = engine.Case(system, tasks, 3, seconds)
    lines = engine.ratios(cases, size)
    assert lines[0].split()[-4:] == ["3.00", "goal:", "<=", "3"]
    assert "nan" in lines[1]  # huey was not measured: no figure is made up for it
    assert lines[-2].split()[-4:] == ["10.00", "goal:", "within", "15"]


def test_a_big_job_is_planned_and_cancelled():
    for measure in (ours.big_job_in_memory, ours.big_job_durable):
        cost = measure(500)
        assert 0 < cost.planned < ours.LONGEST
        assert 0 <= cost.asked <= cost.cancelled < ours.LONGEST
