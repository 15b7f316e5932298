"""A script as the rules see it: its tree, what its names stand for, and which values come from outside."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from ast_grep_py import SgRoot

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_LONGEST = 2_000
"""Characters of an expression that are looked at; what is longer is no single value."""
_MOST_NAMES = 5_000
_STEPS = 3
"""How many definitions are followed from a use to where its value comes from."""
_ANCESTORS = 60
_WORD = re.compile(r"(?<![.\w$])[A-Za-z_$][\w$]*")
_LEADING_NAME = re.compile(r"`\$\{([A-Za-z_$][\w$]*)\}")
_TEXT = re.compile(r"(?:'[^'\n]*'|\"[^\"\n]*\")")
_OUTSIDE = re.compile(
    r"URLSearchParams|\bsearchParams\b|\blocation\s*\.\s*(?:search|hash)\b|\bdocument\s*\.\s*referrer\b"
    r"|\bwindow\s*\.\s*name\b|\b(?:e|ev|evt|event|msg|message)\s*\.\s*data\b|\buseParams\s*\("
    r"|\brouter\s*\.\s*query\b|\breq\s*\.\s*(?:query|body|params)\b"
)
_CLEANED = re.compile(
    r"^\(*\s*(?:await\s+)?(?:[\w$]+\.)*(?:sanitize\w*|purify|escape\w*|encode\w*|DOMPurify\w*|xss)\s*[.(]",
    re.IGNORECASE,
)
_FUNCTIONS = frozenset(
    {"function_declaration", "function_expression", "arrow_function", "method_definition", "function"}
)
_NAMES = frozenset(
    {"identifier", "property_identifier", "member_expression", "string", "array_pattern", "object_pattern"}
)
_LITERALS = frozenset({"string", "number", "true", "false", "null", "undefined", "regex"})


class Script:
    """One file. `language` is ast-grep's: "tsx" (also for plain JavaScript) or "typescript"."""

    def __init__(self, text: str, language: str) -> None:
        self.root: SgNode = SgRoot(text, language).root()

    @cached_property
    def definitions(self) -> dict[str, list[SgNode]]:
        """Name -> the values it is declared with; a pattern's names stand for the whole value."""
        known: dict[str, list[SgNode]] = {}
        for node in self.root.find_all({"rule": {"kind": "variable_declarator"}})[:_MOST_NAMES]:
            name, value = node.field("name"), node.field("value")
            if name is not None and value is not None:
                for word in _WORD.findall(short(name)):
                    known.setdefault(word, []).append(value)
        for node in self.root.find_all({"rule": {"kind": "function_declaration"}})[:_MOST_NAMES]:
            name = node.field("name")
            if name is not None:
                known.setdefault(short(name), []).append(node)
        return known

    def resolve(self, node: SgNode) -> SgNode:
        """Return the value that a name stands for if it has exactly one definition, else the node itself."""
        for _ in range(_STEPS):
            values = self.definitions.get(short(node), []) if node.kind() == "identifier" else []
            if len(values) != 1:
                break
            node = values[0]
        return node

    def is_fixed(self, node: SgNode, steps: int = _STEPS) -> bool:
        """Whether a value is written in the source: a literal, or made of literals only."""
        kind = node.kind()
        if kind in _LITERALS:
            return True
        if kind == "template_string":
            return not any(child.kind() == "template_substitution" for child in node.children())
        if steps == 0:
            return False
        if kind == "identifier":
            value = self.resolve(node)
            return value.kind() not in {"identifier", *_FUNCTIONS} and self.is_fixed(value, steps - 1)
        if kind in {"binary_expression", "parenthesized_expression", "ternary_expression"}:
            return all(self.is_fixed(child, steps - 1) for child in node.named_children())
        return False

    def is_cleaned(self, node: SgNode) -> bool:
        """Whether a value comes out of a function that is named like one that makes text harmless."""
        return bool(_CLEANED.match(short(node)) or _CLEANED.match(short(self.resolve(node))))

    def is_from_outside(self, node: SgNode, steps: int = _STEPS) -> bool:
        """Whether a value can be chosen by somebody who sends the visitor a link or a message."""
        text = short(node)
        if _OUTSIDE.search(text):
            return True
        if steps == 0 or node.kind() in _FUNCTIONS:
            return False
        words = dict.fromkeys(_WORD.findall(_TEXT.sub("", text)))
        return any(
            self.is_from_outside(value, steps - 1)
            for word in list(words)[:10]
            for value in self.definitions.get(word, [])[:3]
        )

    def literal(self, node: SgNode) -> str | None:
        """Return the text of a string, also of one that a name stands for; None: it is no string."""
        value = self.resolve(node)
        if value.kind() == "string" or (value.kind() == "template_string" and self.is_fixed(value)):
            return short(value)[1:-1]
        return None

    def first_part(self, node: SgNode) -> SgNode:
        """Return what a value begins with: itself, or the leftmost part of a sum; names are resolved."""
        for _ in range(_STEPS * 2):
            value = self.resolve(node)
            first = value.child(0) if value.kind() == "binary_expression" else None
            if first is None:
                return value
            node = first
        return node

    def leader(self, node: SgNode) -> SgNode:
        """Return the value that decides where a text leads: `x` of `${x}/path` and of `x + path`."""
        first = self.first_part(node)
        if first.kind() == "template_string" and short(first).startswith("`${"):
            inner = next(child for child in first.children() if child.kind() == "template_substitution")
            return next(iter(inner.named_children()), first)
        return first

    def beginning(self, node: SgNode) -> str:
        """Return the literal text that a value begins with, "" if it begins with something else."""
        first = self.first_part(node)
        if first.kind() not in {"string", "template_string"}:
            return ""
        text = short(first)[1:].split("${")[0].rstrip("'\"`")
        name = _LEADING_NAME.match(short(first))
        values = self.definitions.get(name[1], []) if name and not text else []
        return self.beginning(values[0]) if len(values) == 1 and values[0].kind() == "string" else text


