"""Which rules of bandit and ruff count as noise."""

import pytest

from batchnb.analyzers.scanners.noise import tags_of, why_noise


@pytest.mark.parametrize(
    "rule", ["B104", "S104", "B101", "S101", "B311", "S311", "B404", "B603", "B607", "S607"]
)
def test_rules_that_fire_everywhere_are_marked_with_a_reason(rule):
    assert tags_of(rule) == ("noise",)
    assert why_noise(rule)


@pytest.mark.parametrize("rule", ["B201", "S608", "B301", "B602", "S324", "B105", "B999", "", "SKY-D104"])
def test_rules_that_find_faults_are_not(rule):
    assert tags_of(rule) == ()
    assert why_noise(rule) == ""
