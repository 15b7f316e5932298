"""Routes of Flask and FastAPI backends, from their syntax trees."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.tools.routes.fastapi_fields import signature_fields
from batchnb.tools.routes.request_fields import FieldReader
from batchnb.tools.routes.route import MAX_ROUTES, Fields, Route, make_route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from batchnb.tools.routes.modules import Function, Module, Project

_MAKERS = {"Flask": "flask", "Blueprint": "flask", "FastAPI": "fastapi", "APIRouter": "fastapi"}
_VERBS = {verb: verb.upper() for verb in ("get", "post", "put", "patch", "delete", "head", "options")}
_HOOKS = frozenset({"before_request", "after_request", "before_app_request", "after_app_request"})
_ATTACH = frozenset({"register_blueprint", "include_router"})
_CONVERTER = re.compile(r"<(?:(?P<kind>[A-Za-z_]\w*)(?:\([^<>]*\))?:)?(?P<name>[A-Za-z_]\w*)>")
_TYPED_BRACES = re.compile(r"\{(?P<name>[A-Za-z_]\w*):(?P<kind>[a-z]+)\}")
MAX_PREFIXES = 4
"""Places where one blueprint or router may be attached."""

Key = tuple[str, str]
"""Module and name of an application, blueprint or router."""


@dataclass(slots=True)
class _Part:
    """An application, blueprint or router."""

    framework: str
    prefix: str = ""
    attached: list[tuple[Key, str | None]] = field(default_factory=list)
    """To which others, and the prefix given there."""


@dataclass(frozen=True, slots=True)
class _Declared:
    """A path that the source gives to a handler, before prefixes."""

    module: Module
    owner: ast.expr
    path: str
    methods: tuple[str, ...]
    handler: Function | None
    line: int


class PythonRoutes:
    """Collects the routes of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._reader = FieldReader(project)
        self._parts: dict[Key, _Part] = {}
        self._known: dict[Key, list[str]] = {}
        modules = project.modules.values()
        users = {name: any(module.imports_from(name) for module in modules) for name in ("flask", "fastapi")}
        self._default = "fastapi" if users["fastapi"] and not users["flask"] else "flask"
        self._used = any(users.values())

    def routes(self) -> Iterator[Route]:
        """Yield every route; the same one may come twice. None if neither framework is imported."""
        if not self._used:
            return
        for module in self._project.modules.values():
            self._find_parts(module)
        for module in self._project.modules.values():
            self._find_attachments(module)
        hooks = self._hooks()
        for module in self._project.modules.values():
            for declared in self._declared(module):
                yield from self._made(declared, hooks)

    def _find_parts(self, module: Module) -> None:
        for name, value in module.assigned.items():
            maker = _called(value)
            if isinstance(value, ast.Call) and maker in _MAKERS:
                words = _keywords(value)
                given = words.get("url_prefix") or words.get("prefix")
                prefix = self._project.text(module, given) or ""
                self._parts[module.name, name] = _Part(_MAKERS[maker], prefix)

    def _find_attachments(self, module: Module) -> None:
        loops = _loops(module)
        for node in module.nodes:
            match node:
                case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=[part, *_]) if attr in _ATTACH:
                    words = _keywords(node)
                    given = words.get("url_prefix") or words.get("prefix")
                    prefix = self._project.text(module, given)
                    for one in loops.get(part.id, [part]) if isinstance(part, ast.Name) else [part]:
                        attached = self._key(module, one)
                        if attached in self._parts:
                            self._parts[attached].attached.append((self._key(module, owner), prefix))

    def _key(self, module: Module, node: ast.expr) -> Key:
        found = self._project.locate(module, node)
        return (found[0].name, found[1]) if found else (module.name, "")

    def _hooks(self) -> Fields:
        """Return what is read before or after every request, whichever handler answers it."""
        fields = Fields()
        for module in self._project.modules.values():
            for function in _functions(module):
                names = {_attribute(decorator) for decorator in function.decorator_list}
                if names & _HOOKS:
                    fields.update(self._reader.read(module, function))
        fields.raw_body = False
        return fields

    def _declared(self, module: Module) -> Iterator[_Declared]:
        for node in module.nodes:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield from self._decorated(module, node)
                case ast.ClassDef():
                    yield from self._decorated_class(module, node)
                case ast.Call(func=ast.Attribute(attr="add_url_rule" | "add_api_route")):
                    yield from self._rule(module, node)
                case ast.Call(func=ast.Attribute(attr="add_resource")):
                    yield from self._resource(module, node)

    def _decorated(self, module: Module, function: Function) -> Iterator[_Declared]:
        for decorator in function.decorator_list:
            declared = self._route_call(module, decorator)
            if declared:
                owner, path, methods, line = declared
                yield _Declared(module, owner, path, methods or ("GET",), function, line)

    def _decorated_class(self, module: Module, owner_class: ast.ClassDef) -> Iterator[_Declared]:
        for decorator in owner_class.decorator_list:
            declared = self._route_call(module, decorator)
            if declared:
                owner, path, _, _ = declared
                yield from _of_class(module, owner, path, owner_class)

    def _route_call(
        self, module: Module, node: ast.expr
    ) -> tuple[ast.expr, str, tuple[str, ...], int] | None:
        """Return owner, path, methods and line of `x.route("/p", methods=[...])` or `x.get("/p")`."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        attr, words = node.func.attr, _keywords(node)
        if attr not in {"route", "api_route", *_VERBS}:
            return None
        given = node.args[0] if node.args else words.get("rule") or words.get("path")
        path = self._project.text(module, given)
        if path is None or not (path.startswith("/") or path == ""):
            return None
        methods = (_VERBS[attr],) if attr in _VERBS else self._project.texts(module, words.get("methods"))
        return node.func.value, path, tuple(method.upper() for method in methods), node.lineno

    def _rule(self, module: Module, call: ast.Call) -> Iterator[_Declared]:
        words = _keywords(call)
        path = self._project.text(module, call.args[0] if call.args else words.get("rule"))
        view = words.get("view_func") or words.get("endpoint") or _last(call.args[1:])
        if path is None or view is None or not isinstance(call.func, ast.Attribute):
            return
        owner = call.func.value
        named = _viewed(view)
        found = self._project.definition(module, named)
        methods = tuple(name.upper() for name in self._project.texts(module, words.get("methods")))
        if found and isinstance(found[1], ast.ClassDef):
            for one in _of_class(found[0], owner, path, found[1]):
                if not methods or set(one.methods) & set(methods):
                    yield one
        elif found and not isinstance(found[1], ast.ClassDef):
            yield _Declared(module, owner, path, methods or ("GET",), found[1], call.lineno)
        elif found is None:
            yield _Declared(module, owner, path, methods or ("GET",), None, call.lineno)

    def _resource(self, module: Module, call: ast.Call) -> Iterator[_Declared]:
        """`api.add_resource(Todo, "/todos/<id>", ...)` of flask-restful."""
        if not call.args or not isinstance(call.func, ast.Attribute):
            return
        found = self._project.definition(module, call.args[0])
        if found and isinstance(found[1], ast.ClassDef):
            paths = (self._project.text(module, argument) for argument in call.args[1:])
            for path in filter(None, paths):
                yield from _of_class(found[0], call.func.value, path, found[1])

    def _made(self, declared: _Declared, hooks: Fields) -> Iterator[Route]:
        key = self._key(declared.module, declared.owner)
        part = self._parts.get(key) or _Part(self._default)
        fields = Fields()
        for prefix in self._prefixes(key):
            path, integers = plain_path(_joined(prefix, declared.path))
            fields.integers |= integers
            if declared.handler and not fields.names:
                fields.update(self._fields(declared.module, declared.handler, path, part.framework))
            fields.update(hooks)
            for method in declared.methods:
                yield make_route(
                    method=method,
                    path=path,
                    fields=fields,
                    source=declared.module.source,
                    line=declared.line,
                    framework=part.framework,
                )

    def _fields(self, module: Module, handler: Function, path: str, framework: str) -> Fields:
        if framework != "fastapi":
            return self._reader.read(module, handler)
        declared, kinds = signature_fields(self._project, module, handler, path)
        declared.update(self._reader.read(module, handler, kinds))
        return declared

    def _prefixes(self, key: Key) -> list[str]:
        """Return the prefixes of what is attached to `key`; each is worked out once, and no circle is run."""
        if key not in self._known:
            part = self._parts.get(key)
            self._known[key] = [""]
            self._known[key] = self._attached(part) if part else [""]
        return self._known[key]

    def _attached(self, part: _Part) -> list[str]:
        if not part.attached:
            return [part.prefix]
        prefixes = []
        for parent, given in part.attached[:MAX_PREFIXES]:
            for above in self._prefixes(parent):
                if part.framework == "flask":  # the prefix given on attaching replaces the blueprint's own
                    prefixes.append(_joined(above, part.prefix if given is None else given))
                else:
                    prefixes.append(_joined(_joined(above, given or ""), part.prefix))
        return list(dict.fromkeys(prefixes))[:MAX_PREFIXES]


def unique(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Return the first route for each method and path, sorted by path and method."""
    kept: dict[tuple[str, str], Route] = {}
    for route in routes:
        if len(kept) < MAX_ROUTES:
            kept.setdefault((route.path, route.method), route)
    return tuple(kept[key] for key in sorted(kept))


