from __future__ import annotations

import pytest

from batchnb.records import ExecutionTimes
from batchnb.widgets.expectation import Load, expect, expectation_text


def times(kind, mean, tasks=4):
    whole = {"timed_out": 0, "total": mean * tasks, "p50": mean, "p95": mean, "longest": mean}
    return ExecutionTimes(analysis_type=kind, tasks=tasks, mean=mean, **whole)


def load(kind, tasks, *, exclusive=False):
    return Load(analysis_type=kind, title=kind.title(), tasks=tasks, exclusive=exclusive)


@pytest.mark.parametrize(
    ("loads", "at_once", "seconds"),
    [
        ([load("scan", 10)], 2, 50),
        ([load("scan", 10)], 4, 25),
        ([load("scan", 3)], 100, 10),  # no more than its tasks can run at once
        ([load("scan", 10), load("test", 2, exclusive=True)], 2, 50 + 14),  # last, and one by one
        ([load("test", 2, exclusive=True)], 8, 14),
    ],
)
def test_past_means_and_the_width_give_the_time(loads, at_once, seconds):
    found = expect(loads, [times("scan", 10), times("test", 7)], at_once)
    assert (found.seconds, found.unknown) == (seconds, ())


def test_nothing_is_said_of_what_has_never_run():
    found = expect([load("scan", 2)], [], 2)
    assert (found.seconds, found.based_on, found.unknown) == (None, 0, ("Scan",))
    assert "not known" in expectation_text(found, 2)
    partly = expect([load("scan", 4), load("other", 9)], [times("scan", 10)], 2)
    text = expectation_text(partly, 2)
    assert text == (
        "About 20 s with 2 tasks at once, without Other (no experience yet); "
        "judged by the mean of 4 past tasks."
    )


def test_no_experience_is_missed_where_there_is_nothing_to_do():
    found = expect([load("scan", 0)], [], 2)
    assert (found.seconds, expectation_text(found, 2)) == (None, "")
    assert expect([load("scan", 2)], [times("scan", 10, tasks=0)], 2).seconds is None
