"""The Python modules of a backend, parsed: who defines a name, also across files. Nothing is executed."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from pathlib import PurePosixPath

MAX_LINE = 50_000
"""Characters of one line: the parser's time grows with the square of it."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(slots=True)
class Module:
    """One parsed file."""

    name: str
    """Dotted, from the backend's folder down."""
    source: str
    """The file, relative to the app."""
    tree: ast.Module
    package: bool = False
    nodes: list[ast.AST] = field(default_factory=list)
    """All of its nodes."""
    definitions: dict[str, Definition] = field(default_factory=dict)
    """Functions and classes by name, methods and nested ones too unless a module-level name hides them."""
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    """What a name was first given, in any scope."""
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name -> module and name in it; the name is empty for a whole module."""

    def imports_from(self, package: str) -> bool:
        """Whether it imports `package` or something of it."""
        return any(origin.partition(".")[0] == package for origin, _ in self.imports.values())


def parse_module(name: str, source: str, content: bytes, *, package: bool = False) -> Module:
    """Parse one file.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: if it cannot be parsed.
    """
    if max(map(len, content.splitlines()), default=0) > MAX_LINE:
        raise ValueError(f"has a line of more than {MAX_LINE} characters")
    with warnings.catch_warnings(action="ignore"):  # an invalid escape is a warning, not a fault
        tree = ast.parse(content)
    module = Module(name, source, tree, package)
    module.nodes = list(ast.walk(tree))
    for node in module.nodes:  # breadth first, so the outermost definition of a name wins
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                module.definitions.setdefault(node.name, node)
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                module.assigned.setdefault(target, value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                module.assigned.setdefault(target, value)
            case ast.Import():
                for alias in node.names:
                    _import(module, alias)
            case ast.ImportFrom():
                origin = _origin(module, node)
                for alias in node.names:
                    module.imports.setdefault(alias.asname or alias.name, (origin, alias.name))
    return module


def _import(module: Module, alias: ast.alias) -> None:
    whole = alias.name if alias.asname else alias.name.partition(".")[0]
    module.imports.setdefault(alias.asname or whole, (whole, ""))


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + module.package]
    return ".".join([*kept, *([node.module] if node.module else [])])


@dataclass(slots=True)
class Project:
    """All modules of a backend."""

    modules: dict[str, Module] = field(default_factory=dict)

    def add(self, path: str, source: str, content: bytes) -> None:
        """Parse the file `path` (relative to the backend); see `parse_module` for what it raises."""
        parts = PurePosixPath(path).with_suffix("").parts
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts) or "__init__"
        self.modules[name] = parse_module(name, source, content, package=package)

    def module(self, name: str) -> Module | None:
        """Return a module by its dotted name, as seen from the backend's folder or from one above it."""
        parts = name.split(".")
        for start in range(len(parts)):
            found = self.modules.get(".".join(parts[start:]))
            if found is not None:
                return found
        ends = [module for key, module in self.modules.items() if key.endswith(f".{name}")]
        return ends[0] if name and len(ends) == 1 else None

    def locate(self, module: Module, node: ast.expr, depth: int = 6) -> tuple[Module, str] | None:
        """Return the module and name that an expression (`orders`, `orders.router`) stands for."""
        if depth == 0:
            return None
        match node:
            case ast.Name(id=name):
                return self._locate_name(module, name, depth)
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                origin = module.imports.get(name)
                inner = self._imported_module(*origin) if origin else None
                return self._locate_name(inner, attr, depth - 1) if inner else None
        return None

    def _locate_name(self, module: Module, name: str, depth: int) -> tuple[Module, str] | None:
        if name in module.assigned or name in module.definitions:
            return module, name
        origin = module.imports.get(name)
        inner = self.module(origin[0]) if origin and origin[1] else None
        if inner is None or origin is None or (inner is module and origin[1] == name):
            return None
        return self.locate(inner, ast.Name(id=origin[1]), depth - 1)

    def _imported_module(self, origin: str, name: str) -> Module | None:
        return self.module(f"{origin}.{name}" if name and origin else name or origin)

    def definition(self, module: Module, node: ast.expr) -> tuple[Module, Definition] | None:
        """Return the function or class that an expression names."""
        found = self.locate(module, node)
        if found is None or found[1] not in found[0].definitions:
            return None
        return found[0], found[0].definitions[found[1]]

    def text(self, module: Module, node: ast.expr | None, depth: int = 6) -> str | None:  # noqa: PLR0911 - one per kind of node
        """Return the text that an expression is known to be: a literal, a constant, a sum of both."""
        if node is None or depth == 0:
            return None
        match node:
            case ast.Constant(value=str(value)):
                return value
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                first, second = self.text(module, left, depth - 1), self.text(module, right, depth - 1)
                return None if first is None or second is None else first + second
            case ast.JoinedStr(values=values):
                parts = [self.text(module, value, depth - 1) for value in values]
                return None if None in parts else "".join(part for part in parts if part)
            case ast.FormattedValue(value=value):
                return self.text(module, value, depth - 1)
        found = self.locate(module, node)
        if found is None or found[1] not in found[0].assigned:
            return None
        return self.text(found[0], found[0].assigned[found[1]], depth - 1)

    def texts(self, module: Module, node: ast.expr | None) -> tuple[str, ...]:
        """Return the texts in a list, tuple or set that an expression is known to be."""
        if node is not None and not isinstance(node, ast.List | ast.Tuple | ast.Set):
            found = self.locate(module, node)
            module, node = (found[0], found[0].assigned.get(found[1])) if found else (module, None)
        if not isinstance(node, ast.List | ast.Tuple | ast.Set):
            return ()
        known = (self.text(module, item) for item in node.elts)
        return tuple(text for text in known if text is not None)
