"""What the panel's form says to what was typed: a message per field, and the job to run if all is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.engine.planning import plan
from batchnb.engine.settings import MAX_SECONDS, check_whole
from batchnb.records import format_app_range
from batchnb.records.errors import BatchnbError, InvalidValueError
from batchnb.results.text import plural

if TYPE_CHECKING:
    from batchnb.analyzers.registry import AnalyzerRegistry
    from batchnb.records import JobSpec, Portfolio

LABELS = {"models": "Models", "apps": "Apps", "analyses": "Analyses", "timeout": "Time limit"}
"""Field that can be wrong -> its label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormInput:
    """What stands in the form."""

    models: tuple[str, ...]
    apps: str = ""
    """A range text; empty: all apps."""
    analyses: tuple[str, ...]
    name: str = ""
    timeout: str = ""
    """Seconds per task; empty: the service's setting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormState:
    """What the form says. The texts are untrusted: they repeat what was typed and name models."""

    errors: dict[str, str]
    """Field -> what is wrong with it."""
    summary: str
    """What Run would start, or that nothing can be started."""
    spec: JobSpec | None
    """The job to start; None: a field is wrong."""


def present_form(given: FormInput, portfolio: Portfolio, registry: AnalyzerRegistry) -> FormState:
    """Check what stands in the form; never raises for what a user can type."""
    errors: dict[str, str] = {}
    if not given.models:
        errors["models"] = "choose at least one model"
    if not given.analyses:
        errors["analyses"] = "choose at least one analysis"
    apps = given.apps.strip() or None
    try:
        portfolio.select(given.models or None, apps)
    except InvalidValueError as error:
        errors["apps"] = _reason(error)
    timeout = _timeout(given.timeout, errors)
    spec = None
    if not errors:
        try:
            spec = plan(
                portfolio,
                registry,
                models=given.models,
                apps=apps,
                analyses=given.analyses,
                name=given.name.strip(),
                task_timeout_seconds=timeout,
            )
        except BatchnbError as error:
            errors["form"] = str(error)
    return FormState(errors=errors, summary=_summary(spec, errors), spec=spec)


def analysis_titles(registry: AnalyzerRegistry) -> dict[str, str]:
    """Return analysis type -> title, for those that can be loaded (the registry names the broken ones)."""
    titles: dict[str, str] = {}
    for key in registry.keys:
        try:
            titles[key] = registry[key].title
        except BatchnbError:
            continue
    return titles


def _reason(error: InvalidValueError) -> str:
    """Return the error in one line; what stands in the field needs no second copy with a pointer."""
    reason = error.allowed.split("\n", 1)[0]
    return reason if error.what == "app range" else f"{error.value}: {reason}"


def _timeout(text: str, errors: dict[str, str]) -> int | None:
    text = text.strip()
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
    try:
        return check_whole("timeout", number, MAX_SECONDS, "the form")
    except InvalidValueError as error:
        errors["timeout"] = f"{text!r}: {error.allowed}"
        return None


def _summary(spec: JobSpec | None, errors: dict[str, str]) -> str:
    if spec is None:
        wrong = ", ".join(label for field, label in LABELS.items() if field in errors)
        return errors.get("form", f"Nothing to run: correct {wrong}.")
    apps = sum(map(len, spec.app_ranges.values()))
    numbers = {number for found in spec.app_ranges.values() for number in found}
    kinds = len(spec.analysis_types)
    return (
        f"Run starts {plural(apps * kinds, 'task')}: {plural(len(spec.models), 'model')} x "
        f"app{'' if len(numbers) == 1 else 's'} {format_app_range(numbers)} ({apps:,} in all) x "
        f"{kinds} {'analysis' if kinds == 1 else 'analyses'}."
    )
