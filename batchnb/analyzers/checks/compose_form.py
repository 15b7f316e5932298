"""Reading a compose file's nodes, with their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

if TYPE_CHECKING:
    from collections.abc import Iterator


def line_of(node: Node) -> int:
    """Return the line on which a node begins, counted from 1."""
    line: int = node.start_mark.line
    return line + 1


def text_of(node: Node | None) -> str:
    """Return the text of a scalar; empty if it is none."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def fields(node: Node | None) -> dict[str, Node]:
    """Return the values of a mapping by their names; none if it is no mapping."""
    if not isinstance(node, MappingNode):
        return {}
    return {text_of(key): value for key, value in node.value}


def items(node: Node | None) -> Iterator[Node]:
    """Yield the items of a list; of a single text, that text."""
    if isinstance(node, SequenceNode):
        yield from node.value
    elif isinstance(node, ScalarNode):
        yield node


def settings(node: Node | None) -> Iterator[tuple[str, str, Node]]:
    """Yield name, value and place of the variables of an `environment`, in either of its forms."""
    for name, value in fields(node).items():
        yield name, text_of(value), value
    for item in items(node):
        name, separator, value_text = text_of(item).partition("=")
        if separator:
            yield name, value_text, item
