"""Temporary folders for one task each."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.warden.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator


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
