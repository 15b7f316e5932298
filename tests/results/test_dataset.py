"""Datasets: cut, joined over jobs, and how far their apps were measured."""

from __future__ import annotations

import pytest
from factories import batch, coverage, finding, job, portfolio, result, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.records.errors import AppRangeError, InvalidValueError, UnknownNameError
from batchnb.results.columns import FRAMES
from batchnb.results.dataset import FRAME_NAMES, Dataset, as_dataset


@pytest.fixture(name="data")
def _data():
    tasks, findings, cells = batch()
    ended = [result(each) for each in tasks if each.status.is_ended]
    return Dataset.from_records(
        jobs=[job(tasks)],
        tasks=tasks,
        results=ended,
        findings=findings,
        coverage=cells,
        portfolio=portfolio(),
    )


def test_every_frame_is_declared_even_when_empty():
    empty = Dataset.from_records()
    assert list(empty.frames) == list(FRAME_NAMES)
    for name, frame in empty.frames.items():
        assert len(frame) == 0
        assert list(frame.columns) == [column.name for column in FRAMES[name]]
    assert empty.models == ()
    assert len(empty.latest().findings) == 0
    assert len(empty.app_states()) == 0
    assert repr(empty) == "<Dataset: empty>"


def test_all_frames_are_cut_alike(data):
    model = data.models[0]
    part = data.select(models=[model], apps="1-2", tools=["bandit"])
    for name in ("tasks", "results", "findings", "coverage"):
        frame = part.frames[name]
        assert set(frame["model"]) <= {model}
        assert set(frame["app_num"]) <= {1, 2}
        assert list(frame.index) == list(range(len(frame)))
        assert frame.dtypes.equals(data.frames[name].dtypes)
    assert set(part.coverage["tool"]) == {"bandit"}
    assert len(part.tasks) == 2
    assert len(data.tasks) == 12


def test_findings_are_left_out_by_rule_tool_mark_and_severity():
    data = Dataset.from_records(
        findings=[
            finding(rule="B104", tags=("noise",)),
            finding(rule="B104", tool="other"),
            finding(number=1),
        ]
    )
    assert len(data.select(without_rules=["B104"]).findings) == 1
    assert len(data.select(without_rules=["bandit:B104"]).findings) == 2
    assert len(data.select(without_tags=["noise"]).findings) == 2
    assert len(data.select(severities=["high"]).findings) == 1


def test_apps_can_be_named_per_model(data):
    first, second, _ = data.models
    part = data.select(apps={first: "1", second: [2, 3]})
    assert sorted(set(zip(part.tasks["model"], part.tasks["app_num"], strict=True))) == [
        (first, 1),
        (second, 2),
        (second, 3),
    ]


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        ({"models": ["gpt-5"]}, UnknownNameError),
        ({"tools": ["trivy"]}, UnknownNameError),
        ({"analyses": ["zap"]}, UnknownNameError),
        ({"jobs": [7]}, UnknownNameError),
        ({"severities": ["awful"]}, UnknownNameError),
        ({"without_rules": ["B999"]}, UnknownNameError),
        ({"apps": "1-x"}, AppRangeError),
        ({"apps": {"gpt-5": "1"}}, UnknownNameError),
    ],
)
def test_what_does_not_occur_is_named(data, choice, error):
    with pytest.raises(error):
        data.select(**choice)


def test_the_latest_job_counts_for_each_cell_even_if_it_found_nothing():
    data = Dataset.from_records(
        tasks=[task(1), task(2, app_num=2), task(3, job_id=2)],
        findings=[finding(), finding(app_num=2, number=1)],
        coverage=[coverage(), coverage(app_num=2), coverage(job_id=2, task_id=3)],
    )
    latest = data.latest()
    assert [tuple(row) for row in latest.findings[["job_id", "app_num"]].to_numpy()] == [(1, 2)]
    assert sorted(latest.tasks["task_id"]) == [2, 3]
    assert sorted(latest.coverage["job_id"]) == [1, 2]


def test_states_say_how_far_each_app_was_measured():
    data = Dataset.from_records(
        tasks=[task(1), task(2, app_num=2), task(3, app_num=3, status=TaskStatus.TIMED_OUT)],
        coverage=[
            coverage(),
            coverage(app_num=2),
            coverage(app_num=2, tool="ruff", status=CoverageStatus.TOOL_MISSING),
            coverage(tool="ruff"),
        ],
        findings=[finding()],
    )
    states = data.app_states()
    assert list(states["state"]) == ["measured", "partly measured", "not measured"]
    assert "ruff (backend_security): tool missing" in states["reasons"][1]
    by_analysis = data.app_states(by_analysis=True)
    assert list(by_analysis["analysis_type"]) == ["backend_security"] * 3
    assert list(by_analysis["state"]) == list(states["state"])


def test_a_dataset_is_taken_from_what_has_one(data):
    class Holder:
        dataset = data

    assert as_dataset(data) is data
    assert as_dataset(Holder()) is data
    with pytest.raises(InvalidValueError, match="a Job or a Dataset"):
        as_dataset(3)
