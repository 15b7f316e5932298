"""What is tested: a route of the app, the places in it that take a value, and how a request is built."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from batchnb.analyzers.dast.exchange import Request

Value = str | int | bool

_PARAMETER = re.compile(r"\{([^{}]+)\}")
_BOUNDARY = "batchnb-probe-boundary"
# Host names that cannot exist (RFC 2606): an app that follows them gets nowhere.
NOWHERE = "probe.invalid"
PASSWORD = "Pr0be-Pass-77"  # noqa: S105 - of accounts that the probe makes for itself
# What a field probably wants, by its name; the first match counts.
_BENIGN: tuple[tuple[str, Value], ...] = (
    (r"mail", f"probe@{NOWHERE}"),
    (r"pass(word|wd)?|secret", PASSWORD),
    (r"url|uri|link|href|website|image|avatar|picture", f"http://{NOWHERE}/probe.png"),
    (r"next|redirect|return|goto|continue", "/"),
    (r"date|deadline|due", "2030-01-31"),
    (r"phone|mobile", "5550100"),
    (r"^(is|has)_|done|complete|active|checked|enabled|public", True),
    (r"(^|_)ids?$|[a-z]Id$|^num|number|count|quantity|qty|price|cents|amount|page|limit|size|age$|year", 1),
    (r"effort|position|stock|rating|score|priority|weight|duration|minutes|hours", 1),
)


class Point(NamedTuple):
    """One place that takes a value."""

    place: str
    """path, query, json or form."""
    name: str

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"parameter {self.name}" if self.place != "json" else f"JSON field {self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One method on one path."""

    method: str
    path: str
    """With parameters in braces: `/api/todos/{id}`."""
    query: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    """Names among the above that only take a whole number."""
    raw_body: bool = False
    """Whether the body is read as it is."""
    crawled: bool = False

    @property
    def key(self) -> str:
        """Method and path: its identity."""
        return f"{self.method} {self.path}"

    @property
    def path_names(self) -> tuple[str, ...]:
        """The names of the parameters in the path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def points(self) -> tuple[Point, ...]:
        """Every place that takes a value, in the path, the query or the body, except files."""
        places = (("path", self.path_names), ("query", self.query), ("json", self.json), ("form", self.form))
        return tuple(Point(place, name) for place, names in places for name in names)

    @property
    def open_points(self) -> tuple[Point, ...]:
        """The points that are worth trying: a number in a path lets no text through."""
        return tuple(p for p in self.points if p.place != "path" or p.name not in self.integers)

    def usual(self, name: str) -> Value:
        """Return a harmless value for a field."""
        return 1 if name in self.integers else benign(name)

    @property
    def leaves(self) -> bool:
        """Whether it probably ends the session."""
        return re.search(r"log[-_]?out|sign[-_]?out", self.path, re.IGNORECASE) is not None

    @property
    def enters(self) -> bool:
        """Whether it probably begins a session or makes an account."""
        return (
            re.search(r"log[-_]?in|sign[-_]?(in|up)|regist|auth|token", self.path, re.IGNORECASE) is not None
        )

    def matches(self, path: str) -> bool:
        """Whether a concrete path is one of this endpoint's."""
        return is_path_of(self.path, path)


def is_path_of(template: str, path: str) -> bool:
    """Whether a concrete path fits a route's, segment by segment: no template can make that slow."""
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(map(_fits, wanted, given))


def _fits(template: str, text: str) -> bool:
    if "{" not in template:
        return template == text
    head, tail = template.partition("{")[0], template.rpartition("}")[2]
    return len(text) > len(head) + len(tail) and text.startswith(head) and text.endswith(tail)


def endpoint_from(route: dict[str, Any]) -> Endpoint:
    """Make an endpoint of a route record in JSON form. A body without known kind is JSON."""
    return Endpoint(
        method=str(route["method"]).upper(),
        path=str(route["path"]),
        query=tuple(route.get("query_params", ())),
        json=tuple(route.get("body_fields", ())),
        form=tuple(route.get("form_fields", ())),
        files=tuple(route.get("file_fields", ())),
        integers=tuple(route.get("integers", ())),
        raw_body=bool(route.get("raw_body", False)),
    )


def benign(name: str) -> Value:
    """Return a harmless value that a field of this name probably accepts."""
    return next((value for pattern, value in _BENIGN if re.search(pattern, name, re.IGNORECASE)), "probe")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A way to call an endpoint: which fields are sent, with which values, and how the body is written."""

    endpoint: Endpoint
    values: dict[Point, Value]
    file: tuple[str, bytes] = field(default=("probe.txt", b"probe\n"))

    def request(
        self, changes: dict[Point, Value] | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> Request:
        """Build the request with some values replaced; a point that the shape leaves out is added."""
        values = {**self.values, **(changes or {})}
        by_place: dict[str, dict[str, Value]] = {"path": {}, "query": {}, "json": {}, "form": {}}
        for point, value in values.items():
            by_place[point.place][point.name] = value
        path = _PARAMETER.sub(
            lambda match: quote(str(by_place["path"].get(match[1], 1)), safe=""), self.endpoint.path
        )
        query = f"?{urlencode(_texts(by_place['query']))}" if by_place["query"] else ""
        kind, body = self._body(by_place["json"], by_place["form"])
        typed = (("Content-Type", kind),) if body is not None else ()
        return Request(method=self.endpoint.method, path=path + query, headers=(*typed, *headers), body=body)

    def _body(self, json_values: dict[str, Value], form: dict[str, Value]) -> tuple[str, bytes | None]:
        if self.endpoint.method in {"GET", "HEAD", "DELETE"} and not (json_values or form):
            return "", None
        if self.endpoint.files:
            return f"multipart/form-data; boundary={_BOUNDARY}", self._multipart({**json_values, **form})
        if form:
            return "application/x-www-form-urlencoded", urlencode(_texts({**json_values, **form})).encode()
        return "application/json", json.dumps(json_values).encode()

    def _multipart(self, values: dict[str, Value]) -> bytes:
        name, content = self.file
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in values.items()
        ]
        for key in self.endpoint.files:
            head = f'Content-Disposition: form-data; name="{key}"; filename="{name}"'
            parts.append(f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
        return b"".join((*parts, f"--{_BOUNDARY}--\r\n".encode()))


def _texts(values: dict[str, Value]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()
    }
