"""An analyzer's options as text: what there are, and how one is given on a command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.analyzers.base import Options

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
    "pattern": "matching {}",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionInfo:
    """One option, as a form or a help text shows it."""

    name: str
    title: str
    description: str
    kind: str
    """In words: "whole number", "yes or no", "text", "list of texts", ..."""
    allowed: str
    """In words, such as "at least 1, at most 50"; empty: whatever is of that kind."""
    default: str
    """As JSON; empty: it has to be given."""


def describe_options(options: type[Options]) -> tuple[OptionInfo, ...]:
    """Return what an option schema says, in its order."""
    schema = options.model_json_schema()
    shared = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    return tuple(
        _info(name, _resolved(field, shared), is_required=name in required)
        for name, field in schema.get("properties", {}).items()
    )


def read_assignments(texts: Iterable[str], source: str) -> dict[str, dict[str, Any]]:
    """Return analysis -> option -> value for texts such as `performance.users=20`.

    A value is JSON where it can be read as such, and a text otherwise.

    Raises:
        InvalidValueError: for a text of another form.
    """
    values: dict[str, dict[str, Any]] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        analysis, dot, name = path.partition(".")
        if not (equals and dot and analysis and name):
            raise InvalidValueError("option", text, "write ANALYSIS.OPTION=VALUE", source)
        try:
            values.setdefault(analysis, {})[name] = json.loads(value)
        except ValueError:
            values.setdefault(analysis, {})[name] = value
    return values


def _info(name: str, field: dict[str, Any], *, is_required: bool) -> OptionInfo:
    bounds = [text.format(field[key]) for key, text in _BOUNDS.items() if key in field]
    if "enum" in field:
        bounds.append("one of " + ", ".join(map(str, field["enum"])))
    return OptionInfo(
        name=name,
        title=field.get("title", name),
        description=field.get("description", ""),
        kind=_kind(field),
        allowed=", ".join(bounds),
        default="" if is_required else json.dumps(field.get("default")),
    )


def _resolved(field: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return a field with what it refers to, and its one alternative to "nothing", written out."""
    found = dict(field)
    for other in (*found.pop("allOf", ()), *found.pop("anyOf", ())):
        if other.get("type") != "null":
            found = {**other, **found}
    if "$ref" in found:
        found = {**shared.get(found.pop("$ref").rpartition("/")[2], {}), **found}
    return found


def _kind(field: dict[str, Any]) -> str:
    kinds = {
        "boolean": "yes or no",
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "object": "names and values",
    }
    if field.get("type") == "array":
        inner = field.get("items", {}).get("type", "")
        return f"list of {kinds.get(inner, 'value')}s"
    return kinds.get(field.get("type", ""), "value")
