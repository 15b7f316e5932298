from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from chart_cases import dataset, several_jobs
from factories import START, coverage, finding, job, task

from batchnb.records import CoverageStatus
from batchnb.results.drawing.trend import trend_info, trend_text
from batchnb.results.drawing.trend_figure import trend_figure
from batchnb.results.severity import CellState


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def run(job_id, apps=(1, 2), status=CoverageStatus.OK, found=1, day=None):
    """Return the records of one small job."""
    where = {"job_id": job_id}
    return (
        [finding(app_num=app, **where) for app in apps for _ in range(found)],
        [coverage(app_num=app, status=status, **where) for app in apps],
        [task(10 * job_id + app, app_num=app, **where) for app in apps],
        replace(job(), id=job_id, created_at=START + timedelta(days=job_id if day is None else day)),
    )


def several(*runs):
    findings, cells, tasks, jobs = (
        [each for part in parts for each in part]
        for parts in zip(*((*r[:3], [r[3]]) for r in runs), strict=True)
    )
    return dataset(findings, cells, tasks, jobs=jobs)


def test_jobs_stand_in_order_of_time_and_are_not_added_up():
    info = trend_info(several(run(1, day=9, found=3), run(2, day=5)))
    assert [(each.job_id, each.total) for each in info.jobs] == [(2, 2), (1, 6)]
    assert [each.day for each in info.jobs] == ["2026-03-07", "2026-03-11"]


def test_a_job_about_other_apps_is_crossed_and_said_to_be_not_comparable():
    info = trend_info(several(run(1, apps=(1,)), run(2, apps=(1, 2))))
    assert [each.is_comparable for each in info.jobs] == [False, True]
    assert "not comparable with the newest job: 0 cells only here, 1 only there" in info.jobs[0].hover
    found = traces(trend_figure(info))["other scope"]
    assert found.y == (1, None)
    assert found.marker.pattern.shape == "x"
    assert "not comparable with the newest" in trend_text(info)


def test_one_scope_has_no_crosses():
    info = trend_info(several(run(1), run(2)))
    assert not traces(trend_figure(info))["other scope"].showlegend
    assert info.notes == ()


def test_a_job_that_measured_nothing_is_hatched_and_not_a_fall_to_zero():
    info = trend_info(several(run(1), run(2, status=CoverageStatus.FAILED, found=0)))
    assert info.jobs[1].state is CellState.NOT_MEASURED
    found = traces(trend_figure(info))
    assert found["not measured"].y == (None, 1)
    assert found["total"].y == (2, None)
    assert found["measured in full"].y == (1, 0)
    assert "not measured" in trend_text(info)


def test_a_partly_measured_job_is_a_lower_bound():
    info = trend_info(several(run(1, status=CoverageStatus.PARTIAL)))
    found = traces(trend_figure(info))
    assert found["total"].text == ("<b>≥2</b>",)
    assert found["partly measured"].y == (1,)


def test_the_measured_share_and_the_rest_fill_the_bar():
    info = trend_info(several_jobs(range(1, 6)))
    found = traces(trend_figure(info))
    for share, rest, each in zip(found["measured in full"].y, found["not"].y, info.jobs, strict=True):
        assert share == pytest.approx(each.measured / each.planned)
        assert share + rest == pytest.approx(1)


def test_the_newest_forty_jobs_are_shown():
    info = trend_info(several(*(run(n, apps=(1,)) for n in range(1, 46))))
    assert [each.job_id for each in info.jobs] == list(range(6, 46))
    assert "And 5 older jobs." in info.notes


def test_records_without_their_jobs_have_a_trend_too():
    findings, cells, tasks, _ = run(3)
    (only,) = trend_info(dataset(findings, cells, tasks)).jobs
    assert (only.job_id, only.day, only.total) == (3, "", 2)


def test_words_of_nothing():
    assert trend_text(trend_info(dataset())) == "Findings per job. There is no job."