def plain_path(path: str) -> tuple[str, set[str]]:
    """Return a path with plain braces for its parameters, and the names of those that are whole numbers."""
    found = [*_CONVERTER.finditer(path), *_TYPED_BRACES.finditer(path)]
    integers = {match["name"] for match in found if match["kind"] == "int"}
    return _TYPED_BRACES.sub(r"{\g<name>}", _CONVERTER.sub(r"{\g<name>}", path)), integers


def _joined(prefix: str, path: str) -> str:
    joined = f"{prefix.rstrip('/')}/{path.lstrip('/')}" if path else prefix
    return joined if joined.startswith("/") or not joined else f"/{joined}"


def _of_class(module: Module, owner: ast.expr, path: str, view: ast.ClassDef) -> Iterator[_Declared]:
    """Yield one route per method of a class whose methods are named after those of HTTP."""
    for item in view.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name in _VERBS:
            yield _Declared(module, owner, path, (_VERBS[item.name],), item, item.lineno)


def _functions(module: Module) -> Iterator[Function]:
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _loops(module: Module) -> dict[str, list[ast.expr]]:
    """Return the variables of `for blueprint in (a, b):` with what they run over."""
    found: dict[str, list[ast.expr]] = {}
    for node in module.nodes:
        match node:
            case ast.For(target=ast.Name(id=name), iter=ast.List(elts=items) | ast.Tuple(elts=items)):
                found.setdefault(name, items)
    return found


def _called(node: ast.expr) -> str:
    """Return the last name of what is called: `Flask` of `flask.Flask(...)`."""
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
    return ""


def _attribute(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Call(func=ast.Attribute(attr=name)):
            return name
    return ""


def _viewed(node: ast.expr) -> ast.expr:
    """Return the class of `Todos.as_view("todos")`, or else what is given."""
    match node:
        case ast.Call(func=ast.Attribute(value=view, attr="as_view")):
            return view
    return node


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {word.arg: word.value for word in call.keywords if word.arg}


def _last(items: list[ast.expr]) -> ast.expr | None:
    return items[-1] if items else None
