"""The benchmark of the static analyses prints what it says; one call for many beats one for each."""

import re
import subprocess
import sys

import pytest
from support import REPOSITORY

pytestmark = [pytest.mark.tool, pytest.mark.slow]


def test_the_three_ways_are_measured():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.static", "--apps", "8"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    cpu = [
        float(match[2])
        for match in re.finditer(r"^.{44} +([\d.]+) +([\d.]+) +[\d.]+$", done.stdout, re.MULTILINE)
    ]

    assert len(cpu) == 3, done.stdout
    by_hand, batched, each = cpu
    assert by_hand > 1
    assert each > 2 * batched
