"""Severity and CWE of ruff's S rules. ruff gives neither; its Sxxx re-implements bandit's Bxxx.

Each row is what bandit 1.9 assigns to the test of the same number. Where bandit decides case by case (B103,
B202, B502, B505, B602, B605), the row is the level of the plain case.
"""

from __future__ import annotations

from typing import NamedTuple

from batchnb.records import Severity


class RuleInfo(NamedTuple):
    """What a rule's findings are worth."""

    severity: Severity
    cwe: int | None


_HIGH, _MEDIUM, _LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW
_BY_LEVEL_AND_CWE: dict[tuple[Severity, int], str] = {
    (_LOW, 703): "S101 S110 S112",
    (_MEDIUM, 78): "S102 S307 S601 S604",
    (_MEDIUM, 732): "S103",
    (_MEDIUM, 605): "S104",
    (_LOW, 259): "S105 S106 S107",
    (_MEDIUM, 377): "S108 S306",
    (_MEDIUM, 400): "S113",
    (_HIGH, 94): "S201 S701",
    (_HIGH, 22): "S202",
    (_MEDIUM, 502): "S301 S302",
    (_MEDIUM, 327): "S303 S305 S503",
    (_HIGH, 327): "S304 S324 S413 S502",
    (_MEDIUM, 79): "S308 S704",
    (_MEDIUM, 22): "S310",
    (_LOW, 330): "S311",
    (_HIGH, 319): "S312 S321 S401 S402 S415",
    (_MEDIUM, 20): "S313 S314 S315 S316 S317 S318 S319 S320 S506",
    (_MEDIUM, 295): "S323",
    (_LOW, 502): "S403",
    (_LOW, 78): "S404 S603 S606 S607",
    (_LOW, 20): "S405 S406 S407 S408 S409 S410",
    (_HIGH, 20): "S411",
    (_HIGH, 284): "S412",
    (_HIGH, 295): "S501 S507",
    (_LOW, 327): "S504",
    (_MEDIUM, 326): "S505",
    (_MEDIUM, 319): "S508 S509",
    (_HIGH, 78): "S602 S605",
    (_MEDIUM, 89): "S608 S610 S611",
    (_HIGH, 155): "S609",
    (_MEDIUM, 94): "S612",
    (_MEDIUM, 80): "S702",
}
_RULES = {
    rule: RuleInfo(severity, cwe)
    for (severity, cwe), rules in _BY_LEVEL_AND_CWE.items()
    for rule in rules.split()
}


def rule_info(rule: str) -> RuleInfo:
    """Return what a rule's findings are worth; a rule newer than this table is medium, without a CWE."""
    return _RULES.get(rule, RuleInfo(Severity.MEDIUM, None))
