"""Which inputs an Express handler reads by name: `req.query`, `req.body`, cookies, headers, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.tools.routes.nodes import Nodes, below, literal, text
from batchnb.tools.routes.route import Budget, Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tree_sitter

_KINDS = {"query": "query", "body": "json", "cookies": "cookies", "signedCookies": "cookies"}
_KINDS |= {"headers": "headers", "files": "files"}
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "function_declaration", "function"})
_NUMBERS = frozenset({"Number", "parseInt", "Number.parseInt"})
_UPLOADS = frozenset({"single", "array"})
MAX_DEPTH = 4
"""Helper functions inside one another that are followed."""


def handler_fields(node: tree_sitter.Node, nodes: Nodes, budget: Budget, depth: int = MAX_DEPTH) -> Fields:
    """Return what a handler, or a middleware before it, reads.

    Args:
        node: a function, the name of one, or a call such as `upload.single("file")`.
        nodes: the file that it stands in.
        budget: of the whole backend.
        depth: helpers that may still be followed.
    """
    fields = Fields()
    function = _function(node, nodes)
    if function is None:
        _middleware(node, nodes, fields)
        return fields
    request = _first_parameter(function)
    if not request:
        return fields
    reading = _Reading(request, nodes, fields)
    body = function.child_by_field_name("body")
    inside = list(below(body)) if body is not None else []
    budget.spend(len(inside))
    for one in inside:
        reading.learn(one)
    for one in inside:
        reading.note(one)
    for helper in reading.helpers(inside) if depth else ():
        fields.update(handler_fields(helper, nodes, budget, depth - 1))
    return fields


class _Reading:
    def __init__(self, request: str, nodes: Nodes, fields: Fields) -> None:
        self._request, self._nodes, self._fields = request, nodes, fields
        self._kinds: dict[str, str] = {}

    def learn(self, node: tree_sitter.Node) -> None:
        """Follow `const data = req.body` and `const { name, price } = req.body`."""
        if node.type != "variable_declarator":
            return
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        kind = self._kind(value) if value is not None else None
        if kind is None or name is None:
            return
        if name.type == "identifier":
            self._kinds.setdefault(text(name), kind)
        for item in name.named_children if name.type == "object_pattern" else ():
            self._add(kind, _pattern_name(item))

    def note(self, node: tree_sitter.Node) -> None:
        """Note `req.query.q`, `data["name"]`, `req.get("X-Token")` and `req.file`."""
        if node.type == "member_expression":
            owner, name = node.child_by_field_name("object"), node.child_by_field_name("property")
            if owner is None or name is None:
                return
            if text(owner) == self._request and text(name) == "file":
                self._add("files", "file")
            if kind := self._kind(owner):
                self._add(kind, text(name))
        elif node.type == "subscript_expression":
            owner, key = node.child_by_field_name("object"), node.child_by_field_name("index")
            kind = self._kind(owner) if owner is not None else None
            if kind and key is not None:
                self._add(kind, literal(key, self._nodes) or "")
        elif node.type == "call_expression":
            self._call(node)

    def _call(self, node: tree_sitter.Node) -> None:
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None or not arguments.named_children:
            return
        first = arguments.named_children[0]
        if text(function) in {f"{self._request}.get", f"{self._request}.header"}:
            self._add("headers", literal(first, self._nodes) or "")
        if text(function) in _NUMBERS and first.type == "member_expression":
            owner, name = first.child_by_field_name("object"), first.child_by_field_name("property")
            params = owner is not None and text(owner) == f"{self._request}.params"
            if owner is not None and name is not None and (params or self._kind(owner)):
                self._fields.integers.add(text(name))

    def helpers(self, inside: list[tree_sitter.Node]) -> Iterator[tree_sitter.Node]:
        """Yield the names of functions that get the request as their first argument."""
        for node in inside:
            if node.type != "call_expression":
                continue
            function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
            given = arguments.named_children[:1] if arguments is not None else []
            named = function is not None and function.type == "identifier"
            if function is not None and named and given and text(given[0]) == self._request:
                yield function

    def _kind(self, node: tree_sitter.Node) -> str | None:
        """Return what kind of input an expression holds."""
        if node.type == "identifier":
            return self._kinds.get(text(node))
        if node.type in {"binary_expression", "parenthesized_expression", "as_expression"}:
            inner = node.child_by_field_name("left") or next(iter(node.named_children), None)
            return self._kind(inner) if inner is not None else None
        if node.type == "member_expression":
            owner, name = node.child_by_field_name("object"), node.child_by_field_name("property")
            if owner is not None and name is not None and text(owner) == self._request:
                return _KINDS.get(text(name))
        return None

    def _add(self, kind: str, name: str) -> None:
        self._fields.add(kind, name)


def _function(node: tree_sitter.Node, nodes: Nodes) -> tree_sitter.Node | None:
    if node.type == "identifier":
        name = text(node)
        node = nodes.functions.get(name) or nodes.assigned.get(name) or node
    if node.type == "call_expression":  # asyncHandler(async (req, res) => ...)
        arguments = node.child_by_field_name("arguments")
        wrapped = arguments.named_children if arguments is not None else []
        node = next((one for one in wrapped if one.type in _FUNCTIONS), node)
    return node if node.type in _FUNCTIONS else None


def _middleware(node: tree_sitter.Node, nodes: Nodes, fields: Fields) -> None:
    """`upload.single("photo")` of multer names a file field."""
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    name = function.child_by_field_name("property") if function is not None else None
    arguments = node.child_by_field_name("arguments")
    if name is not None and text(name) in _UPLOADS and arguments is not None and arguments.named_children:
        fields.add("files", literal(arguments.named_children[0], nodes) or "")


def _first_parameter(function: tree_sitter.Node) -> str:
    single = function.child_by_field_name("parameter")
    if single is not None:
        return text(single)
    listed = function.child_by_field_name("parameters")
    first = listed.named_children[0] if listed is not None and listed.named_children else None
    if first is None:
        return ""
    pattern = first.child_by_field_name("pattern")  # TypeScript: a pattern with a type
    named = pattern or first
    return text(named) if named.type == "identifier" else ""


def _pattern_name(node: tree_sitter.Node) -> str:
    """Return the key of one item of `{ name, price: cents, note = "" }`."""
    if node.type == "pair_pattern":
        key = node.child_by_field_name("key")
        return text(key) if key is not None else ""
    if node.type == "object_assignment_pattern":
        left = node.child_by_field_name("left")
        return text(left) if left is not None else ""
    return text(node) if node.type == "shorthand_property_identifier_pattern" else ""
