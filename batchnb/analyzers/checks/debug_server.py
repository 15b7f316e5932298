"""Telling a command or a setting that starts a server in debug mode."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\bflask\b[^|;&\n]{0,400}?\s--debug(?:ger)?(?![\w-])|\brunserver_plus\b")
_ON = frozenset({"1", "true", "yes", "on"})


def is_debug_command(command: str) -> bool:
    """Whether a command starts Flask with its debugger."""
    return bool(_COMMAND.search(command))


def is_debug_setting(name: str, value: str) -> bool:
    """Whether a variable switches a framework's debug mode on."""
    value = value.strip().strip("\"'").lower()
    if name.upper() in {"FLASK_DEBUG", "DJANGO_DEBUG"}:
        return value in _ON
    return name.upper() == "FLASK_ENV" and value == "development"
