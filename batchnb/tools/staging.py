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
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from batchnb.tools.suppression import blunt
from batchnb.tools.tree import Caps, Tree, suffix_of

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}(\.[a-z0-9]{1,8})?")
_LIKE_UTF8_IF_ASCII = frozenset({"ascii", "iso8859-1", "iso8859-15", "cp1252"})
# Names that mean something to a tool: excluded by default, or read as configuration.
_MAGIC_NAMES = frozenset({"cvs", "conftest.py", "sitecustomize.py", "usercustomize.py", "setup.py"})
_MAGIC_SUFFIXES = frozenset({".json", ".jsonc", ".toml", ".ini", ".cfg", ".conf", ".yml", ".yaml", ".lock"})
_MAGIC_SCRIPT = re.compile(r"(?:^|[._-])(?:config|conf|rc|setup|plugin|preset|min)s?[.][cm]?[jt]sx?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedTree:
    """A staged copy and the way back from its names to the app's."""

    root: Path
    origins: dict[str, str]
    """Path in the copy -> path in the app, both POSIX and relative."""
    sources: dict[str, str] = field(default_factory=dict)
    """Path in the copy -> its text as the app has it, undecodable bytes as backslash escapes."""
    not_utf8: frozenset[str] = frozenset()
    """Those paths in the copy whose content is not UTF-8, or that Python reads in another encoding."""
    unread: tuple[tuple[str, str], ...] = ()
    """Eligible files, and folders that may hold some, that were left out: path in the app, reason."""
    unread_folders: frozenset[str] = frozenset()
    """Those paths of `unread` that are folders."""
    foreign: tuple[tuple[str, str], ...] = ()
    """Folders without eligible files that are not the app's own: path in the app, what they are."""
    silenced: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Path in the copy -> lines about which the app asked tools to be silent; 0: about the whole file."""


class Staging:
    """Makes one staged copy, of one folder or of several.

    Raises OSError if the copy cannot be written (disk full, no permission).
    """

    def __init__(self, target: Path, caps: Caps | None = None) -> None:
        """Make the new folder `target`, for what `add` copies within `caps`, counted for each call of it."""
        target.mkdir(mode=0o700, parents=True)
        self._target, self._caps = target, caps or Caps()
        self._names = _Names(target)
        self._origins: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._not_utf8: set[str] = set()
        self._unread: list[tuple[str, str]] = []
        self._unread_folders: set[str] = set()
        self._foreign: list[tuple[str, str]] = []
        self._silenced: dict[str, tuple[int, ...]] = {}

    def add(
        self,
        source: Path,
        *,
        suffixes: frozenset[str],
        names: frozenset[str] = frozenset(),
        prefix: str = "",
        shallow: bool = False,
    ) -> None:
        """Copy the wanted files of `source`; one that is missing has none, a link is refused.

        Args:
            source: the folder to copy, for example `<app>/backend`.
            suffixes: lower-case file suffixes with the dot, such as `{".py"}`.
            names: lower-case file names that are wanted too, such as `{"dockerfile"}`.
            prefix: put before each path, in the app and in the copy ("backend").
            shallow: leave its folders out.
        """
        tree = Tree(source, suffixes, self._caps, names, shallow)
        for file in tree.files():
            origin = str(PurePosixPath(prefix, file.path))
            if file.content is None:
                self._leave_out(origin, file.reason, is_folder=file.is_folder)
            else:
                self._copy((*PurePosixPath(prefix).parts, *file.parts), origin, file.content)
        for folder in () if shallow else tree.foreign():
            origin = str(PurePosixPath(prefix, folder.path))
            if folder.gap:
                self._leave_out(origin, folder.gap, is_folder=True)
            else:
                self._foreign.append((origin, folder.what))

    def _leave_out(self, origin: str, why: str, *, is_folder: bool) -> None:
        self._unread.append((origin, why))
        if is_folder:
            self._unread_folders.add(origin)

    def _copy(self, parts: tuple[str, ...], origin: str, content: bytes) -> None:
        destination = self._names.destination(parts)
        blunted, silenced = blunt(content)
        with destination.open("xb") as copy:
            copy.write(blunted)
        inner = destination.relative_to(self._target).as_posix()
        self._origins[inner] = origin
        self._sources[inner] = content.decode("utf-8", "backslashreplace")
        if silenced:
            self._silenced[inner] = silenced
        if not _is_utf8(content, python=destination.suffix == ".py"):
            self._not_utf8.add(inner)

    def tree(self) -> StagedTree:
        """Return what was copied."""
        return StagedTree(
            root=self._target,
            origins=self._origins,
            sources=self._sources,
            not_utf8=frozenset(self._not_utf8),
            unread=tuple(self._unread),
            unread_folders=frozenset(self._unread_folders),
            foreign=tuple(self._foreign),
            silenced=self._silenced,
        )


def stage(
    source: Path, target: Path, *, suffixes: frozenset[str], prefix: str = "", caps: Caps | None = None
) -> StagedTree:
    """Copy the files of one folder with one of `suffixes` to the new folder `target`; see `Staging`."""
    staging = Staging(target, caps)
    staging.add(source, suffixes=suffixes, prefix=prefix)
    return staging.tree()


def _is_utf8(content: bytes, *, python: bool) -> bool:
    """Whether `content` means the same to Python and to a tool that knows UTF-8 only.

    A coding comment can make code of what such a tool takes for a comment, and so can a zero byte, at which
    some versions of Python end a line.
    """
    try:
        content.decode()
        if b"\0" in content:  # in a script, most likely UTF-16 without a mark
            return False
        if not python:
            return True
        # Python ends lines at a lone CR too, detect_encoding does not
        lines = io.BytesIO(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        encoding = codecs.lookup(tokenize.detect_encoding(lines.readline)[0]).name
    except (UnicodeDecodeError, SyntaxError):
        return False
    return encoding in {"utf-8", "utf-8-sig"} or (encoding in _LIKE_UTF8_IF_ASCII and content.isascii())


def _is_magic(name: str) -> bool:
    """Whether a tool may take a file of this name for its configuration, or pass over it."""
    lower = name.lower()
    return (
        lower in _MAGIC_NAMES
        or PurePosixPath(lower).suffix in _MAGIC_SUFFIXES
        or bool(_MAGIC_SCRIPT.search(lower))
    )


class _Names:
    """Where each file goes: its own place and name where those are harmless, made-up ones elsewhere."""

    def __init__(self, target: Path) -> None:
        self._folders: dict[tuple[str, ...], Path] = {(): target}
        self._taken: dict[Path, set[str]] = {}

    def destination(self, parts: tuple[str, ...]) -> Path:
        folder = self._folder(parts[:-1])
        return folder / self._name(folder, parts[-1], suffix=suffix_of(parts[-1]))

    def _folder(self, parts: tuple[str, ...]) -> Path:
        if parts not in self._folders:
            parent = self._folder(parts[:-1])
            folder = parent / self._name(parent, parts[-1], suffix="")
            folder.mkdir(mode=0o700)
            self._folders[parts] = folder
        return self._folders[parts]

    def _name(self, folder: Path, name: str, *, suffix: str) -> str:
        taken = self._taken.setdefault(folder, set())
        safe, number = name, len(taken)
        is_safe = bool(_SAFE_NAME.fullmatch(name)) and not _is_magic(name)
        while safe in taken or not is_safe:
            safe = f"staged_{number:05d}{suffix if re.fullmatch(r'[.][a-z0-9]{1,8}', suffix) else ''}"
            number, is_safe = number + 1, True
        taken.add(safe)
        return safe
