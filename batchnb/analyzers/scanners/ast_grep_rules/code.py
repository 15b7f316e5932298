"""Code made from text, chance that can be guessed, and safety switched off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchnb.analyzers.scanners.ast_grep_rules.rule import Hit, Rule, call
from batchnb.analyzers.scanners.ast_grep_rules.script import given, is_function, names_around, short
from batchnb.records import Confidence, Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script

_MEANT_TO_BE_SECRET = re.compile(
    r"token|passw|secret|nonce|otp(?![a-z])|csrf|salt|session(?!s)|(?:api|payment|access|private|encryption)_?key",
    re.IGNORECASE,
)
_SECRET_WORD = re.compile(
    r"\b\w*(?:passw(?:or)?d|secret|token(?!s\b|iz|_?count)|credential)\w*\b", re.IGNORECASE
)
_STRINGS = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`$]*`")


def _evaluated(script: Script, node: SgNode) -> Hit | None:
    code = given(node)
    if script.is_fixed(code):
        return None
    return Hit(node, Severity.HIGH)


def _delayed(script: Script, node: SgNode) -> SgNode | None:
    """Judge `setTimeout(code, ...)`: text is evaluated, a function is not."""
    code = given(node)
    text = code.kind() == "template_string" or (
        code.kind() == "binary_expression" and any(part.kind() == "string" for part in code.children())
    )
    return node if text and not is_function(code) and not script.is_fixed(code) else None


def _guessable(_: Script, node: SgNode) -> SgNode | None:
    return node if any(_MEANT_TO_BE_SECRET.search(name) for name in names_around(node)) else None


def _logged(_: Script, node: SgNode) -> SgNode | None:
    return node if _SECRET_WORD.search(_STRINGS.sub("", short(node))) else None


def _unchecked_certificate(_: Script, node: SgNode) -> SgNode | None:
    key, value = node.field("key"), node.field("value")
    off = key is not None and value is not None and short(key).strip("'\"") == "rejectUnauthorized"
    return node if off and value is not None and short(value) == "false" else None


def _always(_: Script, node: SgNode) -> SgNode:
    return node


RULES = (
    Rule(
        name="evaluated-text",
        cwe=95,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        message="Text that is put together while the page runs is evaluated as code",
        shapes=call(
            "eval($X)", "window.eval($X)", "globalThis.eval($X)", "new Function($X)", "new Function($A, $X)"
        ),
        check=_evaluated,
    ),
    Rule(
        name="delayed-text",
        cwe=95,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="Text is evaluated as code when the time has come",
        shapes=call(
            *(f"{name}($X, $MS)" for name in ("setTimeout", "setInterval")),
            *(f"window.{name}($X, $MS)" for name in ("setTimeout", "setInterval")),
        ),
        check=_delayed,
    ),
    Rule(
        name="guessable-secret",
        cwe=338,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="What is named like a secret comes from Math.random(), which can be predicted",
        shapes=call("Math.random()"),
        check=_guessable,
    ),
    Rule(
        name="logged-secret",
        cwe=532,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        message="What is named like a secret is written to the console",
        shapes=({"pattern": "console.$METHOD($$$ARGS)"},),
        check=_logged,
    ),
    Rule(
        name="unchecked-certificate",
        cwe=295,
        severity=Severity.MEDIUM,
        confidence=Confidence.HIGH,
        message="The other side's certificate is not checked",
        shapes=({"kind": "pair"},),
        check=_unchecked_certificate,
    ),
    Rule(
        name="unchecked-certificate",
        cwe=295,
        severity=Severity.MEDIUM,
        confidence=Confidence.HIGH,
        message="The other side's certificate is not checked",
        shapes=call(
            "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'",
            'process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"',
            "process.env.NODE_TLS_REJECT_UNAUTHORIZED = 0",
        ),
        check=_always,
    ),
)
