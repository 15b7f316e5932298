"""Finding out how an endpoint wants to be called, so that its own code is reached and not only its checks."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast.endpoints import Endpoint, Point, Shape, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.analyzers.dast.client import Client
    from batchnb.analyzers.dast.exchange import Response

_ENTRY_NAMES = ("username", "email", "password")
_USUAL_NAMES = ("name", "title", "text", "content", "description", "message", "email", "url")
MAX_VARIANTS = 8
MAX_KEPT = 6
_OBJECTS_DEEP = 4


@dataclass(slots=True)
class Known:
    """Values that the app itself gave away in answers, by name: ids and names that exist."""

    values: dict[str, list[Value]] = field(default_factory=lambda: defaultdict(list))

    def learn(self, response: Response) -> None:
        """Remember the plain values of a JSON answer."""
        if response.status < 400 and response.content_type == "application/json":
            try:
                self._walk(json.loads(response.body), 0)
            except (ValueError, RecursionError):
                return

    def value(self, name: str) -> Value | None:
        """Return a value that exists for a parameter of this name: `todo_id` may be an `id`."""
        names = (name, name.rpartition("_")[2], "id" if name.endswith("Id") else "")
        return next((self.values[key][0] for key in names if self.values.get(key)), None)

    def _walk(self, data: Any, depth: int) -> None:
        if depth > _OBJECTS_DEEP:
            return
        if isinstance(data, list):
            for item in data[:MAX_KEPT]:
                self._walk(item, depth + 1)
        elif isinstance(data, dict):
            for name, value in list(data.items())[:50]:
                if isinstance(value, (str, int)) and len(str(value)) < 100:
                    kept = self.values[str(name)]
                    if len(kept) < MAX_KEPT and value not in kept:
                        kept.append(value)
                else:
                    self._walk(value, depth + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """How an endpoint is called, and what it answers then."""

    shape: Shape
    response: Response

    @property
    def works(self) -> bool:
        """Whether the endpoint took the call."""
        return 0 < self.response.status < 400

    def value(self, point: Point) -> Value:
        """Return the harmless value that is sent at `point`."""
        return self.shape.values.get(point, self.shape.endpoint.usual(point.name))


def find_baseline(
    client: Client, endpoint: Endpoint, known: Known, given: dict[str, Value] | None = None
) -> Baseline:
    """Call an endpoint in a few ways; return the first that it took, or else the one that came furthest."""
    values = _first_values(endpoint, known, given or {})
    best = _called(client, Shape(endpoint=endpoint, values=values))
    if best.works:
        return best
    for shape in _others(endpoint, values, known, best.response):
        found = _called(client, shape)
        if found.works:
            return found
        best = min(best, found, key=lambda each: _rank(each.response))
    return best


def _called(client: Client, shape: Shape) -> Baseline:
    return Baseline(shape=shape, response=client.send(shape.request()))


def guess(client: Client, endpoint: Endpoint, given: dict[str, Value]) -> Endpoint:
    """Give an endpoint whose body is not known the usual field names, if its answer shows that it reads some.

    The answers to an empty object and to the usual names are compared; who answers both alike reads none.
    """
    takes = endpoint.method in {"POST", "PUT", "PATCH"} and not endpoint.leaves
    if not takes or endpoint.json or endpoint.form or endpoint.files or endpoint.raw_body:
        return endpoint
    guessed = replace(endpoint, json=_ENTRY_NAMES if endpoint.enters else _USUAL_NAMES)
    answers = []
    for shape in (
        Shape(endpoint=endpoint, values={}),
        Shape(endpoint=guessed, values=_usual(guessed, given)),
    ):
        response = client.send(shape.request())
        answers.append((response.status, response.body))
    same = answers[0] == answers[1] and not endpoint.enters  # a login says the same to all who fail
    return endpoint if same or answers[1][0] in {404, 405} else guessed


def _usual(endpoint: Endpoint, given: dict[str, Value]) -> dict[Point, Value]:
    return {point: given.get(point.name, endpoint.usual(point.name)) for point in endpoint.points}


def _rank(response: Response) -> int:
    """Order by how far a call came: stopped by a check of its values, by an error, at the door."""
    order = {400: 1, 422: 1, 409: 0, 500: 2}
    return order.get(response.status, 4 if response.refused else 3)


def _first_values(endpoint: Endpoint, known: Known, given: dict[str, Value]) -> dict[Point, Value]:
    """Return a harmless value for each point; in a path, one that exists."""
    values: dict[Point, Value] = {}
    for point in endpoint.points:
        usual = given.get(point.name, endpoint.usual(point.name))
        found = known.value(point.name) if point.place == "path" else usual
        values[point] = "1" if found is None else found
    return values


def _others(
    endpoint: Endpoint, values: dict[Point, Value], known: Known, answer: Response
) -> Iterator[Shape]:
    """Yield other ways to call an endpoint that did not take the first one, by what it answered."""
    if answer.status not in {400, 404, 409, 415, 422, 500}:
        return
    body = [point for point in values if point.place in {"json", "form"}]
    optional = [point for point in values if point.place != "path"]
    named = [point for point in optional if re.search(rf"\b{re.escape(point.name)}\b", answer.body)]
    existing = {point: known.value(point.name) for point in optional if answer.status == 404}
    shapes = [{**values, **{p: v for p, v in existing.items() if v is not None}}] if existing else []
    shapes += [_without(values, named)] if named and len(named) < len(optional) else []
    shapes += [{p: str(v) if p in body else v for p, v in values.items()}] if body else []
    shapes += [_without(values, [p for p in optional if p != only]) for only in named[:2] or optional[:3]]
    shapes += [_without(values, [point]) for point in optional[:2] if len(optional) > 1]
    yield from (Shape(endpoint=endpoint, values=shape) for shape in shapes[: MAX_VARIANTS - 2])
    if body and answer.status in {400, 415}:
        other = replace(endpoint, json=endpoint.form, form=endpoint.json)
        yield Shape(endpoint=other, values={_swapped(p): v for p, v in values.items()})


def _without(values: dict[Point, Value], dropped: list[Point]) -> dict[Point, Value]:
    return {point: value for point, value in values.items() if point not in dropped}


def _swapped(point: Point) -> Point:
    other = {"json": "form", "form": "json"}
    return Point(other.get(point.place, point.place), point.name)
