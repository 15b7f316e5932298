"""Folders that vanish with their task."""

# ruff: noqa: PTH101, PTH104, PTH106, PTH108 - pathlib would double the helper's start-up time

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from itertools import count


def remove_tree(root: bytes, until: float = math.inf) -> None:
    """Remove the folder `root` and all that is in it, however deep; leave silently what cannot be removed.

    Stops when the monotonic clock reads `until`; another call goes on from there.

    A hostile program can nest folders until `shutil.rmtree` runs out of stack and paths exceed what the
    system accepts. So nothing is walked: subfolders are moved up beside their parent until all lie flat.
    """
    serial, token = count(), os.urandom(8).hex().encode()
    with suppress(OSError):
        while entries := _list(root):
            for entry in entries:
                if time.monotonic() > until:
                    return
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                for inner in _list(entry.path):
                    if time.monotonic() > until:
                        return
                    _lift_or_unlink(inner, b"%s/%s-%d" % (root, token, next(serial)))
                os.rmdir(entry.path)
        os.rmdir(root)


def _list(folder: bytes) -> list[os.DirEntry[bytes]]:
    os.chmod(folder, 0o700)
    with os.scandir(folder) as entries:
        return list(entries)


def _lift_or_unlink(entry: os.DirEntry[bytes], target: bytes) -> None:
    if entry.is_dir(follow_symlinks=False):
        os.chmod(entry.path, 0o700)  # a folder changes its parent only if it is writable itself
        os.rename(entry.path, target)
    else:
        os.unlink(entry.path)
