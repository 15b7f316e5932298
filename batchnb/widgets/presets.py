"""Saved settings of the form: one small JSON file beside the store, shared by all notebooks that use it."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from batchnb.records.errors import InvalidValueError, StorageError
from batchnb.results.files import replacing
from batchnb.results.text import shorten
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.making import taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_BYTES = 1_000_000
MOST_PRESETS = 200
MOST_NAME = 80
_LOCK_SECONDS = 3.0
_FORMAT: Literal["batchnb presets"] = "batchnb presets"


class Preset(BaseModel):
    """One saved form. What it names need not exist any more: that is looked up when it is loaded."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    apps: dict[str, str] | None = None
    """Model -> range text; None: whatever apps there are."""
    analyses: tuple[str, ...] = ()
    options: dict[str, dict[str, JsonValue]] = {}
    """Analysis -> option -> value, of those that were not at their default."""
    limits: dict[str, str] = {}
    """Analysis -> seconds per task, as typed; so are the following."""
    name: str = ""
    description: str = ""
    timeout: str = ""
    at_once: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["batchnb presets"]
    version: Literal[1]
    presets: dict[str, Preset]


class Presets:
    """The presets beside one store. Every call reads the file anew, so other notebooks' changes are seen."""

    def __init__(self, store: Path | None) -> None:
        """Keep presets beside the file `store`, as `presets.json`; None: only as long as this object lives.

        Beside a store that is not in a folder of ours the file is called `<store>.presets.json`.
        """
        ours = store is not None and store.parent.name == ".batchnb"
        self.path = store and store.with_name("presets.json" if ours else f"{store.name}.presets.json")
        self._in_memory: dict[str, Preset] = {}

    def read(self) -> dict[str, Preset]:
        """Return name -> preset, sorted by name.

        Raises:
            StorageError: if the file is not ours, is damaged, or cannot be read; it is not touched.
        """
        found = self._in_memory if self.path is None else _read(self.path)
        return dict(sorted(found.items()))

    def save(self, name: str, preset: Preset) -> None:
        """Keep `preset` as `name`, in place of one that has this name.

        Raises:
            InvalidValueError: if there can be no preset of this name, or one too many or too large.
            StorageError: as `read`, or if the file cannot be written.
        """
        name = name.strip()
        if not name or len(name) > MOST_NAME or not name.isprintable():
            allowed = f"1 to {MOST_NAME} characters that can be seen"
            raise InvalidValueError("name of a preset", shorten(name, MOST_NAME), allowed, "the form")
        with self._locked():
            self._write({**self.read(), name: preset})

    def delete(self, name: str) -> None:
        """Forget a preset.

        Raises:
            StorageError: if there is none of this name, or as `save`.
        """
        with self._locked():
            found = self.read()
            if found.pop(name, None) is None:
                raise StorageError(f"there is no preset {name!r} any more")
            self._write(found)

    def signature(self) -> object:
        """Return what differs once another notebook has changed the file."""
        try:
            found = self.path and self.path.lstat()
        except OSError as error:
            return error.errno
        return found and (found.st_ino, found.st_mtime_ns, found.st_size)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let nobody else change the file meanwhile, in this process or another."""
        if self.path is None:
            yield
            return
        try:
            lock = os.open(
                self.path.with_name(f".{self.path.name}.lock"),
                os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
        except OSError as error:
            raise StorageError(f"presets cannot be kept in {str(self.path)!r} ({error.strerror})") from error
        try:
            if not taken(lock, Deadline.after(_LOCK_SECONDS), CancelToken()):
                raise StorageError(f"another notebook is writing {str(self.path)!r}; try again")
            yield
        finally:
            os.close(lock)

    def _write(self, presets: Mapping[str, Preset]) -> None:
        if len(presets) > MOST_PRESETS:
            raise InvalidValueError("number of presets", len(presets), f"at most {MOST_PRESETS}", "the form")
        if self.path is None:
            self._in_memory = dict(presets)
            return
        text = _File(format=_FORMAT, version=1, presets=dict(presets)).model_dump_json(indent=1)
        if len(text.encode()) > MOST_BYTES:
            raise InvalidValueError("presets", f"{len(text):,} characters", "at most 1 MB in all", "the form")
        with replacing(self.path, "presets") as draft:
            draft.chmod(0o600)
            draft.write_text(text, encoding="utf-8")


def _read(path: Path) -> dict[str, Preset]:
    """Read a file that whoever made the apps may have put there: no link is followed, nothing waited for."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"presets in {str(path)!r} cannot be read ({error.strerror})") from error
    with os.fdopen(file, "rb") as opened:
        is_file = stat.S_ISREG(os.fstat(file).st_mode)
        content = opened.read(MOST_BYTES + 1) if is_file else b""
    if not is_file or len(content) > MOST_BYTES:
        raise _damaged(path, "it is too large" if is_file else "it is no file")
    try:
        return _File.model_validate_json(content).presets
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][:4])
        raise _damaged(path, shorten(f"{place}: {first['msg']}" if place else first["msg"], 200)) from None


def _damaged(path: Path, why: str) -> StorageError:
    return StorageError(
        f"{str(path)!r} is no file of presets that can be read ({why}); it was not touched: move it away"
    )
