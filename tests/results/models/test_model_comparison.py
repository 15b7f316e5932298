"""Models compared: which apps count, what is said about the others, and what is never said."""

from __future__ import annotations

import random
import re
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from factories import HOSTILE, coverage, finding, task
from model_data import FAILED, PARTLY, compared

from batchnb.records import CoverageStatus, Measurement, Severity, TaskStatus
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.dataset import Dataset
from batchnb.results.models import pairs as model_pairs
from batchnb.results.models import ranks as model_ranks
from batchnb.results.models import rates as model_rates
from batchnb.results.models import rules as model_rules
from batchnb.results.models import weaknesses as model_weaknesses
from batchnb.results.models.comparison import compare_models
from batchnb.results.models.rules import rule_shares
from batchnb.results.models.stats import paired_test

FAST = {"resamples": 999}
FRAMES = {
    "rates": model_rates.MODEL_RATES,
    "pairs": model_pairs.MODEL_PAIRS,
    "ranks": model_ranks.MODEL_RANKS,
    "rank_chances": model_ranks.RANK_CHANCES,
    "rules": model_rules.RULE_SHARES,
}
NEVER_SAID = re.compile(r"\b(un)?(safe|safer|safest|safety|secure|insecure|vulnerab\w+)\b", re.IGNORECASE)


def only(frame, **wanted):
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    (row,) = frame.to_dict("records")
    return row


def bind_all(model, number, tags=()):
    return finding(model, number, rule="B104", cwe=605, line=99, tags=tags)


def test_what_was_not_measured_is_left_out_and_never_zero():
    found = compare_models(compared({"a": [4, 6, FAILED, (PARTLY, 1)], "b": [2, 2, 2, 2]}), **FAST)
    rate = only(found.rates, model="a")
    assert (rate["apps"], rate["measured"], rate["partly_measured"], rate["not_measured"]) == (4, 2, 1, 1)
    assert (rate["used"], rate["findings"], rate["per_app"], rate["failed_tasks"]) == (2, 10, 5, 1)
    pair = only(found.pairs)
    assert (pair["blocks"], pair["left_out"], pair["difference"]) == (2, 2, 3)
    assert (pair["mean_first"], pair["mean_second"]) == (5, 2)
    assert pair["why"] == "1 not measured in a, 1 partly measured in a"
    assert "1 not measured in a, 1 partly measured in a" in found.text


def test_a_pair_is_tested_on_what_was_measured_in_both_only():
    found = compare_models(compared({"a": [9, 6, 8, 4, 7], "b": [2, FAILED, 1, 5, 3], "c": [1] * 5}), **FAST)
    pair = only(found.pairs, first="a", second="b")
    first, second = np.array([9.0, 8, 4, 7]), np.array([2.0, 1, 5, 3])
    assert pair["p"] == paired_test(first, second, resamples=999, seed=0)
    assert pair["difference"] == (first - second).mean()
    assert np.isnan(found.cells.counts[1, 1])
    assert found.pairs["p_holm"].notna().all()


def test_bounds_say_what_the_unmeasured_leaves_open():
    found = compare_models(compared({"a": [4, 6, FAILED, (PARTLY, 1)], "b": [2, 2, 2, 8]}), **FAST)
    rate = only(found.rates, model="a")
    assert (rate["per_app_least"], rate["per_app_most"]) == ((4 + 6 + 0 + 1) / 4, (4 + 6 + 8 + 8) / 4)
    full = only(found.rates, model="b")
    assert full["per_app_least"] == full["per_app_most"] == full["per_app"] == 3.5


def test_a_model_of_which_nothing_was_measured_has_no_rate_and_no_rank():
    found = compare_models(compared({"a": [4, 6], "b": [FAILED, FAILED], "c": [1, 1]}), **FAST)
    rate = only(found.rates, model="b")
    assert pd.isna(rate["per_app"])
    assert rate["used"] == 0
    assert pd.isna(only(found.ranks, model="b")["rank"])
    assert only(found.pairs, first="a", second="b")["blocks"] == 0
    assert pd.isna(only(found.pairs, first="b", second="c")["p_holm"])
    assert only(found.pairs, first="a", second="c")["blocks"] == 2
    assert "b: no app can be compared" in found.text


def test_partly_measured_apps_are_used_on_demand_and_that_is_said():
    data = compared({"a": [4, (PARTLY, 3)], "b": [2, 2]})
    found = compare_models(data, use_partly=True, **FAST)
    assert only(found.pairs)["blocks"] == 2
    assert "lower bounds" in found.text