def short(node: SgNode) -> str:
    """Return the beginning of a node's text."""
    return node.text()[:_LONGEST]


def enclosing_function(node: SgNode) -> SgNode | None:
    """Return the nearest function around a node; None: there is none near."""
    above = node.parent()
    for _ in range(_ANCESTORS):
        if above is None or above.kind() in _FUNCTIONS:
            return above
        above = above.parent()
    return None


def is_function(node: SgNode) -> bool:
    """Whether a node is a function of any kind."""
    return node.kind() in _FUNCTIONS


def names_around(node: SgNode) -> list[str]:
    """Return the names that a value is given on its way out, up to that of the function it is made in.

    A function that is itself an argument has no name and is passed through; a component (with a capital) is
    named after what it shows, not after what is made in it.
    """
    names = []
    above = node.parent()
    for _ in range(_ANCESTORS):
        if above is None:
            break
        named = above.field("name") or above.field("key") or above.field("left")
        value = above.field("value") or above.field("right")
        of_function = is_function(above) or (value is not None and is_function(value))
        if named is not None and named.kind() in _NAMES:
            name = short(named)
            if not (of_function and name[:1].isupper()):
                names.append(name)
            if of_function:
                break
        above = above.parent()
    return names


def given(node: SgNode, name: str = "X") -> SgNode:
    """Return what stands in a shape's place `$X`.

    Raises:
        KeyError: if the shape has none of that name; a fault of the rule.
    """
    found = node.get_match(name)
    if found is None:
        raise KeyError(name)
    return found


def attribute_value(node: SgNode) -> SgNode | None:
    """Return the value of a JSX attribute: a string, or what stands between the braces."""
    values = node.named_children()[1:]
    if not values:
        return None
    inner = [child for child in values[0].named_children() if child.kind() != "comment"]
    return inner[0] if values[0].kind() == "jsx_expression" and inner else values[0]


def attributes(element: SgNode) -> dict[str, SgNode]:
    """Return the attributes of a JSX element that have a value, by name."""
    found = {}
    for child in element.named_children():
        value = attribute_value(child) if child.kind() == "jsx_attribute" else None
        name = child.child(0)
        if value is not None and name is not None:
            found[short(name)] = value
    return found
