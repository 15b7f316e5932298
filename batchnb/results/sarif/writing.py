"""Datasets as SARIF 2.1.0, for code scanning services, editors and other programs.

One run per tool and analysis. Each cell of coverage is an invocation, and one that is not complete a
notification as well, so that a reader of the file never takes what was not measured for clean. What no tool
spoke about (a task that failed before its tools ran) is told by a run of the driver `batchnb`. The other
frames lie in the properties of the log: `read_sarif` gives back an equal dataset.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from batchnb.results.dataset import FRAME_NAMES, as_dataset
from batchnb.results.files import replacing, writable_target
from batchnb.results.gaps import NO_REPORT, find_gaps
from batchnb.results.rebuild import coverage_records, task_records
from batchnb.results.sarif import baseline as sarif_baseline
from batchnb.results.sarif import notices as sarif_notices
from batchnb.results.sarif import pieces as sarif_pieces
from batchnb.results.sarif.frame_json import Rows, frame_to_json
from batchnb.results.sarif.words import BASE_ID, FORMAT, OWN, SARIF_VERSION, SCHEMA

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from batchnb.results.dataset import Dataset
    from batchnb.results.identity.comparison import Comparison
    from batchnb.results.sarif.pieces import Row

_BASE = {
    BASE_ID: {"description": {"text": "The folder with one folder per model, and in it app1, app2, ..."}}
}


def to_sarif(source: object, *, comparison: Comparison | None = None) -> dict[str, Any]:
    """Return a dataset as a SARIF log, the JSON object as a dictionary.

    Args:
        source: a job or a dataset.
        comparison: of `source` (as the later one) with an earlier one. Results then have a `baselineState`:
            new, unchanged, updated (moved) or absent (fixed). What was not measured again is no fixed fault:
            it stays `unchanged`, with the property `notRemeasured` and a notification.

    Raises:
        InvalidValueError: if `source` is neither a job nor a dataset.
    """
    dataset = as_dataset(source)
    runs = [head | {"results": list(results)} for head, results in _runs(dataset, comparison)]
    return _log(dataset) | {"runs": runs}


def write_sarif(
    source: object, path: str | os.PathLike[str], *, comparison: Comparison | None = None
) -> Path:
    """Write a dataset as a SARIF file, all or nothing, and return its absolute path.

    Equal datasets give equal files. The results are written one by one: the text is never whole in memory.

    Args:
        source: a job or a dataset.
        path: the file to write; an existing one is replaced.
        comparison: see `to_sarif`.

    Raises:
        InvalidValueError: if `source` is neither a job nor a dataset, or there cannot be a file at `path`.
    """
    dataset = as_dataset(source)
    target = writable_target(path, "SARIF path")
    with replacing(target, "SARIF path") as draft, draft.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(_text(_log(dataset), _runs(dataset, comparison)))
    return target


def _log(dataset: Dataset) -> dict[str, Any]:
    kept = [name for name in FRAME_NAMES if name not in {"findings", "coverage"}]
    own = {
        "format": FORMAT,
        "frames": {name: frame_to_json(dataset.frames[name]) for name in kept},
        "provenance": dict(dataset.provenance),
    }
    return {"$schema": SCHEMA, "version": SARIF_VERSION, "properties": {OWN: own}}


def _runs(dataset: Dataset, comparison: Comparison | None) -> Iterator[tuple[Row, Iterable[Row]]]:
    baseline = sarif_baseline.Baseline(comparison)
    findings, cells = Rows(dataset.findings), Rows(dataset.coverage)
    records = coverage_records(dataset.coverage)
    numbers = {"findings": _by_run(dataset.findings), "coverage": _by_run(dataset.coverage)}
    gone: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in baseline.gone:
        gone[row["tool"], row["analysis_type"]].append(row)
    for tool, kind in sorted({*numbers["findings"], *numbers["coverage"], *gone}):
        found = _Found(findings, numbers["findings"].get((tool, kind), []), gone[tool, kind])
        calls = numbers["coverage"].get((tool, kind), [])
        versions = sorted({records[number].tool_version for number in calls} - {""})
        rules = sarif_pieces.rules(row for _, row in found)
        seen = [sarif_notices.invocation(records[number], cells[number], number) for number in calls]
        head = _head(tool, kind, versions, rules) | {"invocations": seen}
        yield head | _taxonomies(row["cwe"] for _, row in found), _results(found, rules, baseline)
    if untold := _untold(dataset) + baseline.notices():
        broken = {"executionSuccessful": False, "toolExecutionNotifications": untold}
        yield _head(OWN, "", [version(OWN)], []) | {"invocations": [broken]}, ()


def _by_run(frame: pd.DataFrame) -> dict[tuple[str, str], list[int]]:
    """Return (tool, analysis) -> the rows of the frame that belong to their run."""
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, key in enumerate(zip(frame["tool"], frame["analysis_type"], strict=True)):
        numbers[key].append(number)
    return numbers


@dataclass(frozen=True, slots=True)
class _Found:
    """The findings of one run, made row by row: those of the dataset, then those that are gone."""

    rows: Rows
    numbers: list[int]
    gone: list[Row]

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        for number in self.numbers:
            yield number, self.rows[number]
        for row in self.gone:
            yield -1, row


def _head(tool: str, kind: str, versions: Sequence[str], rules: list[Row]) -> Row:
    driver: Row = {"name": tool, "rules": rules, "notifications": sarif_notices.notices(own=tool == OWN)}
    if versions:
        driver["version"] = ", ".join(versions)
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{OWN}/{kind}/{tool}/"},
        "originalUriBaseIds": _BASE,
        "columnKind": "unicodeCodePoints",
    }


def _taxonomies(weaknesses: Iterable[int | None]) -> Row:
    known = {cwe for cwe in weaknesses if cwe is not None}
    return {"taxonomies": [sarif_pieces.cwe_taxonomy(known)]} if known else {}


def _results(found: _Found, rules: list[Row], baseline: sarif_baseline.Baseline) -> Iterator[Row]:
    places = {rule["id"]: place for place, rule in enumerate(rules)}
    for number, row in found:
        result = sarif_pieces.result(row, places[row["rule"]], number)
        yield baseline.mark(result, row)


def _untold(dataset: Dataset) -> list[Row]:
    """Return a notification for each gap that has no cell of coverage: no tool came to report it."""
    gaps = find_gaps(coverage_records(dataset.coverage), task_records(dataset.tasks))
    return [
        sarif_notices.notice(
            "not_measured" if gap.applicable else "not_applicable",
            "error" if gap.applicable else "note",
            f"{gap.model} app {gap.app_num}: {gap.text}",
            gap.model,
            gap.app_num,
            analysisType=gap.analysis_type,
            tool=gap.tool,
        )
        for gap in gaps
        if not gap.tool or gap.word == NO_REPORT
    ]


def _text(log: dict[str, Any], runs: Iterable[tuple[Row, Iterable[Row]]]) -> Iterator[str]:
    # Everything that is not ASCII is escaped: no encoding can break the file, no invisible sign hides in it.
    encode = json.JSONEncoder(allow_nan=False).encode
    yield encode(log)[:-1] + ', "runs": ['
    for place, (head, results) in enumerate(runs):
        yield ("," if place else "") + "\n" + encode(head)[:-1] + ', "results": ['
        for number, result in enumerate(results):
            yield ("," if number else "") + "\n" + encode(result)
        yield "\n]}"
    yield "\n]}\n"
