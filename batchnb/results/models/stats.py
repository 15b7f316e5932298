"""The statistics of paired counts: intervals, tests, effect sizes, ranks. Arrays in, numbers out.

Counts of findings are few, skewed and overdispersed, so nothing here assumes a distribution. A block (the
apps with one number) is the unit that is resampled and whose models are exchanged.
`tests/results/test_model_simulation.py` measures what the error rates really are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batchnb.results.models.cells import Flags, Numbers

ALPHA = 0.05
LEAST_FOR_INTERVAL = 5
"""With fewer apps a bootstrap has too few different resamples to say anything."""
FEW = 10
"""With fewer apps an interval is too narrow in truth; see the simulation."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval, or why there is none."""

    low: float | None = None
    high: float | None = None
    note: str = ""


def mean_interval(values: Numbers, *, resamples: int, seed: int) -> Interval:
    """Return the bootstrap interval (BCa) of the mean over apps."""
    return _bootstrap((values,), _mean, float(np.ptp(values)) if len(values) else 0, resamples, seed)


def ratio_interval(over: Numbers, under: Numbers, *, resamples: int, seed: int) -> Interval:
    """Return the bootstrap interval (BCa) of `sum(over) / sum(under)`, over apps; `under` is above 0."""
    spread = float(np.ptp(over / under)) if len(over) else 0
    return _bootstrap((over, under), _ratio, spread, resamples, seed)


def _mean(values: Any, axis: int = -1) -> Any:
    return values.mean(axis=axis)


def _ratio(over: Any, under: Any, axis: int = -1) -> Any:
    return over.sum(axis=axis) / under.sum(axis=axis)


