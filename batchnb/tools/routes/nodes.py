"""Looking around in tree-sitter's syntax trees without recursion, which deep nesting would exhaust."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tree_sitter

MAX_NODES = 400_000
"""Nodes of one file that are looked at."""


class Nodes:
    """The nodes of one file, by type, and what its names were first given."""

    def __init__(self, root: tree_sitter.Node) -> None:
        self._by_type: dict[str, list[tree_sitter.Node]] = {}
        self.assigned: dict[str, tree_sitter.Node] = {}
        """Variables with their first values, in any scope."""
        self.functions: dict[str, tree_sitter.Node] = {}
        for node in below(root, MAX_NODES):
            self._by_type.setdefault(node.type, []).append(node)
        for node in self.of("variable_declarator"):
            name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            if name is not None and value is not None and name.type == "identifier":
                self.assigned.setdefault(text(name), value)
        for node in self.of("function_declaration"):
            name = node.child_by_field_name("name")
            if name is not None:
                self.functions.setdefault(text(name), node)

    def of(self, kind: str) -> list[tree_sitter.Node]:
        """Return the nodes of one type, in the order of the source."""
        return self._by_type.get(kind, [])

    @property
    def calls(self) -> list[tree_sitter.Node]:
        """All calls."""
        return self.of("call_expression")


def below(root: tree_sitter.Node, most: int = MAX_NODES) -> Iterator[tree_sitter.Node]:
    """Yield `root` and the named nodes below it, in the order of the source, at most `most`."""
    pending = [root]
    while pending and most > 0:
        node = pending.pop()
        most -= 1
        yield node
        pending.extend(reversed(node.named_children))


def text(node: tree_sitter.Node) -> str:
    """Return the source of a node."""
    return (node.text or b"").decode("utf-8", "backslashreplace")


def literal(node: tree_sitter.Node, nodes: Nodes | None) -> str | None:
    """Return the text that a node is known to be: a string, a template without holes, a constant."""
    if node.type == "identifier" and nodes is not None and text(node) in nodes.assigned:
        node = nodes.assigned[text(node)]
    if node.type == "string" or (
        node.type == "template_string"
        and not any(child.type == "template_substitution" for child in node.named_children)
    ):
        return text(node)[1:-1]
    return None
