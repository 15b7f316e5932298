"""What is sent, where to, and how it is protected on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchnb.analyzers.scanners.ast_grep_rules.rule import Rule, call
from batchnb.analyzers.scanners.ast_grep_rules.script import given, short
from batchnb.records import Confidence, Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

    from batchnb.analyzers.scanners.ast_grep_rules.script import Script

_OPEN = re.compile(
    r"(?:http|ws)://(?!localhost\b|127\.|0\.0\.0\.0|\[::1?\]|(?:www\.)?w3\.org\b|host\.docker\.internal|[\w-]+(?:[:/]|$))",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(r"https?://(?!localhost\b|127\.|0\.0\.0\.0|\[::1?\])", re.IGNORECASE)
_WITH_COOKIES = re.compile(r"credentials\s*:\s*['\"]include['\"]|withCredentials\s*:\s*true")
_SECRET_IN_QUERY = re.compile(
    r"[?&](?:[\w-]*(?:token|passw(?:or)?d|pwd|secret|api[-_]?key))=\$\{", re.IGNORECASE
)
_CLIENTS = ("axios", "http", "ky", "$http", "superagent")
_VERBS = ("get", "post", "put", "patch", "delete", "request")

_REQUESTS = call(
    *("fetch($X)", "fetch($X, $OPTIONS)", "window.fetch($X)", "window.fetch($X, $OPTIONS)"),
    *("axios($X)", "axios($X, $OPTIONS)"),
    *(f"{client}.{verb}($X)" for client in _CLIENTS for verb in _VERBS),
    *(f"{client}.{verb}($X, $OPTIONS)" for client in _CLIENTS for verb in _VERBS),
    *(f"{client}.{verb}($X, $BODY, $OPTIONS)" for client in _CLIENTS for verb in _VERBS),
    *("new WebSocket($X)", "new EventSource($X)", "$R.open($METHOD, $X)", "$R.open($METHOD, $X, $ASYNC)"),
    *("navigator.sendBeacon($X)", "navigator.sendBeacon($X, $BODY)"),
)


def _unprotected(script: Script, node: SgNode) -> SgNode | None:
    """Return the place where the address is written, as that is the line to change."""
    address = given(node)
    if not _OPEN.match(script.beginning(address)):
        return None
    return script.first_part(address)


def _base_address(script: Script, node: SgNode) -> SgNode | None:
    key, value = node.field("key"), node.field("value")
    if key is None or value is None or short(key).strip("'\"") not in {"baseURL", "baseUrl", "prefixUrl"}:
        return None
    return node if _OPEN.match(script.beginning(value)) else None


def _named_address(_: Script, node: SgNode) -> SgNode | None:
    """Judge `const API = "http://..."`: named like an address of a server, wherever it is used."""
    name, value = node.field("name"), node.field("value")
    if name is None or value is None or value.kind() not in {"string", "template_string"}:
        return None
    named = re.search(r"api|url|host|server|endpoint|backend|base", short(name), re.IGNORECASE)
    return value if named and _OPEN.match(short(value)[1:]) else None


def _foreign_with_cookies(script: Script, node: SgNode) -> SgNode | None:
    options = node.get_match("OPTIONS")
    if options is None or not _WITH_COOKIES.search(short(script.resolve(options))):
        return None
    return node if _ABSOLUTE.match(script.beginning(given(node))) else None


def _secret_in_query(_: Script, node: SgNode) -> SgNode | None:
    return node if _SECRET_IN_QUERY.search(short(node)) else None


RULES = (
    Rule(
        name="unprotected-address",
        cwe=319,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="Requests go over plain HTTP, where others on the way can read and change them",
        shapes=_REQUESTS,
        check=_unprotected,
    ),
    Rule(
        name="unprotected-address",
        cwe=319,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="Requests go over plain HTTP, where others on the way can read and change them",
        shapes=({"kind": "pair"},),
        check=_base_address,
    ),
    Rule(
        name="unprotected-address",
        cwe=319,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="Requests go over plain HTTP, where others on the way can read and change them",
        shapes=({"kind": "variable_declarator"},),
        check=_named_address,
    ),
    Rule(
        name="cookies-to-foreign-host",
        cwe=201,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        message="The visitor's cookies are sent along to a host that is written into the code",
        shapes=_REQUESTS,
        check=_foreign_with_cookies,
    ),
    Rule(
        name="secret-in-query",
        cwe=598,
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        message="A secret is part of an address, which ends up in logs, histories and Referer headers",
        shapes=({"kind": "template_string"},),
        check=_secret_in_query,
    ),
)
