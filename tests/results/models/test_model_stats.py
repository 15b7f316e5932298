"""The statistics, against other ways to compute them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from batchnb.results.models.stats import (
    LEAST_FOR_INTERVAL,
    advantages,
    exact_mcnemar,
    holm,
    is_exact,
    mean_interval,
    paired_test,
    rank_biserial,
    rank_chances,
    ratio_interval,
    smallest_p,
)

FEW = {"resamples": 999, "seed": 1}


def counts(seed, size, mean=6):
    return np.random.default_rng(seed).negative_binomial(2, 2 / (2 + mean), size).astype(float)


def every_exchange(first, second):
    """Return p by trying all exchanges in a loop: what `paired_test` is for."""
    differences = first - second
    means = [abs(np.mean(differences * signs)) for signs in product((1, -1), repeat=len(differences))]
    return np.mean([mean >= abs(differences.mean()) - 1e-12 for mean in means])


@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize("seed", range(4))
def test_with_few_blocks_every_exchange_is_tried(size, seed):
    first, second = counts(seed, size), counts(seed + 99, size)
    assert is_exact(size, 999)
    assert paired_test(first, second, **FEW) == pytest.approx(every_exchange(first, second))


def test_with_many_blocks_a_random_choice_of_exchanges_comes_close():
    first, second = counts(3, 12), counts(4, 12) + 2
    assert not is_exact(12, 3_000)
    assert paired_test(first, second, resamples=3_000, seed=5) == pytest.approx(
        every_exchange(first, second), abs=0.03
    )


@pytest.mark.parametrize("blocks", [1, 4, 5, 8])
def test_no_counts_give_less_than_the_smallest_p(blocks):
    far_apart = paired_test(np.arange(1.0, blocks + 1) * 1000, np.zeros(blocks), **FEW)
    assert far_apart == pytest.approx(smallest_p(blocks, 999))


def test_the_smallest_p_is_told():
    assert smallest_p(4, 9_999) == 0.125
    assert smallest_p(40, 9_999) == 2 / 10_000


def test_equal_counts_are_never_told_apart():
    assert paired_test(np.full(9, 3.0), np.full(9, 3.0), **FEW) == 1


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_holm_is_the_usual_one():
    values = np.random.default_rng(1).uniform(0, 0.2, 25)
    values[3] = values[9]
    assert holm(list(values)) == pytest.approx(list(multipletests(values, method="holm")[1]))


@pytest.mark.parametrize(
    ("differences", "expected"),
    [([1, 2, 3, -4], 0.2), ([5, 1, 2], 1), ([-1, 0, -9], -1), ([0, 0], 0), ([2, -2], 0)],
)
def test_rank_biserial_by_hand(differences, expected):
    assert rank_biserial(np.array(differences, dtype=float)) == pytest.approx(expected)


def test_rank_biserial_is_what_the_signed_ranks_say():
    differences = counts(1, 20) - counts(2, 20) + 0.5
    less = stats.wilcoxon(differences).statistic  # the smaller sum of ranks
    whole = len(differences) * (len(differences) + 1) / 2
    assert abs(rank_biserial(differences)) == pytest.approx((whole - 2 * less) / whole)


@pytest.mark.parametrize(("one", "other"), [(0, 0), (3, 0), (1, 7), (5, 5), (0, 12)])
def test_mcnemar_is_the_exact_one(one, other):
    expected = mcnemar([[4, one], [other, 2]], exact=True).pvalue
    assert exact_mcnemar(one, other) == pytest.approx(min(1, expected))


def test_too_few_or_equal_values_have_no_interval_but_a_reason():
    few = mean_interval(np.array([1.0, 5.0, 2.0, 3.0]), **FEW)
    assert (few.low, few.high) == (None, None)
    assert str(LEAST_FOR_INTERVAL) in few.note
    equal = mean_interval(np.full(8, 3.0), **FEW)
    assert equal.low is None
    assert "equal" in equal.note
    assert mean_interval(np.array([]), **FEW).low is None
    assert ratio_interval(np.arange(1.0, 9) * 3, np.arange(1.0, 9), **FEW).low is None


def test_intervals_hold_the_value_and_repeat():
    values = counts(7, 12)
    one, again = mean_interval(values, **FEW), mean_interval(values, **FEW)
    assert one == again
    assert one.low < values.mean() < one.high
    lines = counts(8, 12) + 1
    ratio = ratio_interval(values, lines, **FEW)
    assert ratio.low < values.sum() / lines.sum() < ratio.high


def test_an_interval_from_few_values_is_widened():
    values = counts(11, 6)
    plain = stats.bootstrap((values,), np.mean, n_resamples=999, rng=np.random.default_rng(1))
    ours = mean_interval(values, **FEW)
    assert ours.low < plain.confidence_interval.low
    assert ours.high > plain.confidence_interval.high
    assert ours.note


def test_where_nothing_is_missing_advantages_order_as_means_do():
    found = np.stack([counts(seed, 9) for seed in range(5)])
    against = advantages(found, np.ones_like(found, dtype=bool))[0]
    assert list(np.argsort(against)) == list(np.argsort(found.mean(axis=1)))
    others = [(found[0].mean() - found[n].mean()) for n in range(1, 5)]
    assert against[0] == pytest.approx(np.mean(others))


def test_nobody_gains_by_missing_the_hard_block():
    found = np.array([[2.0, 3.0, np.nan], [1.0, 2.0, 50.0]])  # the first has more wherever both were measured
    usable = ~np.isnan(found)
    assert np.nanmean(found[0]) < np.nanmean(found[1])
    assert list(advantages(found, usable)[0]) == [1, -1]


def test_a_model_that_shares_no_block_has_no_advantage():
    found = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, 3.0]])
    against = advantages(found, ~np.isnan(found))[0]
    assert np.isnan(against[2])
    assert list(against[:2]) == [-1, 1]


def test_chances_of_ranks_add_up_and_ties_share():
    found = np.array([[1.0] * 6, [1.0] * 6, [9.0] * 6])
    chances = rank_chances(found, np.ones_like(found, dtype=bool), **FEW)
    assert chances.sum(axis=0) == pytest.approx([1, 1, 1])
    assert chances.sum(axis=1) == pytest.approx([1, 1, 1])
    assert chances[0] == pytest.approx([0.5, 0.5, 0])
    assert chances[2] == pytest.approx([0, 0, 1])


def test_chances_of_ranks_say_how_unsure_a_ranking_is():
    found = np.stack([counts(1, 8), counts(2, 8), counts(3, 8) + 40])
    usable = np.ones_like(found, dtype=bool)
    usable[0, 3] = False
    found[0, 3] = np.nan
    chances = rank_chances(found, usable, **FEW)
    assert 0.02 < chances[0, 0] < 0.98
    assert chances[2, 2] == pytest.approx(1)
    assert np.array_equal(chances, rank_chances(found, usable, **FEW))
