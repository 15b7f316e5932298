"""Source as coloured pieces: `[class, text]` pairs, never markup."""

from __future__ import annotations

from itertools import groupby
from pathlib import PurePosixPath

from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Number, String  # type: ignore[import-untyped]

from batchnb.results.text import shorten
from batchnb.tools.text import visible

MOST = 4_000
"""Most characters of a snippet that are shown."""
_LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".cjs": "javascript",
    ".mjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".tsx": "typescript",
    ".html": "html",
    ".css": "css",
    ".json": "json",
    ".yml": "yaml",
    ".yaml": "yaml",
    ".sh": "bash",
    ".sql": "sql",
}
_CLASSES = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (String, "string"),
    (Number, "number"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Builtin, "name"),
    (Name.Decorator, "name"),
)


def present_snippet(snippet: str, path: str) -> list[list[str]]:
    """Return untrusted source as `[class, text]` pairs; joined, the texts are what is to be shown.

    Args:
        snippet: the source.
        path: its file, whose ending says the language; of an unknown one there is one piece.
    """
    text = shorten(visible(snippet), MOST)
    language = _LANGUAGES.get(PurePosixPath(path).suffix.lower())
    if not text or language is None:
        return [["", text]] if text else []
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    coloured = ((_css_class(kind), part) for kind, part in lexer.get_tokens(text))
    return [
        [name, "".join(part for _, part in parts)] for name, parts in groupby(coloured, lambda pair: pair[0])
    ]


def _css_class(kind: object) -> str:
    return next((name for parent, name in _CLASSES if kind in parent), "")