def test_placeholders_are_left_out_and_counted():
    data = compared({"a": [4, 0, 4], "b": [2, 2, 2]}, placeholders={("a", 2)})
    found = compare_models(data, **FAST)
    assert only(found.rates, model="a")["placeholders"] == 1
    assert only(found.rates, model="a")["per_app"] == 4
    assert only(found.pairs)["why"] == "1 placeholder in a"
    assert only(compare_models(data, with_placeholders=True, **FAST).pairs)["blocks"] == 3


def test_an_app_number_that_one_model_lacks_is_no_block():
    pair = only(compare_models(compared({"a": [4, 4, 4], "b": [2, 2]}), **FAST).pairs)
    assert (pair["blocks"], pair["why"]) == (2, "1 no such app in b")


def test_per_1000_lines_needs_the_lines():
    sizes = {
        ("a", 1): {"lines_by_language": {"python": 500}},
        ("a", 2): {"lines_by_language": {"python": 1500}},
    }
    found = compare_models(compared({"a": [4, 4], "b": [2, 2]}, apps=sizes), **FAST)
    rate = only(found.rates, model="a")
    assert (rate["lines"], rate["per_kloc"]) == (2000, 4)
    unknown = only(compare_models(compared({"a": [4, 4], "b": [2, 2]}), **FAST).rates, model="a")
    assert pd.isna(unknown["per_kloc"])
    assert "lines of code known for 0 of 2 apps" in unknown["note"]


def test_four_blocks_cannot_tell_models_apart_and_the_text_says_so():
    found = compare_models(compared({"a": [90, 80, 70, 95], "b": [0, 1, 0, 2]}), **FAST)
    pair = only(found.pairs)
    assert pair["p"] == pair["p_smallest"] == 0.125
    assert pair["exact"]
    assert pair["rank_biserial"] == 1
    assert "with 4 of them p cannot be below 0.125" in found.text
    assert "not told apart" in found.text
    assert pd.isna(pair["low"])
    assert "too few" in pair["note"]


def test_a_clear_difference_is_told():
    found = compare_models(compared({"a": range(20, 30), "b": range(10)}), **FAST)
    pair = only(found.pairs)
    assert pair["p_holm"] < 0.01
    assert (pair["more_in_first"], pair["more_in_second"]) == (10, 0)
    assert "fewer reported for b" in found.text
    assert list(found.ranks["model"]) == ["b", "a"]
    assert list(found.ranks["rank_high"]) == [1, 2]


def test_one_rule_that_fires_everywhere_can_reverse_the_ranking():
    apps = range(1, 8)
    data = compared(
        {"a": [1] * 7, "b": [2] * 7},
        extra=[bind_all("a", n) for n in apps] + [bind_all("a", n) for n in apps],
    )
    found = compare_models(data, **FAST)
    assert list(found.ranks["model"]) == ["b", "a"]
    rule = only(found.rules, rule="B104")
    assert (rule["findings"], rule["apps"], rule["models"]) == (14, 7, 1)
    assert rule["share"] == 14 / 35
    assert rule["apps_share"] == 0.5
    assert rule["order_changes"]
    assert rule["order_without"] == "a < b"
    assert not only(found.rules, rule="B201")["order_changes"]
    assert "hangs on single rules" in found.text
    without = compare_models(data, without_rules=["B104"], **FAST)
    assert list(without.ranks["model"]) == ["a", "b"]
    assert "14 findings not counted: rule B104" in without.text
    assert set(rule_shares(data, without_rules=["bandit:B104"])["rule"]) == {"B201"}


def test_noise_does_not_count_and_is_told():
    noisy = [bind_all("a", n, tags=("noise",)) for n in (1, 2)]
    data = compared({"a": [1, 1], "b": [1, 1]}, extra=noisy)
    found = compare_models(data, **FAST)
    assert only(found.pairs)["difference"] == 0
    assert "2 findings not counted: findings marked noise" in found.text
    assert only(compare_models(data, without_tags=(), **FAST).pairs)["difference"] == 1
    assert len(rule_shares(data)) == 2


def test_a_tool_that_measured_nothing_anywhere_does_not_make_all_apps_partly_measured():
    missing = [
        coverage(model, n, "ruff", CoverageStatus.TOOL_MISSING) for model in ("a", "b") for n in (1, 2)
    ]
    found = compare_models(compared({"a": [1, 2], "b": [3, 4]}, cells=missing), **FAST)
    assert only(found.pairs)["blocks"] == 2
    assert "ruff of backend_security (nothing measured)" in found.text


