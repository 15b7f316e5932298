"""Which inputs a Python handler reads by name: query, JSON, form, files, cookies, headers.

Followed are helper variables (`data = request.get_json() or {}`), helper functions with what is handed to
them, loops over known names, and decorators.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from batchnb.tools.routes.route import Budget, Fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from batchnb.tools.routes.modules import Definition, Function, Module, Project

MAX_CALLS = 5
"""Helper functions inside one another that are followed."""

_REQUEST = "request"
_ATTRIBUTES = {
    "args": "query",
    "query_params": "query",
    "form": "form",
    "json": "json",
    "values": "values",
    "files": "files",
    "cookies": "cookies",
    "headers": "headers",
}
_METHODS = {"get_json": "json", "json": "json", "form": "form"}
_RAW = frozenset({"data", "get_data", "stream", "body"})
_READERS = frozenset({"get", "getlist", "pop", "getone", "setdefault"})
_SAME = frozenset({"to_dict", "copy", "items", "dict"})

Kinds = dict[str, str]
"""Local variable -> what it holds: a kind of input, or `request` itself."""


class FieldReader:
    """Reads the handlers of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._budget = Budget()

    def read(self, module: Module, function: Function, kinds: Mapping[str, str] | None = None) -> Fields:
        """Return what `function` and its helpers read.

        Args:
            module: where it stands.
            function: the handler.
            kinds: parameters that hold an input, such as `{"req": "request"}`.
        """
        fields = Fields()
        reading = _Reading(self._project, fields, self._budget)
        reading.function(module, function, dict(kinds or {}))
        return fields


class _Reading:
    def __init__(self, project: Project, fields: Fields, budget: Budget) -> None:
        self._project, self._fields, self._budget = project, fields, budget
        self._seen: set[tuple[int, tuple[str, ...]]] = set()

    def function(self, module: Module, function: Function, kinds: Kinds, depth: int = MAX_CALLS) -> None:
        """Note what one function reads, and what those read that it calls."""
        key = (id(function), tuple(sorted(kinds)))
        if depth == 0 or key in self._seen:
            return
        self._seen.add(key)
        nodes = sorted(_inside(function), key=lambda node: getattr(node, "lineno", 0))
        self._budget.spend(len(nodes))
        scope = _Scope(self._project, module, kinds, self._budget)
        scope.learn(nodes)
        for node in nodes:
            self._note(scope, node)
        for node in [*nodes, *function.decorator_list]:
            call = node if isinstance(node, ast.Call) else None
            named = call.func if call else node
            if isinstance(named, ast.Name | ast.Attribute) and (call or node in function.decorator_list):
                self._follow(scope, named, call, depth)

    def _follow(self, scope: _Scope, named: ast.expr, call: ast.Call | None, depth: int) -> None:
        found = scope.callee(named)
        if found is None:
            return
        module, function = found
        self.function(module, function, _handed(scope, function, call), depth - 1)

    def _note(self, scope: _Scope, node: ast.AST) -> None:
        match node:
            case ast.Subscript(value=value, slice=key):
                self._add(scope, scope.kind(value), key)
            case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[key, *_]) if attr in _READERS:
                if self._add(scope, scope.kind(value), key) and _typed_int(node):
                    self._fields.integers.update(scope.names(key))
            case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[value]):
                self._add(scope, scope.kind(value), key)
            case ast.Call(func=ast.Name(id="int"), args=[inner, *_]):
                self._fields.integers.update(_keys_read(scope, inner))
            case ast.Attribute(attr="authorization", value=value) if scope.kind(value) == _REQUEST:
                self._fields.add("headers", "Authorization")
            case ast.Attribute(attr=attr, value=value) if attr in _RAW and scope.kind(value) == _REQUEST:
                self._fields.raw_body |= node not in scope.parsed

    def _add(self, scope: _Scope, kind: str | None, key: ast.expr) -> bool:
        if kind is None or kind == _REQUEST:
            return False
        for name in scope.names(key):
            self._fields.add(kind, name)
        return True


