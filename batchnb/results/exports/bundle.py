"""A bundle: a dataset in one file, from which frames, figures and reports are made again without the store.

The file (`.batchnb`) is a ZIP archive with one Parquet file per frame and `manifest.json`: where the data
come from, and rows, columns and SHA-256 of each frame. The sums show damage, not forgery: a bundle is data
from somebody, and its texts are as hostile as any.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from batchnb.records import utc_now
from batchnb.records.errors import InvalidValueError
from batchnb.results.bulk.arrow import storable
from batchnb.results.columns import FRAMES
from batchnb.results.dataset import FRAME_NAMES, Dataset, as_dataset
from batchnb.results.exports.bundle_file import FORMAT, FORMAT_VERSION, MANIFEST, frame_from, open_bundle
from batchnb.results.files import replacing, writable_target

if TYPE_CHECKING:
    import os
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

_PATH = "bundle path"
_OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that equal frames give equal bytes."""


def save_bundle(source: object, path: str | os.PathLike[str], *, created: datetime | None = None) -> Path:
    """Write a dataset as one file, all or nothing, and return its absolute path; see load_bundle.

    Args:
        source: a dataset or a job.
        path: the file, by custom `*.batchnb`; one that exists is replaced.
        created: the time that the manifest names; None: now. Equal data and times give equal files.

    Raises:
        InvalidValueError: if the file cannot be written, or the provenance is not JSON.
    """
    dataset = as_dataset(source)
    target = writable_target(path, _PATH)
    members = {name: _parquet(name, frame) for name, frame in dataset.frames.items()}
    manifest = _manifest(dataset, members, created or utc_now())
    with replacing(target, _PATH) as draft, zipfile.ZipFile(draft, "w") as archive:
        archive.writestr(_entry(MANIFEST), manifest)
        for name, content in members.items():
            archive.writestr(_entry(f"{name}.parquet"), content)
    return target


def load_bundle(path: str | os.PathLike[str]) -> Dataset:
    """Return the dataset that save_bundle wrote: the same frames, with the same columns, dtypes and order.

    Its provenance is that of the dataset, with the manifest's `created`, `batchnb` and `tools` as `bundle`.

    Raises:
        InvalidValueError: if the file is no bundle, is newer than this batchnb, is damaged, or holds anything
            but the declared frames. Nothing is written anywhere.
    """
    with open_bundle(path) as (manifest, read):
        frames = {name: frame_from(name, manifest["frames"][name], read) for name in FRAME_NAMES}
    made = {name: manifest.get(name) for name in ("created", "batchnb", "tools")}
    return Dataset(**frames, provenance={**manifest["provenance"], "bundle": made})


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_OLDEST)
    entry.create_system = 3
    entry.external_attr = 0o600 << 16
    return entry


def _parquet(name: str, frame: pd.DataFrame) -> memoryview:
    sink = pa.BufferOutputStream()
    parquet.write_table(storable(FRAMES[name], frame), sink, compression="zstd", store_schema=False)
    return memoryview(sink.getvalue())


def _manifest(dataset: Dataset, members: dict[str, memoryview], created: datetime) -> bytes:
    described = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "created": created.isoformat(),
        "batchnb": _own_version(),
        "tools": _tools(dataset.coverage),
        "provenance": {name: value for name, value in dataset.provenance.items() if name != "bundle"},
        "frames": {
            name: {
                "rows": len(frame),
                "sha256": hashlib.sha256(members[name]).hexdigest(),
                "columns": [_column(column, frame[column.name]) for column in FRAMES[name]],
            }
            for name, frame in dataset.frames.items()
        },
    }
    try:
        return json.dumps(described, indent=1, sort_keys=True, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidValueError(
            "provenance", f"{dataset.provenance!r:.200}", f"JSON values ({error})"
        ) from error


def _column(column: Any, values: pd.Series) -> dict[str, Any]:
    described = {"name": column.name, "dtype": column.dtype}
    if column.dtype == "category":
        described["categories"] = [str(word) for word in values.cat.categories]
    return described


def _tools(coverage: pd.DataFrame) -> dict[str, list[str]]:
    """Return tool -> its versions that ran."""
    ran = coverage[coverage["tool_version"] != ""][["tool", "tool_version"]].astype(str).drop_duplicates()
    return {tool: sorted(group["tool_version"]) for tool, group in ran.groupby("tool")}


def _own_version() -> str:
    try:
        return version("batchnb")
    except PackageNotFoundError:
        return "not installed as a package"
