"""Many findings: generous bounds; what is printed are the figures."""

from __future__ import annotations

import sys

import pytest
from support import REPOSITORY

sys.path.insert(0, str(REPOSITORY))

from benchmarks import frames


def check(figures, rows, *, seconds, megabytes, gap):
    for line in figures.lines():
        print(line)
    assert figures.rows == rows
    assert figures.cpu_seconds < seconds  # other programs on the machine must not fail this
    assert figures.megabytes < megabytes
    assert figures.longest_gap < gap
    assert set(figures.written) == {"CSV", "Parquet", "JSON lines", "bundle"}
    assert all(size > 0 for _, size in figures.written.values())


def test_a_hundred_thousand_findings():
    check(frames.figures(100_000, 10_000), 100_000, seconds=10, megabytes=300, gap=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_findings():
    """The aims are 5 s, 1 GB and 0.1 s on an idle machine."""
    check(frames.figures(1_000_000, 100_000), 1_000_000, seconds=15, megabytes=1_000, gap=1)
