"""What a SARIF file of any tool says about a result: rule, message, severity, confidence, weakness."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from batchnb.records import Confidence, Severity
from batchnb.results.sarif.checked_json import get, part, parts, pick, texts
from batchnb.results.sarif.words import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.results.sarif.checked_json import Node

MAX_TEXT = 1_000
"""Longest message that is kept."""
MAX_RAW = 20_000
"""How much of a message is looked at."""
NO_RULE = "unspecified"
_PLACEHOLDER = re.compile(r"\{(\d{1,2})\}")
_LINK = re.compile(r"\[((?:[^\[\]\\]|\\.){0,500})\]\((?:\d{1,9}|[a-zA-Z][a-zA-Z+.-]{0,20}:[^()\s]{0,500})\)")
_CWE = re.compile(r"(?:external/cwe/)?cwe[-_ ]?0{0,4}([1-9]\d{0,5})(?!\d)", re.IGNORECASE)
_NUMBER = re.compile(r"0{0,4}([1-9]\d{0,5})")
_SURE = " CONFIDENCE"
_CONFIDENCE = {
    "very-high": Confidence.HIGH,
    "high": Confidence.HIGH,
    "medium": Confidence.MEDIUM,
    "low": Confidence.LOW,
}


def rule_of(result: Node, run: Node, known: dict[int, dict[str, Node]]) -> tuple[str, Node]:
    """Return the id of a result's rule and its descriptor; empty: the file has none.

    Args:
        result: the result.
        run: its run.
        known: empty at the first result of the run; what is found out about its rules is kept in it.
    """
    reference = part(result, "rule")
    index = get(result, "ruleIndex", int)
    if index is None:
        index = get(reference, "index", int)
    rule_id = get(result, "ruleId", str) or get(reference, "id", str)
    component = _component(run, part(reference, "toolComponent"))
    rule = pick(component, "rules", index)
    if index is None and rule_id is not None:
        if id(component) not in known:
            known[id(component)] = {str(each.get("id")): each for each in parts(component, "rules")}
        rule = _by_id(known[id(component)], rule_id)
    return rule_id or get(rule, "id", str) or NO_RULE, rule


def _component(run: Node, reference: Node) -> Node:
    tool = part(run, "tool")
    index = get(reference, "index", int)
    return part(tool, "driver") if index is None or index < 0 else pick(tool, "extensions", index)


def _by_id(rules: dict[str, Node], rule_id: str) -> Node:
    """Return the rule called so, or (`CA1000/1`) the one of which it is a part."""
    return rules.get(rule_id) or rules.get(rule_id.rpartition("/")[0]) or {}


def message_of(result: Node, rule: Node, run: Node) -> str:
    """Return the message as plain text: its arguments put in, the targets of its links left out."""
    message = part(result, "message")
    text = get(message, "text", str)
    message_id = get(message, "id", str)
    if text is None and message_id is not None:
        strings = part(rule, "messageStrings") or part(run, "tool", "driver", "globalMessageStrings")
        text = get(part(strings, message_id), "text", str)
    if text is None:
        text = next(_descriptions(rule), "")
    arguments = texts(message, "arguments")
    if arguments:
        text = _PLACEHOLDER.sub(lambda match: _argument(arguments, match), text[:MAX_RAW])
    return _LINK.sub(r"\1", text[:MAX_RAW])[:MAX_TEXT]


def _argument(arguments: list[str], match: re.Match[str]) -> str:
    number = int(match[1])
    return arguments[number][:MAX_RAW] if number < len(arguments) else match[0]


def _descriptions(rule: Node) -> Iterator[str]:
    for key in ("shortDescription", "fullDescription"):
        if text := get(part(rule, key), "text", str):
            yield text


def severity_of(result: Node, rule: Node) -> Severity:
    """Return the severity by the score if there is one, else by the level."""
    for owner in (result, rule):
        score = _score(part(owner, "properties").get("security-severity"))
        if score is not None:
            return Severity.HIGH if score >= 7 else Severity.MEDIUM if score >= 4 else Severity.LOW
    level = get(result, "level", str) or get(part(rule, "defaultConfiguration"), "level", str) or "warning"
    return SEVERITIES.get(level, Severity.LOW)


def _score(value: Any) -> float | None:
    try:
        score = float(value) if type(value) in {str, int, float} else math.nan
    except (ValueError, OverflowError):
        return None
    return score if 0 <= score <= 10 else None


def confidence_of(result: Node, rule: Node) -> Confidence | None:
    """Return how sure the tool is, as CodeQL, Bandit and Semgrep say it; None: it does not."""
    properties = part(rule, "properties")
    tags = [tag for tag in texts(properties, "tags") if tag.endswith(_SURE)]
    said = [part(result, "properties").get("issue_confidence")]
    said += [tag.removesuffix(_SURE) for tag in tags] + [properties.get("precision")]
    found = (_CONFIDENCE.get(str(word).lower()) for word in said)
    return next(filter(None, found), None)


def cwe_of(result: Node, rule: Node, run: Node) -> int | None:
    """Return the number of the first weakness that the result, or else its rule, is assigned to."""
    targets = [part(relation, "target") for relation in parts(rule, "relationships")]
    for taxon in parts(result, "taxa") + targets:
        if (number := _taxon(taxon, run)) is not None:
            return number
    for owner in (result, rule):
        properties = part(owner, "properties")
        said = properties.get("cwe")
        for text in [said] if type(said) is str else texts(properties, "cwe") + texts(properties, "tags"):
            if match := _CWE.match(text):
                return int(match[1])
    return None


def _taxon(reference: Node, run: Node) -> int | None:
    component = part(reference, "toolComponent")
    named = get(component, "name", str)
    at = get(component, "index", int)
    if named is None and at is not None:
        named = get(pick(run, "taxonomies", at), "name", str)
    if (named or "").upper() != "CWE":
        return None
    taxon = get(reference, "id", str)
    if taxon is None:
        owner = _by_name(parts(run, "taxonomies")) if at is None else pick(run, "taxonomies", at)
        taxon = get(pick(owner, "taxa", get(reference, "index", int)), "id", str) or ""
    match = _CWE.fullmatch(taxon) or _NUMBER.fullmatch(taxon)
    return int(match[1]) if match else None


def _by_name(taxonomies: list[Node]) -> Node:
    return next((each for each in taxonomies if str(each.get("name")).upper() == "CWE"), {})
