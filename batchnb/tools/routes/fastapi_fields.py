"""Inputs that a FastAPI handler declares in its signature: types, pydantic bodies, Form, File, Header, ..."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.tools.routes.route import Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.tools.routes.modules import Function, Module, Project

MAX_DEPTH = 4
"""Dependencies inside one another, and base classes of a body, that are followed."""

_MARKS = {
    "Query": "query",
    "Form": "form",
    "File": "files",
    "Cookie": "cookies",
    "Header": "headers",
    "Path": "path",
    "Body": "json",
}
_OWN = frozenset({"Request", "Response", "WebSocket", "BackgroundTasks", "HTTPConnection", "SecurityScopes"})


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    annotation: ast.expr | None
    default: ast.expr | None


def signature_fields(
    project: Project, module: Module, function: Function, path: str, depth: int = MAX_DEPTH
) -> tuple[Fields, dict[str, str]]:
    """Return what the signature asks for, and the parameters that are the request itself.

    Args:
        project: all modules, to look up bodies and dependencies.
        module: where the handler stands.
        function: the handler or a dependency of it.
        path: with braces; its parameters are no query.
        depth: dependencies that may still be followed.
    """
    fields, kinds = Fields(), dict[str, str]()
    for parameter in _parameters(function):
        type_names = set(_names(parameter.annotation))
        if "Request" in type_names:
            kinds[parameter.name] = "request"
        elif not type_names & _OWN and f"{{{parameter.name}}}" not in path:
            _add(project, module, parameter, fields, path, depth)
        if "int" in type_names:
            fields.integers.add(parameter.name)
    return fields, kinds


def _add(
    project: Project, module: Module, parameter: _Parameter, fields: Fields, path: str, depth: int
) -> None:
    mark, call = _mark(parameter)
    if mark == "Depends":
        needed = call.args[0] if call and call.args else None
        found = project.definition(module, needed) if needed is not None else None
        if found and depth and not isinstance(found[1], ast.ClassDef):
            fields.update(signature_fields(project, found[0], found[1], path, depth - 1)[0])
        return
    if mark == "Security":
        fields.add("headers", "Authorization")
        return
    body = _body_class(project, module, parameter.annotation)
    if body and mark not in {"Query", "Header", "Cookie"}:
        kind = "form" if mark == "Form" else "json"
        for name, whole in body_fields(project, *body):
            fields.add(kind, name)
            if whole:
                fields.integers.add(name)
        return
    if "UploadFile" in _names(parameter.annotation):
        fields.add("files", parameter.name)
    elif mark == "Header":
        fields.add("headers", _alias(call) or _header(parameter.name))
    else:
        kind = _MARKS.get(mark) or ("json" if _is_object(parameter.annotation) else "query")
        fields.add(kind, _alias(call) or parameter.name)


def body_fields(
    project: Project, module: Module, model: ast.ClassDef, depth: int = MAX_DEPTH
) -> Iterator[tuple[str, bool]]:
    """Yield the fields of a pydantic model, those of its base classes first, and whether each is an int."""
    for base in model.bases if depth else ():
        found = project.definition(module, base)
        if found and isinstance(found[1], ast.ClassDef):
            yield from body_fields(project, found[0], found[1], depth - 1)
    for item in model.body:
        match item:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if not name.startswith("_"):
                if "ClassVar" not in (names := set(_names(annotation))) and name != "model_config":
                    alias = _alias(item.value) if isinstance(item.value, ast.Call) else None
                    yield alias or name, "int" in names


def _parameters(function: Function) -> Iterator[_Parameter]:
    plain = [*function.args.posonlyargs, *function.args.args]
    missing = [None] * (len(plain) - len(function.args.defaults))
    for argument, default in zip(plain, [*missing, *function.args.defaults], strict=True):
        yield _Parameter(argument.arg, argument.annotation, default)
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        yield _Parameter(argument.arg, argument.annotation, default)


def _mark(parameter: _Parameter) -> tuple[str, ast.Call | None]:
    """Return how the parameter is marked, by its default (`= Form(...)`) or inside `Annotated[...]`."""
    places = [parameter.default]
    match parameter.annotation:
        case ast.Subscript(slice=ast.Tuple(elts=[_, *marks])):
            places += marks
    for place in places:
        match place:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name in {*_MARKS, "Depends", "Security"}:
                    return name, place
    return "", None


def _body_class(
    project: Project, module: Module, annotation: ast.expr | None
) -> tuple[Module, ast.ClassDef] | None:
    """Return the class of the project that an annotation names, alone, or in `X | None` or `Annotated`."""
    for part in ast.walk(annotation) if annotation is not None else ():
        node = part
        if isinstance(part, ast.Constant) and isinstance(part.value, str):  # a name in quotes
            node = ast.Name(id=part.value)
        found = project.definition(module, node) if isinstance(node, ast.Name | ast.Attribute) else None
        if found and isinstance(found[1], ast.ClassDef):
            enumeration = any("Enum" in name for base in found[1].bases for name in _names(base))
            return None if enumeration else (found[0], found[1])
    return None


def _names(node: ast.expr | None) -> list[str]:
    """Return all names in an annotation, those in quotes too."""
    found = []
    for part in ast.walk(node) if node is not None else ():
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                found.append(name)
            case ast.Constant(value=str(text)) if text.isidentifier():
                found.append(text)
    return found


def _is_object(annotation: ast.expr | None) -> bool:
    """Whether a parameter without a mark is read from the body: a dictionary, or a list of something."""
    match annotation:
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            return name in {"dict", "Dict", "list", "List"}
    return False


def _alias(call: ast.Call | None) -> str | None:
    for word in call.keywords if call else ():
        if word.arg in {"alias", "validation_alias"} and isinstance(word.value, ast.Constant):
            return str(word.value.value)
    return None


def _header(name: str) -> str:
    """Return the header that a parameter's name stands for: `x_token` is `X-Token`."""
    return "-".join(part.capitalize() for part in name.split("_"))
