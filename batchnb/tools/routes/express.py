"""Routes of Express backends, from tree-sitter's syntax trees of JavaScript and TypeScript."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import tree_sitter
import tree_sitter_javascript
import tree_sitter_typescript

from batchnb.tools.routes.express_fields import handler_fields
from batchnb.tools.routes.nodes import Nodes, below, literal, text
from batchnb.tools.routes.route import Budget, Fields, Route, make_route

if TYPE_CHECKING:
    from collections.abc import Iterator

_JAVASCRIPT = tree_sitter.Language(tree_sitter_javascript.language())
_LANGUAGES = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), _JAVASCRIPT),
    ".ts": tree_sitter.Language(tree_sitter_typescript.language_typescript()),
    ".mts": tree_sitter.Language(tree_sitter_typescript.language_typescript()),
}
SUFFIXES = frozenset(_LANGUAGES)
_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_PARAM = re.compile(r":(?P<name>[A-Za-z_]\w*)(?:\([^()]*\))?[?*+]?")
MAX_PREFIXES = 4
MAX_DEPTH = 8

Key = tuple[str, str]
"""File and local name of an application or router; the name `*` is what the file exports."""


@dataclass(slots=True)
class _Script:
    path: str
    source: str
    nodes: Nodes
    routers: set[str] = field(default_factory=set)
    """Local names of applications and routers."""
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name -> file that was asked for, and the name in it (`*`: what it exports as a whole)."""
    exported: str = ""
    """The local name that the file exports."""


@dataclass(slots=True)
class ExpressRoutes:
    """Collects the routes of one backend."""

    _scripts: dict[str, _Script] = field(default_factory=dict)
    _mounts: dict[Key, list[tuple[Key, str]]] = field(default_factory=dict)
    _known: dict[Key, list[str]] = field(default_factory=dict)
    _budget: Budget = field(default_factory=Budget)

    def add(self, path: str, source: str, content: bytes) -> None:
        """Parse the file `path` (relative to the backend).

        Raises:
            ValueError: if it has a syntax error.
        """
        parser = tree_sitter.Parser(_LANGUAGES[PurePosixPath(path).suffix.lower()])
        root = parser.parse(content).root_node
        script = _Script(path, source, Nodes(root))
        _learn(script)
        self._scripts[path] = script
        if root.has_error:  # what could be read of it is kept
            raise ValueError("has a syntax error; only part of it was read")

    def routes(self) -> Iterator[Route]:
        """Yield every route; the same one may come twice."""
        if not any(script.routers for script in self._scripts.values()):
            return
        for script in self._scripts.values():
            for call in script.nodes.calls:
                self._mount(script, call)
        for script in self._scripts.values():
            for call in script.nodes.calls:
                yield from self._declared(script, call)

    def _mount(self, script: _Script, call: tree_sitter.Node) -> None:
        """`app.use("/api", middleware, router)`, where the router may be `require("./file")`."""
        owner, verb = _method(call)
        if verb != "use" or owner is None or owner.type != "identifier":
            return
        arguments = _arguments(call)
        prefix = literal(arguments[0], script.nodes) if arguments else None
        for argument in arguments:
            key = self._key(script, argument)
            if key:
                above = (script.path, _own_name(script, text(owner)))
                self._mounts.setdefault(key, []).append((above, prefix or ""))

    def _key(self, script: _Script, node: tree_sitter.Node) -> Key | None:
        """Return the router that an expression stands for."""
        if node.type == "identifier":
            name = text(node)
            if name in script.routers:
                return script.path, _own_name(script, name)
            if name in script.imports:
                asked, inner = script.imports[name]
                return self._imported(script, asked, inner)
        if asked := _required(node):
            return self._imported(script, asked, "*")
        return None

    def _imported(self, script: _Script, asked: str, name: str) -> Key | None:
        found = self._file(script, asked)
        if found is None:
            return None
        return found.path, "*" if name in {"*", "default", found.exported} else name

    def _file(self, script: _Script, asked: str) -> _Script | None:
        if not asked.startswith("."):
            return None
        base = posixpath.normpath(posixpath.join(posixpath.dirname(script.path), asked))
        stem = base.removesuffix(".js")
        ends = [base, *(f"{base}{end}" for end in _LANGUAGES), f"{stem}.ts"]
        ends += [f"{base}/index{end}" for end in _LANGUAGES]
        return next((self._scripts[end] for end in ends if end in self._scripts), None)

    def _declared(self, script: _Script, call: tree_sitter.Node) -> Iterator[Route]:
        owner, verb = _method(call)
        if owner is None or verb not in {*_VERBS, "all"}:
            return
        arguments = _arguments(call)
        if owner.type == "identifier" and text(owner) in script.routers:
            path = literal(arguments[0], script.nodes) if len(arguments) > 1 else None
            name, handlers = text(owner), arguments[1:]
        else:  # router.route("/todos").get(handler).post(handler)
            name, path = _chained(owner, script)
            handlers = arguments
        if path is None or not path.startswith("/"):
            return
        yield from self._made(script, call, (name, path, verb), handlers)

    def _made(
        self,
        script: _Script,
        call: tree_sitter.Node,
        declared: tuple[str, str, str],
        handlers: list[tree_sitter.Node],
    ) -> Iterator[Route]:
        name, path, verb = declared
        fields = Fields()
        for handler in handlers:
            fields.update(handler_fields(handler, script.nodes, self._budget))
        for prefix in self._prefixes((script.path, _own_name(script, name))):
            for method in ("GET", "POST") if verb == "all" else (verb.upper(),):
                yield make_route(
                    method=method,
                    path=_PARAM.sub(r"{\g<name>}", _joined(prefix, path)),
                    fields=fields,
                    source=script.source,
                    line=call.start_point[0] + 1,
                    framework="express",
                )

    def _prefixes(self, key: Key) -> list[str]:
        """Return where a router is mounted; each is worked out once, and no circle is run."""
        if key not in self._known:
            self._known[key] = [""]
            found = [
                _joined(above, prefix) if prefix else above
                for parent, prefix in self._mounts.get(key, [])[:MAX_PREFIXES]
                for above in self._prefixes(parent)
            ]
            self._known[key] = list(dict.fromkeys(found))[:MAX_PREFIXES] or [""]
        return self._known[key]


