from __future__ import annotations

import sys

import pytest

from batchnb.results.drawing._plotly import make_figure, plotly_javascript


def test_the_hint_names_the_extra_if_plotly_is_missing(monkeypatch):
    for name in ("plotly.graph_objects", "plotly.offline"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: make_figure([], {}), plotly_javascript):
        with pytest.raises(ImportError, match=r"pip install 'batchnb\[results\]'"):
            call()
