"""What the form says to what stands in it: a message per field, and the job to run if all is right."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.engine.planning import plan
from batchnb.engine.settings import MAX_CONCURRENT, MAX_SECONDS, check_whole
from batchnb.records import format_app_range
from batchnb.records.errors import BatchnbError, InvalidValueError
from batchnb.results.text import plural
from batchnb.widgets.expectation import Load, expect, expectation_text
from batchnb.widgets.option_fields import read_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.registry import AnalyzerRegistry
    from batchnb.engine.settings import Settings
    from batchnb.records import AppInfo, ExecutionTimes, JobSpec
    from batchnb.widgets.catalog import AnalysisOffer
    from batchnb.widgets.draft import Draft
    from batchnb.widgets.selection import AppTable

_MOST_NAMED = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class FormContext:
    """What the form is about."""

    table: AppTable
    offers: Sequence[AnalysisOffer]
    registry: AnalyzerRegistry
    settings: Settings
    times: Sequence[ExecutionTimes] = ()
    """How long the store's past tasks took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormState:
    """What the form says. The texts are untrusted: they repeat what was typed and name models."""

    errors: Mapping[str, str]
    """Of `apps`, `analyses`, `timeout`, `at_once`, and `form` for what belongs to no field."""
    limits: Mapping[str, str]
    """Analysis -> what is wrong with its time limit."""
    faults: Mapping[str, Mapping[str, str]]
    """Analysis -> option -> what is wrong with it; "" stands for the options as a whole."""
    values: Mapping[str, Mapping[str, Any]]
    """Analysis -> option -> value, of those that are not at their default."""
    summary: str
    """What Run would start, or that nothing can be started."""
    expected: str
    """How long that may take; empty: nothing can be started."""
    spec: JobSpec | None
    """The job to start; None: a field is wrong."""


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    errors: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    faults: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """The labels of what keeps the job from starting."""


def present_form(draft: Draft, context: FormContext) -> FormState:
    """Check what stands in the form; never raises for what a user can type."""
    found = _Reading()
    if draft.selection.typed is not None:
        _blame(found, "apps", draft.selection.fault, "Apps")
    elif not draft.selection.picks:
        _blame(found, "apps", "choose at least one app", "Apps")
    if not draft.analyses:
        _blame(found, "analyses", "choose at least one analysis", "Analyses")
    limits = _read_analyses(draft, context, found)
    timeout = _whole(found, "timeout", draft.timeout, MAX_SECONDS, "Time limit")
    at_once = _whole(found, "at_once", draft.at_once, MAX_CONCURRENT, "Tasks at once")
    spec = None
    if not found.wrong:
        chosen = {"task_timeout_seconds": timeout, "task_timeouts": limits, "max_tasks": at_once}
        spec = _plan(draft, context, found, chosen)
    width = at_once or context.settings.max_tasks
    return FormState(
        errors=found.errors,
        limits=found.limits,
        faults=found.faults,
        values=found.values,
        summary=_summary(spec, found),
        expected="" if spec is None else _expected(spec, context, width),
        spec=spec,
    )


def analysis_titles(registry: AnalyzerRegistry) -> dict[str, str]:
    """Return analysis type -> title, for those that can be loaded (the registry names the broken ones)."""
    titles: dict[str, str] = {}
    for key in registry.keys:
        try:
            titles[key] = registry[key].title
        except BatchnbError:
            continue
    return titles


def _read_analyses(draft: Draft, context: FormContext, found: _Reading) -> dict[str, int]:
    """Read options and time limits of all analyses; only a chosen one can keep the job from starting."""
    limits: dict[str, int] = {}
    for offer in context.offers:
        typed = draft.options.get(offer.key, {})
        values, faults = read_options(offer.schema, offer.options, typed)
        limit, fault = _seconds(draft.limits.get(offer.key, ""))
        is_chosen = offer.key in draft.analyses
        if values:
            found.values[offer.key] = values
        shown = {name: text for name, text in faults.items() if is_chosen or name in typed}
        if shown:
            found.faults[offer.key] = shown
        if fault:
            found.limits[offer.key] = fault
        if is_chosen:
            titles = {info.name: info.title for info in offer.options}
            found.wrong += [f"{offer.title}: {titles.get(name, 'Options')}" for name in faults]
            found.wrong += [f"{offer.title}: Time limit"] if fault else []
        if is_chosen and limit is not None:
            limits[offer.key] = limit
    return limits


def _plan(draft: Draft, context: FormContext, found: _Reading, limits: Mapping[str, Any]) -> JobSpec | None:
    apps: defaultdict[str, list[int]] = defaultdict(list)
    for model, number in sorted(draft.selection.picks):
        apps[model].append(number)
    try:
        return plan(
            context.table.portfolio,
            context.registry,
            models=tuple(apps),
            apps=apps,
            analyses=draft.analyses,
            options={kind: found.values[kind] for kind in draft.analyses if kind in found.values},
            name=draft.name.strip(),
            description=draft.description.strip(),
            **limits,
        )
    except BatchnbError as error:
        found.errors["form"] = str(error)
        return None


def _blame(found: _Reading, name: str, fault: str, label: str) -> None:
    found.errors[name] = fault
    found.wrong.append(label)


def _whole(found: _Reading, name: str, text: str, largest: int, label: str) -> int | None:
    number, fault = _number(text, largest)
    if fault:
        _blame(found, name, fault, label)
    return number


def _seconds(text: str) -> tuple[int | None, str]:
    return _number(text, MAX_SECONDS)


def _number(text: str, largest: int) -> tuple[int | None, str]:
    """Return the whole number that was typed, None for nothing, and what is wrong with it."""
    text = text.strip()
    if not text:
        return None, ""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
    try:
        return check_whole("number", number, largest, "the form"), ""
    except InvalidValueError as error:
        return None, f"{text!r:.60}: {error.allowed}"


def _summary(spec: JobSpec | None, found: _Reading) -> str:
    if spec is None:
        named = [*found.wrong[:_MOST_NAMED], *(["more"] if len(found.wrong) > _MOST_NAMED else [])]
        return found.errors.get("form", f"Nothing to run: correct {', '.join(named)}.")
    apps = sum(map(len, spec.app_ranges.values()))
    numbers = {number for found in spec.app_ranges.values() for number in found}
    kinds = len(spec.analysis_types)
    return (
        f"Run starts {plural(apps * kinds, 'task')}: {plural(len(spec.models), 'model')} x "
        f"app{'' if len(numbers) == 1 else 's'} {format_app_range(numbers)} ({apps:,} in all) x "
        f"{kinds} {'analysis' if kinds == 1 else 'analyses'}."
    )


def _expected(spec: JobSpec, context: FormContext, at_once: int) -> str:
    apps = [context.table.apps[model, number] for model, found in spec.app_ranges.items() for number in found]
    loads = [
        Load(
            analysis_type=offer.key,
            title=offer.title,
            tasks=sum(_has_part(app, offer.part) for app in apps),
            exclusive=offer.exclusive,
        )
        for offer in context.offers
        if offer.key in spec.analysis_types
    ]
    return expectation_text(expect(loads, context.times, at_once), at_once)


def _has_part(app: AppInfo, part: str | None) -> bool:
    """Whether there is something of `app` to analyse; an app without that folder is skipped."""
    return {"backend": app.backend, "frontend": app.frontend}.get(part or "", True)
