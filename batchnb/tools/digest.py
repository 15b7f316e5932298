"""The digest of an app: whether two runs looked at the same files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from batchnb.tools.tree import Caps, Tree

if TYPE_CHECKING:
    from pathlib import Path

_CAPS = Caps(files=20_000, file_bytes=8 << 20, total_bytes=256 << 20)


def app_digest(path: Path) -> str:
    """Return `blake2b:` and 32 hex digits over the names and contents of an app's own files.

    Installed packages and version control are left out, as everywhere. What cannot be read counts by its
    name and the reason, so that two digests are equal only if the same was there to be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(Tree(path, None, _CAPS).files(), key=lambda each: each.parts):
        kind, content = (b"-", file.reason.encode()) if file.content is None else (b"+", file.content)
        for part in (kind, "/".join(file.parts).encode("utf-8", "surrogateescape"), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return f"blake2b:{digest.hexdigest()}"
