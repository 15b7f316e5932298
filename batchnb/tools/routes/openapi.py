"""Routes as an OpenAPI 3.0 document, which crawlers and fuzzers read as their list of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.tools.routes.route import Route

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_OWN_HEADERS = frozenset({"accept", "content-type", "authorization"})
_BODYLESS = frozenset({"GET", "HEAD"})


def openapi(routes: Iterable[Route], url: str) -> dict[str, Any]:
    """Return a document that describes `routes` as served at `url`.

    Types are known only as far as the source tells: a whole number, or else a text. Each has an example.

    Args:
        routes: of one backend; a method that OpenAPI does not know is left out.
        url: the origin, such as `http://127.0.0.1:5101`.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.method.lower() in _METHODS:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Routes found in the source", "version": "1"},
        "servers": [{"url": url}],
        "paths": paths,
    }


def _operation(route: Route) -> dict[str, Any]:
    places = {
        "path": route.path_params,
        "query": route.query_params,
        "cookie": route.cookies,
        "header": [name for name in route.headers if name.lower() not in _OWN_HEADERS],
    }
    operation: dict[str, Any] = {
        "summary": f"{route.source}:{route.line}",
        "parameters": [
            {"name": name, "in": place, "required": place == "path", "schema": _schema(route, name)}
            for place, names in places.items()
            for name in names
        ],
        "responses": {"default": {"description": "any answer"}},
    }
    content = _content(route)
    if content and route.method not in _BODYLESS:
        operation["requestBody"] = {"content": content}
    return operation


def _content(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.body_fields:
        content["application/json"] = {"schema": _object(route, route.body_fields)}
    if route.file_fields:
        schema = _object(route, route.form_fields)
        files = {name: {"type": "string", "format": "binary"} for name in route.file_fields}
        schema["properties"] |= files
        content["multipart/form-data"] = {"schema": schema}
    elif route.form_fields:
        content["application/x-www-form-urlencoded"] = {"schema": _object(route, route.form_fields)}
    if route.raw_body and not content:
        content["text/plain"] = {"schema": {"type": "string", "example": "a"}}
    return content


def _object(route: Route, names: Iterable[str]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: _schema(route, name) for name in names}}


def _schema(route: Route, name: str) -> dict[str, Any]:
    if name in route.integers:
        return {"type": "integer", "example": 1}
    return {"type": "string", "example": "1" if name in route.path_params else "a"}
