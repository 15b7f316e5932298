"""The bundled CWE tree."""

import json
from importlib.resources import files

import pytest

from batchnb.analyzers.checks.cwe import NAMES
from batchnb.results.identity import cwe_tree


@pytest.mark.parametrize(
    ("cwe", "title"),
    [
        (89, "CWE-89 SQL Injection"),
        (798, "CWE-798 Use of Hard-coded Credentials"),
        (16, "CWE-16 Configuration"),
    ],
)
def test_titles_are_short(cwe, title):
    assert cwe_tree.title(cwe) == title


def test_an_unknown_number_has_no_name_and_no_family():
    assert cwe_tree.name(999_999) is None
    assert cwe_tree.title(999_999) == "CWE-999999"
    assert cwe_tree.ancestors(999_999) == ()
    assert cwe_tree.owasp_top10(999_999) is None
    assert not cwe_tree.related(999_999, 89)
    assert cwe_tree.related(999_999, 999_999)


def test_ancestors_come_nearest_first():
    assert cwe_tree.ancestors(89) == (943, 74, 707)
    assert cwe_tree.ancestors(707) == ()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (89, 89, True),
        (89, 564, True),  # SQL injection through Hibernate is one
        (259, 798, True),
        (943, 643, True),
        (88, 78, True),  # both are children of command injection
        (79, 89, False),
        (89, 707, False),  # only a pillar
        (20, 116, False),  # brothers under a pillar
        (79, 798, False),
    ],
)
def test_related(one, other, expected):
    assert cwe_tree.related(one, other) is expected
    assert cwe_tree.related(other, one) is expected


@pytest.mark.parametrize(
    ("cwe", "category"),
    [
        (89, "A03:2021 Injection"),
        (22, "A01:2021 Broken Access Control"),
        (798, "A07:2021 Identification and Authentication Failures"),
        (918, "A10:2021 Server-Side Request Forgery (SSRF)"),
        (1336, "A03:2021 Injection"),  # by its parent, CWE-94
        (703, None),
    ],
)
def test_owasp(cwe, category):
    assert cwe_tree.owasp_top10(cwe) == category


def test_there_are_ten_categories_in_order():
    found = cwe_tree.owasp_categories()
    assert [each.split(":")[0] for each in found] == [f"A{number:02}" for number in range(1, 11)]


def test_every_weakness_that_our_tools_name_is_in_it():
    newer = {1427}  # prompt injection came with version 4.16
    assert {cwe for cwe in NAMES if cwe_tree.name(cwe) is None} <= newer


def test_the_data_are_a_tree_with_their_licence():
    data = json.loads(files("batchnb.results.identity").joinpath("cwe.json").read_text(encoding="utf-8"))
    known = set(data["weaknesses"])
    assert {str(up) for entry in data["weaknesses"].values() for up in entry[2]} <= known
    assert not any(int(cwe) in cwe_tree.ancestors(int(cwe)) for cwe in known)
    assert "royalty-free" in data["license"]
    assert data["version"] == cwe_tree.version()
