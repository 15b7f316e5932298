"""The analyses as a form offers them: what each does and needs, and its options, all from its class."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.option_schema import describe_options
from batchnb.records.errors import BatchnbError
from batchnb.results.text import shorten
from batchnb.tools.text import visible
from batchnb.widgets.option_fields import initial_value, typed_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.analyzers.base import Analyzer, Options, ToolNeed
    from batchnb.analyzers.option_schema import OptionInfo
    from batchnb.analyzers.registry import AnalyzerRegistry

_TEXT = 400
_HINT = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisOffer:
    """One analysis. Its texts may be a plug-in's, so they are untrusted."""

    key: str
    title: str
    about: str
    """What it does and needs, in one line."""
    is_default: bool
    exclusive: bool
    part: str | None
    schema: type[Options]
    options: tuple[OptionInfo, ...] = ()
    fault: str = ""
    """Why its options cannot be shown."""
    secrets: Mapping[str, bool] = field(default_factory=dict)
    """Environment variable -> whether it is set. Its value is nobody's business here."""


def read_catalog(registry: AnalyzerRegistry) -> tuple[AnalysisOffer, ...]:
    """Return the analyses that can be loaded; the registry names the broken ones."""
    offers = []
    for key in registry.keys:
        try:
            offers.append(_offer(registry[key], is_default=registry.is_default(key)))
        except BatchnbError:
            continue
    return tuple(offers)


def offer_facts(offer: AnalysisOffer) -> dict[str, Any]:
    """Return what the page is told once about an analysis."""
    return {
        "key": offer.key,
        "title": _safe(offer.title),
        "about": _safe(offer.about),
        "usual": offer.is_default,
        "fault": _safe(offer.fault),
        "keys": [
            f"{visible(name)} is {'set' if given else 'not set'} in the kernel's environment"
            for name, given in offer.secrets.items()
        ],
        "options": [
            {
                "name": info.name,
                "title": _safe(info.title),
                "help": _safe(info.description),
                "allowed": _allowed(info),
                "control": info.control,
                "choices": [[typed_value(info, choice), _safe(str(choice))] for choice in info.choices],
                "nullable": info.nullable or (info.required and info.control == "choice"),
                "required": info.required,
                "initial": _shown_default(info),
            }
            for info in offer.options
        ],
    }


def tools_text(needs: tuple[ToolNeed, ...]) -> str:
    """Return which tools are missing and how to get them; empty: none is."""
    missing = [need for need in needs if need.command is None]
    required = [_lack(need) for need in missing if not need.optional]
    optional = [_lack(need) for need in missing if need.optional]
    parts = [f"Missing: {'; '.join(required)}."] if required else []
    parts += [f"Optional and not there: {'; '.join(optional)}."] if optional else []
    return " ".join(parts)


def _offer(kind: type[Analyzer], *, is_default: bool) -> AnalysisOffer:
    fault = ""
    options: tuple[OptionInfo, ...] = ()
    try:
        options = describe_options(kind.options)
    except Exception as error:  # noqa: BLE001 - a plug-in's schema may hold what JSON Schema has no word for
        fault = f"its options cannot be shown ({type(error).__name__}: {error})"
    return AnalysisOffer(
        key=kind.key,
        title=kind.title,
        about=_about(kind),
        is_default=is_default,
        exclusive=kind.exclusive,
        part=kind.part,
        schema=kind.options,
        options=options,
        fault=fault,
        secrets=_secrets(kind),
    )


def _about(kind: type[Analyzer]) -> str:
    does = (kind.__doc__ or "").strip().split("\n\n", 1)[0].replace("`", "")
    parts = [" ".join(does.split())]
    if kind.needs_running_app:
        parts.append("The app's code runs.")
    elif kind.by_default:
        parts.append("Reads only; the app's code does not run.")
    if kind.exclusive:
        parts.append("Its tasks run last and alone, as it measures times.")
    if kind.part:
        parts.append(f"Apps without a {kind.part} are skipped.")
    return " ".join(part for part in parts if part)


def _secrets(kind: type[Analyzer]) -> dict[str, bool]:
    return {name: bool(os.environ.get(name)) for name in kind.secrets}


def _lack(need: ToolNeed) -> str:
    hint = shorten(need.install_hint, _HINT)
    return f"{need.name} ({hint})" if hint else need.name


def _shown_default(info: OptionInfo) -> str:
    """Return the default as a reader sees it."""
    if info.control == "checkbox":
        return "on" if info.initial is True else "off"
    if info.control == "choice":
        return "none" if info.initial is None else _safe(str(info.initial))
    return _safe(str(initial_value(info)).replace("\n", ", ")) or "empty"


def _allowed(info: OptionInfo) -> str:
    words = {"lines": "one a line", "json": "as JSON"}
    parts = [words.get(info.control, ""), "" if info.control == "choice" else info.allowed]
    return _safe(", ".join(part for part in parts if part))


def _safe(text: str) -> str:
    return shorten(visible(text, one_line=True), _TEXT)
