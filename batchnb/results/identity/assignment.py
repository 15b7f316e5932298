"""Pairing two sets at least cost, with bounded work."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Mapping

    _Costs = Mapping[tuple[int, int], float]

MAX_BLOCK = 500
"""More things than this that compete for each other are paired cheapest first, not at least total cost."""


def cheapest(costs: _Costs) -> list[tuple[int, int]]:
    """Return the pairs of least total cost; nothing is in two pairs.

    Args:
        costs: the pairs that are possible, from 0 to less than 1. Leaving a thing alone costs 1, so that two
            poor pairs do not displace a good one.
    """
    pairs: list[tuple[int, int]] = []
    for block in _blocks(costs):
        ones, others = {a for a, _ in block}, {b for _, b in block}
        if len(block) == 1:
            pairs += block
        elif max(len(ones), len(others)) > MAX_BLOCK:
            pairs += _greedy(block)
        else:
            pairs += _least(block, sorted(ones), sorted(others))
    return sorted(pairs)


def _blocks(costs: _Costs) -> list[dict[tuple[int, int], float]]:
    """Return the pairs in groups that share nothing with each other."""
    if not costs:
        return []
    ends = np.array(list(costs))
    size, width = int(ends[:, 0].max()) + 1, int(ends[:, 1].max()) + 1
    links = coo_array(
        (np.ones(len(ends)), (ends[:, 0], ends[:, 1] + size)), shape=(size + width, size + width)
    )
    labels = connected_components(links, directed=False)[1]
    groups: defaultdict[int, dict[tuple[int, int], float]] = defaultdict(dict)
    for pair, label in zip(costs, labels[ends[:, 0]].tolist(), strict=True):
        groups[label][pair] = costs[pair]
    return list(groups.values())


def _least(costs: _Costs, ones: list[int], others: list[int]) -> list[tuple[int, int]]:
    rows = {one: row for row, one in enumerate(ones)}
    columns = {other: column for column, other in enumerate(others)}
    matrix = np.ones((len(ones), len(others)))
    for (one, other), cost in costs.items():
        matrix[rows[one], columns[other]] = cost
    chosen = zip(*linear_sum_assignment(matrix), strict=True)
    pairs = [(ones[row], others[column]) for row, column in chosen]
    return [pair for pair in pairs if pair in costs]


def _greedy(costs: _Costs) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    used: tuple[set[int], set[int]] = (set(), set())
    for one, other in sorted(costs, key=lambda pair: (costs[pair], pair)):
        if one not in used[0] and other not in used[1]:
            used[0].add(one)
            used[1].add(other)
            pairs.append((one, other))
    return pairs
