"""The table of weaknesses by tool."""

from support import REPOSITORY

from batchnb.analyzers.checks.coverage_table import main, markdown, rules_by_tool
from batchnb.analyzers.checks.cwe import NAMES, name_of


def test_every_tool_with_a_table_of_rules_is_in_it():
    tables = rules_by_tool()

    assert {"bandit", "ruff", "skylos", "detect-secrets", "requirements", "dockerfile", "compose"} <= set(
        tables
    )
    assert all(tables.values())
    assert tables["ruff"]["S602"] == tables["bandit"]["B602"] == tables["skylos"]["SKY-D209"] == 78


def test_every_weakness_that_a_rule_is_about_has_a_name():
    used = {cwe for rules in rules_by_tool().values() for cwe in rules.values()}

    assert used <= NAMES.keys()
    assert name_of(89) == "SQL Injection"
    assert name_of(None) == name_of(-1) == ""


def test_the_table_counts_rules():
    text = markdown({"one": {"a": 89, "b": 89, "c": 79}, "two": {"d": 79}})

    assert text.splitlines() == [
        "| CWE | one | two |",
        "|---|---|---|",
        "| 79 Cross-site Scripting | 1 | 1 |",
        "| 89 SQL Injection | 2 |  |",
    ]


def test_it_is_printed(capsys):
    assert main() == 0
    assert "| 78 OS Command Injection |" in capsys.readouterr().out


def test_the_docs_have_the_table_of_today():
    text = (REPOSITORY / "docs" / "cwe.md").read_text(encoding="utf-8")
    assert text.endswith(markdown(rules_by_tool()))
