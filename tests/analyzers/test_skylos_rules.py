"""The table of CWE numbers against the catalogue in skylos' own package."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from batchnb.analyzers.scanners.skylos_rules import CWES, NOISE, WITHOUT_CWE

# What `--danger` and `--secrets` can emit; the other categories are about quality, dead code and reviews.
CATEGORIES = {"security", "secrets", "reliability"}


@pytest.mark.tool
@pytest.mark.skipif(find_spec("skylos") is None, reason="skylos is not installed")
def test_every_rule_of_skylos_has_a_cwe_or_a_reason_for_none():
    catalogue = import_module("skylos.rules.catalog")
    known = {rule.id for rule in catalogue._RULES if rule.category in CATEGORIES}

    assert len(known) > 140
    assert known - CWES.keys() - WITHOUT_CWE.keys() == set()
    assert (CWES.keys() | WITHOUT_CWE.keys()) - known == set(), "rules that skylos does not have"


def test_no_rule_has_both():
    assert CWES.keys() & WITHOUT_CWE.keys() == set()
    assert all(WITHOUT_CWE.values())
    assert NOISE.keys() <= CWES.keys() | WITHOUT_CWE.keys()
