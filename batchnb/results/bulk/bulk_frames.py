"""Frames of what a store holds, made column by column: a million findings in seconds.

The frames are those that `results.frames` makes of the same records. Nearly all the work is done outside the
interpreter's lock (Arrow, numpy), and what is not is done a few thousand rows at a time, so that the other
threads of a notebook go on meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batchnb.records.finding import clone_key
from batchnb.results.bulk.arrow import arrow_type, encoded, frame_of
from batchnb.results.bulk.blocks import arrays_of, shown
from batchnb.results.columns import FRAMES
from batchnb.results.frames import coverage_frame, jobs_frame, results_frame, tasks_frame
from batchnb.results.severity import SEVERITY_RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from batchnb.records.snapshot import Block, Snapshot
    from batchnb.results.columns import Column

    Numbers = np.ndarray[Any, np.dtype[np.int64]]

_CELL = ("job_id", "model", "app_num", "analysis_type")
_SORTED_BY = {
    "findings": (*_CELL, "severity", "tool", "path", "line", "column", "rule", "fingerprint"),
    "measurements": (*_CELL, "tool", "metric", "subject"),
}
"""As `findings_frame` and `measurements_frame` sort; a missing number counts as 0."""
_WORST_FIRST = {str(severity): rank for severity, rank in SEVERITY_RANK.items()}
_AT_ONCE = 5_000
_WIDEST = 1 << 62


def frames_of(snapshot: Snapshot) -> dict[str, pd.DataFrame]:
    """Return the frames `jobs`, `tasks`, `results`, `coverage`, `findings` and `measurements`.

    Args:
        snapshot: what was read of a store; a kind that was not asked for gives an empty frame.

    Raises:
        StorageError: if the store is damaged.
        InvalidValueError: for a word in it that is none of ours.
    """
    return {
        "jobs": jobs_frame(snapshot.jobs),
        "tasks": tasks_frame(snapshot.tasks),
        "results": results_frame(snapshot.results),
        "coverage": coverage_frame(snapshot.coverage),
        "findings": blocks_frame("findings", snapshot.findings),
        "measurements": blocks_frame("measurements", snapshot.measurements),
    }


def blocks_frame(name: str, blocks: Iterable[Block]) -> pd.DataFrame:
    """Return the frame `findings` or `measurements` of blocks; see `frames_of`."""
    columns = FRAMES[name]
    raw = _columns(columns, blocks)
    order = _order({key: raw[key] for key in _SORTED_BY[name]})
    if "clone_key" in raw and pc.any(pc.equal(raw["clone_key"], "")).as_py():  # of an older store
        made = _clone_keys(raw["tool"], raw["rule"], raw["snippet"])
        raw["clone_key"] = pc.if_else(pc.equal(raw["clone_key"], ""), made, raw["clone_key"])
    taken = {}
    for column in columns:
        values = raw.pop(column.name)  # one after the other, so that only one is held twice
        if column.dtype == "string":
            values = pa.chunked_array(map(shown, values.chunks), values.type)
        taken[column.name] = values.take(order)
    return frame_of(columns, taken)


def _columns(columns: Sequence[Column], blocks: Iterable[Block]) -> dict[str, pa.ChunkedArray]:
    types = {
        column.name: pa.large_string() if column.dtype == "category" else arrow_type(column)
        for column in columns
    }
    parts: dict[str, list[pa.Array]] = {name: [] for name in types}
    for block in blocks:
        for name, array in arrays_of(block, types).items():
            parts[name].append(array)
    return {name: pa.chunked_array(parts[name], kind) for name, kind in types.items()}


def _clone_keys(tools: pa.ChunkedArray, rules: pa.ChunkedArray, snippets: pa.ChunkedArray) -> pa.Array:
    """Return the clone key of each finding; it costs some microseconds, so each flaw's is made once."""
    coded = [encoded(values) for values in (tools, rules, snippets)]
    places = np.zeros(len(tools), dtype=np.int64)
    for codes, words in coded:
        places = places * max(1, len(words)) + codes
    _, first, which = np.unique(places, return_index=True, return_inverse=True)
    keys: list[pa.Array] = [pa.array([], pa.large_string())]
    for start in range(0, len(first), _AT_ONCE):
        rows = first[start : start + _AT_ONCE]
        flaws = zip(*(words.take(pa.array(codes[rows])).to_pylist() for codes, words in coded), strict=True)
        keys.append(pa.array([clone_key(*flaw) for flaw in flaws], pa.large_string()))
    return pa.chunked_array(keys).take(pa.array(which))


def _order(keys: Mapping[str, pa.ChunkedArray]) -> pa.Array:
    """Return the places of the rows in sorted order; rows that are alike keep theirs."""
    packed: list[Numbers] = []
    room = 1
    last = None
    for name, values in keys.items():
        if name == "fingerprint":  # differs in nearly every row: not worth a rank
            last = values
            continue
        ranks = _ranks(name, values)
        size = int(ranks.max(initial=0)) + 1
        if packed and room * size < _WIDEST:
            packed[-1] = packed[-1] * size + ranks
            room *= size
        else:
            packed.append(ranks)
            room = size
    columns: dict[str, Any] = {str(place): ranks for place, ranks in enumerate(packed)}
    if last is not None:
        columns["last"] = last
    return pc.sort_indices(pa.table(columns), sort_keys=[(name, "ascending") for name in columns])


def _ranks(name: str, values: pa.ChunkedArray) -> Numbers:
    """Return numbers from 0 that sort as the values do: texts by code point, severities the worst first."""
    if pa.types.is_integer(values.type):
        numbers: Numbers = values.fill_null(0).to_numpy().astype(np.int64)
        lowest = int(numbers.min(initial=0))
        return numbers - lowest
    codes, words = encoded(values)
    rank = np.zeros(len(words), dtype=np.int64)
    if name == "severity":
        rank[:] = [_WORST_FIRST.get(word, 0) for word in words.to_pylist()]
    else:
        rank[pc.sort_indices(words).to_numpy()] = np.arange(len(words))
    return rank[codes]
