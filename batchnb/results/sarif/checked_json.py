"""Reading the JSON of a file that is not ours: bounded, and every value is asked for with its type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from batchnb.records.errors import ReportError
from batchnb.results.sarif.words import SARIF_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    Node = dict[str, Any]

_T = TypeVar("_T")
_WORDS = {dict: "an object", list: "an array", str: "a text", int: "a whole number", bool: "true or false"}


def read_log(path: Path, max_bytes: int) -> Node:
    """Return the SARIF log in a file.

    Raises:
        OSError: if the file cannot be read.
        ReportError: if it is too large, no JSON, nested too deeply, or no SARIF 2.1.0.
    """
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ReportError(f"{path.name!r} is larger than {max_bytes:,} bytes")
    try:
        log = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
    except RecursionError:
        raise ReportError(f"{path.name!r} is nested too deeply") from None
    except ValueError as error:
        raise ReportError(f"{path.name!r} is no JSON in UTF-8: {error}") from None
    if not isinstance(log, dict) or log.get("version") != SARIF_VERSION:
        found = f"; its version is {log.get('version')!r:.40}" if isinstance(log, dict) else ""
        raise ReportError(f"{path.name!r} is no SARIF {SARIF_VERSION} log{found}")
    return log


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def get(node: Node, key: str, kind: type[_T]) -> _T | None:
    """Return a member of an object; None: it has none, or null.

    Raises:
        ReportError: if it is of another type.
    """
    value = node.get(key)
    if value is None or type(value) is kind:
        return value
    raise ReportError(f"{key!r} is not {_WORDS[kind]}")


def part(node: Node, *keys: str) -> Node:
    """Return the object below `node` that the keys lead to; what is not there is an empty object.

    Raises:
        ReportError: if something on the way is no object.
    """
    for key in keys:
        node = get(node, key, dict) or {}
    return node


def parts(node: Node, key: str) -> list[Node]:
    """Return an array of objects; one that is not there is empty.

    Raises:
        ReportError: if it is no array, or one of its members is no object.
    """
    found = get(node, key, list) or []
    if not all(type(value) is dict for value in found):
        raise ReportError(f"a member of {key!r} is not an object")
    return found


def texts(node: Node, key: str) -> list[str]:
    """Return the texts of an array; members of other types count for nothing (tags of some tools)."""
    return [value for value in get(node, key, list) or [] if type(value) is str]


def pick(node: Node, key: str, index: int | None) -> Node:
    """Return the object at `index` of an array (SARIF's -1: none); an empty one if there is none.

    Only that one is looked at: it is asked for once per result, of arrays that may be long.

    Raises:
        ReportError: if the index points beyond the end, or at no object.
    """
    if index is None or index < 0:
        return {}
    found = get(node, key, list) or []
    if index >= len(found) or type(found[index]) is not dict:
        raise ReportError(f"the index {index} points at no object of {key!r}")
    picked: Node = found[index]
    return picked
