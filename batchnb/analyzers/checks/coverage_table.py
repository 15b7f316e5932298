"""Which weaknesses each tool can report, by the tables of its rules; run as a program, it prints Markdown.

bandit's numbers and those of ruff mean the same, so one table does for both. The advisories of packages are
not here: each has its own.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from batchnb.analyzers.checks import compose, dockerfile, requirements
from batchnb.analyzers.checks.cwe import name_of
from batchnb.analyzers.dast.faults import FAULTS
from batchnb.analyzers.scanners import (
    ast_grep_rules,
    detect_secrets,
    javascript_rules,
    ruff_rules,
    skylos_rules,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.analyzers.checks.rule import Rule


def rules_by_tool() -> dict[str, dict[str, int]]:
    """Return tool -> rule -> CWE, for rules that have one."""
    numbers = {number: ruff_rules.rule_info(f"S{number}").cwe for number in range(100, 1000)}
    known = {number: cwe for number, cwe in numbers.items() if cwe}
    scripts = {rule: javascript_rules.script_rule(rule).cwe for rule in javascript_rules.RULES}
    return {
        "bandit": {f"B{number}": cwe for number, cwe in known.items()},
        "ruff": {f"S{number}": cwe for number, cwe in known.items()},
        "ESLint, oxlint": {rule: cwe for rule, cwe in scripts.items() if cwe},
        "ast-grep": {rule.name: rule.cwe for rule in (*ast_grep_rules.RULES, *ast_grep_rules.SECRET_RULES)},
        "skylos": dict(skylos_rules.CWES),
        "detect-secrets": {"all types of secrets": detect_secrets.HARD_CODED},
        "requirements": _own(requirements.RULES),
        "dockerfile": _own(dockerfile.RULES),
        "compose": _own(compose.RULES),
        "probe": {rule: fault.cwe for rule, fault in FAULTS.items()},
    }


def markdown(tables: Mapping[str, Mapping[str, int]]) -> str:
    """Return a table with a row for each weakness, and for each tool how many rules are about it."""
    by_cwe: dict[int, dict[str, int]] = defaultdict(dict)
    for tool, rules in tables.items():
        for cwe in rules.values():
            by_cwe[cwe][tool] = by_cwe[cwe].get(tool, 0) + 1
    lines = ["| CWE | " + " | ".join(tables) + " |", "|---|" + "---|" * len(tables)]
    for cwe in sorted(by_cwe):
        cells = (str(by_cwe[cwe].get(tool, "")) for tool in tables)
        name = name_of(cwe)
        lines.append(f"| {cwe}{f' {name}' if name else ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _own(rules: Iterable[Rule]) -> dict[str, int]:
    return {rule.name: rule.cwe for rule in rules if rule.cwe}


def main() -> int:
    """Print the table."""
    sys.stdout.write(markdown(rules_by_tool()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
