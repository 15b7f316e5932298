"""Stores of both kinds, and the bench."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from service_bench import bench, make_bench  # noqa: F401 - fixtures

from batchnb.engine.storage import JobStorage

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(params=["memory", "file"])
def storage(request, tmp_path):
    """Every test that asks for a store runs on both kinds."""
    store = JobStorage(tmp_path / "store.db" if request.param == "file" else None)
    yield store
    store.close()
