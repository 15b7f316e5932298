"""Replies that were given before: JSON files named by a hash of all that was asked, and of whom."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FORMAT = 1
_MAX_BYTES = 1 << 20
_KEY_NAME = "nonce.key"


class ReplyCache:
    """A folder of replies. One that cannot be read or written is as good as none; `trouble` says why."""

    def __init__(self, folder: Path | None) -> None:
        """Use `folder`, which is made when it is needed; None: remember nothing."""
        self._folder = folder
        self.trouble = ""

    def nonce(self, content: str) -> str:
        """Return 16 hex digits for this content that nobody can foretell who only wrote the content.

        With a folder they are the same each time, or nothing asked with them would ever be found again.
        """
        return hmac.new(self._secret(), content.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:16]

    @staticmethod
    def digest(asked: Mapping[str, Any]) -> str:
        """Return the name under which the reply to this is kept."""
        text = json.dumps([_FORMAT, asked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, digest: str) -> dict[str, Any] | None:
        """Return a reply that was put, or None."""
        if self._folder is None:
            return None
        try:
            with self._path(digest).open("rb") as file:
                found = json.loads(file.read(_MAX_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self.trouble = f"a reply in the cache cannot be read: {error}"[:200]
            return None
        return found if isinstance(found, dict) else None

    def put(self, digest: str, reply: Mapping[str, Any]) -> None:
        """Keep a reply."""
        text = json.dumps(reply).encode()
        if self._folder is not None and len(text) <= _MAX_BYTES:
            try:
                _write(self._path(digest), text)
            except OSError as error:
                self.trouble = f"the cache cannot be written: {error.strerror}"

    def _path(self, digest: str) -> Path:
        assert self._folder is not None  # noqa: S101 - the callers have looked
        return self._folder / digest[:2] / f"{digest}.json"

    def _secret(self) -> bytes:
        """Return this installation's own secret; one for this time only if it cannot be kept."""
        fresh = secrets.token_bytes(32)
        if self._folder is None:
            return fresh
        path = self._folder / _KEY_NAME
        try:
            if not path.exists():
                _write(path, fresh, replace=False)
            kept = path.read_bytes()
        except OSError as error:
            self.trouble = f"the cache cannot be used: {error.strerror}"
            return fresh
        if len(kept) != len(fresh):
            self.trouble = f"the cache cannot be used: {_KEY_NAME} in it is damaged"
            return fresh
        return kept


def _write(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that only we can read, whole or not at all; `replace` one that is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        if replace:
            unfinished.replace(path)
        else:
            with suppress(FileExistsError):  # another process was first, and its secret counts
                path.hardlink_to(unfinished)
    finally:
        unfinished.unlink(missing_ok=True)
