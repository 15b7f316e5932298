"""Which apps are chosen: by cell, by model, by app number, or by a range text that says the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from batchnb.records import format_app_range
from batchnb.records.errors import InvalidValueError
from batchnb.results.text import plural, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.records import AppInfo, Portfolio

MOST_CELLS = 6_000
"""Places of the grid that are drawn one by one; a larger portfolio is drawn by model only."""
_NAME = 60

Pick = tuple[str, int]
"""Model and app number."""


class AppTable:
    """A portfolio as a table: a row per model, a column per app number."""

    def __init__(self, portfolio: Portfolio) -> None:
        """Make the table of `portfolio`."""
        self.portfolio = portfolio
        self.models = portfolio.models
        self.numbers = tuple(sorted({app.app_num for app in portfolio.apps}))
        self.apps: dict[Pick, AppInfo] = {(app.model, app.app_num): app for app in portfolio.apps}
        self.is_drawn = len(self.models) * len(self.numbers) <= MOST_CELLS

    def facts(self) -> dict[str, Any]:
        """Return what the page is told once. The texts are untrusted.

        Returns:
            `models`; `numbers` (none if there are too many cells to draw); `cells`: per model and number
            `[parts, placeholder, files, lines, files that do not parse]`, or None where there is no app.
        """
        numbers = self.numbers if self.is_drawn else ()
        return {
            "models": [shorten(visible(model, one_line=True), _NAME) for model in self.models],
            "numbers": list(numbers),
            "cells": [[_cell(self.apps.get((model, number))) for number in numbers] for model in self.models],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The chosen apps."""

    picks: frozenset[Pick]
    scope: frozenset[str]
    """The models that a range text is about; none: all."""
    typed: str | None = None
    """A range text that does not fit; None: the text says what is chosen."""
    fault: str = ""
    """What is wrong with it."""


def everything(table: AppTable) -> Selection:
    """Return the choice of all apps."""
    return Selection(picks=frozenset(table.apps), scope=frozenset(table.models))


def pick(table: AppTable, old: Selection, message: Mapping[str, Any]) -> Selection:
    """Return the selection after a click; what the page could not have meant changes nothing.

    Args:
        table: the apps.
        old: the selection before.
        message: `rows` and `columns`, each first and last place or None for all, and `on`.
    """
    models = _part(table.models, message.get("rows"))
    numbers = set(_part(table.numbers, message.get("columns")))
    block = {place for place in table.apps if place[0] in set(models) and place[1] in numbers}
    picks = old.picks | block if message.get("on") is True else old.picks - block
    have = {model for model, _ in picks}
    scope = (old.scope - set(models)) | (have & set(models))
    return Selection(picks=picks, scope=scope)


def type_range(table: AppTable, old: Selection, text: str) -> Selection:
    """Return the selection after `text` was typed: these apps of the models in scope; empty: all of them."""
    scope = sorted(old.scope) or list(table.models)
    try:
        found = table.portfolio.select(scope, text.strip() or None)
    except InvalidValueError as error:
        return replace(old, typed=text, fault=_reason(error))
    picks = frozenset((model, number) for model, numbers in found.items() for number in numbers)
    return Selection(picks=picks, scope=old.scope)


def range_text(table: AppTable, picks: frozenset[Pick]) -> str | None:
    """Return the range that says what is chosen of each chosen model; None: no range does."""
    models, numbers = {model for model, _ in picks}, {number for _, number in picks}
    whole = {place for place in table.apps if place[0] in models and place[1] in numbers}
    return format_app_range(numbers) if whole == picks else None


def present_selection(table: AppTable, selection: Selection) -> dict[str, Any]:
    """Return the state of the grid.

    Returns:
        `rows`: per model a text with a 1 for each chosen app, a 0 for another, a blank for none; `counts`:
        per model chosen and there; `text` and `fault`: of the range field; `mixed`: whether no range says
        what is chosen; `summary`.
    """
    text = range_text(table, selection.picks)
    numbers = table.numbers if table.is_drawn else ()
    counts = {model: [0, 0] for model in table.models}
    for place in table.apps:
        counts[place[0]][0] += place in selection.picks
        counts[place[0]][1] += 1
    return {
        "rows": ["".join(_mark(table, selection, (m, n)) for n in numbers) for m in table.models],
        "counts": list(counts.values()),
        "text": (text or "") if selection.typed is None else selection.typed,
        "fault": selection.fault,
        "mixed": text is None and selection.typed is None,
        "summary": f"{len(selection.picks):,} of {plural(len(table.apps), 'app')} chosen",
    }


def _part(whole: Sequence[Any], part: object) -> Sequence[Any]:
    """Return the part between two places, both included; all for None, nothing for what is no such thing."""
    if part is None:
        return whole
    if not (isinstance(part, list) and len(part) == 2 and all(type(end) is int for end in part)):
        return ()
    first, last = sorted(part)
    return whole[max(0, first) : last + 1] if last >= 0 else ()


def _mark(table: AppTable, selection: Selection, place: Pick) -> str:
    if place not in table.apps:
        return " "
    return "1" if place in selection.picks else "0"


def _cell(app: AppInfo | None) -> list[Any] | None:
    if app is None:
        return None
    has = (("B", app.backend), ("F", app.frontend), ("C", app.compose))
    parts = "".join(letter if held else "·" for letter, held in has)
    return [parts, app.placeholder, app.files, app.lines, len(app.unparsed)]


def _reason(error: InvalidValueError) -> str:
    """Return the error in one line; what stands in the field needs no second copy with a pointer."""
    reason = error.allowed.split("\n", 1)[0]
    return reason if error.what == "app range" else f"{error.value}: {reason}"
