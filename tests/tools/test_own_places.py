"""What a worker process is told of the user's places and settings."""

from __future__ import annotations

import json
import sys

import pytest

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.kit.environment import INSTALLERS_VARIABLE
from batchnb.tools.own_places import own_variables
from batchnb.tools.workers.pool import WorkerPool


@pytest.fixture(name="pool")
def _pool():
    pool = WorkerPool()
    yield pool
    pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="workers are tested on Linux")
def test_a_worker_is_told_how_packages_are_fetched_in_one_variable(pool, monkeypatch, tmp_path):
    given = {
        "PIP_INDEX_URL": "file:///index",
        "https_proxy": "http://proxy.example",
        "npm_config_registry": "r",
    }
    places = {"BATCHNB_CACHE": str(tmp_path / "cache"), "BATCHNB_TOOLS": str(tmp_path / "tools")}
    for name, value in {**given, **places, "NPM_TOKEN": "canary", "PIP_TARGET": "/elsewhere"}.items():
        monkeypatch.setenv(name, value)

    found = pool.call("acts:surroundings", None, deadline=Deadline.after(60), cancel=CancelToken())["environ"]

    settings = json.loads(found[INSTALLERS_VARIABLE])
    assert {name: settings[name] for name in given} == given
    assert "PIP_TARGET" not in settings
    assert {name: found[name] for name in places} == places
    assert not given.keys() & found.keys()
    assert "canary" not in str(found)


def test_what_is_not_named_is_not_handed_on(monkeypatch):
    monkeypatch.delenv("BATCHNB_RULES", raising=False)
    monkeypatch.setenv("BATCHNB_OSV", "/data")

    handed = own_variables()

    assert "BATCHNB_RULES" not in handed
    assert handed["BATCHNB_OSV"] == "/data"
