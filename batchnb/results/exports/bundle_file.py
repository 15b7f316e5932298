"""Opening a bundle that somebody sent: what is in it is checked before it is believed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from batchnb.records.errors import InvalidValueError
from batchnb.results.bulk.arrow import encoded, frame_of, storable_type
from batchnb.results.bulk.blocks import shown
from batchnb.results.columns import FRAMES
from batchnb.results.dataset import FRAME_NAMES
from batchnb.tools.text import visible

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from batchnb.results.columns import Column

FORMAT = "batchnb-bundle"
FORMAT_VERSION = 1
"""Goes up whenever a frame's columns change."""
MANIFEST = "manifest.json"
MOST_ROWS = 50_000_000
MOST_BYTES = 8 << 30
"""Of one frame, unpacked: far above any batch, far below what a few forged bytes could ask for."""
_MOST_MANIFEST = 64 << 20
_MEMBERS = frozenset({MANIFEST, *(f"{name}.parquet" for name in FRAME_NAMES)})

Reader = Callable[[str], bytes]


@contextmanager
def open_bundle(path: str | os.PathLike[str]) -> Iterator[tuple[dict[str, Any], Reader]]:
    """Give the checked manifest of a bundle, and what reads a member by its name.

    Raises:
        InvalidValueError: for anything that is not a bundle of this version. Also for what is found wrong
            with its members while it is open.
    """
    file = Path(path).expanduser()
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive, file.stat().st_size)
            yield _read_manifest(archive.read(MANIFEST)), archive.read
    except _Refused as error:
        raise InvalidValueError("bundle", str(file), str(error)) from error
    except OSError as error:
        raise InvalidValueError("bundle", str(file), f"it cannot be read ({error.strerror})") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, pa.ArrowException) as error:
        raise InvalidValueError("bundle", str(file), f"not a bundle, or damaged ({error})") from error


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with a bundle, without its name."""


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse an archive with other members than ours, or with packed ones: they could unpack to anything."""
    names = [entry.filename for entry in archive.infolist()]
    if MANIFEST not in names:
        raise _Refused(f"not a bundle: it has no {MANIFEST}")
    odd = sorted(set(names) - _MEMBERS)
    if odd or len(names) != len(set(names)):
        raise _Refused(f"it has members that no bundle has: {odd[:1] or 'one name twice'}")
    entries = archive.infolist()
    packed = any(
        entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size
        for entry in entries
    )
    if packed or sum(entry.file_size for entry in entries) > size:
        raise _Refused("its members are larger than the file")
    if archive.getinfo(MANIFEST).file_size > _MOST_MANIFEST:
        raise _Refused(f"its {MANIFEST} is larger than {_MOST_MANIFEST:,} bytes")


def _read_manifest(content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _Refused(f"its {MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _Refused(f"its {MANIFEST} does not say that it is a {FORMAT}")
    found = manifest.get("version")
    if found != FORMAT_VERSION:
        raise _Refused(
            f"it has format version {found!r:.20} (of batchnb {manifest.get('batchnb')!r:.40}), this batchnb "
            f"knows {FORMAT_VERSION}"
        )
    frames = manifest.get("frames")
    if not isinstance(frames, dict) or set(frames) != set(FRAME_NAMES):
        raise _Refused(f"its {MANIFEST} does not list the frames {', '.join(FRAME_NAMES)}")
    if not isinstance(manifest.get("provenance"), dict):
        raise _Refused(f"its {MANIFEST} has no provenance")
    return manifest


def frame_from(name: str, described: object, read: Reader) -> pd.DataFrame:
    """Return one frame of an open bundle; `described` is what the manifest says about it."""
    columns = FRAMES[name]
    if not isinstance(described, dict):
        raise _Refused(f"its {MANIFEST} does not describe {name}")
    vocabularies = _vocabularies(name, described.get("columns"))
    try:
        content = read(f"{name}.parquet")
    except KeyError:
        raise _Refused(f"it lacks {name}.parquet") from None
    if hashlib.sha256(content).hexdigest() != described.get("sha256"):
        raise _Refused(f"{name}.parquet is damaged: its SHA-256 is not the one in {MANIFEST}")
    table = _read_table(name, columns, content, described.get("rows"))
    texts = {column.name for column in columns if column.dtype == "string"}
    arrays = {
        each: _text(f"{name}.{each}", table[each]) if each in texts else table[each]
        for each in table.column_names
    }
    try:
        return frame_of(columns, arrays, vocabularies)
    except InvalidValueError as error:
        raise _Refused(f"{name}: {error}") from error


def _vocabularies(name: str, described: object) -> Mapping[str, tuple[str, ...]]:
    """Return column -> the categories it had, of what the manifest says about a frame's columns."""
    said = (
        [each if isinstance(each, dict) else {} for each in described] if isinstance(described, list) else []
    )
    found = [(each.get("name"), each.get("dtype")) for each in said]
    declared = [(column.name, column.dtype) for column in FRAMES[name]]
    if found != declared:
        odd = next((pair for pair in found if pair not in declared), "too few of them, or in another order")
        raise _Refused(f"{name} does not have the columns of this batchnb: {odd!r:.80}")
    words: dict[str, Any] = {
        each["name"]: each.get("categories") for each in said if each["dtype"] == "category"
    }
    for column, vocabulary in words.items():
        if not _is_vocabulary(vocabulary):
            raise _Refused(f"the categories of {name}.{column} are not plain words, each once")
    return {column: tuple(vocabulary) for column, vocabulary in words.items()}


def _is_vocabulary(words: Any) -> bool:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return False
    return len(set(words)) == len(words) and all(visible(word) == word for word in words)


def _read_table(name: str, columns: tuple[Column, ...], content: bytes, rows: object) -> pa.Table:
    texts = [column.name for column in columns if column.dtype in {"string", "category"}]
    source = parquet.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
    meta = source.metadata
    unpacked = sum(meta.row_group(place).total_byte_size for place in range(meta.num_row_groups))
    if meta.num_rows != rows or meta.num_rows > MOST_ROWS or unpacked > MOST_BYTES:
        claimed = f"{meta.num_rows:,} rows in {unpacked:,} bytes"
        raise _Refused(f"{name}.parquet claims {claimed}; {MANIFEST} says {rows!r:.20} rows")
    found = [(field.name, _plain_type(field.type)) for field in source.schema_arrow]
    expected = [(column.name, storable_type(column)) for column in columns]
    if found != expected:
        odd = next((pair for pair in found if pair not in expected), "too few of them, or in another order")
        raise _Refused(f"{name}.parquet does not have the columns of this batchnb: {odd!s:.80}")
    return source.read()


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values; Parquet itself does not tell small texts from large ones."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.large_string() if pa.types.is_string(kind) else kind


def _text(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return dictionary-encoded texts as such, unless a few long ones are repeated beyond all measure."""
    codes, words = encoded(values)
    lengths = pc.binary_length(words).to_numpy()
    size = int(lengths[codes[codes >= 0]].sum())
    if size > MOST_BYTES:
        raise _Refused(f"the texts of {name} unpack to {size:,} bytes")
    words = shown(words.cast(pa.large_string()))
    return pa.chunked_array([words.take(pa.array(codes, mask=codes < 0))])
