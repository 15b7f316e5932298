"""The hostile corpus: apps that try to run code, to hide their faults, or to break, hang or rob the tools."""

from __future__ import annotations

import hostile_configs
import hostile_poison
import hostile_texts
import hostile_trees
from hostile_ground import Case, Ground, write_outside

CASES = (
    Case("nothing hostile", lambda ground: None, harmless=True),
    *hostile_configs.cases(),
    *hostile_texts.cases(),
    *hostile_poison.cases(),
    *hostile_trees.cases(),
)
SHORT = 48
"""About how many apps the short form has."""


def sample() -> tuple[Case, ...]:
    """Return the cases of the short form: evenly from all kinds, without those that take seconds."""
    quick = [case for case in CASES if not case.costly]
    step = len(quick) / SHORT
    return tuple(quick[int(number * step)] for number in range(SHORT))


def build(cases, base) -> list[Ground]:
    """Write an app for each case under `base`, and beside it what no app owns."""
    write_outside(base)
    grounds = []
    for number, case in enumerate(cases, start=1):
        ground = Ground(base, number)
        case.make(ground)
        grounds.append(ground)
    return grounds
