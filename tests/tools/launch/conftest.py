from __future__ import annotations

import pytest
from launching import shared_cache, use_cache


@pytest.fixture
def cache(tmp_path_factory, monkeypatch):
    """Return the cache of this test session, in use."""
    folder = shared_cache(tmp_path_factory)
    use_cache(monkeypatch, folder)
    return folder
