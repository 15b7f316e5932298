"""What a reader wants to see, and how a message of the page changes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batchnb.widgets.explorer.sheet import Sheet

MOST_SEARCHED = 200
"""Most characters of a search."""
MOST_CHOSEN = 200
"""Most values of a facet that can be chosen at once."""
BARS = ("model", "app")


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A filter, an order and a page of one sheet."""

    sheet: str = "findings"
    search: str = ""
    """A literal text, in whatever case; empty: all."""
    chosen: Mapping[str, frozenset[Any]] = field(default_factory=dict)
    """Facet -> its values, any of which a row must have; facets not in it: whatever."""
    sort: str = ""
    """A column; empty: the worst first."""
    descending: bool = False
    page: int = 0
    wide: frozenset[str] = frozenset()
    """Facets of which more values are shown."""
    bars: str = "model"


def changed(query: Query, message: Mapping[str, Any], sheets: Mapping[str, Sheet]) -> Query:
    """Return the query after a message of the page, which may be anything; what makes no sense is ignored.

    Values of facets are named by their place, which only means something in the sheets that the page saw:
    the caller compares generations.
    """
    do = message.get("do")
    if not isinstance(do, str):
        return query
    if do in _WHOLE:
        return replace(query, **_WHOLE[do](message))
    name, sheet = message.get("name"), sheets.get(query.sheet)
    if sheet is None or not isinstance(name, str):
        return query
    if do == "sheet" and name in sheets:
        kept = {key: values for key, values in query.chosen.items() if key in sheets[name].facets}
        return replace(query, sheet=name, chosen=kept, sort="", descending=False, page=0)
    if do in _OF_SHEET:
        return _OF_SHEET[do](query, name, message, sheet)
    return query


def _search(message: Mapping[str, Any]) -> dict[str, Any]:
    text = message.get("text")
    return {"search": text[:MOST_SEARCHED].replace("\n", " "), "page": 0} if isinstance(text, str) else {}


def _page(message: Mapping[str, Any]) -> dict[str, Any]:
    page = message.get("page")
    return {"page": max(0, page)} if type(page) is int else {}


def _bars(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"bars": message["by"]} if message.get("by") in BARS else {}


_WHOLE: dict[Any, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "search": _search,
    "page": _page,
    "bars": _bars,
    "clear": lambda _: {"search": "", "chosen": {}, "page": 0},
}


def _sorted(query: Query, name: str, _: Mapping[str, Any], sheet: Sheet) -> Query:
    column = next((each for each in sheet.columns if each.name == name), None)
    if column is None:
        return query
    if query.sort != name:
        return replace(query, sort=name, descending=column.worst_first, page=0)
    if query.descending == column.worst_first:
        return replace(query, descending=not query.descending, page=0)
    return replace(query, sort="", descending=False, page=0)


def _wide(query: Query, name: str, _: Mapping[str, Any], sheet: Sheet) -> Query:
    return replace(query, wide=query.wide ^ {name}) if name in sheet.facets else query


def _bar(query: Query, name: str, message: Mapping[str, Any], sheet: Sheet) -> Query:
    """Choose exactly the clicked bar, and its severity if a part of it was clicked; again: take it back."""
    if name not in BARS:
        return query
    places = {name: message.get("value")}
    if message.get("severity") is not None:
        places["severity"] = message["severity"]
    wanted = _values(places, sheet)
    if wanted is None:
        return query
    chosen = {key: values for key, values in query.chosen.items() if key not in {name, "severity"}}
    exactly = {key: frozenset([value]) for key, value in wanted.items()}
    if query.chosen == {**chosen, **exactly}:
        exactly = {}
    return replace(query, chosen={**chosen, **exactly}, page=0)


def _facet(query: Query, name: str, message: Mapping[str, Any], sheet: Sheet) -> Query:
    wanted = _values({name: message.get("value")}, sheet)
    if wanted is None:
        return query
    before = query.chosen.get(name, frozenset())
    now = before | {wanted[name]} if message.get("on") is True else before - {wanted[name]}
    chosen = {**query.chosen, name: now if len(now) <= MOST_CHOSEN else before}
    return replace(query, chosen={key: values for key, values in chosen.items() if values}, page=0)


_OF_SHEET: dict[Any, Callable[[Query, str, Mapping[str, Any], Sheet], Query]] = {
    "sort": _sorted,
    "wide": _wide,
    "bar": _bar,
    "facet": _facet,
}


def _values(places: Mapping[str, Any], sheet: Sheet) -> dict[str, Any] | None:
    found = {}
    for name, place in places.items():
        facet = sheet.facets.get(name)
        if facet is None or type(place) is not int or not 0 <= place < len(facet.values):
            return None
        found[name] = facet.values[place]
    return found
