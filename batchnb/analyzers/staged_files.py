"""Staged copies as plain data: which tool is for which file, and the way back from a tool's paths."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from batchnb.analyzers.raw import StagedFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batchnb.analyzers.raw import RawTarget
    from batchnb.analyzers.scanners.base import SourceTool
    from batchnb.tools.staging import StagedTree

FOLDER_MARK = "/"
"""The end of a path in `StagedFiles.unread` that is a folder's: it may hold files of any kind."""


def staged_files(tree: StagedTree) -> StagedFiles:
    """Return a staged copy's files as plain data; of what was left out, a folder's path ends in `/`."""
    return StagedFiles(
        origins=tree.origins,
        sources=tree.sources,
        not_utf8=tuple(sorted(tree.not_utf8)),
        unread=tuple(
            (path + FOLDER_MARK if path in tree.unread_folders else path, why) for path, why in tree.unread
        ),
        foreign=tree.foreign,
        silenced=tree.silenced,
    )


def texts_for(tool: SourceTool, files: StagedFiles) -> dict[str, str]:
    """Return the texts of the files that a tool is for, by their paths in the app."""
    return {origin: files.sources[path] for path, origin in files.origins.items() if tool.is_for(origin)}


def eligible(tool: SourceTool, files: StagedFiles) -> tuple[list[str], list[tuple[str, str]]]:
    """Return which staged paths a tool is for, and which files for it were left out, with the reasons.

    A folder that was left out may have anything in it, so it counts for every tool.
    """
    staged = [path for path, origin in files.origins.items() if tool.is_for(origin)]
    left_out = [
        (path.removesuffix(FOLDER_MARK), why)
        for path, why in files.unread
        if path.endswith(FOLDER_MARK) or tool.is_for(path)
    ]
    return staged, left_out


def has_file_for(tool: SourceTool, target: RawTarget) -> bool:
    """Whether an app has a staged file that a tool is for."""
    return target.files is not None and any(map(tool.is_for, target.files.origins.values()))


def place_in(root: str, reported: str) -> tuple[int, str]:
    """Return which app of a call a reported path belongs to, and the path in its copy; -1: to none."""
    path = PurePosixPath(reported)
    if path.is_absolute() and path.is_relative_to(root):
        path = path.relative_to(root)
    folder, *inner = path.parts or ("",)
    is_app = folder.isascii() and folder.isdigit() and ".." not in inner
    return (int(folder), "/".join(inner)) if is_app else (-1, reported)


class Gathered:
    """The folders of some apps under one root while a tool reads them; then they go back."""

    def __init__(self, root: Path, folders: Sequence[Path]) -> None:
        """Gather `folders` under the new folder `root`."""
        self._root, self._folders = root, folders

    def __enter__(self) -> Path:
        """Move them there; return the root."""
        self._root.mkdir(mode=0o700)
        for folder in self._folders:
            folder.rename(self._root / folder.name)
        return self._root

    def __exit__(self, *exc: object) -> None:
        """Move them back."""
        for folder in self._folders:
            (self._root / folder.name).rename(folder)
