"""Whether two findings are two reports of one fault."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from batchnb.records.finding import folded
from batchnb.results.identity import cwe_tree
from batchnb.results.identity.matching import words

WINDOW = 3
"""Lines that two reports of one fault may be apart."""
_SAME_LINE_COLUMNS = 1_000
_BANDIT = re.compile(r"S(\d{3})")
_OXLINT = re.compile(r"([\w-]+)\(([\w/-]+)\)")
_ASSIGNED = re.compile(r"\s*(?:(?:const|let|var)\s+)?([A-Za-z_$][\w$.]*)\s*\+?=(?!=)")
_APART = frozenset({frozenset({"B603", "B607"}), frozenset({"B602", "B607"}), frozenset({"B605", "B607"})})
"""Rules about one statement and one CWE, but two faults: that a shell is used, and where a program is."""
_MEANT = {"B102": 95, "B307": 95, "B201": 489, "B310": 918, "B506": 502}
"""Rules whose tool gives a CWE that is wider than, or beside, what other tools call the same fault."""


class Evidence(NamedTuple):
    """One finding, as far as another tool's finding is compared with it."""

    tool: str
    rule: str
    cwe: int | None
    line: int | None
    column: int | None
    text: str
    """The source that it points at."""


@cache
def common_rule(tool: str, rule: str) -> str:
    """Return the name of a rule that two tools share: ruff's S608 is bandit's B608, and so on."""
    if tool == "ruff" and (ported := _BANDIT.fullmatch(rule)):
        return f"B{ported[1]}"
    if tool == "oxlint" and (named := _OXLINT.fullmatch(rule)):
        return named[2] if named[1] == "eslint" else f"{named[1]}/{named[2]}"
    return rule


def meant_cwe(evidence: Evidence) -> int | None:
    """Return the CWE of the fault, where the tool's own is known to be another one's name for it."""
    if evidence.tool in {"bandit", "ruff"}:
        return _MEANT.get(common_rule(evidence.tool, evidence.rule), evidence.cwe)
    return evidence.cwe


def distance(one: Evidence, other: Evidence) -> float | None:
    """Return how far apart two reports of one fault are; None: they are about two faults.

    Of two tools: on one line with the same rule or related weaknesses, or a few lines apart if besides the
    source shows that they belong together (a statement over lines, or a value made here and used there).
    Of one tool: on one line, twice the same or the same weakness by two rules.
    """
    if one.tool == other.tool:
        return _reported_twice(one, other)
    kinship = _kinship(one, other)
    if kinship is None:
        return None
    apart = abs((one.line or -WINDOW) - (other.line or -WINDOW))  # the whole file is near to no line
    if apart == 0:
        return kinship + _columns_apart(one, other)
    return kinship + apart if apart <= WINDOW and _belong_together(one, other) else None


def _kinship(one: Evidence, other: Evidence) -> float | None:
    """Return how far apart the weaknesses are that two tools report; None: they are two."""
    rules = common_rule(one.tool, one.rule), common_rule(other.tool, other.rule)
    if rules[0] == rules[1]:
        return 0.0
    if frozenset(rules) in _APART or one.line is None or other.line is None:
        return None  # about whole files, related is not the same
    return _cwe_kinship(meant_cwe(one), meant_cwe(other))


def _reported_twice(one: Evidence, other: Evidence) -> float | None:
    if one.line != other.line or one.cwe != other.cwe:
        return None
    if one.rule == other.rule:
        return 0.0 if one.line is not None and one.column == other.column and one.text == other.text else None
    rules = frozenset({common_rule(one.tool, one.rule), common_rule(other.tool, other.rule)})
    if one.cwe is None or one.line is None or rules in _APART:
        return None
    return 0.5 + _columns_apart(one, other)


def _columns_apart(one: Evidence, other: Evidence) -> float:
    """Return from 0 to less than 0.5 how far apart two findings on one line are."""
    if one.column is None or other.column is None:
        return 0.25
    return 0.49 * min(abs(one.column - other.column), _SAME_LINE_COLUMNS) / _SAME_LINE_COLUMNS


@cache
def _cwe_kinship(one: int | None, other: int | None) -> float | None:
    """Return 0 for the same weakness, 0.5 if one is a kind of the other, and None if they are two."""
    if one is None or other is None:
        return None
    if one == other:
        return 0.0
    lineage = one in cwe_tree.ancestors(other) or other in cwe_tree.ancestors(one)
    return 0.5 if lineage and cwe_tree.related(one, other) else None


@lru_cache(maxsize=1 << 14)
def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in (folded(line) for line in text.split("\n")) if line)


def _belong_together(one: Evidence, other: Evidence) -> bool:
    first, second = (one, other) if (one.line or 0) <= (other.line or 0) else (other, one)
    ours, theirs = _lines(first.text), _lines(second.text)
    if theirs and theirs[0] in ours[1:]:
        return True
    assigned = _ASSIGNED.match(first.text)
    return assigned is not None and assigned[1].rpartition(".")[2] in words(second.text)