def _bootstrap(
    samples: tuple[Numbers, ...], statistic: Callable[..., Any], spread: float, resamples: int, seed: int
) -> Interval:
    count = len(samples[0])
    if count < LEAST_FOR_INTERVAL:
        return Interval(note=f"too few for an interval: {count}, and {LEAST_FOR_INTERVAL} are needed")
    if spread <= 0:
        return Interval(note="no interval: all are equal")
    found = stats.bootstrap(
        samples,
        statistic,
        paired=True,
        vectorized=True,
        method="BCa",
        n_resamples=resamples,
        batch=max(1, 4_000_000 // count),
        confidence_level=_widened(count),
        rng=np.random.default_rng(seed),
    ).confidence_interval
    if not np.isfinite([found.low, found.high]).all():
        return Interval(note="no interval: too little spread")
    note = f"few apps ({count}): rather too narrow" if count < FEW else ""
    return Interval(float(found.low), float(found.high), note)


def _widened(count: int) -> float:
    """Return the level to ask for, so that an interval from few values is less too narrow.

    A bootstrap takes the spread of the sample for that of the population; this makes up for it as Student's t
    does (T. Hesterberg, "What teachers should know about the bootstrap", 2015, section 3.4).
    """
    wide = stats.t.ppf(1 - ALPHA / 2, count - 1) * np.sqrt(count / (count - 1))
    return float(1 - 2 * stats.norm.sf(wide))


def paired_test(first: Numbers, second: Numbers, *, resamples: int, seed: int) -> float:
    """Return the two-sided p of "the two models are exchangeable within each block", by the mean difference.

    Every way to swap the two within blocks is tried if there are at most `resamples`, else a random choice.
    """
    if len(first) < 2:  # nothing that scipy would take; an exchange changes only the sign
        return 1.0
    found = stats.permutation_test(
        (first, second),
        lambda one, other, axis: (one - other).mean(axis=axis),
        permutation_type="samples",
        n_resamples=resamples,
        batch=max(1, 4_000_000 // len(first)),
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def exchanges(resamples: int, pairs: int) -> int:
    """Return how many exchanges to try: enough for the least p to stay far below the level once corrected."""
    return max(resamples, 400 * pairs)


def is_exact(blocks: int, resamples: int) -> bool:
    """Whether `paired_test` tries every exchange."""
    return bool(2**blocks <= resamples)


def smallest_p(blocks: int, resamples: int) -> float:
    """Return the least p that `paired_test` can give with so many blocks, whatever the counts are."""
    return max(2.0 ** (1 - blocks), 0.0 if is_exact(blocks, resamples) else 2 / (resamples + 1))


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number (Holm): the chance of any false alarm stays at the level."""
    # Not by statsmodels, which collects garbage on every call: with a large heap that stops the kernel.
    order = np.argsort(values, kind="stable")
    steps = np.arange(len(values), 0, -1) * np.asarray(values, dtype=float)[order]
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(value) for value in corrected]


def rank_biserial(differences: Numbers) -> float:
    """Return the matched-pairs rank-biserial correlation, -1 to 1; 0 if no block differs.

    It is 1 if the first has more in every block that differs, 0 if neither outweighs the other.
    """
    rest = differences[differences != 0]
    if not len(rest):
        return 0.0
    ranks = stats.rankdata(np.abs(rest))
    return float((ranks * np.sign(rest)).sum() / ranks.sum())


def exact_mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test."""
    return (
        float(stats.binomtest(only_first, only_first + only_second).pvalue)
        if only_first + only_second
        else 1.0
    )


def advantages(counts: Numbers, usable: Flags, weights: Numbers | None = None) -> Numbers:
    """Return how much more each model has reported than the others, on the blocks that it shares with each.

    It is the mean over the other models of the mean difference on shared blocks. Where nothing is missing its
    order is that of the plain means; where something is, no model gains by having skipped the hard blocks.

    Args:
        counts: one row per model, one column per block.
        usable: which of them count.
        weights: how often each block (column) counts, a row per case; None: once.

    Returns:
        A row per case and a column per model; nan for a model that shares no block with any other.
    """
    models, blocks = counts.shape
    cases = np.ones((1, blocks)) if weights is None else weights
    shared = (usable[:, None, :] & usable[None, :, :]).reshape(models * models, blocks)
    known = np.where(usable, counts, 0)
    differences = np.where(shared, (known[:, None, :] - known[None, :, :]).reshape(shared.shape), 0)
    number = (cases @ shared.T.astype(float)).reshape(-1, models, models)
    means = (cases @ differences.T).reshape(number.shape) / np.maximum(number, 1)
    others = (number > 0) & ~np.eye(models, dtype=bool)
    total, rivals = np.where(others, means, 0).sum(axis=2), others.sum(axis=2)
    found: Numbers = np.where(rivals > 0, total / np.maximum(rivals, 1), np.nan)
    return found.round(9)  # so that what is equal but for rounding ties


def middle_ranks(values: Numbers) -> Numbers:
    """Return the rank of every value, the least first; equal ones share the middle; nan stays nan."""
    ranks: Numbers = stats.rankdata(values, method="average", nan_policy="omit")
    return ranks


def rank_chances(counts: Numbers, usable: Flags, *, resamples: int, seed: int) -> Numbers:
    """Return how often each model (row) takes each rank (column, fewest first) in resampled blocks.

    Sets of blocks in which a model shares none with any other say nothing, and are dropped.

    Args:
        counts: one row per model, one column per block.
        usable: which of them count.
        resamples: how often the blocks are drawn, with replacement.
        seed: makes it repeatable.
    """
    models, blocks = counts.shape
    rng = np.random.default_rng(seed)
    sums, cases = np.zeros((models, models)), 0
    batch = max(1, 2_000_000 // models**2)
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        draws = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=size)
        found = advantages(counts, usable, draws.astype(float))
        found = found[~np.isnan(found).any(axis=1)]
        fewer = (found[:, :, None] > found[:, None, :]).sum(axis=2)
        equal = (found[:, :, None] == found[:, None, :]).sum(axis=2)
        for rank in range(models):  # models that tie share their ranks
            sums[:, rank] += (((fewer <= rank) & (rank < fewer + equal)) / equal).sum(axis=0)
        cases += len(found)
    return sums / max(1, cases)
