"""doctor(): what it lists, and what it does with tests that fail or take their time."""

import time

import pytest

from batchnb.analyzers.base import Analyzer
from batchnb.doctor import _self_test, doctor


class Slow(Analyzer):
    """Says how much time its test has."""

    key = title = service = "slow"
    tools = ("slow",)

    def analyze(self, app, options, context):
        raise NotImplementedError

    def self_test(self, context):
        return {"slow": f"{context.deadline.at - time.monotonic():.0f} {context.scratch.is_dir()}"}


def test_a_test_has_minutes_and_a_folder():
    seconds, has_folder = _self_test(Slow("."))["slow"].split()

    assert 100 <= int(seconds) <= 120
    assert has_folder == "True"


@pytest.mark.parametrize("name", ["bwrap", "nsenter", "node", "npm"])
def test_the_programs_behind_the_analyses_are_listed(name):
    (check,) = (check for check in doctor(self_test=False).checks if check.name == name)

    assert check.optional
    assert check.used_for
    assert check.how_to_get
    assert " -p " not in check.place, "the program, not how it is asked"
    assert bool(check.version) == bool(check.place)


def test_without_them_it_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    shown = repr(doctor(self_test=False))

    (row,) = (line for line in shown.splitlines() if line.startswith("bwrap"))
    assert "not there (optional)" in row
    assert row.endswith("install the system's package bubblewrap")
