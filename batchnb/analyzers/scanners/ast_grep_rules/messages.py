"""Messages between windows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchnb.analyzers.scanners.ast_grep_rules.rule import Rule, call
from batchnb.analyzers.scanners.ast_grep_rules.script import given, is_function, short
from batchnb.records import Confidence, Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script

_LOOKS_AT_SENDER = re.compile(r"\borigin\b|\.source\b|\bsource\s*[,}]")
_ANY_ORIGIN = re.compile(r"targetOrigin\s*:\s*['\"`]\*['\"`]")


def _sent_to_anyone(script: Script, node: SgNode) -> SgNode | None:
    origin = given(node, "ORIGIN")
    anyone = script.literal(origin) == "*" or _ANY_ORIGIN.search(short(origin))
    return node if anyone else None


def _heard_from_anyone(script: Script, node: SgNode) -> SgNode | None:
    """Return the function that hears messages and never looks at who sent them."""
    event = node.get_match("EVENT")
    if event is not None and script.literal(event) != "message":
        return None
    handler = script.resolve(given(node, "HANDLER"))
    if not is_function(handler) or _LOOKS_AT_SENDER.search(handler.text()):
        return None
    return handler


_LISTENERS = ("window.", "self.", "globalThis.", "")

RULES = (
    Rule(
        name="message-to-any-origin",
        cwe=346,
        severity=Severity.MEDIUM,
        confidence=Confidence.HIGH,
        message="The message goes to whatever page the window shows, as its target origin is *",
        shapes=call(
            "$W.postMessage($M, $ORIGIN)", "$W.postMessage($M, $ORIGIN, $T)", "postMessage($M, $ORIGIN)"
        ),
        check=_sent_to_anyone,
    ),
    Rule(
        name="message-from-any-origin",
        cwe=346,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="Messages of any page are accepted: the handler does not look at event.origin",
        shapes=call(
            *(f"{place}addEventListener($EVENT, $HANDLER)" for place in _LISTENERS),
            *(f"{place}addEventListener($EVENT, $HANDLER, $OPTIONS)" for place in _LISTENERS),
            *(f"{place}onmessage = $HANDLER" for place in _LISTENERS if place),
        ),
        check=_heard_from_anyone,
    ),
)
