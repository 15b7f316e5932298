from __future__ import annotations

import pandas as pd
import pytest
from factories import coverage, finding

import batchnb.results.slices  # noqa: F401 - registers the accessor
from batchnb.records import Confidence, CoverageStatus
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.frames import coverage_frame, findings_frame


@pytest.fixture
def findings():
    return findings_frame(
        [
            finding("a", 1, 0, tags=("noise",)),
            finding("a", 2, 1, path="frontend/src/App.jsx", confidence=Confidence.LOW),
            finding("a", 3, 1, confidence=Confidence.HIGH),
            finding("b", 1, 2),
            finding("b", 2, 4, tags=("suppressed",)),
        ]
    )


@pytest.fixture
def measured():
    return coverage_frame(
        [
            coverage("a", 1),
            coverage("a", 1, tool="ruff", status=CoverageStatus.TOOL_MISSING),
            coverage("b", 1),
            coverage("c", 1),
            coverage("d", 1, status=CoverageStatus.TIMED_OUT),
        ]
    )


def places(frame):
    return list(zip(frame["model"], frame["app_num"], strict=True))


def test_a_slice_reads_like_a_sentence(findings):
    chosen = findings.batchnb.of(model="a", severity="high").batchnb.worst(1)
    assert places(chosen) == [("a", 3)]
    assert list(chosen.index) == [0]
    assert list(chosen.columns) == list(findings.columns)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"model": ["a", "b"], "severity": ["high", "medium"]}, [("a", 1), ("a", 2), ("a", 3)]),
        ({"apps": "2-3"}, [("a", 2), ("a", 3), ("b", 2)]),
        ({"app": 2}, [("a", 2), ("b", 2)]),
        ({"apps": [1]}, [("a", 1), ("b", 1)]),
        ({"analysis": "backend_security", "tool": "ruff"}, [("b", 2)]),
        ({"confidence": "high"}, [("a", 3)]),
        ({"confidence": "medium"}, []),
        ({}, [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2)]),
    ],
)
def test_rows_of(findings, wanted, expected):
    assert places(findings.batchnb.of(**wanted)) == expected


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"model": "c"}, "model 'c'.*known are a, b"),
        ({"severity": "critical"}, "severity 'critical'.*low, medium, high"),
        ({"app": 9}, "app 9.*1, 2, 3"),
        ({"colour": "red"}, "column 'colour'.*model"),
        ({"apps": "1-x"}, "app range"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(findings, wanted, words):
    with pytest.raises(InvalidValueError, match=words):
        findings.batchnb.of(**wanted)


def test_at_least_goes_by_the_order_of_the_level(findings):
    assert places(findings.batchnb.at_least(severity="medium")) == [("a", 1), ("a", 2), ("a", 3)]
    assert places(findings.batchnb.at_least(confidence="high")) == [("a", 3)]
    with pytest.raises(InvalidValueError, match="no order; these have: severity, confidence"):
        findings.batchnb.at_least(model="a")
    with pytest.raises(UnknownNameError, match="low, medium, high"):
        findings.batchnb.at_least(severity="worst")


def test_worst_goes_by_severity_then_confidence(findings):
    assert places(findings.batchnb.worst(3)) == [("a", 3), ("a", 2), ("a", 1)]
    assert len(findings.batchnb.worst()) == 5


def test_files_are_chosen_by_pattern(findings):
    assert len(findings.batchnb.in_files("backend/*.py")) == 4
    assert places(findings.batchnb.in_files("*.jsx", "nothing")) == [("a", 2)]
    assert findings.batchnb.in_files("APP.PY", "backend").empty


def test_weaknesses_are_chosen_by_number(findings):
    assert set(findings.batchnb.cwe(94, "CWE-259")["cwe"]) == {94, 259}
    for wrong in (0, "CWE", "79 OR 1=1", 7.5):
        with pytest.raises(InvalidValueError, match="CWE"):
            findings.batchnb.cwe(wrong)


def test_marked_findings_are_left_out(findings):
    assert ("a", 1) not in places(findings.batchnb.without_noise())
    assert len(findings.batchnb.without_tags("noise", "suppressed")) == 3
    assert len(findings.batchnb.without_tags("noi")) == 5


def test_without_coverage_no_count_is_zero(findings):
    table = findings.batchnb.by("model", "severity")
    assert list(table.columns) == ["low", "medium", "high"]
    assert table.loc["a", "high"] == 2
    assert pd.isna(table.loc["a", "low"])
    assert not (table == 0).any(axis=None)


def test_with_coverage_zero_is_measured_and_missing_is_not(findings, measured):
    table = findings.batchnb.by("model", "severity", coverage=measured)
    assert list(table.index) == ["a", "b", "c", "d"]
    assert table.loc["a"].tolist() == [0, 1, 2]
    assert table.loc["c"].tolist() == [0, 0, 0]
    assert table.loc["d"].isna().all()
    assert (table.dtypes == "Int64").all()


def test_a_tool_that_did_not_run_has_no_zero(findings, measured):
    table = findings.batchnb.by("model", "tool", coverage=measured)
    assert table.loc["a", "bandit"] == 3
    assert table.loc["c", "bandit"] == 0
    assert pd.isna(table.loc["a", "ruff"])
    assert pd.isna(table.loc["c", "ruff"])


def test_counts_by_one_or_three_columns(findings, measured):
    one = findings.batchnb.by("model", coverage=measured)
    assert one["count"].tolist()[:3] == [3, 2, 0]
    assert one["count"].isna().tolist() == [False, False, False, True]
    three = findings.batchnb.by("model", "app", "severity", coverage=measured)
    assert three.index.names == ["model", "app_num"]
    assert three.loc[("a", 3), "high"] == 1
    assert three.loc[("b", 1), "high"] == 0


def test_findings_without_a_value_are_counted_too(findings):
    table = findings.batchnb.by("cwe")
    assert table["count"].sum() == len(findings)
    assert list(table.index) == [89, 94, 259, None]


def test_nothing_found_is_zero_only_where_it_was_measured(measured):
    table = findings_frame([]).batchnb.by("model", "severity", coverage=measured)
    assert table.loc["a"].tolist() == [0, 0, 0]
    assert table.loc["d"].isna().all()
    assert findings_frame([]).batchnb.by("model", "severity").empty


def test_a_column_that_a_frame_lacks_is_named(findings, measured):
    for use in (
        lambda: findings.batchnb.by("colour"),
        measured.batchnb.worst,
        lambda: measured.batchnb.in_files("*"),
        lambda: measured.batchnb.cwe(79),
    ):
        with pytest.raises(UnknownNameError, match=r"column .*this frame's columns.*known are"):
            use()
    with pytest.raises(InvalidValueError, match="one or more"):
        findings.batchnb.by()


def test_other_frames_have_slices_too(measured):
    assert len(measured.batchnb.of(status=["ok", "partial"])) == 3
    assert measured.batchnb.by("status")["count"].tolist() == [3, 1, 1]
