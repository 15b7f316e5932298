"""Frames give the records back: nothing that the seed's result or a cell of coverage says is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factories import HOSTILE, batch, coverage, finding, result, task

from batchnb.records import CoverageStatus, Measurement, UnreadFile
from batchnb.results.frames import (
    coverage_frame,
    findings_frame,
    measurements_frame,
    results_frame,
    tasks_frame,
)
from batchnb.results.rebuild import (
    coverage_records,
    finding_records,
    measurement_records,
    result_records,
    task_records,
)
from batchnb.tools.text import visible


def test_a_batch_comes_back():
    tasks, findings, cells = batch()
    results = [result(each) for each in tasks if each.status.is_ended]

    assert set(finding_records(findings_frame(findings))) == set(findings)
    assert {(c.model, c.app_num, c.tool): c for c in coverage_records(coverage_frame(cells))} == {
        (c.model, c.app_num, c.tool): c for c in cells
    }
    again = {each.task_id: each for each in result_records(results_frame(results))}
    assert again == {each.task_id: each for each in results}
    for one in task_records(tasks_frame(tasks)):
        (before,) = [each for each in tasks if each.id == one.id]
        assert one == replace(before, result_details={}, error=one.error)
        assert (one.error is None) == (before.error is None)


@pytest.mark.parametrize("status", list(CoverageStatus))
def test_every_field_of_a_cell_comes_back(status):
    cell = coverage(
        status=status,
        files_eligible=9,
        files_seen=3,
        exit_code=-9,
        seconds=0.1 + 0.2,
        stderr_tail="a\n\tb",
        cached=True,
        detail="why: because",
        unread=(
            UnreadFile(path="backend/a: b.py", reason="no: parser"),
            UnreadFile(path="backend/c.py", reason=""),
        ),
    )
    assert coverage_records(coverage_frame([cell])) == (cell,)
    bare = coverage(status=status, exit_code=None, unread=(), job_id=None, task_id=None)
    assert coverage_records(coverage_frame([bare])) == (bare,)


@pytest.mark.parametrize("text", [*HOSTILE, "line\nline", "a\u2028b", "\x85"])
def test_hostile_texts_come_back_as_they_are_shown(text):
    cell = coverage(
        status=CoverageStatus.PARTIAL,
        unread=(UnreadFile(path=text, reason=text), UnreadFile(path="b", reason="c")),
    )
    (again,) = coverage_records(coverage_frame([cell]))
    shown = visible(text, one_line=True)
    assert again.unread == (UnreadFile(path=shown, reason=shown), UnreadFile(path="b", reason="c"))
    one = finding(message=text, path=text, snippet=text, rule=text)
    (same,) = finding_records(findings_frame([one]))
    assert same == replace(one, **{name: visible(text) for name in ("message", "path", "snippet", "rule")})


def test_numbers_come_back():
    numbers = [
        Measurement(
            model="m",
            app_num=1,
            analysis_type="performance",
            tool="locust",
            metric="p95",
            value=value,
            low=low,
            samples=n,
        )
        for value, low, n in ((1.5, 0.1, 3), (None, None, None))
    ]
    assert set(measurement_records(measurements_frame(numbers))) == set(numbers)


def test_a_result_keeps_its_details():
    one = replace(result(task()), details={"tool_status": {"bandit": "ok"}, "ü": [1, None, 2.5]})
    assert result_records(results_frame([one])) == (one,)
