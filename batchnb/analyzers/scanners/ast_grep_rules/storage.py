"""Secrets and decisions in the browser's storage."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchnb.analyzers.scanners.ast_grep_rules.rule import Hit, Rule, call
from batchnb.analyzers.scanners.ast_grep_rules.script import given, short
from batchnb.records import Confidence, Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script

_SECRET = re.compile(
    r"token|jwt|passw|secret|credential|api[-_ ]?key|private[-_ ]?key|bearer|session[-_ ]?id|refresh",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"[cx]srf[-_ ]?token|refresh(?!.?token)|token(?:s|_?count|ize\w*)\b", re.IGNORECASE)
_RIGHT = re.compile(
    r"^(?:(?:user|my|current|account)[-_]?)?(?:roles?|is[-_]?admin|admin|permissions?|privileges?|is[-_]?staff)$",
    re.IGNORECASE,
)
_SESSION_COOKIE = re.compile(r"token|jwt|sess|auth|sid\b|passw", re.IGNORECASE)
_STORES = ("localStorage", "sessionStorage", "window.localStorage", "window.sessionStorage")


def _secret_kept(script: Script, node: SgNode) -> SgNode | None:
    key, value = given(node, "KEY"), given(node, "X")
    texts = (script.literal(key) or short(key), "" if script.is_fixed(value) else short(value))
    return node if any(_names_secret(text) for text in texts) else None


def _names_secret(text: str) -> bool:
    return bool(_SECRET.search(_NO_SECRET.sub("", text)))


def _right_read(script: Script, node: SgNode) -> SgNode | None:
    return node if _RIGHT.match(script.literal(given(node, "KEY")) or "") else None


def _cookie_written(script: Script, node: SgNode) -> Hit:
    value = given(node)
    secret = _SESSION_COOKIE.search(short(value)) or _SESSION_COOKIE.search(script.beginning(value))
    return Hit(node, Severity.MEDIUM if secret else None)


RULES = (
    Rule(
        name="secret-in-web-storage",
        cwe=922,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="A login or token is kept in the browser's storage, where any script of the page can read it",
        shapes=call(
            *(f"{store}.setItem($KEY, $X)" for store in _STORES),
            *(f"{store}[$KEY] = $X" for store in _STORES),
            *(f"{store}.$KEY = $X" for store in _STORES),
        ),
        check=_secret_kept,
    ),
    Rule(
        name="role-from-web-storage",
        cwe=602,
        severity=Severity.MEDIUM,
        confidence=Confidence.LOW,
        message="The visitor's role is read from the browser's storage, where the visitor can change it",
        shapes=call(*(f"{store}.getItem($KEY)" for store in _STORES)),
        check=_right_read,
    ),
    Rule(
        name="cookie-from-script",
        cwe=1004,
        severity=Severity.LOW,
        confidence=Confidence.HIGH,
        message="A cookie that script sets can be read by any script of the page: it cannot be HttpOnly",
        shapes=call("document.cookie = $X", "window.document.cookie = $X"),
        check=_cookie_written,
    ),
)
