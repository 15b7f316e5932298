"""Which apps have a flaw, and which of the others are known not to have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from batchnb.records import Severity
from batchnb.results.drawing.tool_cells import tool_cells
from batchnb.results.severity import SEVERITY_RANK, CellState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from batchnb.results.dataset import Dataset

Tools = frozenset[tuple[str, str]]
"""Analyses with their tools."""
_COLUMNS = (
    "model",
    "app_num",
    "analysis_type",
    "tool",
    "rule",
    "cwe",
    "severity",
    "path",
    "line",
    "message",
)


class Place(NamedTuple):
    """One finding. The texts are untrusted."""

    model: str
    app_num: int
    analysis_type: str
    tool: str
    rule: str
    cwe: int | None
    severity: str
    path: str
    line: int | None
    message: str


def read_flaws(dataset: Dataset, by: str, min_apps: int) -> dict[str, dict[str, list[Place]]]:
    """Return flaw -> model -> its places, of the flaws that at least `min_apps` apps of some model have.

    Args:
        dataset: where to look.
        by: `flaw`, `rule` or `cwe`; findings without a clone key or a CWE belong to no flaw.
        min_apps: the least number of apps of one model.
    """
    findings = dataset.findings
    names = {
        "flaw": findings["clone_key"],
        "rule": findings["tool"].astype(object) + ":" + findings["rule"].astype(object),
        "cwe": findings["cwe"].astype("string"),
    }[by]
    keys = pd.DataFrame({"flaw": names.astype(object), "app_num": findings["app_num"]})
    keys["model"] = findings["model"].cat.codes  # a name may hold what no index of texts takes
    known = keys["flaw"].notna() & (keys["flaw"] != "")
    apps = keys[known].drop_duplicates().groupby(["flaw", "model"]).size()
    wide = apps[apps >= min_apps].index.get_level_values("flaw").unique()
    kept = known & keys["flaw"].isin(wide)
    columns = [findings.loc[kept, name].astype(object) for name in _COLUMNS]
    values = [column.where(column.notna(), None).tolist() for column in columns]
    flaws: dict[str, dict[str, list[Place]]] = {}
    for flaw, *place in zip(keys.loc[kept, "flaw"], *values, strict=True):
        found = Place(*place)
        flaws.setdefault(flaw, {}).setdefault(found.model, []).append(found)
    return flaws


def worst(places: Iterable[Place]) -> Place:
    """Return the place of the worst severity, the first of these by app, file and line."""
    return min(places, key=_worst_first)


def _worst_first(place: Place) -> tuple[int, int, str, int]:
    return SEVERITY_RANK[Severity(place.severity)], place.app_num, place.path, place.line or 0


def reporters(places: Mapping[str, Iterable[Place]]) -> Tools:
    """Return the analyses and tools that report a flaw in any app of any model."""
    return frozenset((each.analysis_type, each.tool) for found in places.values() for each in found)


class Measured:
    """Which apps were measured by which tools."""

    def __init__(self, cells: Mapping[tuple[str, str, str], Mapping[int, CellState]]) -> None:
        """Take the state of every app, by model, analysis and tool."""
        self._cells = cells
        self._seen: dict[tuple[str, Tools], tuple[frozenset[int], frozenset[int]]] = {}

    @classmethod
    def of(cls, dataset: Dataset) -> Measured:
        """Read the coverage of a dataset."""
        cells: dict[tuple[str, str, str], dict[int, CellState]] = {}
        for cell in tool_cells(dataset):
            cells.setdefault((cell.model, cell.analysis_type, cell.tool), {})[cell.app_num] = cell.state
        return cls(cells)

    def apps(self, model: str, tools: Tools) -> tuple[frozenset[int], frozenset[int]]:
        """Return the apps of a model that all these tools read completely, and those that some did not.

        A tool that is not for an app has nothing to say about it; an app that none is for is in neither.
        """
        key = (model, tools)
        if key not in self._seen:
            states: dict[int, set[CellState]] = {}
            for kind, tool in tools:
                for app_num, state in self._cells.get((model, kind, tool), {}).items():
                    states.setdefault(app_num, set()).add(state)
            relevant = {app: found - {CellState.NOT_APPLICABLE} for app, found in states.items()}
            full = frozenset(app for app, found in relevant.items() if found == {CellState.MEASURED})
            self._seen[key] = full, frozenset(app for app, found in relevant.items() if found) - full
        return self._seen[key]
