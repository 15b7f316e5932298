"""The board as plain data: every task at its place, whatever its state; texts cut and visible."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support import START, error, job, task

from batchnb.records import BoardCell, BoardCount, JobStatus, LogLine, TaskStatus
from batchnb.widgets.board_presenter import (
    LETTERS,
    MOST_LINES,
    MOST_RUNNING,
    BoardSources,
    present_board,
    task_at,
)

HOSTILE = "<b>\u202e\x1b[31m" + "y" * 500


def cell(task_id, model="atlas", app_num=1, kind="gated", status="pending", progress=0, started=None):
    return BoardCell(task_id, model, app_num, kind, status, progress, started)


def board(cells=(), **changes):
    values = {"job": job(status=JobStatus.RUNNING), "cells": cells, "now": START + timedelta(seconds=90)}
    return present_board(BoardSources(**{**values, **changes}))


def test_every_task_has_its_place_and_what_is_not_planned_is_blank():
    grid = board([cell(1), cell(2, app_num=3, status="failed"), cell(3, model="birch", kind="other")])["grid"]
    assert (grid["models"], grid["apps"], grid["analyses"]) == (
        ["atlas", "birch"],
        [1, 3],
        ["gated", "other"],
    )
    assert grid["cells"] == "pf  " + "  p "


@pytest.mark.parametrize("status", list(TaskStatus))
def test_every_state_has_a_letter_of_its_own(status):
    assert board([cell(1, status=str(status))])["grid"]["cells"] == LETTERS[status]
    assert len(set(LETTERS.values())) == len(TaskStatus)


def test_those_that_run_are_listed_the_oldest_first():
    cells = [
        cell(
            number,
            app_num=number,
            status="running",
            progress=number,
            started=(START + timedelta(seconds=99 - number)).isoformat(),
        )
        for number in range(1, MOST_RUNNING + 4)
    ]
    state = board(cells, titles={"gated": "Gated check"})
    assert [each["task"] for each in state["running"]] == [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4]
    assert state["running_more"] == 3
    assert state["running"][0] == {
        "task": 15,
        "what": "atlas app 15",
        "analysis": "Gated check",
        "progress": 15,
        "elapsed": "6 s",
    }


def test_a_picked_task_says_what_can_be_done_with_it():
    cells = [
        cell(1, status="running", progress=40),
        cell(2, app_num=2),
        cell(3, app_num=3, status="timed_out"),
    ]
    recent = [task(id=3, app_num=3, status=TaskStatus.TIMED_OUT, error=error(message="stopped after 60 s"))]
    running, waiting, ended = (board(cells, recent=recent, selected=n)["selected"] for n in (1, 2, 3))
    assert (running["can_stop"], running["can_requeue"], running["progress"]) == (True, True, 40)
    assert (waiting["can_stop"], waiting["can_requeue"]) == (True, False)
    assert (ended["can_stop"], ended["status"], ended["why"]) == (False, "timed out", "stopped after 60 s")
    assert board(cells, selected=9)["selected"] is None


@pytest.mark.parametrize("place", [None, 7, [], ["gated", "atlas"], ["gated", "atlas", "1"], [{}, [], 1]])
def test_a_place_that_is_none_picks_nothing(place):
    assert task_at([cell(1)], place) is None
    assert task_at([cell(1)], ["gated", "atlas", 1]) == 1


def test_a_very_big_job_is_counted_by_model_and_analysis():
    counts = [
        BoardCount("birch", "gated", "completed", 4_000),
        BoardCount("atlas", "gated", "running", 2),
        BoardCount("birch", "gated", "failed", 1),
    ]
    state = board(counts=counts, recent=[task(id=5, status=TaskStatus.RUNNING, started_at=START)])
    assert state["grid"] is None
    assert state["bars"] == [
        {"model": "atlas", "analysis": "gated", "counts": {"r": 2}},
        {"model": "birch", "analysis": "gated", "counts": {"c": 4_000, "f": 1}},
    ]
    assert [each["task"] for each in state["running"]] == [5]


def test_the_log_is_the_end_of_it_by_time():
    lines = [
        LogLine(time=START + timedelta(seconds=number), level="warning", message=f"line {number}")
        for number in range(300)
    ]
    told = board(lines=lines)["lines"]
    assert len(told) == MOST_LINES
    assert told[-1][1:] == ["warning", "line 299"]


def test_hostile_texts_are_cut_and_visible():
    cells = [cell(1, model=HOSTILE, kind=HOSTILE, status="running", started=START.isoformat())]
    lines = [LogLine(time=START, level="info", message=HOSTILE)]
    state = board(cells, titles={HOSTILE: HOSTILE}, lines=lines, selected=1)
    shown = [
        state["grid"]["labels"][0],
        state["running"][0]["what"],
        state["selected"]["what"],
        state["lines"][-1][2],
    ]
    for text in shown:
        assert text.isprintable()
        assert len(text) <= 300
    # the raw name goes along only to say which task was picked
    assert state["grid"]["models"] == [HOSTILE]
