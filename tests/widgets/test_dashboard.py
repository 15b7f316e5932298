"""The dashboard: tabs that are made when they are opened, and a job picked to be explored."""

from __future__ import annotations

import threading

import pytest
from support import job, make_apps, wait_until

import batchnb
from batchnb.widgets.dashboard import Dashboard
from batchnb.widgets.explore_tab import ExploreTab
from batchnb.widgets.frozen import Pictures
from batchnb.widgets.jobs_presenter import MOST_JOBS, present_choice


@pytest.fixture(name="ws")
def _ws(tmp_path):
    make_apps(tmp_path / "apps", {"atlas": [1]})
    with batchnb.open(tmp_path / "apps", store=":memory:") as ws:
        yield ws


def add_job(ws, **values):
    made = ws.storage.create_job({"models": ["atlas"], "app_ranges": {"atlas": [1]}, **values})
    ws.service.cancel_job(made.id)
    return made.id


def open_tab(dashboard, title):
    dashboard.tabs.selected_index = dashboard.tabs.titles.index(title)
    assert wait_until(lambda: title in dashboard.parts)
    return dashboard.parts[title]


def test_a_tab_is_made_when_it_is_opened(host, shown, monkeypatch):
    asked = []
    get_jobs = host.storage.get_jobs
    monkeypatch.setattr(host.storage, "get_jobs", lambda *some: asked.append(some) or get_jobs(*some))
    dashboard = shown(Dashboard(host))
    dashboard.publisher.wake()
    assert wait_until(lambda: dashboard.publisher.thread is None)
    assert list(dashboard.parts) == ["Run"]
    assert asked == []
    jobs = open_tab(dashboard, "Jobs")
    assert wait_until(lambda: asked)
    open_tab(dashboard, "Run")
    assert open_tab(dashboard, "Jobs") is jobs


def test_close_leaves_no_thread(host):
    dashboard = Dashboard(host)
    for title in ("Jobs", "Explore"):
        open_tab(dashboard, title)
    dashboard.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not [
        name for name in names if name in {"batchnb-jobs", "batchnb-explore-tab", "batchnb-dashboard"}
    ]


def test_a_job_is_explored_and_the_next_one_takes_its_place(ws, shown):
    first, second = add_job(ws, name="one"), add_job(ws, name="two")
    tab = shown(ExploreTab(ws))
    assert wait_until(lambda: [job_id for job_id, _ in tab.choice.state["jobs"]] == [second, first])
    tab.heard({"do": "show", "job": first})
    assert wait_until(lambda: tab.choice.state["job"] == first)
    explorer = tab.explorer
    assert tab._slot.children == (explorer,)
    tab.heard({"do": "show", "job": second})
    assert wait_until(lambda: tab.choice.state["job"] == second)
    assert tab._slot.children == (tab.explorer,)
    assert explorer.comm is None


@pytest.mark.parametrize("message", [{"do": "show", "job": 99}, {"do": "show", "job": True}, {"do": 1}, {}])
def test_what_is_no_job_is_told_or_left_alone(ws, shown, message):
    tab = shown(ExploreTab(ws))
    tab.heard(message)
    tab.heard({"do": "look"})
    assert wait_until(lambda: tab.publisher.thread is None)
    assert tab.explorer is None
    assert ("no job 99" in tab.choice.state["said"]) == (message.get("job") == 99)


def test_a_host_that_keeps_no_decisions_cannot_be_explored_and_that_is_said(host, shown):
    tab = shown(ExploreTab(host))
    job_id = host.submit()
    tab.heard({"do": "show", "job": job_id})
    assert wait_until(lambda: f"job {job_id} cannot be explored" in tab.choice.state["said"])
    host.analyzer.gate.set()


def test_the_choice_is_short_and_its_texts_are_visible():
    jobs = [job(id=number, name="<b>\u202e" + "y" * 99) for number in range(1, MOST_JOBS + 3)]
    state = present_choice(jobs, 7)
    assert (len(state["jobs"]), state["more"], state["job"]) == (MOST_JOBS, 2, 7)
    number, text = state["jobs"][0]
    assert number == MOST_JOBS + 2
    assert text.startswith(f"Job {number}: <b>")
    assert text.isprintable()
    assert len(text) <= 80


def test_a_dashboard_needs_a_workspace():
    with pytest.raises(TypeError, match="Dashboard needs a workspace"):
        Dashboard(object())


class Handle:
    def __init__(self):
        self.got = []

    def update(self, bundle, *, raw):
        assert raw
        self.got.append(bundle)


def test_pictures_are_put_into_every_cell_once_and_the_newest_only(monkeypatch):
    handles = []

    def display(bundle, *, raw, display_id=False):
        del bundle
        assert raw
        if not display_id:
            return None
        handles.append(Handle())
        return handles[-1]

    monkeypatch.setattr("batchnb.widgets.frozen.display", display)
    pictures = Pictures()
    pictures.display({})
    pictures.display({})
    for job_id in range(1, 7):
        pictures.keep(job_id, {"text/html": f"<p>{job_id}</p>", "text/plain": f"job {job_id}"})
    pictures.write()
    pictures.write()
    for handle in handles:
        (bundle,) = handle.got
        assert bundle["text/html"].count("<details>") == Pictures.most
        assert bundle["text/html"].startswith("<details><summary>Job 6")
        assert bundle["text/plain"] == "job 6\njob 5\njob 4\njob 3"
