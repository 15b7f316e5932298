"""Keys and passwords that are written into a script, which every visitor can read."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from batchnb.analyzers.scanners.ast_grep_rules.rule import Hit, Rule
from batchnb.analyzers.scanners.ast_grep_rules.script import short
from batchnb.analyzers.secret_names import WELL_KNOWN
from batchnb.records import Confidence, Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script

_NAMED = re.compile(
    r"api[-_]?key|apikey|secret|token|passw(?:or)?d|private[-_]?key|access[-_]?key|credential|authorization",
    re.IGNORECASE,
)
_NOT_A_SECRET_NAME = re.compile(
    r"(?:url|path|name|field|label|header|param|prefix|id|type|error|message|placeholder|endpoint|storage[-_]?key)s?$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"your|example|change|placeholder|dummy|sample|xxx|<|\*{3}|\.\.\.|replace|insert|todo|test", re.IGNORECASE
)
_BEARER = re.compile(r"(?:Bearer|Basic|Token)\s+(\S+)")
_SHORTEST = 12
_LEAST_BITS = 3.0
"""Of a character of a random text; words have less."""


def _key(_: Script, node: SgNode) -> Hit | None:
    """Judge `name = "text"`, `name: "text"` and `const name = "text"`."""
    fields = (
        node.field("name") or node.field("key") or node.field("left"),
        node.field("value") or node.field("right"),
    )
    name, value = fields
    if name is None or value is None or value.kind() != "string":
        return None
    text = short(value)[1:-1]
    if WELL_KNOWN.search(text):
        return None  # the other rule's
    bearer = _BEARER.fullmatch(text)
    named = short(name).strip("'\"")
    if bearer is None and (not _NAMED.search(named) or _NOT_A_SECRET_NAME.search(named)):
        return None
    return Hit(value) if _looks_random(bearer[1] if bearer else text) else None


def _looks_random(text: str) -> bool:
    if len(text) < _SHORTEST or not text.isascii() or any(char.isspace() for char in text):
        return False
    if _PLACEHOLDER.search(text) or "://" in text:
        return False
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
    return bits >= _LEAST_BITS and any(char.isdigit() for char in text)


def _well_known_key(_: Script, node: SgNode) -> Hit | None:
    text = short(node)
    return Hit(node) if WELL_KNOWN.search(text) and not _PLACEHOLDER.search(text) else None


RULES = (
    Rule(
        name="key-in-script",
        cwe=798,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="What is named like a key, and looks like one, is written into the script",
        shapes=({"kind": "variable_declarator"}, {"kind": "pair"}, {"kind": "assignment_expression"}),
        check=_key,
    ),
    Rule(
        name="well-known-key-in-script",
        cwe=798,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        message="A text of the form of a service's secret key is written into the script",
        shapes=({"kind": "string"}, {"kind": "template_string"}),
        check=_well_known_key,
    ),
)
