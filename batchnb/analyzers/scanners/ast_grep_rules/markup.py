"""HTML made from values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.analyzers.scanners.ast_grep_rules.rule import Hit, Rule, attribute, call
from batchnb.analyzers.scanners.ast_grep_rules.script import attribute_value, given
from batchnb.records import Confidence, Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script


def _inserted(script: Script, node: SgNode) -> Hit | None:
    return _judge(script, given(node), node)


def _judge(script: Script, value: SgNode, place: SgNode) -> Hit | None:
    if script.is_fixed(value) or script.is_cleaned(value):
        return None
    return Hit(place, Severity.HIGH if script.is_from_outside(value) else None)


def _dangerous(script: Script, node: SgNode) -> Hit | None:
    """Judge `dangerouslySetInnerHTML={{ __html: value }}`, or a value that is such an object."""
    value = attribute_value(node)
    if value is None:
        return None
    holder = script.resolve(value)
    if holder.kind() == "object":
        for pair in holder.named_children():
            key, inner = pair.field("key"), pair.field("value")
            if key is not None and inner is not None and key.text().strip("'\"") == "__html":
                return _judge(script, inner, node)
    return Hit(node)


def _document(script: Script, node: SgNode) -> Hit | None:
    value = attribute_value(node)
    return _judge(script, value, node) if value is not None else None


_MESSAGE = "A value is inserted as HTML without being cleaned; script in it runs in the page"
RULES = (
    Rule(
        name="unclean-html",
        cwe=79,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message=_MESSAGE,
        shapes=call(
            *("$E.innerHTML = $X", "$E.outerHTML = $X", "$E.innerHTML += $X"),
            *("$E.insertAdjacentHTML($P, $X)", "$E.createContextualFragment($X)"),
            *("document.write($X)", "document.writeln($X)"),
        ),
        check=_inserted,
    ),
    Rule(
        name="unclean-react-html",
        cwe=79,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message=_MESSAGE,
        shapes=attribute("dangerouslySetInnerHTML"),
        check=_dangerous,
        jsx=True,
    ),
    Rule(
        name="unclean-frame",
        cwe=79,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="A frame's whole document is a value; script in it runs with this page's rights",
        shapes=attribute("srcDoc"),
        check=_document,
        jsx=True,
    ),
)
