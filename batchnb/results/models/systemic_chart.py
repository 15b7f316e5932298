"""The map of systemic flaws: a row per flaw, a column per model, in how many of its measured apps it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.results.drawing.grid import CellKind, GridBlock, GridCell, GridInfo, GridRow
from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.drawing.style import (
    CELL_HATCH,
    CLEAN_MARKER,
    FAINT_MARKER,
    GREY,
    HEAT_COLOURS,
    HEAT_INKS,
    plain_marker,
)
from batchnb.results.drawing.view import current
from batchnb.results.models.systemic import spreads
from batchnb.results.text import plural, shorten_middle
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.models.systemic import Flaw, Spread

MOST_MODELS, MOST_FLAWS = 40, 30
_CLASSES = (
    ("1 to 24 % of its apps", 0.25),
    ("25 to 49 %", 0.5),
    ("50 to 74 %", 0.75),
    ("75 to 100 %", 1.01),
)
_NONE, _UNMEASURED, _NOT_FOR = "in no app", "not measured", "not applicable"
_WORDS = {"flaw": "flaw", "rule": "rule", "cwe": "weakness (CWE)"}
_LETTERS = 20
_NAMED = 5


def systemic_chart(source: object, *, by: str = "flaw", min_apps: int = 2) -> Figure:
    """Return the heat map of systemic flaws: see `systemic.systemic` for the arguments.

    Raises:
        InvalidValueError: if `source` has no dataset, or `min_apps` is no whole number from 1.
        UnknownNameError: for another kind of flaw.
        ImportError: if plotly is not installed.
    """
    return grid_figure(systemic_info(source, by=by, min_apps=min_apps))


def systemic_info(source: object, *, by: str = "flaw", min_apps: int = 2) -> GridInfo:
    """Return the map: a row for each flaw that at least `min_apps` apps of some model have, the widest first.

    Raises:
        InvalidValueError: if `source` has no dataset, or `min_apps` is no whole number from 1.
        UnknownNameError: for another kind of flaw.
    """
    dataset, notes = current(source)
    flaws, models = spreads(dataset, by, min_apps), dataset.models
    said = [
        f"k/n: in k of n measured apps of the model; in at least {plural(min_apps, 'app')} of some model."
    ]
    if any(spread.apps_partly or spread.apps_unknown for flaw in flaws for spread in flaw.by_model.values()):
        said.append("Dots: other apps of the model may have it too, as they were not measured completely.")
    if len(models) > MOST_MODELS:
        said.append(f"And {plural(len(models) - MOST_MODELS, 'more model')}.")
    if len(flaws) > MOST_FLAWS:
        said.append(f"And {plural(len(flaws) - MOST_FLAWS, 'more flaw')}, which are less wide spread.")
    blocks = [
        GridBlock(
            heading=visible(_title(flaw), one_line=True),
            rows=(GridRow(label="", cells=tuple(_cell(model, flaw) for model in models[:MOST_MODELS])),),
        )
        for flaw in flaws[:MOST_FLAWS]
    ]
    return GridInfo(
        title=f"Systemic: the same {_WORDS[by]} in several apps",
        across="model",
        columns=tuple(
            shorten_middle(visible(model, one_line=True), _LETTERS) for model in models[:MOST_MODELS]
        ),
        kinds=_kinds(),
        blocks=tuple(blocks),
        summary=_summary(flaws),
        notes=(*said, *notes),
    )


def _title(flaw: Flaw) -> str:
    return max(flaw.by_model.values(), key=lambda spread: spread.apps_seen).name


def _kinds() -> tuple[CellKind, ...]:
    return (
        CellKind(name=_NONE, marker=CLEAN_MARKER, ink=GREY),
        *(
            CellKind(name=name, marker=plain_marker(HEAT_COLOURS[n]), ink=HEAT_INKS[n])
            for n, (name, _) in enumerate(_CLASSES)
        ),
        CellKind(name=_UNMEASURED, marker=CELL_HATCH, ink=GREY),
        CellKind(name=_NOT_FOR, marker=FAINT_MARKER, ink=GREY),
    )


def _cell(model: str, flaw: Flaw) -> GridCell:
    full, partly = flaw.measured[model]
    spread = flaw.by_model.get(model)
    if spread is not None:
        return _found(spread)
    if full:
        more = f", and {plural(len(partly), 'app')} not measured" if partly else ""
        hover = (model, f"in none of {plural(len(full), 'measured app')}{more}")
        return GridCell(kind=_NONE, mark=f"0/{len(full)}", partial=bool(partly), hover=hover)
    if partly:
        return GridCell(
            kind=_UNMEASURED, hover=(model, f"{plural(len(partly), 'app')}, none measured completely")
        )
    return GridCell(kind=_NOT_FOR, mark="–", hover=(model, "has nothing for the tools that report it"))  # noqa: RUF001


def _found(spread: Spread) -> GridCell:
    beyond = spread.apps_partly > 0 or spread.apps_unknown > 0
    share = spread.share if spread.share is not None else 1.0
    hover = [f"{spread.model}: {_share_text(spread)}", spread.name, f"apps {spread.apps}"]
    if spread.share_low is not None:
        hover.append(f"95 % interval of the share: {spread.share_low:.0%} to {spread.share_high:.0%}")
    line = "" if spread.example_line is None else f":{spread.example_line}"
    hover.append(f"such as app {spread.example_app}: {spread.example_path}{line}")
    return GridCell(
        kind=next((name for name, edge in _CLASSES if share < edge)) if spread.apps_measured else _UNMEASURED,
        mark=f"{spread.apps_with}/{spread.apps_measured}"
        if spread.apps_measured
        else f"≥{spread.apps_partly}",
        partial=beyond and spread.apps_measured > 0,
        hover=tuple(hover),
    )


def _share_text(spread: Spread) -> str:
    text = f"in {spread.apps_with} of {plural(spread.apps_measured, 'measured app')}"
    if spread.apps_partly:
        text += f", and in {spread.apps_partly} measured only in part"
    if spread.apps_unknown:
        text += f"; not known of {spread.apps_unknown}"
    return text


def _summary(flaws: Sequence[Flaw]) -> tuple[str, ...]:
    told = [f"{plural(len(flaws), 'flaw')} of that kind."]
    for flaw in flaws[:_NAMED]:
        widest = max(flaw.by_model.values(), key=lambda spread: spread.apps_seen)
        told.append(f"{widest.name}: {widest.model} has it {_share_text(widest)}.")
    return tuple(told)