class _Scope:
    """What the variables of one function hold."""

    def __init__(self, project: Project, module: Module, kinds: Kinds, budget: Budget) -> None:
        self._project, self._module, self._kinds, self._budget = project, module, kinds, budget
        self._loops: dict[str, tuple[str, ...]] = {}
        self.parsed: set[ast.AST] = set()
        """Readings of the raw body that are parsed as JSON at once."""

    def learn(self, nodes: Sequence[ast.AST]) -> None:
        """Follow the assignments and loops of a function; twice, as they may stand in any order."""
        for _ in range(2):
            for node in nodes:
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value):
                        self._assign(name, value)
                    case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                        self._assign(name, value)
                    case ast.NamedExpr(target=ast.Name(id=name), value=value):
                        self._assign(name, value)
                    case ast.For(target=target, iter=over) | ast.comprehension(target=target, iter=over):
                        self._loop(target, over)

    def _assign(self, name: str, value: ast.expr) -> None:
        kind = self.kind(value)
        if kind:
            self._kinds.setdefault(name, kind)

    def _loop(self, target: ast.expr, over: ast.expr) -> None:
        if isinstance(target, ast.Name) and (names := self._project.texts(self._module, over)):
            self._loops[target.id] = names

    def names(self, key: ast.expr) -> tuple[str, ...]:
        """Return the names that a key can stand for."""
        if isinstance(key, ast.Name) and key.id in self._loops:
            return self._loops[key.id]
        text = self._project.text(self._module, key)
        return () if text is None else (text,)

    def callee(self, named: ast.expr) -> tuple[Module, Function] | None:
        """Return the function of the project that is called; of an object, its method if one name fits."""
        found = self._project.definition(self._module, named)
        if found is None and isinstance(named, ast.Attribute):
            found = self._method(named)
        if found is None or isinstance(found[1], ast.ClassDef):
            return None
        return found[0], found[1]

    def _method(self, named: ast.Attribute) -> tuple[Module, Definition] | None:
        """Return the method of `store.update` where `store = UserStore(...)` is known."""
        located = self._project.locate(self._module, named.value)
        made = located[0].assigned.get(located[1]) if located else None
        if located is None or not isinstance(made, ast.Call):
            return None
        owner = self._project.definition(located[0], made.func)
        if owner is None or not isinstance(owner[1], ast.ClassDef):
            return None
        methods = [item for item in owner[1].body if isinstance(item, _FUNCTIONS) and item.name == named.attr]
        return (owner[0], methods[0]) if methods else None

    def kind(self, node: ast.expr, depth: int = 8) -> str | None:  # noqa: PLR0911 - one per kind of node
        """Return what an expression holds; None: nothing that came with the request."""
        if depth == 0:
            return None
        match node:
            case ast.Name(id=name):
                return self._kinds.get(name) or (_REQUEST if name == _REQUEST else None)
            case ast.Attribute(value=ast.Name(id="flask"), attr="request"):
                return _REQUEST
            case ast.Attribute(value=value, attr=attr):
                return _ATTRIBUTES.get(attr) if self.kind(value, depth - 1) == _REQUEST else None
            case ast.BoolOp(values=values):
                return next(filter(None, (self.kind(value, depth - 1) for value in values)), None)
            case ast.IfExp(body=body, orelse=other):
                return self.kind(body, depth - 1) or self.kind(other, depth - 1)
            case ast.Await(value=value) | ast.NamedExpr(value=value):
                return self.kind(value, depth - 1)
            case ast.Call():
                return self._kind_of_call(node, depth)
        return None

    def _kind_of_call(self, node: ast.Call, depth: int) -> str | None:
        match node:
            case ast.Call(func=ast.Attribute(attr="loads"), args=[ast.expr() as text, *_]):
                raw = [part for part in ast.walk(text) if self._is_raw(part)]
                self.parsed.update(raw)
                return "json" if raw else None
            case ast.Call(func=ast.Name(id="dict"), args=[ast.expr() as value, *_]):
                return self.kind(value, depth - 1)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)):
                held = self.kind(value, depth - 1)
                if held == _REQUEST and attr in _METHODS:
                    return _METHODS[attr]
                if held not in {None, _REQUEST} and attr in _SAME:
                    return held
        found = self.callee(node.func)
        return self._kind_returned(*found, depth) if found else None

    def _kind_returned(self, module: Module, function: Function, depth: int) -> str | None:
        inner = _Scope(self._project, module, {}, self._budget)
        nodes = list(_inside(function))
        self._budget.spend(len(nodes))
        returned = (part.value for part in nodes if isinstance(part, ast.Return) and part.value)
        return next(filter(None, (inner.kind(value, min(depth - 1, 3)) for value in returned)), None)

    def _is_raw(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr in _RAW and self.kind(node.value) == _REQUEST


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _inside(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, those of functions inside it too."""
    for statement in function.body:
        yield from ast.walk(statement)


def _handed(scope: _Scope, function: Function, call: ast.Call | None) -> Kinds:
    """Return the parameters of `function` that get an input from this call."""
    if call is None:
        return {}
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if names[:1] in (["self"], ["cls"]):
        names = names[1:]
    given = [*zip(names, call.args, strict=False), *((word.arg, word.value) for word in call.keywords)]
    kinds = {name: scope.kind(value) for name, value in given if name}
    return {name: kind for name, kind in kinds.items() if kind}


def _typed_int(call: ast.Call) -> bool:
    return any(
        word.arg == "type" and isinstance(word.value, ast.Name) and word.value.id == "int"
        for word in call.keywords
    )


def _keys_read(scope: _Scope, node: ast.expr) -> Iterator[str]:
    """Yield the names that `data["x"]` or `data.get("x")` reads."""
    match node:
        case ast.Subscript(value=value, slice=key) if scope.kind(value):
            yield from scope.names(key)
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[key, *_]) if attr in _READERS:
            if scope.kind(value):
                yield from scope.names(key)
        case ast.BoolOp(values=[first, *_]):
            yield from _keys_read(scope, first)
