"""Frames as files for other programs. Every text in them is hostile data, and stays data.

CSV has no types, and a spreadsheet runs a cell that looks like a formula. So in CSV a text gets a leading
`'` if it begins with `=`, `+`, `-`, `@` (or their full-width forms), also after blanks and quotes, or with a
tab or a line end. Excel files say of each cell that it is a text; Parquet and JSON lines are no spreadsheets:
there texts are as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.dataset import FRAME_NAMES, as_dataset
from batchnb.results.exports.bundle import save_bundle
from batchnb.results.exports.excel import write_workbook
from batchnb.results.files import replacing, writable_target
from batchnb.results.sarif.writing import write_sarif
from batchnb.tools.text import visible

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

_PATH = "export path"
_RISKY = r"""^[\s\p{Z}\p{C}'"`‘’“”«»]*[=+\-@＝＋－＠﹣﹦﹢﹫]|^[\t\r\n]"""  # noqa: RUF001 - they are meant
_AT_ONCE = 5_000


def write_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as CSV in UTF-8, and return the file's absolute path; see the module's text on formulas.

    Texts are in quotes, times are in UTC, and a missing value is an empty field without quotes.

    Raises:
        InvalidValueError: if the file cannot be written, or the frame holds what no table can.
    """
    target = writable_target(path, _PATH)
    table = _defused(_table(frame))
    with replacing(target, _PATH) as draft:
        csv.write_csv(table, draft)
    return target


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as Parquet; `pandas.read_parquet` gives it back with its dtypes. See write_csv.

    The words of a category come back if there is a row; a bundle keeps them in any case.
    """
    target = writable_target(path, _PATH)
    table = _table(frame)
    with replacing(target, _PATH) as draft:
        parquet.write_table(table, draft, compression="zstd")
    return target


def write_json_lines(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as one JSON object a row, in ASCII; a missing value is null. See write_csv."""
    target = writable_target(path, _PATH)
    table = _plain_times(_table(frame))
    with replacing(target, _PATH) as draft, draft.open("w", encoding="ascii", newline="\n") as file:
        for batch in table.to_batches(max_chunksize=_AT_ONCE):
            file.writelines(_json_lines(batch))
    return target


def write_excel(source: object, path: str | os.PathLike[str]) -> Path:
    """Write frames as an Excel workbook, one sheet each, after a sheet that says what is in it.

    A sheet holds 1,048,575 rows and a cell 32,767 characters; the first sheet says what did not fit.

    Args:
        source: a dataset, a job, or a mapping from sheet name to frame.
        path: the file, `.xlsx`; one that exists is replaced.
    """
    frames = source if isinstance(source, Mapping) else as_dataset(source).frames
    target = writable_target(path, _PATH)
    with replacing(target, _PATH) as draft:
        write_workbook(frames, draft)
    return target


_BY_SUFFIX: dict[str, Callable[[pd.DataFrame, str | os.PathLike[str]], Path]] = {
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".jsonl": write_json_lines,
}
_WHOLE: dict[str, Callable[[object, str | os.PathLike[str]], Path]] = {
    ".xlsx": write_excel,
    ".batchnb": save_bundle,
    ".sarif": write_sarif,
}


def export(source: object, path: str | os.PathLike[str], *, frame: str = "findings") -> Path:
    """Write a dataset in the format that the file's name ends with, and return the file's absolute path.

    Args:
        source: a dataset or a job.
        path: `.xlsx`, `.batchnb` (see save_bundle) and `.sarif` take all frames; `.csv`, `.parquet` and
            `.jsonl` take one.
        frame: which one.

    Raises:
        InvalidValueError: for another ending, or if the file cannot be written.
        UnknownNameError: if there is no such frame.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix in _WHOLE:
        return _WHOLE[suffix](source, path)
    if suffix not in _BY_SUFFIX:
        raise InvalidValueError(
            _PATH, str(path), f"its name must end with {', '.join([*_BY_SUFFIX, *_WHOLE])}"
        )
    if frame not in FRAME_NAMES:
        raise UnknownNameError("frame", frame, FRAME_NAMES)
    return _BY_SUFFIX[suffix](as_dataset(source).frames[frame], path)


def _table(frame: pd.DataFrame) -> pa.Table:
    """Return any frame as an Arrow table; its index becomes columns unless it only counts the rows."""
    named = frame.rename(columns=str)
    for name in named.select_dtypes("category"):
        # Arrow has no category of objects, even if none of them occurs
        named[name] = named[name].cat.rename_categories(lambda word: visible(str(word)))
        named[name] = named[name].cat.set_categories(named[name].cat.categories.astype("str"))
    try:
        return pa.Table.from_pandas(named, preserve_index=None)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidValueError("frame", list(frame.columns), f"not a plain table: {error}") from error


def _json_lines(batch: pa.RecordBatch) -> list[str]:
    try:
        return [json.dumps(row, allow_nan=False) + "\n" for row in batch.to_pylist()]
    except (TypeError, ValueError) as error:
        raise InvalidValueError("frame", batch.schema.names, f"a value is not JSON: {error}") from error


def _defused(table: pa.Table) -> pa.Table:
    names = [_defused_text(name) for name in table.column_names]
    columns = []
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)  # noqa: PLW2901
        columns.append(_defused_array(column) if _is_text(column.type) else column)
    return pa.table(columns, names=names)


def _defused_array(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    risky = pc.match_substring_regex(texts, _RISKY)
    quote = pa.scalar("'", texts.type)
    return pc.if_else(risky, pc.binary_join_element_wise(quote, texts, pa.scalar("", texts.type)), texts)


def _defused_text(text: str) -> str:
    return str(_defused_array(pa.chunked_array([[text]])).to_pylist()[0])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _plain_times(table: pa.Table) -> pa.Table:
    """Return the table with times as ISO 8601 text in UTC."""
    for place, column in enumerate(table.columns):
        if pa.types.is_timestamp(column.type):
            text = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
            table = table.set_column(place, table.column_names[place], text)
    return table
