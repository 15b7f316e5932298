from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("ipywidgets")
sys.path.insert(0, str(Path(__file__).parent))  # so that tests say `import panel_host`


@pytest.fixture
def host(tmp_path):
    from panel_host import make_host

    made = make_host(tmp_path)
    yield made
    made.service.close()
    made.storage.close()


@pytest.fixture
def shown():
    """Return a function that keeps a view until the test has ended, then closes it."""
    views = []

    def keep(view):
        views.append(view)
        return view

    yield keep
    for view in views:
        view.close()
