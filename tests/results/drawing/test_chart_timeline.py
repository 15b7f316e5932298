from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from chart_cases import dataset
from factories import START, task

from batchnb.records import TaskStatus
from batchnb.results.drawing.timeline import timeline_info, timeline_text
from batchnb.results.drawing.timeline_figure import status_marker, timeline_figure


def ran(task_id, start, end, status=TaskStatus.COMPLETED, **changes):
    made = task(task_id, app_num=task_id, status=status, **changes)
    ended = None if end is None else START + timedelta(seconds=end)
    return replace(made, started_at=START + timedelta(seconds=start), completed_at=ended)


def test_tasks_that_overlap_are_on_different_lanes_and_a_free_lane_is_used_again():
    info = timeline_info(dataset(tasks=[ran(1, 0, 10), ran(2, 5, 8), ran(3, 8, 12), ran(4, 10, 11)]))
    assert [(bar.start, bar.end, bar.lane) for bar in info.bars] == [
        (0, 10, 0),
        (5, 8, 1),
        (8, 12, 1),
        (10, 11, 0),
    ]
    assert info.span == 12


def test_a_task_that_runs_is_drawn_to_the_last_known_time():
    info = timeline_info(dataset(tasks=[ran(1, 0, 10), ran(2, 3, None, TaskStatus.RUNNING)]))
    assert [(bar.end, bar.status) for bar in info.bars] == [
        (10, TaskStatus.COMPLETED),
        (10, TaskStatus.RUNNING),
    ]


def test_the_only_task_just_started():
    info = timeline_info(dataset(tasks=[ran(1, 0, None, TaskStatus.RUNNING)]))
    assert info.span == 0
    assert timeline_figure(info).data[0].name == "running"


def test_waiting_tasks_are_told_and_not_drawn():
    info = timeline_info(dataset(tasks=[ran(1, 0, 1), task(2, app_num=2, status=TaskStatus.PENDING)]))
    assert len(info.bars) == 1
    assert "1 task did not start." in info.notes


def test_a_task_that_ended_at_once_can_be_seen():
    figure = timeline_figure(
        timeline_info(dataset(tasks=[ran(1, 0, 100), ran(2, 50, 50, TaskStatus.SKIPPED)]))
    )
    (skipped,) = (trace for trace in figure.data if trace.name == "skipped")
    assert skipped.x[0] > 0
    assert skipped.marker.pattern.shape == "/"


def test_endings_differ_in_pattern_and_not_in_colour_alone():
    ended = [status for status in TaskStatus if status is not TaskStatus.PENDING]
    assert len({status_marker(status)["pattern"]["shape"] for status in ended}) == len(ended)


def test_many_tasks_become_counts_that_hold_all_their_time():
    tasks = [
        ran(n, n, n + 7.5, TaskStatus.FAILED if n % 5 == 0 else TaskStatus.COMPLETED) for n in range(1, 502)
    ]
    info = timeline_info(dataset(tasks=tasks))
    assert info.bars == ()
    width = info.edges[1] - info.edges[0]
    busy = {status: sum(counts) * width for status, counts in info.running}
    assert busy[TaskStatus.FAILED] == pytest.approx(100 * 7.5, rel=0.01)
    assert busy[TaskStatus.COMPLETED] == pytest.approx(401 * 7.5, rel=0.01)
    assert sum(len(trace.x) for trace in timeline_figure(info).data) == 2 * 240


def test_of_several_jobs_the_newest_that_ran():
    later = replace(ran(9, 500, 501), job_id=2)
    waiting = task(10, status=TaskStatus.PENDING, job_id=3)
    info = timeline_info(dataset(tasks=[ran(1, 0, 10), later, waiting]))
    assert [(bar.start, bar.end) for bar in info.bars] == [(0, 1)]
    assert "Job 2, the newest of 3 jobs." in info.notes


def test_hover_says_why_a_task_failed():
    info = timeline_info(dataset(tasks=[ran(1, 0, 2, TaskStatus.FAILED)]))
    assert info.bars[0].hover == (
        "gpt-4o, app 1, backend_security: failed",
        "2.0 s, from 0 ms on",
        "bandit ended with exit code 2",
    )


def test_words():
    text = timeline_text(timeline_info(dataset(tasks=[ran(1, 0, 10), ran(2, 0, 5, TaskStatus.TIMED_OUT)])))
    assert "2 tasks in 10 s: 1 completed, 1 timed out; on average 1.5 ran at a time." in text
    assert timeline_text(timeline_info(dataset())) == "When tasks ran. No task has started."
