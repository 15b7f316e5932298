"""What every test gets: no settings from the caller's environment, and `import support`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SETTINGS = ("BATCH_MAX_JOBS", "BATCH_MAX_TASKS", "BATCH_TASK_TIMEOUT_SECONDS", "APP_BASE_PATH")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
