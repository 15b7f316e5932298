"""What the page shows of the form, as plain data. Its texts are untrusted: they become text nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.results.text import shorten
from batchnb.tools.text import visible
from batchnb.widgets.catalog import offer_facts
from batchnb.widgets.option_fields import initial_value
from batchnb.widgets.selection import present_selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from batchnb.engine.settings import Settings
    from batchnb.widgets.catalog import AnalysisOffer
    from batchnb.widgets.draft import Draft
    from batchnb.widgets.form_presenter import FormState
    from batchnb.widgets.selection import AppTable

_MOST_LINES = 20
_LINE = 400


def analyses_facts(
    offers: Sequence[AnalysisOffer], broken: Mapping[str, str], settings: Settings
) -> dict[str, Any]:
    """Return what the page is told once: the analyses, and the plug-ins that cannot be loaded."""
    return {
        "analyses": [
            {**offer_facts(offer), "limit": str(settings.timeout_of(offer.key))} for offer in offers
        ],
        "broken": _lines(f"{name} cannot be loaded: {why}" for name, why in broken.items()),
    }


def job_facts(settings: Settings) -> dict[str, Any]:
    """Return what the page is told once: the settings that hold where nothing is typed."""
    return {"timeout": str(settings.task_timeout_seconds), "at_once": str(settings.max_tasks)}


def present_apps(table: AppTable, draft: Draft, state: FormState) -> dict[str, Any]:
    """Return the state of the grid of apps."""
    shown = present_selection(table, draft.selection)
    return {**shown, "fault": _text(state.errors.get("apps", ""))}


def present_analyses(
    offers: Sequence[AnalysisOffer], draft: Draft, state: FormState, tools: Mapping[str, str]
) -> dict[str, Any]:
    """Return the state of the analyses.

    Args:
        offers: the analyses.
        draft: what stands in the form.
        state: what is wrong with it.
        tools: analysis -> which tools are missing, as far as that is known.

    Returns:
        `fault`, and `analyses` by key: `on`, `limit`, `limit_fault`, `tools`, `values` (what stands in the
        fields), `faults` by option, `whole` (what is wrong with all together) and `changed`, the number of
        options that are not at their default.
    """
    found = {}
    for offer in offers:
        typed, faults = draft.options.get(offer.key, {}), dict(state.faults.get(offer.key, {}))
        known = {info.name for info in offer.options}
        whole = "; ".join(
            f"{name}: {text}" if name else text for name, text in faults.items() if name not in known
        )
        found[offer.key] = {
            "on": offer.key in draft.analyses,
            "limit": draft.limits.get(offer.key, ""),
            "limit_fault": _text(state.limits.get(offer.key, "")),
            "tools": _text(tools.get(offer.key, "")),
            "values": {info.name: typed.get(info.name, initial_value(info)) for info in offer.options},
            "faults": {name: _text(text) for name, text in faults.items() if name in known},
            "whole": _text(whole),
            "changed": len(state.values.get(offer.key, {})),
        }
    return {"fault": _text(state.errors.get("analyses", "")), "analyses": found}


def present_job_fields(
    draft: Draft,
    state: FormState,
    *,
    presets: Iterable[str],
    preset_notes: Iterable[str] = (),
    preset_fault: str = "",
    said: str = "",
    refusal: str = "",
) -> dict[str, Any]:
    """Return the state of the job's fields.

    Args:
        draft: what stands in the form.
        state: what is wrong with it, and what Run would do.
        presets: the names of what is saved.
        preset_notes: what came of the last saving, loading or deleting.
        preset_fault: why it failed.
        said: what Run did.
        refusal: why it did nothing.
    """
    return {
        "values": {
            "name": draft.name,
            "description": draft.description,
            "timeout": draft.timeout,
            "at_once": draft.at_once,
        },
        "faults": {name: _text(state.errors.get(name, "")) for name in ("timeout", "at_once")},
        "presets": [[name, _text(name)] for name in presets],
        "preset_notes": _lines(preset_notes),
        "preset_fault": _text(preset_fault),
        "can_save": state.spec is not None,
        "summary": _text(state.summary),
        "expected": _text(state.expected),
        "said": _text(said),
        "refusal": _text(refusal),
    }


def _lines(texts: Iterable[str]) -> list[str]:
    found = [_text(text) for text in texts]
    more = len(found) - _MOST_LINES
    return found if more <= 0 else [*found[:_MOST_LINES], f"and {more:,} more"]


def _text(text: str) -> str:
    return shorten(visible(text, one_line=True), _LINE)
