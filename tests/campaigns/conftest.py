"""What every campaign gets: a seed."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests say `import hostile`


@pytest.fixture
def seed(figures):
    """Return the number that decides what a campaign does: CAMPAIGN_SEED, to repeat one, or another."""
    chosen = int(os.environ.get("CAMPAIGN_SEED") or random.getrandbits(32))
    figures("seed (CAMPAIGN_SEED repeats it)", chosen)
    return chosen
