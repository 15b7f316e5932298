"""What the error rates really are, on simulated counts: overdispersed, in unequal blocks, with missing cells.

The short tests run always and can fail: wrong methods are run beside the right one, and have to be caught.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from batchnb.results.models.cells import Cells, Counting
from batchnb.results.models.pairs import pair_tests
from batchnb.results.models.stats import holm, mean_interval
from batchnb.results.severity import CellState

LEVEL = 0.05
MEAN = 6


def draw(rng, shape, mean, size=1.5):
    """Return overdispersed counts: variance = mean + mean² / size."""
    return rng.negative_binomial(size, size / (size + mean), shape).astype(float)


def experiment(rng, models, blocks, factors=(1.0,), missing=0.15, size=1.5):
    """Return counts (nan: not measured); the blocks differ in difficulty, models only by their factor."""
    difficulty = MEAN * rng.lognormal(-0.5, 1, blocks)
    factor = np.resize([*factors, *[1.0] * models], models)[:, None]
    found = draw(rng, (models, blocks), np.maximum(difficulty * factor, 1e-9), size)
    found[rng.random(found.shape) < missing] = np.nan
    return found


def cells(found):
    usable = ~np.isnan(found)
    return Cells(
        models=tuple(f"m{n}" for n in range(len(found))),
        numbers=tuple(range(1, found.shape[1] + 1)),
        counts=found,
        lines=np.full(found.shape, np.nan),
        states=np.where(usable, CellState.MEASURED, CellState.NOT_MEASURED).astype(object),
        placeholder=np.zeros(found.shape, dtype=bool),
        why=np.where(usable, "", str(CellState.NOT_MEASURED)).astype(object),
        failed=np.zeros(len(found)),
        found=pd.DataFrame({"model": [], "block": [], "rule": [], "cwe": [], "unit": []}),
        counting=Counting(),
    )


def pair_results(found):
    return pair_tests(cells(found), resamples=999, seed=0)


def ours(found):
    """Return the corrected p of every pair."""
    return [test.p_holm for test in pair_results(found) if test.p_holm is not None]


def uncorrected(found):
    return [test.p for test in pair_results(found) if test.p is not None]


def missing_as_zero(found):
    return ours(np.nan_to_num(found, nan=0))


def summed_as_poisson(found):
    """Compare the totals as if findings were independent of each other."""
    values = []
    for one, other in combinations(range(len(found)), 2):
        both = ~np.isnan(found[one]) & ~np.isnan(found[other])
        first, second = int(found[one][both].sum()), int(found[other][both].sum())
        values.append(stats.binomtest(first, max(1, first + second)).pvalue)
    return holm(values)


def unpaired(found):
    """Compare as if the apps of one number had nothing to do with each other."""
    samples = [row[~np.isnan(row)] for row in found]
    return holm([stats.mannwhitneyu(a, b).pvalue for a, b in combinations(samples, 2)])


def share_with_alarm(method, runs, *, seed=11, **kwargs):
    rng = np.random.default_rng(seed)
    return np.mean([min(method(experiment(rng, **kwargs)), default=1) < LEVEL for _ in range(runs)])


def bound(runs):
    """Return what a method at the level stays below in all but about one of a thousand simulations."""
    return stats.binom.ppf(0.999, runs, LEVEL) / runs


def coverage(rng, size, runs, *, is_difference):
    held = 0
    for run in range(runs):
        values = draw(rng, size, MEAN) - (draw(rng, size, MEAN) if is_difference else 0)
        interval = mean_interval(values, resamples=999, seed=run)
        truth = 0 if is_difference else MEAN
        held += interval.low is not None and interval.low <= truth <= interval.high
    return held / runs


def test_false_alarms_stay_at_the_level_however_many_pairs_there_are():
    runs = 150
    assert share_with_alarm(ours, runs, models=5, blocks=9) <= bound(runs)


@pytest.mark.parametrize("wrong", [uncorrected, summed_as_poisson])
def test_wrong_methods_raise_false_alarms_and_are_caught(wrong):
    runs = 150
    assert share_with_alarm(wrong, runs, models=5, blocks=9) > bound(runs)


def test_taking_what_was_not_measured_for_zero_would_raise_false_alarms():
    def one_often_fails(method, runs=60):
        rng, alarms = np.random.default_rng(5), 0
        for _ in range(runs):
            found = experiment(rng, models=2, blocks=20, missing=0)
            found[0, rng.random(20) < 0.5] = np.nan
            alarms += min(method(found)) < LEVEL
        return alarms / runs

    assert one_often_fails(ours) <= bound(60)
    assert one_often_fails(missing_as_zero) > bound(60)


def test_a_doubled_rate_is_found_more_often_than_by_an_unpaired_test():
    setup = {"models": 2, "blocks": 24, "factors": (2.0,), "missing": 0.1, "size": 5}
    paired, wrong = (share_with_alarm(method, 80, **setup) for method in (ours, unpaired))
    assert paired >= 0.7
    assert wrong < 0.6


@pytest.mark.parametrize(("size", "least"), [(5, 0.75), (10, 0.83), (30, 0.87)])
def test_intervals_hold_the_truth_nearly_as_often_as_they_say(size, least):
    assert coverage(np.random.default_rng(size), size, 120, is_difference=True) >= least


def test_many_pairs_do_not_make_a_clear_difference_invisible():
    found = experiment(np.random.default_rng(2), models=9, blocks=24, missing=0)
    found[0] += 30
    first = pair_results(found)[0]
    assert first.p_holm < LEVEL  # with 999 exchanges and 36 pairs the least would be 0.07
    assert first.tries * LEVEL > 36 * 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_figures(figures):
    runs = 400
    for models, blocks in ((2, 10), (5, 9), (3, 30), (9, 12)):
        share = share_with_alarm(ours, runs, seed=models * 100 + blocks, models=models, blocks=blocks)
        figures(f"false alarm in any pair, {models} models, {blocks} blocks", 100 * share, "%")
        assert share <= bound(runs)
    for size in (5, 10, 30):
        for is_difference, what in ((False, "a rate"), (True, "a difference")):
            held = coverage(np.random.default_rng(size), size, runs, is_difference=is_difference)
            figures(f"95 % interval of {what} holds the truth, {size} blocks", 100 * held, "%")
            assert held >= {5: 0.8, 10: 0.88, 30: 0.91}[size]
    for size, (models, blocks) in product((1.5, 5), ((2, 10), (2, 20), (2, 30), (9, 30))):
        rng, times = np.random.default_rng(blocks), 200 if models == 2 else 40
        found = sum(
            (pair_results(experiment(rng, models, blocks, factors=(2.0,), size=size))[0].p_holm or 1) < LEVEL
            for _ in range(times)
        )
        name = f"doubled rate told apart, {models} models, {blocks} blocks, dispersion {size:g}"
        figures(name, 100 * found / times, "%")
