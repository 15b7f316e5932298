"""The list of jobs: newest first, filtered, and every action done or refused with its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support import START, job, wait_until

from batchnb.records import JobStatus
from batchnb.widgets.jobs_panel import JobsPanel
from batchnb.widgets.jobs_presenter import MOST_JOBS, present_jobs


def rows(jobs, wanted=""):
    return present_jobs(jobs, wanted, START + timedelta(minutes=2))


def test_the_newest_job_comes_first_and_says_what_can_be_done():
    jobs = [
        job(
            id=1,
            status=JobStatus.COMPLETED,
            started_at=START,
            completed_at=START + timedelta(seconds=42),
            total_tasks=2,
            completed_tasks=2,
            task_count_by_status={"completed": 2},
        ),
        job(id=2, status=JobStatus.RUNNING, started_at=START, total_tasks=9),
        job(
            id=3,
            status=JobStatus.ERROR,
            started_at=START,
            completed_at=START,
            total_tasks=3,
            task_count_by_status={"completed": 1},
        ),
        job(id=4, status=JobStatus.RUNNING, cancellation_requested=True),
    ]
    state = rows(jobs)
    assert [row["id"] for row in state["rows"]] == [4, 3, 2, 1]
    assert [row["can_cancel"] for row in state["rows"]] == [False, False, True, False]
    assert [row["can_resume"] for row in state["rows"]] == [False, True, False, False]
    assert [row["ended"] for row in state["rows"]] == [False, True, False, True]
    assert [row["took"] for row in state["rows"]] == ["", "0 ms", "2 min 0 s", "42 s"]
    assert state["note"] == "4 jobs"


def test_every_word_must_be_there_in_any_case_and_the_true_number_is_said():
    jobs = [job(id=number, name=f"Nightly {number}", models=["atlas"]) for number in range(1, MOST_JOBS + 50)]
    state = rows(jobs)
    assert len(state["rows"]) == MOST_JOBS
    assert state["note"] == f"{MOST_JOBS} of {MOST_JOBS + 49} jobs"
    assert [row["id"] for row in rows(jobs, "NIGHTLY 7 atlas")["rows"]][-1] == 7
    assert rows(jobs, "nightly birch")["rows"] == []


def test_hostile_names_are_cut_and_visible():
    (row,) = rows([job(name="<b>\u202e\x1b" + "y" * 999)])["rows"]
    assert row["name"].isprintable()
    assert len(row["name"]) <= 80


@pytest.fixture(name="panel")
def _panel(host, shown):
    written = []

    def report(job_id, path):
        written.append(job_id)
        if job_id == 99:
            raise OSError("disk full")
        return path

    made = shown(JobsPanel(host, report=report))
    made.written = written
    return made


def listed(panel):
    return {row["id"]: row for row in panel.list.state["rows"]}


def test_jobs_appear_and_are_opened_cancelled_resumed_reported_and_deleted(panel, host):
    first = host.submit()
    panel.publisher.wake()
    assert wait_until(lambda: first in listed(panel))
    panel.heard({"do": "open", "job": first})
    assert wait_until(lambda: panel.opened is not None and panel.opened.job_id == first)
    panel.heard({"do": "delete", "job": first})
    assert wait_until(lambda: "running" in panel.list.state["said"])
    panel.heard({"do": "cancel", "job": first})
    assert wait_until(lambda: listed(panel)[first]["status"] == "cancelled")
    panel.heard({"do": "resume", "job": first})
    assert wait_until(lambda: "goes on with what job" in panel.list.state["said"])
    second = max(listed(panel))
    assert wait_until(lambda: panel.opened.job_id == second)
    host.analyzer.gate.set()
    assert wait_until(lambda: listed(panel)[second]["status"] == "completed")
    panel.heard({"do": "report", "job": second})
    assert wait_until(lambda: f"batchnb-job-{second}.html" in panel.list.state["said"])
    assert panel.written == [second]
    panel.heard({"do": "delete", "job": first})
    assert wait_until(lambda: first not in listed(panel))


def test_what_cannot_be_done_is_told(panel):
    for message in ({"do": "open", "job": 99}, {"do": "report", "job": 99}, {"do": "resume", "job": 99}):
        panel.heard(message)
        said = "disk full" if message["do"] == "report" else "no job 99"
        assert wait_until(lambda said=said: said in panel.list.state["said"])


@pytest.mark.parametrize(
    "message",
    [{}, {"do": 1}, {"do": "delete", "job": "1"}, {"do": ["delete"], "job": 1}, {"do": "drop", "job": 1}],
)
def test_what_the_page_sends_is_not_trusted(panel, host, message):
    job_id = host.submit()
    panel.heard(message)
    panel.heard({"do": "filter", "text": "x" * 9_999})
    assert wait_until(lambda: len(panel.list.state["filter"]) == 200)
    assert host.storage.get_job(job_id) is not None
    host.analyzer.gate.set()
