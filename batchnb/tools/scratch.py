"""Temporary folders for one task each."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from batchnb.tools.warden.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator


class LazyScratch:
    """A scratch folder that is made when `path` is first asked for, and removed with the `with` it is in.

    Most of what runs in a task needs no folder here, and making one costs more than all the rest.
    """

    def __init__(self) -> None:
        self._made: ExitStack | None = None
        self._path: Path | None = None

    def path(self) -> Path:
        """Return the folder."""
        if self._path is None:
            self._made = ExitStack()
            self._path = self._made.enter_context(scratch_folder())
        return self._path

    def __enter__(self) -> Self:
        """Return the folder-to-be."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Remove it, if it was made."""
        if self._made is not None:
            self._made.close()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a new empty folder that only we can read, and remove it afterwards, however deep it became.

    Not `tempfile.TemporaryDirectory`: that one is also removed when the interpreter ends, under the hands of
    tasks that are still being stopped.
    """
    root = Path(tempfile.mkdtemp(prefix="batchnb-"))
    try:
        yield root
    finally:
        remove_tree(os.fsencode(root))
