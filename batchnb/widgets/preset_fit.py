"""Between the form and a preset: what is saved of it, and what of a saved one still fits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.option_schema import option_faults
from batchnb.records import format_app_range, parse_app_range
from batchnb.records.errors import AppRangeError
from batchnb.widgets.draft import FIELDS, MOST_TEXT, Draft
from batchnb.widgets.option_fields import typed_value
from batchnb.widgets.presets import Preset
from batchnb.widgets.selection import Selection, everything

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.widgets.catalog import AnalysisOffer
    from batchnb.widgets.option_fields import Typed
    from batchnb.widgets.selection import AppTable


def preset_of(draft: Draft, values: Mapping[str, Mapping[str, Any]], table: AppTable) -> Preset:
    """Return what is saved of a form in which nothing is wrong.

    Args:
        draft: what stands in it.
        values: analysis -> option -> value, of those that are not at their default.
        table: the apps.
    """
    apps: defaultdict[str, list[int]] = defaultdict(list)
    for model, number in draft.selection.picks:
        apps[model].append(number)
    is_all = draft.selection.picks == frozenset(table.apps)
    return Preset(
        apps=None if is_all else {model: format_app_range(apps[model]) for model in sorted(apps)},
        analyses=draft.analyses,
        options={kind: dict(found) for kind, found in values.items()},
        limits={kind: text.strip() for kind, text in draft.limits.items() if text.strip()},
        name=draft.name.strip(),
        description=draft.description.strip(),
        timeout=draft.timeout.strip(),
        at_once=draft.at_once.strip(),
    )


def fit_preset(
    preset: Preset, table: AppTable, offers: Sequence[AnalysisOffer]
) -> tuple[Draft, tuple[str, ...]]:
    """Return the form that a preset asks for, as far as what it names is there, and what is not.

    The texts are untrusted.
    """
    known = {offer.key: offer for offer in offers}
    named = dict.fromkeys((*preset.analyses, *preset.options, *preset.limits))
    notes = [f"there is no analysis {kind!r} any more" for kind in named if kind not in known]
    draft = Draft(
        selection=_selection(preset, table, notes),
        analyses=tuple(offer.key for offer in offers if offer.key in preset.analyses),
        options={
            kind: _options(known[kind], values, notes)
            for kind, values in preset.options.items()
            if kind in known
        },
        limits={kind: text[:MOST_TEXT] for kind, text in preset.limits.items() if kind in known},
    )
    plain: dict[str, Any] = {name: getattr(preset, name)[:MOST_TEXT] for name in FIELDS}
    return replace(draft, **plain), tuple(notes)


def _selection(preset: Preset, table: AppTable, notes: list[str]) -> Selection:
    if preset.apps is None:
        return everything(table)
    picks: set[tuple[str, int]] = set()
    for model, text in preset.apps.items():
        if model not in table.models:
            notes.append(f"there is no model {model!r} any more")
            continue
        try:
            wanted = {(model, number) for number in parse_app_range(text)}
        except AppRangeError:
            notes.append(f"{text!r} is no range of apps of {model!r}")
            continue
        gone = wanted - set(table.apps)
        if gone:
            notes.append(f"{model!r} has no app {format_app_range(number for _, number in gone)} any more")
        picks |= wanted - gone
    return Selection(picks=frozenset(picks), scope=frozenset(model for model, _ in picks))


def _options(offer: AnalysisOffer, values: Mapping[str, Any], notes: list[str]) -> dict[str, Typed]:
    """Return what stands in the fields; a value that is not allowed any more is left out, and told."""
    infos = {info.name: info for info in offer.options}
    faults = option_faults(offer.schema, values)
    typed: dict[str, Typed] = {}
    for name, value in values.items():
        if name not in infos:
            notes.append(f"{offer.title} has no option {name!r} any more")
        elif name in faults:
            notes.append(f"{offer.title}, {infos[name].title}: {value!r:.60} is not allowed ({faults[name]})")
        else:
            typed[name] = typed_value(infos[name], value)
    return typed
