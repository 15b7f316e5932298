"""Systemic flaws: in how many of the measured apps of one model."""

from __future__ import annotations

import random
import time

import pandas as pd
import pytest
from factories import coverage, finding
from model_data import FAILED, PARTLY, compared
from statsmodels.stats.proportion import proportion_confint

from batchnb.records import CoverageStatus, Severity
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.models.systemic import SYSTEMIC, systemic

BOUND = {"rule": "B104", "cwe": 605, "message": "binds all interfaces", "snippet": "app.run(host='0.0.0.0')"}


def bound(model, *numbers, **changes):
    return [finding(model, n, line=90 + n, **{**BOUND, **changes}) for n in numbers]


def only(frame, **wanted):
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    (row,) = frame.to_dict("records")
    return row


def test_a_flaw_is_counted_over_the_apps_that_were_measured():
    data = compared(
        {"a": [0, 0, 0, 0, FAILED, (PARTLY, 0)], "b": [0] * 6},
        extra=[*bound("a", 1, 2, 4, 6), *bound("b", 3)],
    )
    row = only(systemic(data))
    assert (row["model"], row["apps_with"], row["apps_measured"], row["share"]) == ("a", 3, 4, 0.75)
    assert (row["apps_partly"], row["apps_unknown"], row["findings"], row["models"]) == (1, 1, 4, 2)
    assert row["apps"] == "1-2,4,6"
    low, high = proportion_confint(3, 4, method="wilson")
    assert (row["share_low"], row["share_high"]) == pytest.approx((low, high))
    assert (row["example_app"], row["example_path"], row["example_line"]) == (1, "backend/app.py", 91)
    assert row["name"] == "B104 (bandit): binds all interfaces"
    assert only(systemic(data, min_apps=1), model="b")["apps_with"] == 1


def test_another_tool_that_failed_does_not_matter_for_this_one():
    failed = [coverage("a", n, "ruff", CoverageStatus.FAILED) for n in (1, 2)]
    row = only(systemic(compared({"a": [0, 0, 0]}, extra=bound("a", 1, 2), cells=failed)))
    assert (row["apps_with"], row["apps_measured"], row["apps_unknown"]) == (2, 3, 0)


def test_a_weakness_is_known_absent_only_where_all_its_reporters_measured():
    cells = [
        coverage("a", 1, "ruff"),
        coverage("a", 2, "ruff"),
        coverage("a", 3, "ruff", CoverageStatus.FAILED),
    ]
    extra = [*bound("a", 1), *bound("a", 2, tool="ruff", rule="S104")]
    row = only(systemic(compared({"a": [0, 0, 0]}, extra=extra, cells=cells), by="cwe"))
    assert (row["flaw"], row["apps_with"], row["apps_measured"], row["apps_unknown"]) == ("605", 2, 2, 1)
    assert row["tools"] == "bandit, ruff"
    assert row["name"].startswith("CWE-605")


def test_flaws_rules_and_weaknesses_are_different_ways_to_count():
    extra = [
        *bound("a", 1, 2),
        *bound("a", 3, snippet="server.bind(('', 80))"),
        *bound("a", 4, rule="B999"),
        *bound("a", 5, cwe=None),
    ]
    data = compared({"a": [0] * 5}, extra=extra)
    by_flaw = systemic(data).set_index("example_app")
    assert by_flaw.loc[1, "apps_with"] == 3  # the same rule on the same source, with a CWE or without
    assert only(systemic(data, by="rule"))["apps_with"] == 4
    assert only(systemic(data, by="cwe"))["apps_with"] == 4


def test_the_worst_place_is_the_example():
    extra = [*bound("a", 1, severity=Severity.LOW), *bound("a", 2, severity=Severity.HIGH)]
    row = only(systemic(compared({"a": [0, 0]}, extra=extra)))
    assert (row["severity"], row["example_app"]) == ("high", 2)


def test_without_any_measurement_there_is_no_share():
    row = only(systemic(compared({"a": [(PARTLY, 0), (PARTLY, 0)]}, extra=bound("a", 1, 2))))
    assert row["apps_measured"] == 0
    assert row["apps_partly"] == 2
    assert pd.isna(row["share"])


def test_the_frame_is_as_declared_and_repeats():
    empty = systemic(compared({"a": [0, 0]}))
    full = systemic(compared({"a": [2, 2]}))
    assert len(empty) == 0
    assert len(full) == 1
    for column in SYSTEMIC:
        assert full[column.name].dtype.name == empty[column.name].dtype.name
        assert column.doc
    assert full.equals(systemic(compared({"a": [2, 2]})))


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"by": "line"}, UnknownNameError, "flaw, rule, cwe"),
        ({"min_apps": 0}, InvalidValueError, "from 1"),
        ({"min_apps": True}, InvalidValueError, "from 1"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, said):
    with pytest.raises(error, match=said):
        systemic(compared({"a": [1]}), **arguments)
    with pytest.raises(InvalidValueError):
        systemic(None)


def test_many_flaws_take_seconds(figures):
    rng = random.Random(1)
    extra = [
        finding(f"m{m}", n, rule=f"R{rng.randrange(300)}", line=line, snippet=f"call_{rng.randrange(9)}()")
        for m in range(9)
        for n in range(1, 31)
        for line in range(1, 60)
    ]
    data = compared({f"m{m}": [0] * 30 for m in range(9)}, extra=extra)
    start = time.perf_counter()
    found = systemic(data)
    seconds = time.perf_counter() - start
    figures(f"{len(extra):,} findings, {len(found):,} systemic flaws in", seconds, "s")
    assert len(found) > 1000
    assert seconds < 60
