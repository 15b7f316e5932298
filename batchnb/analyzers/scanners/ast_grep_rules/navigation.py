"""Where the visitor is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchnb.analyzers.scanners.ast_grep_rules.rule import Rule, attribute, call
from batchnb.analyzers.scanners.ast_grep_rules.script import (
    attribute_value,
    attributes,
    enclosing_function,
    given,
    short,
)
from batchnb.records import Confidence, Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script

_CHECKED = re.compile(
    r"\.startsWith\(|\.origin\b|new\s+URL\(|\.(?:includes|has|test|match)\("
    r"|\b(?:is[A-Z]|[vV]alid|[sS]afe|[aA]llow)\w*\s*\("
)
_SAME_SITE = re.compile(r"/(?![/\\])|\?|#|\.{1,2}/")
_HOST_IS_OPEN = re.compile(r"(?:(?:https?:)?//)?", re.IGNORECASE)
_LOCATIONS = ("location", "window.location", "document.location", "self.location", "top.location")
_LINK = re.compile(
    r"\.(?:\w*(?:website|homepage|profileUrl|profile_url|externalUrl|external_url))$", re.IGNORECASE
)
_SAFE_RELATION = re.compile(r"no(?:opener|referrer)")


def _to_outside(script: Script, node: SgNode) -> SgNode | None:
    target = given(node)
    return node if _is_free(script, target, node) else None


def _is_free(script: Script, target: SgNode, place: SgNode) -> bool:
    """Whether the host of an address comes from outside, and nothing near seems to check it."""
    if not _HOST_IS_OPEN.fullmatch(script.beginning(target)):
        return False
    leader = script.leader(target) if not script.beginning(target) else target
    if not script.is_from_outside(leader):
        return False
    around = enclosing_function(place)
    return not _CHECKED.search(_without(short(around), short(target)) if around else short(target))


def _without(text: str, part: str) -> str:
    return text.replace(part, "", 1)


def _outside_link(script: Script, node: SgNode) -> SgNode | None:
    value = attribute_value(node)
    if value is None or value.kind() == "string":
        return None
    if _LINK.search(short(value)):
        return node
    return node if _is_free(script, value, node) else None


def _window_opened(script: Script, node: SgNode) -> SgNode | None:
    address, features = given(node), node.get_match("FEATURES")
    if _SAME_SITE.match(script.beginning(address)):
        return None
    if features is not None and _SAFE_RELATION.search(script.literal(features) or short(features)):
        return None
    target = script.literal(given(node, "TARGET"))
    return node if target in {"_blank", None} else None


def _link_opened(script: Script, node: SgNode) -> SgNode | None:
    """Judge `<a href={somewhere} target="_blank">`, unless the address is written there and of this site."""
    name = node.field("name")
    if name is None or short(name) not in {"a", "area"}:
        return None
    given_here = attributes(node)
    if script.literal(given_here.get("target", node)) != "_blank" or "href" not in given_here:
        return None
    relation = given_here.get("rel")
    if relation is not None and (_SAFE_RELATION.search(short(relation)) or not script.is_fixed(relation)):
        return None
    address = given_here["href"]
    return None if script.is_fixed(address) and _SAME_SITE.match(script.beginning(address)) else node


RULES = (
    Rule(
        name="redirect-from-input",
        cwe=601,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="A link or message can choose where the visitor is sent, or have a javascript: address run",
        shapes=call(
            *(f"{place}.href = $X" for place in _LOCATIONS),
            *(f"{place} = $X" for place in _LOCATIONS),
            *(f"{place}.{method}($X)" for place in _LOCATIONS for method in ("assign", "replace")),
            *("window.open($X)", "window.open($X, $TARGET)", "window.open($X, $TARGET, $FEATURES)"),
            "res.redirect($X)",
        ),
        check=_to_outside,
    ),
    Rule(
        name="unchecked-link",
        cwe=79,
        severity=Severity.MEDIUM,
        confidence=Confidence.LOW,
        message="A link's address is data; one that begins with javascript: runs in the page",
        shapes=attribute("href", "xlinkHref", "formAction", "src", "action"),
        check=_outside_link,
        jsx=True,
    ),
    Rule(
        name="window-with-opener",
        cwe=1022,
        severity=Severity.LOW,
        confidence=Confidence.MEDIUM,
        message="The opened page can send this one elsewhere, as it is opened without noopener",
        shapes=call("window.open($X, $TARGET)", "window.open($X, $TARGET, $FEATURES)"),
        check=_window_opened,
    ),
    Rule(
        name="link-with-opener",
        cwe=1022,
        severity=Severity.LOW,
        confidence=Confidence.MEDIUM,
        message="In older browsers the linked page can send this one elsewhere: rel=noopener is missing",
        shapes=({"kind": "jsx_opening_element"}, {"kind": "jsx_self_closing_element"}),
        check=_link_opened,
        jsx=True,
    ),
)
