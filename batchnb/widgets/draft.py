"""What stands in the form, and what a message of the page makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchnb.widgets.selection import Selection, everything, pick, type_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.widgets.catalog import AnalysisOffer
    from batchnb.widgets.option_fields import Typed
    from batchnb.widgets.selection import AppTable

MOST_TEXT = 20_000
"""Characters of one field."""
FIELDS = ("name", "description", "timeout", "at_once")
"""The plain fields of a job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What stands in the form, as typed: it may be wrong."""

    selection: Selection
    analyses: tuple[str, ...]
    """The chosen ones, in the form's order."""
    options: Mapping[str, Mapping[str, Typed]] = field(default_factory=dict)
    """Analysis -> option -> what stands in its field; one that is missing stands at its default."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """Analysis -> seconds per task; empty or missing: as for the job."""
    name: str = ""
    description: str = ""
    timeout: str = ""
    """Seconds per task; empty: the service's setting."""
    at_once: str = ""
    """Tasks at once; empty: the service's setting."""


def first_draft(table: AppTable, offers: Sequence[AnalysisOffer]) -> Draft:
    """Return the form at first: all apps, the usual analyses."""
    return Draft(
        selection=everything(table), analyses=tuple(offer.key for offer in offers if offer.is_default)
    )


def changed(
    draft: Draft, message: Mapping[str, Any], table: AppTable, offers: Sequence[AnalysisOffer]
) -> Draft:
    """Return the form after a message of the page. One that the page could not have sent changes nothing."""
    do, text = message.get("do"), message.get("text")
    if do == "pick":
        return replace(draft, selection=pick(table, draft.selection, message))
    if do == "range" and _is_text(text):
        return replace(draft, selection=type_range(table, draft.selection, str(text)))
    if do == "field" and message.get("field") in FIELDS and _is_text(text):
        values: dict[str, Any] = {str(message["field"]): text}
        return replace(draft, **values)
    offer = next((offer for offer in offers if offer.key == message.get("analysis")), None)
    return draft if offer is None else _of_analysis(draft, offer, message, offers)


def _of_analysis(
    draft: Draft, offer: AnalysisOffer, message: Mapping[str, Any], offers: Sequence[AnalysisOffer]
) -> Draft:
    do, key = message.get("do"), offer.key
    if do == "choose":
        chosen = set(draft.analyses) - {key} | ({key} if message.get("on") is True else set())
        return replace(draft, analyses=tuple(offer.key for offer in offers if offer.key in chosen))
    if do == "reset":
        return replace(draft, options=_without(draft.options, key), limits=_without(draft.limits, key))
    if do == "limit" and _is_text(message.get("text")):
        return replace(draft, limits={**draft.limits, key: message["text"]})
    if do == "option":
        info = next((info for info in offer.options if info.name == message.get("option")), None)
        value = message.get("value")
        if info is not None and (type(value) is bool if info.control == "checkbox" else _is_text(value)):
            own: dict[str, Any] = {**draft.options.get(key, {}), info.name: value}
            return replace(draft, options={**draft.options, key: own})
    return draft


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}