def _learn(script: _Script) -> None:
    """Note which names are routers, where imported names come from, and what is exported."""
    for name, value in script.nodes.assigned.items():
        if value.type == "call_expression" and _called(value) in {"express", "Router"}:
            script.routers.add(name)
        elif asked := _required(value):
            script.imports[name] = (asked, "*")
    for node in script.nodes.of("import_statement"):
        origin = node.child_by_field_name("source")
        file = literal(origin, script.nodes) if origin is not None else None
        for clause in (child for child in node.named_children if child.type == "import_clause"):
            for inner in clause.named_children:
                _imported_names(script, inner, file or "")
    _learn_export(script)


def _learn_export(script: _Script) -> None:
    for node in script.nodes.of("export_statement"):
        value = node.child_by_field_name("value")
        if value is not None and value.type == "identifier":
            script.exported = text(value)
    for node in script.nodes.of("assignment_expression"):
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and right is not None and text(left) == "module.exports":
            script.exported = text(right) if right.type == "identifier" else script.exported


def _imported_names(script: _Script, node: tree_sitter.Node, asked: str) -> None:
    if node.type == "identifier":
        script.imports[text(node)] = (asked, "*")
    for one in node.named_children if node.type == "named_imports" else ():
        name, alias = one.child_by_field_name("name"), one.child_by_field_name("alias")
        if name is not None:
            script.imports[text(alias or name)] = (asked, text(name))


def _own_name(script: _Script, name: str) -> str:
    return "*" if name and name == script.exported else name


def _method(call: tree_sitter.Node) -> tuple[tree_sitter.Node | None, str]:
    """Return the object and the name of a method call."""
    function = call.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return None, ""
    name = function.child_by_field_name("property")
    return function.child_by_field_name("object"), text(name) if name else ""


def _called(call: tree_sitter.Node) -> str:
    """Return the last name of what is called: `Router` of `express.Router()`."""
    function = call.child_by_field_name("function")
    if function is None:
        return ""
    if function.type == "member_expression":
        return _method(call)[1]
    return text(function) if function.type == "identifier" else ""


def _arguments(call: tree_sitter.Node) -> list[tree_sitter.Node]:
    arguments = call.child_by_field_name("arguments")
    return [one for one in arguments.named_children if one.type != "comment"] if arguments else []


def _required(node: tree_sitter.Node) -> str:
    """Return the file of `require("./file")`, also `require("./file").router`."""
    for call in below(node, MAX_DEPTH):
        if call.type == "call_expression" and _called(call) == "require":
            arguments = _arguments(call)
            return (literal(arguments[0], None) or "") if arguments else ""
        if call.type not in {"call_expression", "member_expression"}:
            return ""
    return ""


def _chained(node: tree_sitter.Node, script: _Script) -> tuple[str, str | None]:
    """Return router and path of the `router.route("/p")` that a chain of methods begins with."""
    current: tree_sitter.Node | None = node
    while current is not None and current.type == "call_expression":
        owner, verb = _method(current)
        if verb == "route" and owner is not None and text(owner) in script.routers:
            arguments = _arguments(current)
            return text(owner), literal(arguments[0], script.nodes) if arguments else None
        current = owner
    return "", None


def _joined(prefix: str, path: str) -> str:
    if path in {"", "/"} and prefix:
        return prefix
    return f"{prefix.rstrip('/')}/{path.lstrip('/')}"
