"""Staging: a safe copy of a hostile folder for the tools to read (nothing is ever scanned in place).

Links, devices and configuration never reach a tool: only regular files with an allowed suffix are copied,
within caps, under names that a tool cannot misread. The copy remembers where each file came from, and every
file of the right kind that was left out, with the reason.
"""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from batchnb.tools.tree import Caps, Tree

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}(\.[a-z0-9]{1,8})?")
_LIKE_UTF8_IF_ASCII = frozenset({"ascii", "iso8859-1", "iso8859-15", "cp1252"})
# Names that mean something to a tool: excluded by default, or read as configuration.
_MAGIC_NAMES = frozenset({"cvs", "conftest.py", "sitecustomize.py", "usercustomize.py", "setup.py"})


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedTree:
    """A staged copy and the way back from its names to the app's."""

    root: Path
    origins: dict[str, str]
    """Path in the copy -> path in the app, both POSIX and relative."""
    not_utf8: frozenset[str] = frozenset()
    """Those paths in the copy whose content is not UTF-8, or that Python reads in another encoding."""
    unread: tuple[tuple[str, str], ...] = ()
    """Eligible files, and folders that hold some, that were left out: path in the app, reason."""
    foreign: tuple[tuple[str, str], ...] = ()
    """Folders without eligible files that are not the app's own: path in the app, what they are."""

    @property
    def eligible(self) -> int:
        """Number of files that the tools should have seen."""
        return len(self.origins) + len(self.unread)

    def origin(self, reported: str) -> str | None:
        """Return the app's path for a path that a tool reported; None if the tool names no staged file."""
        path = Path(reported)
        if path.is_absolute():
            if not path.is_relative_to(self.root):
                return None
            path = path.relative_to(self.root)
        return self.origins.get(path.as_posix())


def stage(
    source: Path, target: Path, *, suffixes: frozenset[str], prefix: str = "", caps: Caps | None = None
) -> StagedTree:
    """Copy the files of `source` with one of `suffixes` to the new folder `target`.

    Args:
        source: the folder to copy, for example `<app>/backend`. A link is refused.
        target: must not exist yet.
        suffixes: lower-case file suffixes with the dot, such as `{".py"}`.
        prefix: put before each original path, so that paths are relative to the app ("backend").
        caps: bounds on files, bytes and depth.

    Returns:
        The copy. A missing `source` gives an empty one.

    Raises:
        OSError: if the target cannot be written (disk full, no permission).
    """
    target.mkdir(mode=0o700, parents=True)
    tree = Tree(source, suffixes, caps or Caps())
    names = _Names(target)
    origins: dict[str, str] = {}
    not_utf8: set[str] = set()
    unread: list[tuple[str, str]] = []
    for file in tree.files():
        origin = str(PurePosixPath(prefix, file.path))
        if file.content is None:
            unread.append((origin, file.reason))
            continue
        destination = names.destination(file.parts)
        with destination.open("xb") as copy:
            copy.write(file.content)
        inner = destination.relative_to(target).as_posix()
        origins[inner] = origin
        if not _is_utf8(file.content, python=destination.suffix == ".py"):
            not_utf8.add(inner)
    foreign: list[tuple[str, str]] = []
    for folder in tree.foreign():
        listed = unread if folder.gap else foreign
        listed.append((str(PurePosixPath(prefix, folder.path)), folder.gap or folder.what))
    return StagedTree(
        root=target,
        origins=origins,
        not_utf8=frozenset(not_utf8),
        unread=tuple(unread),
        foreign=tuple(foreign),
    )


def _is_utf8(content: bytes, *, python: bool) -> bool:
    """Whether `content` means the same to Python and to a tool that knows UTF-8 only.

    A coding comment can make code of what such a tool takes for a comment, and so can a zero byte, at which
    some versions of Python end a line.
    """
    try:
        content.decode()
        if not python:
            return True
        if b"\0" in content:
            return False
        # Python ends lines at a lone CR too, detect_encoding does not
        lines = io.BytesIO(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        encoding = codecs.lookup(tokenize.detect_encoding(lines.readline)[0]).name
    except (UnicodeDecodeError, SyntaxError):
        return False
    return encoding in {"utf-8", "utf-8-sig"} or (encoding in _LIKE_UTF8_IF_ASCII and content.isascii())


class _Names:
    """Where each file goes: its own place and name where those are harmless, made-up ones elsewhere."""

    def __init__(self, target: Path) -> None:
        self._folders: dict[tuple[str, ...], Path] = {(): target}
        self._taken: dict[Path, set[str]] = {}

    def destination(self, parts: tuple[str, ...]) -> Path:
        folder = self._folder(parts[:-1])
        return folder / self._name(folder, parts[-1])

    def _folder(self, parts: tuple[str, ...]) -> Path:
        if parts not in self._folders:
            parent = self._folder(parts[:-1])
            folder = parent / self._name(parent, parts[-1])
            folder.mkdir(mode=0o700)
            self._folders[parts] = folder
        return self._folders[parts]

    def _name(self, folder: Path, name: str) -> str:
        taken = self._taken.setdefault(folder, set())
        safe, number = name, len(taken)
        while safe in taken or safe.lower() in _MAGIC_NAMES or not _SAFE_NAME.fullmatch(safe):
            suffix = PurePosixPath(name).suffix.lower()
            safe = f"staged_{number:05d}{suffix if re.fullmatch(r'[.][a-z0-9]{1,8}', suffix) else ''}"
            number += 1
        taken.add(safe)
        return safe
