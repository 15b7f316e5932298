"""Percentiles and shares with intervals, from counted values.

Percentiles get the distribution-free interval of order statistics: the ranks between which the true
percentile lies with 95 % probability if the observations are independent (Hahn and Meeker, *Statistical
Intervals*, 5.2). The answers of one run are not quite independent, so over several runs the interval is
widened until it holds the percentile of each run. Shares get Wilson's score interval.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Z95 = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number with a 95 % interval; an end that the observations cannot tell is None."""

    value: float | None
    low: float | None = None
    high: float | None = None
    samples: int = 0


def percentile(runs: Sequence[Mapping[int, int]], share: float) -> Estimate:
    """Return a percentile of all runs together, in the unit of the counted values.

    Args:
        runs: for each run, how often each value was seen.
        share: such as 0.95.
    """
    pooled: Counter[int] = Counter()
    for run in runs:
        pooled.update(run)
    values, total = sorted(pooled.items()), pooled.total()
    if total == 0:
        return Estimate(value=None)
    spread = Z95 * math.sqrt(total * share * (1 - share))
    below, above = math.floor(total * share - spread), math.ceil(total * share + spread) + 1
    found = _at(values, math.ceil(total * share))
    low = _at(values, below) if below >= 1 else None
    high = _at(values, above) if above <= total else None
    each = [_at(sorted(run.items()), math.ceil(sum(run.values()) * share)) for run in runs if run]
    return Estimate(
        value=found,
        low=None if low is None else min(low, *each),
        high=None if high is None else max(high, *each),
        samples=total,
    )


def share_of(part: int, total: int) -> Estimate:
    """Return `part` / `total`, from 0 to 1."""
    if total == 0:
        return Estimate(value=None)
    ratio, z2 = part / total, Z95**2
    middle = (ratio + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(ratio * (1 - ratio) / total + z2 / (4 * total**2))
    low, high = max(0.0, min(ratio, middle - half)), min(1.0, max(ratio, middle + half))
    return Estimate(value=ratio, low=low, high=high, samples=total)


def spread(values: Iterable[float], *, samples: int | None = None) -> Estimate:
    """Return the mean of what several runs gave, with the smallest and the largest; one has no interval."""
    found = list(values)
    if not found:
        return Estimate(value=None)
    several = len(found) > 1
    return Estimate(
        value=math.fsum(found) / len(found),
        low=min(found) if several else None,
        high=max(found) if several else None,
        samples=len(found) if samples is None else samples,
    )


def _at(values: Sequence[tuple[int, int]], rank: int) -> float:
    """Return the value with this rank, counted from 1."""
    seen = 0
    for value, count in values:
        seen += count
        if seen >= rank:
            return float(value)
    return float(values[-1][0])
