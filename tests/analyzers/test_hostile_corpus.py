"""Hostile apps by the hundred: nothing of them is executed, silently clean, held up or given away."""

from __future__ import annotations

import tempfile
import time

import pytest
from hostile_campaign import ALONE_SECONDS, ANALYZERS, Campaign
from hostile_corpus import CASES, sample
from hostile_ground import RULES
from support import processes_with, wait_until

from batchnb.tools.workers.pool import WorkerPool

pytestmark = pytest.mark.tool


def test_the_corpus_is_as_large_as_it_should_be():
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)
    assert 40 <= len(sample()) <= 60


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_a_fault_is_planted_for_every_tool(analyzer):
    assert set(RULES[analyzer.key]) == set(analyzer.tools)


@pytest.fixture
def run(tmp_path, monkeypatch, figures):
    """Return a function that runs a campaign, notes its figures and returns what is wrong."""
    places = {name: tmp_path / name for name in ("ground", "raw", "temporary")}
    places["temporary"].mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(places["temporary"]))
    pool = WorkerPool()

    def run(cases):
        campaign = Campaign(cases=cases, base=places["ground"] / "apps", raw=places["raw"], pool=pool)
        started = time.monotonic()
        try:
            wrong = campaign.run()
        finally:
            pool.close()
        note(campaign, time.monotonic() - started)
        left = wait_until(lambda: not processes_with(str(tmp_path)), 5) or processes_with(str(tmp_path))
        if left is not True:
            wrong.append(f"processes are left: {left}")
        wrong += [f"{path} is left" for path in places["temporary"].iterdir()]
        return wrong

    def note(campaign, seconds):
        figures("hostile apps", len(campaign.cases))
        figures("seconds in all", seconds, "s")
        figures("faults planted, counted for each tool", campaign.found.total())
        figures("of these found", campaign.found[True, False] + campaign.found[True, True])
        figures("not found, but the file is named as not read", campaign.found[False, True])
        for status, count in sorted(campaign.cells.items()):
            figures(f"cells of app and tool: {status}", count)
        figures("analysed alone after a shared call", len(campaign.alone))
        figures("longest of those", max(campaign.alone.values(), default=0.0), "s")
        for line in (*campaign.broken, *campaign.lost):
            print(line)  # shown when the test fails

    return run


def test_a_sample_of_hostile_apps(run):
    assert run(sample()) == []


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
def test_all_hostile_apps(run):
    assert run(CASES) == []
    assert ALONE_SECONDS <= 60
