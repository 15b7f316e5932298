"""An option between a form and an analyzer: what is typed, and the value that it means."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from batchnb.analyzers.option_schema import option_faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.analyzers.base import Options
    from batchnb.analyzers.option_schema import OptionInfo

Typed = str | bool
"""What stands in a field: whether its box is checked, or its text."""
UNSET: Final = object()
"""The option is not given, so its default holds."""
_NUMBER = re.compile(r"[-+]?\d{1,30}(\.\d{1,30})?([eE][-+]?\d{1,3})?", re.ASCII)


def typed_value(info: OptionInfo, value: Any) -> Typed:
    """Return what stands in the field when the option has `value`, which is JSON-shaped."""
    if info.control == "checkbox":
        return value is True
    if info.control == "choice":
        return "" if value is None else json.dumps(value)
    if value is None or info.control == "secret":
        return ""
    if info.control == "lines" and isinstance(value, list):
        return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in value)
    if isinstance(value, str) and info.control != "json":
        return value
    return json.dumps(value).removesuffix(".0")


def initial_value(info: OptionInfo) -> Typed:
    """Return what stands in the field at first: the default."""
    if info.required:
        return False if info.control == "checkbox" else ""
    return typed_value(info, info.initial)


def value_of(info: OptionInfo, typed: Typed) -> Any:
    """Return the value that `typed` means, or UNSET; what means none is handed on for pydantic to refuse."""
    if isinstance(typed, bool) or info.control == "checkbox":
        return typed
    if info.control == "secret":
        return UNSET
    if info.control == "lines":
        return _lines(info, typed)
    text = typed if info.control == "text" else typed.strip()
    if not text and (info.nullable or info.required or info.control != "text"):
        return None if info.nullable else UNSET
    return _read(info, text)


def read_options(
    options: type[Options], infos: Iterable[OptionInfo], typed: Mapping[str, Typed]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that differ from their defaults, and option -> what is wrong with it.

    Args:
        options: the schema.
        infos: its description.
        typed: option -> what stands in its field; one that is missing stands at its default.
    """
    values = {}
    for info in infos:
        value = value_of(info, typed.get(info.name, initial_value(info)))
        if value is not UNSET and (info.required or not _same(value, info.initial)):
            values[info.name] = value
    return values, option_faults(options, values)


def _read(info: OptionInfo, text: str) -> Any:
    if info.control == "text":
        return text
    if info.control == "number":
        return json.loads(text.lstrip("+")) if _is_number(text) else text
    return _json_or_text(text)


def _lines(info: OptionInfo, text: str) -> Any:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines and info.nullable and info.initial is None:
        return None
    return lines if info.texts_only else [_json_or_text(line) for line in lines]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_number(text: str) -> bool:
    """Whether JSON reads `text` as a number too: it knows no leading zeros."""
    return bool(_NUMBER.fullmatch(text)) and isinstance(_json_or_text(text.lstrip("+")), int | float)


def _same(value: Any, initial: Any) -> bool:
    return isinstance(value, bool) == isinstance(initial, bool) and value == initial
