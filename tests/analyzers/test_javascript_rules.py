"""The table of JavaScript rules against what is switched on."""

import json
from pathlib import Path

import pytest

from batchnb.analyzers.scanners import javascript_rules, oxlint
from batchnb.analyzers.scanners.javascript_rules import DOCUMENTATION, RULES, script_rule
from batchnb.records import Severity

NODE = Path(javascript_rules.__file__).with_name("node")
ESLINT = json.loads((NODE / "eslint_rules.json").read_text(encoding="utf-8"))
OXLINT = json.loads((NODE / "oxlint.json").read_text(encoding="utf-8"))


def test_every_rule_that_is_switched_on_is_in_the_table_and_no_other():
    assert set(ESLINT) | set(OXLINT["rules"]) == RULES


def test_rules_of_both_tools_are_the_same_where_they_can_be():
    assert set(OXLINT["rules"]) - set(ESLINT) == {"unicorn/no-document-cookie"}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_a_documented_home(rule):
    plugin, _, _ = rule.rpartition("/")

    assert DOCUMENTATION[plugin].startswith("https://")


def test_the_noisiest_rule_is_off():
    assert "security/detect-object-injection" not in RULES


def test_a_rule_that_is_not_known_is_medium():
    assert script_rule("security/of-tomorrow") == (Severity.MEDIUM, None, ())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("eslint(no-eval)", "no-eval"),
        ("react(no-danger)", "react/no-danger"),
        ("eslint-plugin-x(y)", "eslint-plugin-x/y"),
        ("something else", "something else"),
    ],
)
def test_oxlints_codes_are_turned_into_names_of_the_table(code, name):
    assert oxlint._eslint_name(code) == name
