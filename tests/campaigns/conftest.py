"""What every campaign gets: figures that are printed at the end of the run, and a seed."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests say `import hostile`

FIGURE = "figure"


@pytest.fixture
def figures(request):
    """Return a function that notes one figure; all are printed in one table after the run."""

    def note(name, value, unit=""):
        # A property of the test, as pytest-xdist carries those from its workers to the terminal.
        request.node.user_properties.append((FIGURE, (name, value, unit)))

    return note


@pytest.fixture
def seed(figures):
    """Return the number that decides what a campaign does: CAMPAIGN_SEED, to repeat one, or another."""
    chosen = int(os.environ.get("CAMPAIGN_SEED") or random.getrandbits(32))
    figures("seed (CAMPAIGN_SEED repeats it)", chosen)
    return chosen


def pytest_terminal_summary(terminalreporter):
    """Print the figures of all campaigns, also of failed ones."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    rows = {
        report.nodeid: [value for name, value in report.user_properties if name == FIGURE]
        for report in reports
        if getattr(report, "when", None) == "call"
    }
    if not any(rows.values()):
        return
    terminalreporter.section("figures")
    for nodeid, found in sorted(rows.items()):
        if found:
            terminalreporter.line(nodeid.rpartition("/")[2])
        for name, value, unit in found:
            shown = f"{value:,.1f}" if isinstance(value, float) else str(value)
            terminalreporter.line(f"    {name:<58} {shown:>14} {unit}")
