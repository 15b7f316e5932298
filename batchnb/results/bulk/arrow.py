"""Declared columns as Arrow arrays, and back: what is fast in memory and what Parquet files hold."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from batchnb.records.errors import InvalidValueError
from batchnb.results.columns import TIME
from batchnb.results.frames import STRING
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.results.columns import Column

    Codes = np.ndarray[Any, np.dtype[np.int32]]

_TYPES = {
    "Int64": pa.int64(),
    "Int32": pa.int32(),
    "Float64": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.large_string(),
    "category": pa.dictionary(pa.int32(), pa.large_string()),
    TIME: pa.timestamp("us", tz="UTC"),
}
"""Declared dtype -> how it lies in Arrow."""


def arrow_type(column: Column) -> pa.DataType:
    """Return the Arrow type of a declared column."""
    return _TYPES[column.dtype]


def storable_type(column: Column) -> pa.DataType:
    """Return the Arrow type in which a declared column is written to a file: categories are texts there."""
    return pa.large_string() if column.dtype == "category" else arrow_type(column)


def storable(columns: Sequence[Column], frame: pd.DataFrame) -> pa.Table:
    """Return a frame of the declared columns as a table for a file, with nothing of pandas' own in it."""
    arrays = [
        pa.array(
            frame[column.name].astype(object) if column.dtype == "category" else frame[column.name],
            type=storable_type(column),
            from_pandas=True,
        )
        for column in columns
    ]
    return pa.table(arrays, names=[column.name for column in columns])


def frame_of(
    columns: Sequence[Column],
    arrays: Mapping[str, pa.ChunkedArray],
    vocabularies: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return the frame of the declared columns; texts are shared with `arrays`, not copied.

    Args:
        columns: the declared columns.
        arrays: column -> its values.
        vocabularies: category column -> its words in order, if they are not to be those that occur.

    Raises:
        InvalidValueError: for a word outside a closed vocabulary, or outside the one given.
    """
    return pd.DataFrame(
        {
            column.name: _values(column, arrays[column.name], vocabularies.get(column.name))
            for column in columns
        },
        copy=False,
    )


def _values(column: Column, array: pa.ChunkedArray, vocabulary: Sequence[str] | None) -> Any:
    if column.dtype == "category":
        return _category(column, array, vocabulary)
    dtype: Any = STRING if column.dtype == "string" else pd.api.types.pandas_dtype(column.dtype)
    return dtype.__from_arrow__(array.cast(arrow_type(column)))


def encoded(array: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """Return texts as codes, -1 for a missing one, and the texts that the codes are places of."""
    if pa.types.is_dictionary(array.type):
        array = array.unify_dictionaries()
    whole = array.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        whole = whole.dictionary_encode()  # chunk by chunk, each would carry all that came before
    return whole.indices.fill_null(-1).to_numpy(zero_copy_only=False), whole.dictionary


def _category(column: Column, array: pa.ChunkedArray, given: Sequence[str] | None) -> pd.Categorical:
    """Return texts as the declared category: of the closed vocabulary, the given one, or what occurs."""
    codes, texts = encoded(array)
    words = [word if column.categories else visible(word) for word in texts.to_pylist()]
    used = list(dict.fromkeys(words[code] for code in np.unique(codes) if code >= 0))
    vocabulary = column.categories or tuple(sorted(used) if given is None else given)
    places = {word: place for place, word in enumerate(vocabulary)}
    for word in used:
        if word not in places:  # pandas alone would make it missing
            raise InvalidValueError(column.name, word, f"known are {', '.join(vocabulary)}", "a record")
    translation = np.array([*(places.get(word, -1) for word in words), -1], dtype=np.int32)
    index = pd.Index(list(vocabulary), dtype=object)
    return pd.Categorical.from_codes(translation[codes], categories=index, ordered=bool(column.categories))
