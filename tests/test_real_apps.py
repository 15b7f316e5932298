"""The batch on real code from the registries; see scripts/real_apps.py."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "real_apps.py"


@pytest.mark.online
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_batch_on_real_apps(tmp_path):
    """Eight real applications are measured: every cell has a state, and files that fail are named."""
    command = [sys.executable, SCRIPT, tmp_path / "apps"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "2 models, 8 apps" in done.stdout
    cells = [line for line in done.stdout.splitlines() if " bandit " in line or " ruff " in line]
    assert len(cells) == 16
    assert all(" ok " in cell or " partial " in cell for cell in cells)
    assert (tmp_path / "apps" / "report.html").stat().st_size > 1_000_000
