"""What a backend answers to: one record per method and path, with the names of what its handler reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from batchnb.records.errors import BatchnbError


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One method and path, as the source declares it."""

    method: str
    """In capitals."""
    path: str
    """With its parameters in braces: `/api/todos/{id}`."""
    path_params: tuple[str, ...] = ()
    query_params: tuple[str, ...] = ()
    body_fields: tuple[str, ...] = ()
    """Keys of the JSON object that the handler reads."""
    form_fields: tuple[str, ...] = ()
    file_fields: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    """Those read by name, also by what runs before or after every handler."""
    integers: tuple[str, ...] = ()
    """Names among the above that are read as whole numbers."""
    raw_body: bool = False
    """Whether the handler reads the body as it is."""
    source: str
    """The file, relative to the app."""
    line: int
    framework: str
    """`flask`, `fastapi` or `express`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteMap:
    """The routes of one backend, and what could not be looked at."""

    routes: tuple[Route, ...] = ()
    """Sorted by path and method; at most one per method and path."""
    unread: tuple[tuple[str, str], ...] = ()
    """Files that could not be read or parsed, with the reason: routes may be missing."""

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks of the routes, sorted."""
        return tuple(sorted({route.framework for route in self.routes}))


@dataclass(slots=True)
class Fields:
    """The names that a handler reads, in the order in which they were found."""

    names: dict[str, dict[str, None]] = field(default_factory=dict)
    integers: set[str] = field(default_factory=set)
    raw_body: bool = False

    def add(self, kind: str, name: str) -> None:
        """Note that `name` is read from the `kind` of input ("query", "json", "form", ...)."""
        if not name or len(name) > MAX_NAME:
            return
        for one in ("query", "form") if kind == "values" else (kind,):
            kept = self.names.setdefault(one, {})
            if len(kept) < MAX_FIELDS:
                kept[name] = None

    def update(self, other: Fields) -> None:
        """Take over what another one has."""
        for kind, names in other.names.items():
            for name in names:
                self.add(kind, name)
        self.integers |= other.integers
        self.raw_body |= other.raw_body

    def of(self, kind: str) -> tuple[str, ...]:
        """Return the names of one kind."""
        return tuple(self.names.get(kind, ()))


MAX_FIELDS = 100
"""Names of one kind per route."""
MAX_NAME = 100
"""Characters of a name; longer ones are none."""
MAX_ROUTES = 2_000
"""Routes of one backend."""


MAX_STEPS = 1_000_000
"""Nodes of syntax trees that are looked at to find what the handlers read: seconds, whatever the source."""


class TooLargeError(BatchnbError):
    """The source takes too long to look through."""


@dataclass(slots=True)
class Budget:
    """Bounds the work on a source that may have been made to take for ever."""

    steps: int = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Count some steps.

        Raises:
            TooLargeError: if there were too many.
        """
        self.steps -= steps
        if self.steps < 0:
            raise TooLargeError(f"more than {MAX_STEPS} steps")


def make_route(*, method: str, path: str, fields: Fields, source: str, line: int, framework: str) -> Route:
    """Return the route with what its handler reads. GET and HEAD have no body."""
    params = tuple(dict.fromkeys(name for name in _braced(path)))
    bodyless = method in {"GET", "HEAD"}
    known = {*params, *(name for names in fields.names.values() for name in names)}
    return Route(
        method=method,
        path=path,
        path_params=params,
        query_params=tuple(name for name in fields.of("query") if name not in params),
        body_fields=() if bodyless else fields.of("json"),
        form_fields=() if bodyless else fields.of("form"),
        file_fields=() if bodyless else fields.of("files"),
        cookies=fields.of("cookies"),
        headers=fields.of("headers"),
        integers=tuple(sorted(fields.integers & known)),
        raw_body=fields.raw_body and not bodyless,
        source=source,
        line=line,
        framework=framework,
    )


def _braced(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("{")[1:]]
