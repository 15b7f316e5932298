"""Survey of apps, run as a program of its own: parsers get hostile text here, not in the notebook's kernel.

Reads `{"seconds": ..., "apps": [[key, folder], ...]}` from standard input; writes one JSON line per app to
standard output, in order, flushed after each, so that the caller can tell which app a crash belongs to. An
app that takes longer than `seconds` ends the process, like one that crashes a parser.
"""

from __future__ import annotations

import ast
import faulthandler
import json
import sys
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import tree_sitter
import tree_sitter_javascript
import tree_sitter_typescript

from batchnb.tools.layout import COMPOSE_NAMES
from batchnb.tools.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable

_LANGUAGES = {
    ".py": "Python",
    ".js": "JavaScript",
    ".jsx": "JavaScript",
    ".mjs": "JavaScript",
    ".cjs": "JavaScript",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
    ".html": "HTML",
    ".css": "CSS",
    ".json": "JSON",
}
# By convention these are JSON with comments, which a JSON parser rejects.
_COMMENTED_JSON = ("tsconfig", "jsconfig", "pyrightconfig")
_CODE = {"Python", "JavaScript", "TypeScript"}
PLACEHOLDER_LINES = 10
MAX_UNPARSED = 50

Fault = tuple[int | None, str]


@dataclass(slots=True)
class Survey:
    """What was found in one app; the fields are those of AppInfo."""

    key: int
    compose: bool
    files: int = 0
    lines_by_language: dict[str, int] = field(default_factory=dict)
    placeholder: bool = False
    unparsed: list[tuple[str, int | None, str]] = field(default_factory=list)
    skipped: int = 0


def survey_app(key: int, folder: Path) -> Survey:
    """Count the code of one app and try each file against its language's parser."""
    survey = Survey(key, any((folder / name).is_file() for name in COMPOSE_NAMES))
    lines: Counter[str] = Counter()
    for file in Tree(folder, frozenset(_LANGUAGES)).files():
        if file.content is None:
            survey.skipped += 1
            continue
        suffix = PurePosixPath(file.parts[-1]).suffix.lower()
        survey.files += 1
        lines[_LANGUAGES[suffix]] += count_lines(file.content, _LANGUAGES[suffix])
        parses = suffix in _PARSERS and not file.parts[-1].startswith(_COMMENTED_JSON)
        fault = _PARSERS[suffix](file.content) if parses else None
        if fault and len(survey.unparsed) < MAX_UNPARSED:
            survey.unparsed.append((file.path, *fault))
    survey.lines_by_language = dict(lines)
    survey.placeholder = sum(lines[language] for language in _CODE) < PLACEHOLDER_LINES
    return survey


def count_lines(content: bytes, language: str) -> int:
    """Return the number of lines that are neither blank nor only a line comment."""
    comment = b"#" if language == "Python" else b"//"
    stripped = (line.strip() for line in content.splitlines())
    return sum(1 for line in stripped if line and not line.startswith(comment))


def _python(content: bytes) -> Fault | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # an invalid escape is a warning, not a fault
            ast.parse(content)
    except SyntaxError as error:
        return error.lineno, str(error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return None, f"{type(error).__name__}: {error}"[:200]
    return None


def _json(content: bytes) -> Fault | None:
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return error.lineno, error.msg
    except (ValueError, RecursionError) as error:
        return None, f"{type(error).__name__}: {error}"[:200]
    return None


def _tree_sitter(language: object) -> Callable[[bytes], Fault | None]:
    parser = tree_sitter.Parser(tree_sitter.Language(language))

    def parse(content: bytes) -> Fault | None:
        root = parser.parse(content).root_node
        return (_error_line(root), "syntax error") if root.has_error else None

    return parse


def _error_line(root: tree_sitter.Node) -> int:
    """Return the 1-based line of the first error below `root`."""
    node = root
    while not (node.is_error or node.is_missing):
        inner = next((child for child in node.children if child.has_error), None)
        if inner is None:
            break
        node = inner
    return node.start_point[0] + 1


def _parsers() -> dict[str, Callable[[bytes], Fault | None]]:
    javascript = _tree_sitter(tree_sitter_javascript.language())
    tsx = _tree_sitter(tree_sitter_typescript.language_tsx())
    typescript = _tree_sitter(tree_sitter_typescript.language_typescript())
    return {
        ".py": _python,
        ".json": _json,
        ".ts": typescript,
        ".tsx": tsx,
        **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), javascript),
    }


_PARSERS = _parsers()


def main() -> None:
    """Survey the apps named on standard input."""
    asked: dict[str, Any] = json.load(sys.stdin)
    for key, folder in asked["apps"]:
        # A watchdog outside the interpreter: a parser that hangs in C code never lets a signal handler run.
        faulthandler.dump_traceback_later(asked["seconds"], exit=True)
        print(json.dumps(asdict(survey_app(key, Path(folder)))), flush=True)  # noqa: T201 - the output


if __name__ == "__main__":
    main()
