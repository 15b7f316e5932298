"""What every answer is looked at for: missing headers, weak cookies, stack traces, debuggers."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.analyzers.dast.checks.trial import Hit, around

if TYPE_CHECKING:
    from batchnb.analyzers.dast.exchange import Request, Response

_TRACES = re.compile(
    r"""Traceback\ \(most\ recent\ call\ last\) | ^[ \t]*File\ "[^"\n]+",\ line\ \d+,\ in\ \w
    | ^[ \t\xa0]*at\ (?:[\w.<>\[\]\ ]+\ )?\(?(?:file://|/|[A-Z]:\\|node:)[^\n()]+:\d+:\d+\)?
    | ^[ \t]+at\ [\w.$]+\([\w]+\.java:\d+\)
    | PHP\ (Fatal|Parse)\ error: | Stack\ trace:\n\#0""",
    re.VERBOSE | re.MULTILINE,
)
_DEBUGGERS = re.compile(
    r"EVALEX = true|<title>[^<]*// Werkzeug Debugger</title>|You're seeing this error because you have "
    r"<code>DEBUG = True</code>"
)
_SESSION = re.compile(r"sess|sid|auth|token|jwt|login|user|remember", re.IGNORECASE)
MAX_NAMED = 5
_VERSION = re.compile(r"[A-Za-z][\w-]*/\d+\.\d+")


@dataclass(slots=True)
class Sightings:
    """One passive fault and the endpoints that show it; reported once, as one header is set in one place."""

    hit: Hit
    endpoints: list[str] = field(default_factory=list)


class Observer:
    """Looks at answers as they come. A fault of the app as a whole becomes one hit, with all who show it."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Sightings] = {}

    def look(self, endpoint: str, request: Request, response: Response) -> None:
        """Look at the answer of an endpoint ("GET /api/todos")."""
        if response.status == 0:
            return
        self._errors(endpoint, request, response)
        if response.status < 400:
            self._headers(endpoint, request, response)
        for cookie in response.cookies():
            self._cookie(endpoint, request, cookie)

    def note(self, endpoint: str, hit: Hit, subject: str = "") -> None:
        """Keep a hit of the app as a whole, once per rule and `subject`."""
        sighting = self._seen.setdefault((hit.rule, subject), Sightings(hit))
        if endpoint not in sighting.endpoints:
            sighting.endpoints.append(endpoint)

    def hits(self) -> list[Hit]:
        """Return what was seen; a message says how many more endpoints show the same."""
        found = []
        for sighting in self._seen.values():
            hit, more = sighting.hit, sighting.endpoints[1:]
            names = ", ".join(more[:MAX_NAMED]) + (", ..." if len(more) > MAX_NAMED else "")
            tail = f" (and {len(more)} more: {names})" if more else ""
            found.append(
                Hit(
                    rule=hit.rule,
                    endpoint=hit.endpoint,
                    where=hit.where,
                    what=hit.what + tail,
                    request=hit.request,
                    proof=hit.proof,
                )
            )
        return found

    def _headers(self, endpoint: str, request: Request, response: Response) -> None:
        def missing(rule: str, what: str) -> None:
            kind = response.content_type or "no content type"
            proof = f"status {response.status}, {kind}: not among its headers"
            self.note(endpoint, whole_hit(rule, endpoint, what, request, proof))

        if response.header("x-content-type-options").strip().lower() != "nosniff" and response.body:
            missing("header-content-type-options", "no X-Content-Type-Options: nosniff")
        policy = response.header("content-security-policy").lower()
        if response.is_markup and not policy:
            missing("header-content-security-policy", "a page without Content-Security-Policy")
        framed = response.header("x-frame-options") or "frame-ancestors" in policy
        if response.is_markup and not framed and "default-src 'none'" not in policy:
            missing("header-frame-options", "a page without X-Frame-Options or frame-ancestors")
        server = " ".join((response.header("server"), response.header("x-powered-by"))).strip()
        if _VERSION.search(server):
            what = "Server or X-Powered-By names versions"
            self.note(endpoint, whole_hit("header-server-version", endpoint, what, request, server[:200]))

    def _errors(self, endpoint: str, request: Request, response: Response) -> None:
        text = html.unescape(response.body).replace("\\n", "\n").replace('\\"', '"').replace("<br>", "\n")
        trace = around(_TRACES, text, before=0, after=240)
        if trace:
            hit = whole_hit(
                "error-page-stack-trace", endpoint, "an error shows the stack trace", request, trace
            )
            self.note(endpoint, hit)
        debugger = around(_DEBUGGERS, text)
        if debugger:
            self.note(endpoint, whole_hit("debug-mode", endpoint, "the debugger answers", request, debugger))

    def _cookie(self, endpoint: str, request: Request, cookie: str) -> None:
        head, _, rest = cookie.partition(";")
        name, _, value = head.partition("=")
        words = {part.partition("=")[0].strip().lower() for part in rest.split(";")}
        if not value.strip() or not _SESSION.search(name):  # deleted, or no key to anything
            return
        shown = f"Set-Cookie: {name}=...;{rest}"[:200]
        flags = [("cookie-httponly", "httponly", "HttpOnly"), ("cookie-samesite", "samesite", "SameSite")]
        flags.append(("cookie-secure", "secure", "Secure"))
        for rule, flag, title in flags:
            if flag not in words:
                what = f"the cookie {name} is set without {title}"
                self.note(endpoint, whole_hit(rule, endpoint, what, request, shown), name)


def whole_hit(rule: str, endpoint: str, what: str, request: Request, proof: str) -> Hit:
    """Return a hit about an endpoint as a whole."""
    return Hit(rule=rule, endpoint=endpoint, where="", what=what, request=request.shown(), proof=proof)
