"""Blocks of a snapshot as Arrow arrays, without an object for each value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from batchnb.records.errors import StorageError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.records.snapshot import Block

_PLAIN = np.zeros(256, dtype=bool)
_PLAIN[[*b"\n\t", *range(0x20, 0x7F)]] = True
"""Bytes that `visible` leaves as they are, whatever is beside them."""


def arrays_of(block: Block, number_types: Mapping[str, pa.DataType]) -> dict[str, pa.Array]:
    """Return the columns of a block; the texts are not copied.

    Args:
        block: some rows of one table.
        number_types: the type of each of its columns that is a number.

    Raises:
        StorageError: if it holds what no store of ours does.
    """
    names = (*block.number_names, *block.texts)
    types = {
        **dict.fromkeys(block.texts, pa.int64()),
        **{name: number_types[name] for name in block.number_names},
    }
    try:
        numbers = csv.read_csv(
            pa.py_buffer(block.numbers),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 24),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[""]),
        ).combine_chunks()
        arrays = {name: numbers[name].chunk(0) for name in block.number_names}
        for name, joined in block.texts.items():
            arrays[name] = _texts(numbers[name].chunk(0), joined)
    except pa.ArrowInvalid as error:
        raise StorageError(f"the store is damaged: {error}") from error
    return arrays


def shown(texts: pa.Array) -> pa.Array:
    """Return texts with what cannot be seen written as escapes, as `visible` does it."""
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    if data is None or not len(texts):
        return texts
    used = np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]]
    if _PLAIN[used].all():
        return texts
    together = used.tobytes().decode()
    if together.replace("\n", "").replace("\t", "").isprintable():  # what `visible` asks, ten times faster
        return texts
    return pa.array(
        [None if text is None else visible(text) for text in texts.to_pylist()], pa.large_string()
    )


def _texts(lengths: pa.Array, joined: bytes) -> pa.Array:
    """Return the texts that lie one after the other in `joined`; one without a length is missing."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths.fill_null(0).to_numpy(), out=offsets[1:])
    if offsets[-1] != len(joined):
        raise pa.ArrowInvalid(f"{len(joined)} bytes of text where {offsets[-1]} belong")
    missing = pa.array(lengths.is_null()) if lengths.null_count else None
    present = None if missing is None else pa.array(lengths.is_valid()).buffers()[1]
    texts = pa.Array.from_buffers(
        pa.large_string(), len(lengths), [present, pa.py_buffer(offsets), pa.py_buffer(joined)]
    )
    texts.validate(full=True)
    return texts