def test_a_tool_that_measured_one_model_only_is_a_gap_of_the_other():
    cells = [coverage("a", n, "ruff") for n in (1, 2)]
    cells += [coverage("b", n, "ruff", CoverageStatus.FAILED) for n in (1, 2)]
    found = compare_models(compared({"a": [1, 2], "b": [3, 4]}, cells=cells), **FAST)
    assert only(found.pairs)["blocks"] == 0
    assert "no block was measured in both" in found.text


def test_a_load_test_that_failed_says_nothing_about_findings():
    kind = {"analysis_type": "performance"}
    cells = [coverage("a", 1, "locust", **kind), coverage("b", 1, "locust", CoverageStatus.FAILED, **kind)]
    tasks = [task(91, "a", 1, **kind), task(92, "b", 1, TaskStatus.FAILED, **kind)]
    number = Measurement(
        model="a", app_num=1, analysis_type="performance", tool="locust", metric="p95", subject="", value=3.0
    )
    plain = compared({"a": [1], "b": [3]})
    extended = Dataset.from_records(tasks=tasks, coverage=cells, measurements=[number])
    frames = {
        name: pd.concat([frame, extended.frames[name]], ignore_index=True)
        for name, frame in plain.frames.items()
        if name in {"tasks", "coverage", "measurements"}
    }
    found = compare_models(replace(plain, **frames), **FAST)
    assert only(found.pairs)["blocks"] == 1
    assert "performance (gives numbers, not findings)" in found.text


def test_one_fault_that_two_tools_report_counts_once_as_consensus():
    twice = [
        finding("a", n, number, line=5) for n in (1, 2) for number in (0, 3)
    ]  # bandit's and ruff's rule for the same
    cells = [coverage(model, n, "ruff") for model in ("a", "b") for n in (1, 2)]
    data = compared({"a": [0, 0], "b": [1, 1]}, extra=twice, cells=cells)
    assert only(compare_models(data, **FAST).pairs)["difference"] == 1
    found = compare_models(data, count="consensus", **FAST)
    assert only(found.pairs)["difference"] == 0
    assert "consensus findings" in found.text
    assert only(found.rules, rule="S608")["order_without"] == "a = b"  # the other tool's evidence is left


def test_only_the_severity_that_was_asked_for_counts():
    extra = [finding("a", 1, 2, severity=Severity.LOW, line=70)]
    data = compared({"a": [1], "b": [1]}, extra=extra)
    assert only(compare_models(data, **FAST).pairs)["difference"] == 1
    assert only(compare_models(data, severity="low", **FAST).pairs)["mean_second"] == 0
    high = compare_models(data, severity="high", **FAST)
    assert only(high.pairs)["difference"] == 0
    assert "findings of high severity" in high.text


def test_of_several_jobs_the_newest_counts():
    old = compared({"a": [9, 9], "b": [1, 1]})
    new = {
        name: frame.assign(job_id=2) for name, frame in compared({"a": [2, 2], "b": [1, 1]}).frames.items()
    }
    both = {
        name: pd.concat([frame, new[name].astype(frame.dtypes.to_dict())], ignore_index=True)
        for name, frame in old.frames.items()
        if name in {"tasks", "findings", "coverage"}
    }
    found = compare_models(replace(old, **both), **FAST)
    assert only(found.pairs)["mean_first"] == 2
    assert "newest" in found.text


