"""Findings by severity, one bar per model or app, beside how far each was measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from batchnb.records import Severity
from batchnb.results.severity import CellState
from batchnb.results.text import plural
from batchnb.widgets.explorer.sheet import all_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.widgets.explorer.measured import Measuring
    from batchnb.widgets.explorer.query import Query
    from batchnb.widgets.explorer.sheet import Sheet

MOST_BARS = 40
_LEVELS = tuple(str(level) for level in Severity)


def present_bars(
    sheet: Sheet, query: Query, masks: Mapping[str, np.ndarray], measuring: Measuring
) -> dict[str, Any]:
    """Return the bars of what the filter leaves, but for the choice that a click on a bar makes.

    A bucket without findings has a bar too if it was to be measured; `gap` says what of it was not.
    """
    facet, levels = sheet.facets[query.bars], sheet.facets["severity"]
    mask = all_of(masks, without=(query.bars, "severity"))
    width = len(levels.values)
    both = facet.places()[mask] * width + levels.places()[mask]
    counts = np.bincount(both, minlength=len(facet.values) * width).reshape(-1, width)
    states = _states(query, measuring)
    places = {value: place for place, value in enumerate(facet.values)}
    order = sorted({*places, *states} - {None}, key=lambda value: (isinstance(value, str), value))
    rows = [
        _bar(value, places.get(value), sheet, query, counts=counts, states=states.get(value, Counter()))
        for value in order
    ]
    more = len(rows) - MOST_BARS
    return {
        "by": query.bars,
        "rows": rows[:MOST_BARS],
        "most": max((sum(row["counts"]) for row in rows), default=0),
        "more": max(0, more),
        "severities": [levels.values.index(level) if level in levels.values else None for level in _LEVELS],
    }


def _bar(
    value: Any,
    place: int | None,
    sheet: Sheet,
    query: Query,
    *,
    counts: np.ndarray,
    states: Counter[CellState],
) -> dict[str, Any]:
    facet, levels = sheet.facets[query.bars], sheet.facets["severity"]
    found = dict(zip(levels.values, counts[place].tolist(), strict=True)) if place is not None else {}
    blind, partly = states[CellState.NOT_MEASURED], states[CellState.PARTLY]
    relevant = sum(states.values()) - states[CellState.NOT_APPLICABLE]
    label = facet.label(value)
    return {
        "value": place,
        "label": f"app {label}" if query.bars == "app" else label,
        "counts": [found.get(level, 0) for level in _LEVELS],
        "chosen": value in query.chosen.get(query.bars, ()),
        "unmeasured": blind / relevant if relevant else 0 if states else 1,
        "gap": _gap_text(blind, partly, relevant, known=bool(states)),
    }


def _gap_text(blind: int, partly: int, relevant: int, *, known: bool) -> str:
    if not relevant:
        return "nothing to measure" if known else "not measured"
    if blind == relevant:
        return "not measured"
    parts = [f"{blind:,} not measured"] * bool(blind) + [f"{partly:,} in part"] * bool(partly)
    return f"{', '.join(parts)} (of {plural(relevant, 'app')})" if parts else ""


def _states(query: Query, measuring: Measuring) -> dict[Any, Counter[CellState]]:
    chosen = {name: values for name, values in query.chosen.items() if name != query.bars}
    states: defaultdict[Any, Counter[CellState]] = defaultdict(Counter)
    for (model, app_num), state in measuring.look(chosen).apps.items():
        states[model if query.bars == "model" else app_num][state] += 1
    return dict(states)
