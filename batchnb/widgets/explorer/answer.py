"""The state of the explorer's page for a query: counts, facets, bars, a page of rows, and what has gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from batchnb.widgets.explorer.bars import present_bars
from batchnb.widgets.explorer.sheet import PAGE, all_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.widgets.explorer.facets import Facet
    from batchnb.widgets.explorer.loaded import Loaded
    from batchnb.widgets.explorer.query import Query
    from batchnb.widgets.explorer.sheet import Sheet

_FEW, _MANY = 6, 60
"""Values of a facet that are listed, without and with the reader's asking for more."""


def positions_of(sheet: Sheet, query: Query) -> np.ndarray:
    """Return the numbers of the rows that the query leaves, in its order."""
    return _sorted(sheet, query, all_of(sheet.masks(query.search, query.chosen)))


def present_answer(loaded: Loaded, query: Query) -> dict[str, Any]:
    """Return what the page shows for `query`: plain data without invisible characters, some 30 KB."""
    sheet = loaded.sheets[query.sheet]
    masks = sheet.masks(query.search, query.chosen)
    mask = all_of(masks)
    positions = _sorted(sheet, query, mask)
    pages = max(1, -(-len(positions) // PAGE))
    page = min(query.page, pages - 1)
    measured = loaded.measuring.look(query.chosen)
    return {
        "sheet": sheet.name,
        "sheets": {name: {"noun": each.noun, "total": len(each)} for name, each in loaded.sheets.items()},
        "count": len(positions),
        "total": len(sheet),
        "search": query.search,
        "filtered": bool(query.search or query.chosen),
        "columns": [{"name": column.name, "title": column.title} for column in sheet.columns],
        "sort": {"column": query.sort, "descending": query.descending},
        "page": page,
        "pages": pages,
        "first": page * PAGE,
        "rows": sheet.rows(positions[page * PAGE : (page + 1) * PAGE]),
        "facets": [_facet(facet, query, masks) for facet in sheet.facets.values()],
        "bars": present_bars(sheet, query, masks, loaded.measuring),
        "measured": {
            "text": measured.text,
            "complete": measured.is_complete,
            "lines": list(measured.lines),
            "empty": "" if len(positions) else measured.empty_text(found_nothing=not len(sheet)),
        },
    }


def _sorted(sheet: Sheet, query: Query, mask: np.ndarray) -> np.ndarray:
    order = sheet.order(query.sort, descending=query.descending)
    return np.asarray(order[mask[order]])


def _facet(facet: Facet, query: Query, masks: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the values, each with its count if it alone were chosen of them, beside all other choices."""
    counts = facet.counts(all_of(masks, without=(facet.name,)))
    chosen = query.chosen.get(facet.name, frozenset())
    is_wide = facet.name in query.wide
    most = _MANY if is_wide else _FEW
    # those that are left first; what was chosen must stay where it can be taken back
    listed = sorted(range(len(facet.values)), key=lambda place: (not counts[place], place))
    shown = listed[:most] + [place for place in listed[most:] if facet.values[place] in chosen]
    return {
        "name": facet.name,
        "title": facet.title,
        "values": [
            {
                "value": place,
                "label": facet.label(facet.values[place]),
                "count": int(counts[place]),
                "on": facet.values[place] in chosen,
            }
            for place in shown
        ],
        "more": len(listed) - len(shown),
        "wide": is_wide,
    }
