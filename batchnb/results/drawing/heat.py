"""The heat map: findings per app, a row per model and a column per app number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import Severity
from batchnb.records.errors import UnknownNameError
from batchnb.results.drawing.grid import (
    FEW_CELLS,
    CellKind,
    GridBlock,
    GridCell,
    GridInfo,
    GridRow,
)
from batchnb.results.drawing.style import (
    CELL_HATCH,
    CLEAN_MARKER,
    FAINT_MARKER,
    GREY,
    HEAT_COLOURS,
    HEAT_INKS,
    plain_marker,
)
from batchnb.results.drawing.view import (
    LOWER_BOUND,
    app_bins,
    app_states,
    apps_text,
    bin_label,
    count_label,
    counts_text,
    current,
    joint_state,
    severity_counts,
    states_text,
    total_counts,
)
from batchnb.results.severity import CellState
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.drawing.view import AppState, Counts

MOST_MODELS = 40
NONE_FOUND = "0 found"
_HIGHEST_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spot:
    """One cell: an app of a model, or several with neighbouring numbers."""

    model: str
    label: str
    apps: tuple[AppState, ...]
    counts: Counts
    state: CellState

    @property
    def value(self) -> float:
        """Findings; of several apps, findings per app that was measured at least in part."""
        total = sum(self.counts.values())
        if len(self.apps) == 1:
            return total
        read = sum(app.state in {CellState.MEASURED, CellState.PARTLY} for app in self.apps)
        return total / max(1, read)


def heat_map_info(source: object, *, severity: str | None = None) -> GridInfo:
    """Return the number of findings of every app.

    With more than 60 app numbers several stand in one column, which then shows the findings per measured app.

    Args:
        source: a job or a dataset.
        severity: count only these, such as `high`; None: all.

    Raises:
        InvalidValueError: if `source` has no dataset.
        UnknownNameError: if there is no such severity.
    """
    if severity is not None and severity not in list(Severity):
        raise UnknownNameError("severity", severity, list(map(str, Severity)))
    dataset, notes = current(source)
    findings = dataset.findings
    if severity is not None:
        findings = findings[findings["severity"] == severity]
    counts = severity_counts(findings, ["model", "app_num"])
    apps = {(app.model, app.app_num): app for app in app_states(dataset)}
    models = sorted({model for model, _ in apps})
    bins = app_bins(number for _, number in apps)
    rows = [[_spot(model, group, apps, counts) for group in bins] for model in models[:MOST_MODELS]]
    spots = [spot for row in rows for spot in row if spot]
    edges = class_edges(max((spot.value for spot in spots), default=0))
    lines = 4 if len(spots) <= FEW_CELLS else 1
    blocks = tuple(
        GridBlock(
            heading=visible(model, one_line=True) or "(no name)",
            rows=(
                GridRow(
                    label="", cells=tuple(None if spot is None else _cell(spot, edges, lines) for spot in row)
                ),
            ),
        )
        for model, row in zip(models, rows, strict=False)
    )
    name = f"Findings of {severity} severity" if severity else "Findings"
    return GridInfo(
        title=f"{name} per app",
        across="app",
        columns=tuple(map(bin_label, bins)),
        kinds=_kinds(edges),
        blocks=blocks,
        summary=_summary(list(apps.values()), spots),
        notes=(*notes, *_notes(spots, len(models))),
    )


def class_edges(highest: float) -> tuple[int, ...]:
    """Return the upper ends of at most four classes of counts above 0, each wider than the one before."""
    if highest <= len(HEAT_COLOURS):
        return tuple(range(1, max(1, math.ceil(highest)) + 1))
    ratio = highest ** (1 / len(HEAT_COLOURS))
    edges = [_rounded_up(ratio**step) for step in range(1, len(HEAT_COLOURS))]
    return tuple(sorted({*edges, math.ceil(highest)}))


def _rounded_up(number: float) -> int:
    """Return the next number of one digit that counts, such as 70 for 64."""
    unit = int(10 ** (len(str(int(number))) - 1))
    return math.ceil(number / unit) * unit


def _class_names(edges: Sequence[int]) -> list[str]:
    names, start = [], 1
    for edge in edges:
        names.append(f"{start:,}" if start == edge else f"{start:,} to {edge:,}")
        start = edge + 1
    return names


def _kinds(edges: Sequence[int]) -> tuple[CellKind, ...]:
    classes = [
        CellKind(name=name, marker=plain_marker(HEAT_COLOURS[number]), ink=HEAT_INKS[number])
        for number, name in enumerate(_class_names(edges))
    ]
    return (
        CellKind(name=NONE_FOUND, marker=CLEAN_MARKER, ink=GREY),
        *classes,
        CellKind(name=str(CellState.NOT_MEASURED), marker=CELL_HATCH, ink=GREY),
        CellKind(name=str(CellState.NOT_APPLICABLE), marker=FAINT_MARKER, ink=GREY),
    )


def _spot(
    model: str,
    group: tuple[int, ...],
    apps: dict[tuple[str, int], AppState],
    counts: dict[tuple[str, int], Counts],
) -> _Spot | None:
    found = [apps[model, number] for number in group if (model, number) in apps]
    if not found:
        return None
    return _Spot(
        model=model,
        label=bin_label(group),
        apps=tuple(found),
        counts=total_counts(counts.get((model, app.app_num), {}) for app in found),
        state=joint_state(app.state for app in found),
    )


def _cell(spot: _Spot, edges: Sequence[int], lines: int) -> GridCell:
    kind = str(spot.state)
    if spot.state in {CellState.MEASURED, CellState.PARTLY}:
        names = _class_names(edges)
        fitting = [name for name, edge in zip(names, edges, strict=True) if spot.value <= edge]
        kind = fitting[0] if spot.value else NONE_FOUND
    hover = [f"{spot.model}, app {spot.label}: {spot.state}", counts_text(spot.counts, spot.state)]
    if len(spot.apps) > 1:
        hover.append(states_text(app.state for app in spot.apps))
    reasons = [reason for app in spot.apps for reason in app.reasons]
    hover += reasons[:lines] + ([f"and {len(reasons) - lines} more reasons"] if len(reasons) > lines else [])
    return GridCell(
        kind=kind,
        mark=count_label(round(spot.value, 1), spot.state),
        partial=spot.state is CellState.PARTLY,
        hover=tuple(hover),
    )


def _notes(spots: Sequence[_Spot], models: int) -> list[str]:
    notes = []
    if any(spot.state is CellState.PARTLY for spot in spots):
        notes.append(LOWER_BOUND)
    if any(len(spot.apps) > 1 for spot in spots):
        notes.append("A cell stands for several apps and shows the findings per measured app.")
    if models > MOST_MODELS:
        notes.append(f"And {plural(models - MOST_MODELS, 'more model')}.")
    return notes


def _summary(apps: Sequence[AppState], spots: Sequence[_Spot]) -> tuple[str, ...]:
    if not apps:
        return ()
    said = [f"{states_text(app.state for app in apps)}."]
    missing = apps_text((app.model, app.app_num) for app in apps if app.state is CellState.NOT_MEASURED)
    if missing:
        said.append(f"Not measured: {missing}.")
    most = sorted((spot for spot in spots if spot.value), key=lambda spot: -spot.value)[:_HIGHEST_NAMED]
    named = [
        f"{visible(spot.model, one_line=True)} app {spot.label} "
        f"({count_label(round(spot.value, 1), spot.state)})"
        for spot in most
    ]
    return (*said, f"Most findings: {', '.join(named)}.") if named else tuple(said)
