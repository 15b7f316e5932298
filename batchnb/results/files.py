"""Files that we write for others: all or nothing, and what is wrong is said before any work is done."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator


def writable_target(path: str | os.PathLike[str], what: str) -> Path:
    """Return `path` as an absolute path at which a file can be put.

    Args:
        path: where the file is to be; one that exists will be replaced.
        what: what the path is called in an error, such as `report path`.

    Raises:
        InvalidValueError: if there cannot be a file.
    """
    target = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - resolve() would follow a link
    allowed = ""
    if target.is_dir():
        allowed = "it is a folder; name a file"
    elif not target.parent.is_dir():
        allowed = f"there is no folder {str(target.parent)!r}; make it first"
    elif not os.access(target.parent, os.W_OK):
        allowed = f"the folder {str(target.parent)!r} cannot be written to"
    if allowed:
        raise InvalidValueError(what, str(target), allowed)
    return target


@contextmanager
def replacing(target: Path, what: str) -> Iterator[Path]:
    """Give an empty file to write, which takes the place of `target` in one step at the end.

    On any failure the old file stays, and no other file is left.

    Raises:
        InvalidValueError: if the file cannot be written.
    """
    draft = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex}.tmp")
    try:
        draft.touch(exist_ok=False)
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise InvalidValueError(what, str(target), f"it cannot be written ({error.strerror})") from error
    finally:
        draft.unlink(missing_ok=True)
