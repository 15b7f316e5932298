"""An analyzer's options: what there are, how a form or a command line gives one, what is wrong with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError
from pydantic_core import to_json, to_jsonable_python

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.analyzers.base import Options

Control = Literal["checkbox", "choice", "number", "text", "lines", "json", "secret"]
"""How a form asks for an option: a text of its own per kind; `lines`: one value a line; `json`: whatever has
no better one; `secret`: not at all, as options are kept with the job."""

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
    control: Control
    choices: tuple[Any, ...] = ()
    """The values of a `choice`, JSON-shaped."""
    nullable: bool = False
    """Whether it may also be nothing (null)."""
    texts_only: bool = False
    """Whether the values of `lines` are texts; otherwise each is JSON where it can be read as such."""
    required: bool = False
    initial: Any = None
    """The default as a JSON-shaped value, also where the schema cannot say it; None if it is required."""


def describe_options(options: type[Options]) -> tuple[OptionInfo, ...]:
    """Return what an option schema says, in its order."""
    schema = options.model_json_schema()
    shared = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    initial = _initial_values(options)
    return tuple(
        _info(name, field, shared, is_required=name in required, initial=initial.get(name))
        for name, field in schema.get("properties", {}).items()
    )


def option_faults(options: type[Options], values: Mapping[str, Any]) -> dict[str, str]:
    """Return option -> what is wrong with its value, in pydantic's words; "" stands for the whole.

    Unlike `check_options`, which raises for the first fault, this tells all of them.
    """
    try:
        options.model_validate_json(to_json(dict(values)))
    except ValidationError as error:
        faults: dict[str, str] = {}
        for found in error.errors(include_url=False, include_context=False):
            name, *inner = found["loc"] or ("",)
            place = f"item {inner[0] + 1}: " if inner and isinstance(inner[0], int) else ""
            faults.setdefault(str(name), place + found["msg"].removeprefix("Value error, "))
        return faults
    except ValueError as error:  # an object that JSON has no word for
        return {"": str(error)}
    return {}


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


def _initial_values(options: type[Options]) -> dict[str, Any]:
    """Return the defaults under the names that the schema uses, those of factories as well."""
    return {
        field.alias or name: to_jsonable_python(
            field.get_default(call_default_factory=True, validated_data={}), fallback=str
        )
        for name, field in options.model_fields.items()
        if not field.is_required()
    }


def _info(
    name: str, schema: dict[str, Any], shared: dict[str, Any], *, is_required: bool, initial: Any
) -> OptionInfo:
    field = _resolved(schema, shared)
    bounds = [text.format(field[key]) for key, text in _BOUNDS.items() if key in field]
    choices = tuple(field.get("enum", [field["const"]] if "const" in field else ()))
    if choices:
        bounds.append("one of " + ", ".join(map(str, choices)))
    alternatives = _alternatives(schema)
    is_union = len(alternatives) > 1
    nullable = len(alternatives) < len(schema.get("anyOf", ()))
    if nullable and field.get("type") == "boolean":  # a checkbox has no third state
        choices = (True, False)
    return OptionInfo(
        name=name,
        title=field.get("title", name),
        description=field.get("description", ""),
        kind="value" if is_union else _kind(field),
        allowed=", ".join(bounds),
        default="" if is_required else json.dumps(field.get("default")),
        control="json" if is_union else _control(field, choices),
        choices=choices,
        nullable=nullable,
        texts_only=field.get("items", {}).get("type") == "string",
        required=is_required,
        initial=initial,
    )


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [other for other in schema.get("anyOf", ()) if other.get("type") != "null"]


def _control(field: dict[str, Any], choices: tuple[Any, ...]) -> Control:
    if field.get("format") == "password" or field.get("writeOnly"):
        return "secret"
    if choices:
        return "choice"
    kind = field.get("type")
    if kind == "array":
        items = field.get("items", {})
        listed = items and "prefixItems" not in field and items.get("type") not in {"array", "object"}
        return "lines" if listed and "$ref" not in items else "json"
    plain: dict[Any, Control] = {
        "boolean": "checkbox",
        "integer": "number",
        "number": "number",
        "string": "text",
    }
    return plain.get(kind, "json")


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
