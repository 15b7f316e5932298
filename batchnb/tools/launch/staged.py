"""A copy of a backend to run: regular files only, through no link, within caps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.tools.tree import Caps, Tree

if TYPE_CHECKING:
    from pathlib import Path

CAPS = Caps(files=5_000, file_bytes=16 << 20, total_bytes=96 << 20)
# What a backend may need beside its code: templates, static files, data. Others (archives, programs) are not.
_SUFFIXES = frozenset(
    (
        *("", ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".map", ".wasm"),
        *(".html", ".htm", ".jinja", ".jinja2", ".j2", ".ejs", ".pug", ".hbs", ".mustache", ".css"),
        *(".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".env", ".txt", ".md"),
        *(".csv", ".tsv", ".xml", ".sql", ".db", ".sqlite", ".sqlite3", ".pem", ".crt", ".key", ".po"),
        *(".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp", ".woff", ".woff2", ".ttf"),
        *(".mo", ".otf", ".scss", ".mp3", ".mp4", ".wav", ".ogg", ".webm", ".pdf", ".zip"),
    )
)


def copy_backend(source: Path, target: Path) -> tuple[tuple[str, str], ...]:
    """Copy the backend's files to the new folder `target`; return what was left out, and why.

    Names are kept, as the app looks for them. Each is a single name from a listing, so none leads outside.
    """
    target.mkdir(mode=0o700)
    left_out = []
    tree = Tree(source, _SUFFIXES, CAPS)
    for file in tree.files():
        if file.content is None:
            left_out.append((file.path, file.reason))
            continue
        folder = target.joinpath(*file.parts[:-1])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / file.parts[-1]).write_bytes(file.content)
    return tuple(left_out)
