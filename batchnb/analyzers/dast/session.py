"""Getting into the app: making an account and logging in, when the routes look as if that could be done.

The rule of thumb: a POST route whose path says register, signup or the like and that takes a password makes
an account with values of ours; then a POST route whose path says login, signin, auth or token and that takes
a password is called with the same values. A cookie, or a token in the JSON answer (`token`, `access_token`,
`jwt`), is then sent with every request. Nothing is guessed: no default passwords are tried.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.analyzers.dast.baseline import find_baseline, guess
from batchnb.analyzers.dast.endpoints import NOWHERE, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.analyzers.dast.baseline import Known
    from batchnb.analyzers.dast.client import Client
    from batchnb.analyzers.dast.endpoints import Endpoint, Value
    from batchnb.analyzers.dast.exchange import Response

_REGISTER = re.compile(r"regist|sign[-_]?up|/users?$|/accounts?$", re.IGNORECASE)
_LOGIN = re.compile(r"log[-_]?in|sign[-_]?in|auth|token|session", re.IGNORECASE)
_TOKEN = re.compile(r"^(access_?|auth_?|id_?)?token$|^jwt$", re.IGNORECASE)


@dataclass(slots=True)
class Session:
    """An account of ours in the app, if one could be made."""

    client: Client
    endpoints: Sequence[Endpoint]
    known: Known
    account: dict[str, Value] = field(default_factory=dict)
    detail: str = "the app has no route that looks like a login"
    logged_in: bool = False
    token: str = ""

    def begin(self, suffix: str) -> None:
        """Register and log in; `suffix` makes the account's name new."""
        user = f"probe{suffix}"
        self.account = {
            **dict.fromkeys(("username", "user", "name", "login", "user_name", "userName"), user),
            **dict.fromkeys(("email", "mail", "emailAddress"), f"{user}@{NOWHERE}"),
            **dict.fromkeys(
                ("password", "pass", "passwd", "confirm_password", "confirmPassword", "password2"), PASSWORD
            ),
        }
        self.endpoints = [guess(self.client, e, self.account) if e.enters else e for e in self.endpoints]
        registers = [e for e in self.endpoints if _takes_password(e) and _REGISTER.search(e.path)]
        for endpoint in registers[:2]:
            response = find_baseline(self.client, endpoint, self.known, self.account).response
            self.known.learn(response)
            if self._take(response):
                self.detail = f"logged in by {endpoint.key}"
        self.renew()

    def renew(self) -> None:
        """Log in (again) with the account."""
        logins = [e for e in self.endpoints if _takes_password(e) and _LOGIN.search(e.path)]
        for endpoint in logins[:3]:
            if _REGISTER.search(endpoint.path):
                continue
            response = find_baseline(self.client, endpoint, self.known, self.account).response
            if self._take(response):
                self.detail = f"logged in by {endpoint.key} with an account of the probe"
                return
            if not self.logged_in:
                self.detail = f"{endpoint.key} did not let the probe's account in ({response.status})"

    def _take(self, response: Response) -> bool:
        """Keep what an answer gives for later requests; return whether it gave anything."""
        if not 0 < response.status < 400:
            return False
        token = _token(response.body)
        if token:
            self.client.authorization = f"Bearer {token}"
        self.client.remember(response, replace=True)
        self.logged_in = self.logged_in or bool(token or response.cookies())
        return bool(token or response.cookies())


def _takes_password(endpoint: Endpoint) -> bool:
    names = (*endpoint.json, *endpoint.form)
    return endpoint.method == "POST" and any(map(is_password, names))


def is_password(name: str) -> bool:
    """Whether a field of this name takes a password."""
    return re.search(r"pass(word|wd)?", name, re.IGNORECASE) is not None


def _token(body: str) -> str:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    levels = [data, *data.values()] if isinstance(data, dict) else []
    for level in levels:
        if isinstance(level, dict):
            for name, value in level.items():
                if _TOKEN.search(name) and isinstance(value, str) and value.isascii() and value.isprintable():
                    return value
    return ""
