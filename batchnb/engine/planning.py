"""From what a user asks for to tasks. Pure but for the listing of folders that an open range needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.base import check_options
from batchnb.engine.drafts import check_fields
from batchnb.engine.settings import check_timeouts
from batchnb.records import JobSpec
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.tools.layout import find_apps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from batchnb.analyzers.registry import AnalyzerRegistry
    from batchnb.records import BatchAnalysisJob, Portfolio
    from batchnb.records.portfolio import Apps

Cell = tuple[str, int, str]
"""Model, app number, analysis type: one task."""


def plan(  # noqa: PLR0913 - the fields of a form
    portfolio: Portfolio,
    registry: AnalyzerRegistry,
    *,
    models: Sequence[str] | None = None,
    apps: Apps = None,
    analyses: Sequence[str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    name: str = "",
    description: str = "",
    task_timeout_seconds: int | None = None,
    task_timeouts: Mapping[str, int] | None = None,
    max_tasks: int | None = None,
) -> JobSpec:
    """Check what a user asks for against the portfolio and the analyses there are.

    Args:
        portfolio: the apps.
        registry: the analyses.
        models: model names; None: all.
        apps: which apps, see Portfolio.select; None: all.
        analyses: analysis types; None: those that start no app and send nothing away.
        options: analysis type -> option -> value.
        name: the job's name; empty: "Batch Job {id}".
        description: what the job is for.
        task_timeout_seconds: longest time for one task; None: the service's setting.
        task_timeouts: the same for single analysis types.
        max_tasks: tasks that run at once; None: the service's setting.

    Raises:
        UnknownNameError, AppRangeError, InvalidValueError: naming the wrong value.
    """
    kinds = _analysis_types(registry, analyses)
    given = _options(options)
    stray = [kind for kind in given if kind not in kinds]
    if stray:
        raise UnknownNameError("analysis", stray[0], kinds, "options")
    checked = {
        kind: check_options(registry[kind], values, f"options[{kind!r}]").model_dump(
            mode="json", round_trip=True, by_alias=True
        )
        for kind, values in given.items()
    }
    limits = check_timeouts(task_timeouts or {}, "run")
    stray = [kind for kind in limits if kind not in kinds]
    if stray:
        raise UnknownNameError("analysis", stray[0], kinds, "task_timeouts")
    fields = {"name": name, "description": description, "max_tasks": max_tasks}
    check_fields({**fields, "task_timeout_seconds": task_timeout_seconds}, "run")
    ranges = portfolio.select(models, apps)
    return JobSpec(
        models=tuple(ranges),
        app_ranges=ranges,
        analysis_types=kinds,
        analysis_options=checked,
        name=name,
        description=description,
        task_timeout_seconds=task_timeout_seconds,
        task_timeouts=limits,
        max_tasks=max_tasks,
    )


def cells(job: BatchAnalysisJob, base: Path, last: Collection[str] = ()) -> Iterator[Cell]:
    """Yield the tasks of a job: app by app, so that all models have been measured on the first apps early.

    A model without a range (or with an empty one) stands for all of its apps. The analyses in `last` come
    after all the others.

    Raises:
        PortfolioError: if such a range is open and `base` cannot be read.
        UnknownNameError: if such a model is not there.
    """
    ranges = {model: job.app_ranges.get(model) or [] for model in job.models or job.app_ranges}
    if not all(ranges.values()):
        found, _ = find_apps(base)
        for model in [model for model, apps in ranges.items() if not apps]:
            ranges[model] = [app.app_num for app in found if app.model == model]
            if not ranges[model]:
                raise UnknownNameError("model", model, sorted({app.model for app in found}), str(base))
    pairs = sorted((app, model) for model, apps in ranges.items() for app in set(apps))
    kinds = dict.fromkeys(job.analysis_types)
    first, then = [k for k in kinds if k not in last], [k for k in kinds if k in last]
    return ((model, app, kind) for part in (first, then) for app, model in pairs for kind in part)


def _options(options: object) -> dict[str, Mapping[str, Any]]:
    """Return analysis type -> options, if it is of that form."""
    given = {} if options is None else options
    if not isinstance(given, Mapping) or not all(isinstance(values, Mapping) for values in given.values()):
        raise InvalidValueError(
            "options", options, 'write {"backend_security": {"full_scan": True}}', "options"
        )
    return dict(given)


def _analysis_types(registry: AnalyzerRegistry, asked: object) -> tuple[str, ...]:
    wanted = registry.defaults if asked is None else [asked] if isinstance(asked, str) else asked
    if not isinstance(wanted, Iterable):
        raise InvalidValueError("analyses", asked, "name analyses, such as backend_security", "analyses")
    kinds = tuple(dict.fromkeys(str(kind) for kind in wanted))
    if not kinds:
        raise UnknownNameError("analysis", "", registry.keys, "analyses")
    for kind in kinds:
        if not registry.is_known(kind):
            raise UnknownNameError("analysis", kind, registry.keys, "analyses")
    return kinds
