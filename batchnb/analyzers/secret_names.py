"""Telling by name and value whether a setting is a secret that is written down."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"(?:^|[_-])(?:passw(?:or)?d|passphrase|pass|pwd|secrets?|token|credentials?|(?:api|access|private|secret"
    r"|auth|jwt|encryption|signing)[_-]?key)(?=$|[_-])",
    re.IGNORECASE,
)
# What follows such a word and makes the value something about the secret, not the secret.
_ABOUT = re.compile(
    r"[_-](?:file|path|dir|url|uri|host|name|id|type|header|length|len|ttl|lifetime|algorithm|alg|enabled"
    r"|expir\w*|expires?_in|minutes|hours|days|seconds|max|min|prefix)$",
    re.IGNORECASE,
)
WELL_KNOWN = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:sk|rk)_live_[0-9A-Za-z]{16,}|AKIA[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{30,}"
    r"|AIza[0-9A-Za-z_-]{30,}|xox[abprs]-[0-9A-Za-z-]{10,}|sk-(?:proj-|ant-)?[0-9A-Za-z_-]{20,}"
    r"|glpat-[0-9A-Za-z_-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)
"""Keys of services that give them a form of their own."""
_NO_SECRET = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null", "0", "1"})
_PLACEHOLDER = re.compile(
    r"change|replace|your[_ -]|example|dummy|placeholder|todo|fixme|insert[_ -]|<[^<>]*>"
    r"|^x{3,}$|^\*+$|^[.]{3}$",
    re.IGNORECASE,
)


def is_secret(name: str, value: str) -> bool:
    """Whether `name=value` writes a secret down: not a variable, a switch, a path or something about one."""
    value = value.strip().strip("\"'")
    if not value or "$" in value or value.lower() in _NO_SECRET or value.startswith("/"):
        return False
    return bool(_SECRET.search(name)) and not _ABOUT.search(name)


def is_placeholder(value: str) -> bool:
    """Whether a value stands where a secret has to be put in later."""
    return bool(_PLACEHOLDER.search(value.strip().strip("\"'")[:200]))
