"""The routes that the requirement list names ("GET /api/todos lists ..."), for sources that tell none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchnb.tools.requirement_list import requirements_of
from batchnb.tools.routes import Route

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAMED = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[!-~]{0,300})")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|:(\w+)")
_QUERY_NAME = re.compile(r"(\w+)=")


def required_routes(base: Path, app_num: int) -> tuple[Route, ...]:
    """Return the routes that the requirements of an app name; none if there is no such list."""
    return routes_in(requirements_of(base, app_num).texts)


def routes_in(texts: Iterable[str]) -> tuple[Route, ...]:
    """Return each method and path that the texts name, once."""
    found: dict[tuple[str, str], Route] = {}
    for text in texts:
        for method, named in _NAMED.findall(text):
            path, _, query = named.rstrip(".,;:)'\"").partition("?")
            path = _PARAMETER.sub(lambda match: "{" + (match[1] or match[2]) + "}", path)
            found.setdefault(
                (method, path),
                Route(
                    method=method,
                    path=path,
                    path_params=tuple(re.findall(r"\{(\w+)\}", path)),
                    query_params=tuple(dict.fromkeys(_QUERY_NAME.findall(query))),
                    source="",
                    line=0,
                    framework="",
                ),
            )
    return tuple(found.values())