def test_a_weakness_is_compared_by_the_apps_that_have_it():
    extra = [finding("a", n, cwe=89, line=50) for n in range(1, 8)] + [finding("b", 8, cwe=89, line=50)]
    data = compared({"a": [1] * 9, "b": [1] * 8 + [FAILED]}, extra=extra)
    found = compare_models(data, **FAST).weaknesses("a", "b")
    row = only(found, cwe=89)
    assert (row["blocks"], row["both"], row["only_first"], row["only_second"], row["neither"]) == (
        8,
        0,
        7,
        1,
        0,
    )
    assert row["p"] == pytest.approx(0.0703125)
    assert row["p_holm"] == pytest.approx(2 * 0.0703125)
    assert only(found, cwe=94)["p"] == 1
    assert list(found["cwe"]) == [89, 94]
    mirrored = only(compare_models(data, **FAST).weaknesses("b", "a"), cwe=89)
    assert (mirrored["only_first"], mirrored["only_second"]) == (1, 7)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"models": ["a", "z"]}, UnknownNameError, "known are a, b"),
        ({"models": ["a"]}, InvalidValueError, "at least two models"),
        ({"models": "ab"}, InvalidValueError, r"\['ab'\]"),
        ({"without_rules": ["B999"]}, UnknownNameError, "B201"),
        ({"without_rules": "B201"}, InvalidValueError, "list of texts"),
        ({"severity": "fatal"}, UnknownNameError, "high, medium, low"),
        ({"count": "bugs"}, UnknownNameError, "findings, consensus"),
        ({"resamples": 10}, InvalidValueError, "from 999"),
        ({"resamples": True}, InvalidValueError, "from 999"),
        ({"seed": -1}, InvalidValueError, "from 0"),
    ],
)
def test_wrong_arguments_are_named_with_what_is_allowed(arguments, error, said):
    with pytest.raises(error, match=said):
        compare_models(compared({"a": [1, 2], "b": [2, 3]}), **arguments)


def test_one_model_alone_and_a_thing_without_a_dataset_are_refused():
    with pytest.raises(InvalidValueError, match="at least two models"):
        compare_models(compared({"a": [1, 2]}))
    with pytest.raises(InvalidValueError, match="at least two models"):
        compare_models(Dataset.from_records())
    with pytest.raises(InvalidValueError, match="Job or a Dataset"):
        compare_models("findings.csv")
    found = compare_models(compared({"a": [1, 2], "b": [2, 3]}), **FAST)
    with pytest.raises(UnknownNameError, match="known are a, b"):
        found.weaknesses("a", "z")
    with pytest.raises(InvalidValueError, match="another model"):
        found.weaknesses("a", "a")


def test_a_job_is_as_good_as_its_dataset_and_the_outcome_repeats():
    data = compared({"a": range(1, 16), "b": range(3, 18), "c": [5] * 15})
    one, again = compare_models(SimpleNamespace(dataset=data), **FAST), compare_models(data, **FAST)
    shuffled = {
        name: data.frames[name].sample(frac=1, random_state=3).reset_index(drop=True)
        for name in ("findings", "coverage", "tasks")
    }
    other = compare_models(replace(data, **shuffled), **FAST)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(again, name))
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.text == again.text == other.text == repr(one)


@pytest.mark.parametrize("data", [{"a": [3, 5, 1], "b": [FAILED] * 3}, {"a": [0] * 6, "b": [0] * 6}])
def test_every_frame_is_as_declared(data):
    found = compare_models(compared(data), **FAST)
    for name, columns in FRAMES.items():
        frame = getattr(found, name)
        assert list(frame.columns) == [column.name for column in columns]
        for column in columns:
            assert frame[column.name].dtype.name.startswith(column.dtype[:6]), (name, column.name)
            assert column.doc
    weak = found.weaknesses("a", "b")
    assert list(weak.columns) == [column.name for column in model_weaknesses.MODEL_WEAKNESSES]


def test_no_word_calls_a_count_anything_but_a_count():
    found = compare_models(compared({"a": range(1, 12), "b": range(11, 22)}), **FAST)
    assert not NEVER_SAID.search(found.text)
    for columns in (*FRAMES.values(), model_weaknesses.MODEL_WEAKNESSES):
        assert not any(NEVER_SAID.search(column.doc) for column in columns)
    assert "Fewer reported is not fewer faults" in found.text


def test_names_from_outside_cannot_disturb_the_text():
    names = [*HOSTILE, "a\nb: fewer reported"]
    found = compare_models(compared({name: [1, 2] for name in names}), **FAST)
    assert all(line.isprintable() for line in found.text.split("\n"))
    assert not any(line.startswith("b:") for line in found.text.split("\n"))


def test_a_large_portfolio_is_compared_in_seconds(figures):
    rng = random.Random(4)
    counts = {
        f"m{m}": [rng.choice([FAILED] + [rng.randrange(30, 120)] * 20) for _ in range(30)] for m in range(9)
    }
    data = compared(counts, apps={})
    start = time.perf_counter()
    found = compare_models(data)
    seconds = time.perf_counter() - start
    figures(f"9 models, 30 apps, {len(data.findings):,} findings compared in", seconds, "s")
    assert seconds < 60
    assert len(found.pairs) == 36
    assert np.isfinite(found.pairs["p_holm"].astype(float)).all()
