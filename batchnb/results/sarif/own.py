"""Our own SARIF files back into frames: what `sarif_out` wrote, found in the same places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from batchnb.records.errors import BatchnbError, ReportError
from batchnb.results.columns import FRAMES
from batchnb.results.dataset import FRAME_NAMES, Dataset
from batchnb.results.rebuild import coverage_records, result_records, task_records
from batchnb.results.sarif.checked_json import get, part, parts, texts
from batchnb.results.sarif.frame_json import frame_from_json, frame_from_rows
from batchnb.results.sarif.pieces import app_uri
from batchnb.results.sarif.words import CLONE_KEY, FINGERPRINT, FORMAT, OWN, SEVERITIES

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.sarif.checked_json import Node

_COLUMNS = {name: tuple(column.name for column in FRAMES[name]) for name in ("findings", "coverage")}


def own_dataset(log: Node, runs: list[Node]) -> Dataset:
    """Return the dataset that a log of ours was made of.

    Raises:
        ReportError: if something is missing or not as we write it; the message names the place.
    """
    own = part(log, "properties", OWN)
    if own.get("format") != FORMAT:
        raise ReportError(
            f"written in format {own.get('format')!r:.40} of {OWN}; this version reads {FORMAT}"
        )
    kept = part(own, "frames")
    frames = {
        name: frame_from_json(name, kept.get(name))
        for name in FRAME_NAMES
        if name not in {"findings", "coverage"}
    }
    frames["findings"] = _gathered("findings", runs, "results", _finding)
    frames["coverage"] = _gathered("coverage", runs, "invocations", _cell)
    _require_records(frames)
    return Dataset(**frames, provenance=part(own, "provenance"))


def _gathered(name: str, runs: list[Node], key: str, read: Any) -> pd.DataFrame:
    rows: list[tuple[int, list[Any]]] = []
    for number, run in enumerate(runs):
        place = f"runs[{number}]"
        try:
            tool = get(part(run, "tool", "driver"), "name", str)
            for index, node in enumerate(parts(run, key)):
                place = f"runs[{number}].{key}[{index}]"
                if (row := read(node, tool)) is not None:
                    rows.append((get(part(node, "properties"), "row", int) or 0, row))
        except (ReportError, KeyError) as error:
            raise ReportError(f"{place}: {error}") from None
    rows.sort(key=lambda pair: pair[0])
    return frame_from_rows(name, [row for _, row in rows])


def _finding(result: Node, tool: str | None) -> list[Any] | None:
    properties = part(result, "properties")
    if result.get("baselineState") == "absent" or properties.get("notRemeasured"):
        return None  # a finding of the earlier job
    locations = parts(result, "locations")
    physical = part(locations[0], "physicalLocation") if locations else {}
    region = part(physical, "region")
    prints = part(result, "partialFingerprints")
    taxa = parts(result, "taxa")
    values = {
        "job_id": properties.get("jobId"),
        "task_id": properties.get("taskId"),
        "model": properties.get("model"),
        "app_num": properties.get("appNum"),
        "analysis_type": properties.get("analysisType"),
        "tool": tool,
        "rule": result.get("ruleId"),
        "severity": SEVERITIES.get(str(result.get("level"))),
        "confidence": properties.get("confidence"),
        "cwe": _cwe(get(taxa[0], "id", str) or "") if taxa else None,
        "line": region.get("startLine"),
        "column": region.get("startColumn"),
        "message": part(result, "message").get("text"),
        "snippet": part(region, "snippet").get("text", ""),
        "fingerprint": prints.get(FINGERPRINT),
        "clone_key": prints.get(CLONE_KEY),
        "tags": " ".join(texts(properties, "tags")),
    } | part(properties, "exact")
    if "path" not in values:
        values["path"] = _path(part(physical, "artifactLocation"), values)
    return [values[name] for name in _COLUMNS["findings"]]


def _cwe(taxon: str) -> int:
    number = taxon.removeprefix("CWE-")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise ReportError(f"the taxon {taxon!r:.40} is no CWE number")
    return int(number)


def _path(artifact: Node, values: dict[str, Any]) -> str:
    uri, folder = get(artifact, "uri", str) or "", app_uri(str(values["model"]), values["app_num"])
    if not uri.startswith(folder):
        raise ReportError(f"the uri {uri!r:.80} is not below {folder!r:.80}")
    return unquote(uri.removeprefix(folder))


def _cell(invocation: Node, _tool: str | None) -> list[Any] | None:
    cell = get(part(invocation, "properties"), "coverage", dict)
    return None if cell is None else [cell.get(name) for name in _COLUMNS["coverage"]]


def _require_records(frames: dict[str, pd.DataFrame]) -> None:
    """Make the records of what frames alone do not check, such as the JSON in a result's details."""
    makers = {"coverage": coverage_records, "tasks": task_records, "results": result_records}
    for name, make in makers.items():
        try:
            make(frames[name])
        except (BatchnbError, ValueError, TypeError) as error:
            raise ReportError(f"{name}: {error}") from None
