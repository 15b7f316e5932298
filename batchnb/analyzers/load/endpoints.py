"""What a load test asks for: endpoints that the user named, or those that the app's routes give."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from batchnb.analyzers.load.options import EndpointOption
from batchnb.records.errors import InvalidValueError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from batchnb.tools.routes import Route

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_PATH = 2000
_PATH = re.compile(r"/(?!/)[!-~]*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# The client writes these itself; a second one would make two programs read two different requests.
_OWN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te"}
_PARAMETER = re.compile(r"\{([^{}]*)\}")
_ENDS_SESSION = re.compile(r"log[-_]?out|sign[-_]?out", re.IGNORECASE)
# What a field probably wants, by its name; the first match counts.
_VALUES: tuple[tuple[str, str | int | bool], ...] = (
    (r"mail", "load@example.invalid"),
    (r"pass(word|wd)?|secret", "Load-Test-77"),
    (r"url|uri|link|href|image|avatar|picture", "http://example.invalid/"),
    (r"date|deadline|due|day", "2030-01-31"),
    (r"^(is|has)_|done|complete|active|checked|enabled|public", True),
    (r"(^|_)ids?$|[a-z]Id$|^num|number|count|quantity|qty|price|cents|amount|page|limit|size|age$|year", 1),
    (r"position|stock|rating|score|priority|weight|duration|minutes|hours|effort", 1),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One request that is sent again and again."""

    method: str
    path: str
    """From the slash on, parameters filled in, with the query."""
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    weight: int = 1
    source: str = ""
    """File of the app that declares it, relative to the app; empty: it was named by the user."""
    line: int | None = None
    bare: str = ""
    """The path without a query that was made up, which may fit better; empty: there is no such."""

    @property
    def name(self) -> str:
        """Method and path: how it is called in results."""
        return f"{self.method} {self.path}"

    @property
    def without_query(self) -> Endpoint | None:
        """The same without a query that was made up; None: there is none."""
        return replace(self, path=self.bare, bare="") if self.bare else None


def named_endpoints(wanted: Iterable[str | Mapping[str, Any] | EndpointOption]) -> tuple[Endpoint, ...]:
    """Return the endpoints that a user named.

    Args:
        wanted: each a text ("GET /api/todos", or a path alone) or the values of an `EndpointOption`.

    Raises:
        InvalidValueError: for one that cannot be sent, or that is there twice.
    """
    endpoints = tuple(_named(each) for each in wanted)
    names = [endpoint.name for endpoint in endpoints]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidValueError("endpoint", min(twice), "it is named twice; give it a weight", "endpoints")
    return endpoints


def _named(wanted: str | Mapping[str, Any] | EndpointOption) -> Endpoint:
    values = wanted if isinstance(wanted, EndpointOption) else _values(wanted)
    method = values.method.upper()
    if method not in METHODS:
        raise InvalidValueError("endpoint method", method, f"one of {', '.join(METHODS)}", "endpoints")
    body, headers = _body(values.body), {**_checked(values.headers)}
    if body is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return Endpoint(method=method, path=_path(values.path), body=body, headers=headers, weight=values.weight)


def _values(wanted: str | Mapping[str, Any]) -> EndpointOption:
    given = wanted
    if isinstance(wanted, str):
        method, _, path = wanted.strip().rpartition(" ")
        given = {"method": method.strip() or "GET", "path": path}
    try:
        return EndpointOption.model_validate(given)
    except ValueError as error:
        rule = 'write "GET /path", or method, path, body, headers, weight'
        raise InvalidValueError("endpoint", wanted, rule, "endpoints") from error


def _path(path: str) -> str:
    if len(path) > MAX_PATH or not _PATH.fullmatch(path) or "\\" in path or "#" in path:
        rule = "it begins with one slash and has only plain characters: no space, backslash or fragment"
        raise InvalidValueError("endpoint path", path[:200], rule, "endpoints")
    return path


def _body(body: Any) -> str | None:
    if body is None or isinstance(body, str):
        return body
    return json.dumps(body)


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise InvalidValueError("header", name, "a header's name that the client does not write itself")
        if visible(value, one_line=True) != value or not value.isascii():
            raise InvalidValueError("header", name, "its value is plain text on one line")
    return headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The endpoints that the routes of an app give, and those that were left out, with the reasons."""

    endpoints: tuple[Endpoint, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """Asked for, but not possible: they count as not measured."""
    writes: int = 0
    """Routes that change data and were not wanted."""


def found_endpoints(routes: Sequence[Route], *, include_writes: bool, most: int) -> Found:
    """Return what can be asked of the routes: parameters filled in, bodies made from the names of the fields.

    Args:
        routes: of one app.
        include_writes: whether routes that change data are wanted too.
        most: how many endpoints are wanted, those that only read before the others.
    """
    chosen: dict[str, Endpoint] = {}
    left_out: list[tuple[str, str]] = []
    writes = 0
    for route in sorted(routes, key=lambda route: route.method not in SAFE):
        if route.method not in METHODS or route.method in {"HEAD", "OPTIONS"}:
            continue  # frameworks answer these themselves, beside the GET that is asked
        if route.method not in SAFE and not include_writes:
            writes += 1
            continue
        endpoint, reason = _tried(route)
        if endpoint is None:
            left_out.append((f"{route.method} {route.path}", reason))
        elif endpoint.name not in chosen and len(chosen) >= most:
            left_out.append((endpoint.name, f"beyond the limit of {most} endpoints"))
        else:
            chosen.setdefault(endpoint.name, endpoint)
    # What makes things comes first in the pre-flight check, so that the others find something.
    ordered = sorted(chosen.values(), key=lambda endpoint: endpoint.method != "POST")
    return Found(endpoints=tuple(ordered), left_out=tuple(left_out), writes=writes)


def _tried(route: Route) -> tuple[Endpoint | None, str]:
    """Return the endpoint of a route, or None and why there is none."""
    if reason := _unfit(route):
        return None, reason
    try:
        return _from_route(route), ""
    except InvalidValueError as error:
        return None, str(error)


def _unfit(route: Route) -> str:
    if _ENDS_SESSION.search(route.path):
        return "it would end the session"
    if route.file_fields:
        return "it takes a file; name it under endpoints with a body to include it"
    if route.method == "DELETE":
        return "it removes what the others ask for; name it under endpoints to include it"
    return ""


def _from_route(route: Route) -> Endpoint:
    whole = set(route.integers)

    def text(name: str) -> str:
        value = fitting(name, whole=name in whole)
        return str(value).lower() if isinstance(value, bool) else str(value)

    path = _PARAMETER.sub(lambda match: quote(text(match[1]), safe=""), route.path)
    query = "?" + urlencode({name: text(name) for name in route.query_params}) if route.query_params else ""
    body, headers = None, {}
    if route.body_fields:
        body = json.dumps({name: fitting(name, whole=name in whole) for name in route.body_fields})
        headers = {"Content-Type": "application/json"}
    elif route.form_fields:
        body = urlencode({name: text(name) for name in route.form_fields})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Endpoint(
        method=route.method,
        path=_path(_quoted(path) + query),
        body=body,
        headers=headers,
        source=route.source,
        line=route.line or None,
        bare=_path(_quoted(path)) if route.query_params else "",
    )


def _quoted(path: str) -> str:
    return quote(path, safe="/%+:;,@!$'()*~-._=&")


def fitting(name: str, *, whole: bool = False) -> str | int | bool:
    """Return a harmless value that a parameter or field of this name probably accepts."""
    if whole:
        return 1
    return next((value for words, value in _VALUES if re.search(words, name, re.IGNORECASE)), "load")
