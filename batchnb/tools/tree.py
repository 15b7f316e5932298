"""Walking a hostile folder: plain files only, within caps, through no link.

The walk goes through descriptors of opened folders, so that an app cannot swap a folder for a link in
between. It is iterative and holds one descriptor at a time, so neither depth nor width can exhaust anything.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOREIGN_FOLDERS = {
    ".git": "version control",
    ".hg": "version control",
    ".svn": "version control",
    "node_modules": "installed packages",
    "site-packages": "installed packages",
    "__pycache__": "compiled files",
}
"""Folders that are not looked into, by name, with what they are. Code may be hidden there: `Tree.foreign`."""

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """Bounds of one walk."""

    files: int = 5_000
    entries: int = 50_000
    file_bytes: int = 1 << 20
    total_bytes: int = 64 << 20
    depth: int = 24


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of the wanted kind, or a folder that was left out: content, or the reason why it has none."""

    parts: tuple[str, ...]
    """Names from the source down, as the file system has them."""
    content: bytes | None
    reason: str = ""
    is_folder: bool = False
    """Whether it is a folder that was not entered: it may hold files of the wanted kind."""

    @property
    def path(self) -> str:
        """The relative POSIX path, with undecodable bytes shown as backslash escapes."""
        return printable("/".join(self.parts))


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignFolder:
    """A folder that was not looked into."""

    path: str
    what: str
    files: int
    """Files of the wanted kind in it."""
    whole: bool
    """Whether all of it could be counted."""

    @property
    def gap(self) -> str:
        """What is missing because of it; empty if nothing is."""
        if self.files:
            return f"{self.what}, source files not read: {self.files}{'' if self.whole else ' or more'}"
        return "" if self.whole else f"{self.what}, could not be looked through"


@dataclass(slots=True)
class Tree:
    """One walk over `source`; iterate `files()` once, then, if they matter, `foreign()`."""

    source: Path
    suffixes: frozenset[str] | None
    """Lower-case file suffixes with the dot; None: every file is wanted."""
    caps: Caps = field(default_factory=Caps)
    names: frozenset[str] = frozenset()
    """Lower-case file names that are wanted whatever their suffix, such as "dockerfile"."""
    shallow: bool = False
    """Whether folders are passed over."""
    _foreign: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    _counting: bool = False
    """Name the files without reading them, and enter every folder."""
    _entries: int = 0
    _files: int = 0
    _bytes: int = 0

    def files(self) -> Iterator[TreeFile]:
        """Yield every wanted file, readable or not, folder by folder. A missing source yields nothing."""
        if self.source.is_symlink():
            yield TreeFile((), None, "is a link", is_folder=True)
            return
        if self.source.exists():
            yield from self._walk(())

    def foreign(self) -> Iterator[ForeignFolder]:
        """Yield the folders that `files()` did not enter, each with how many wanted files it holds."""
        counting = Tree(self.source, self.suffixes, self.caps, self.names, _counting=True)
        for parts, what in self._foreign:
            readable = [file.content is not None for file in counting._walk(parts)]
            yield ForeignFolder(
                path=printable("/".join(parts)), what=what, files=sum(readable), whole=all(readable)
            )

    def _walk(self, top: tuple[str, ...]) -> Iterator[TreeFile]:
        pending = [top]
        while pending:
            parts = pending.pop()
            try:
                handle = self._open(parts)
            except OSError as error:
                why = f"folder cannot be read: {error.strerror}"
                yield TreeFile(parts, None, why, is_folder=True)
                continue
            try:
                yield from self._folder(handle, parts, pending)
            finally:
                os.close(handle)

    def _open(self, parts: tuple[str, ...]) -> int:
        handle = os.open(self.source, _OPEN_FOLDER)
        for name in parts:
            try:
                inner = os.open(name, _OPEN_FOLDER, dir_fd=handle)
            finally:
                os.close(handle)
            handle = inner
        return handle

    def _folder(
        self, handle: int, parts: tuple[str, ...], pending: list[tuple[str, ...]]
    ) -> Iterator[TreeFile]:
        for name in sorted(os.listdir(handle)):
            self._entries += 1
            path = (*parts, name)
            if self._entries > self.caps.entries:
                why = f"more than {self.caps.entries} entries in all"
                yield TreeFile(parts, None, why, is_folder=True)
                pending.clear()
                return
            if _is_folder(handle, name):
                if self.shallow:
                    continue
                if name.lower() in FOREIGN_FOLDERS and not self._counting:
                    self._foreign.append((path, FOREIGN_FOLDERS[name.lower()]))
                elif len(path) > self.caps.depth:
                    why = f"deeper than {self.caps.depth} folders"
                    yield TreeFile(path, None, why, is_folder=True)
                else:
                    pending.append(path)
            elif self._is_wanted(name):
                yield TreeFile(path, b"") if self._counting else self._file(handle, path)
            elif not self.shallow and _is_linked_folder(handle, name):
                yield TreeFile(path, None, "is a link", is_folder=True)

    def _is_wanted(self, name: str) -> bool:
        return self.suffixes is None or suffix_of(name) in self.suffixes or name.lower() in self.names

    def _file(self, handle: int, path: tuple[str, ...]) -> TreeFile:
        if self._files >= self.caps.files:
            return TreeFile(path, None, f"more than {self.caps.files} files")
        try:
            # O_NONBLOCK: opening a FIFO must not wait for a writer
            opened = os.open(path[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
            with os.fdopen(opened, "rb") as file:
                reason = self._refuse(os.fstat(opened))
                content = None if reason else file.read(self.caps.file_bytes)
        except OSError as error:
            linked = error.errno == errno.ELOOP
            return TreeFile(path, None, "is a link" if linked else f"cannot be read: {error.strerror}")
        self._files += content is not None
        self._bytes += len(content or b"")
        return TreeFile(path, content, reason)

    def _refuse(self, status: os.stat_result) -> str:
        checks = [
            (not stat.S_ISREG(status.st_mode), "is not a regular file"),
            (status.st_nlink > 1, "is a hard link"),
            (status.st_size > self.caps.file_bytes, f"is larger than {self.caps.file_bytes} bytes"),
            (
                self._bytes + status.st_size > self.caps.total_bytes,
                f"over {self.caps.total_bytes} bytes in all",
            ),
        ]
        return next((reason for refused, reason in checks if refused), "")


def _is_folder(handle: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
    except OSError:
        return False  # gone since the listing; a file by that name will say why it cannot be read


def _is_linked_folder(handle: int, name: str) -> bool:
    """Whether `name` is a link to a folder: its files would otherwise be missing without a word."""
    try:
        linked = stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)
        return linked and stat.S_ISDIR(os.stat(name, dir_fd=handle).st_mode)
    except OSError:
        return False  # leads nowhere


def suffix_of(name: str) -> str:
    """Return the lower-case suffix of a file's name, with its dot; of `.js` it is all of it.

    pathlib says that such a file has none, but a program can import it.
    """
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if dot and (stem or suffix) else ""


def printable(path: str) -> str:
    """Return `path` as text that can be stored: undecodable bytes shown as backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
