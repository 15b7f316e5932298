"""Analyzers in worker processes: the same analyzer to the engine, but nothing of it can hurt the kernel."""

from __future__ import annotations

import pkgutil
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.base import AnalysisContext, Analyzer, Options
from batchnb.analyzers.crossing import ReportReader, rows_of
from batchnb.records import AnalysisReport, Coverage, CoverageStatus
from batchnb.records.errors import (
    InvalidValueError,
    ReportError,
    WorkerCancelledError,
    WorkerTimeoutError,
)
from batchnb.tools.layout import AppFolder
from batchnb.tools.scratch import scratch_folder
from batchnb.tools.workers.pool import WorkerPool, default_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batchnb.tools.workers.child import Call


def isolate(analyzer: type[Analyzer], base_path: str | Path, *, pool: WorkerPool | None = None) -> Analyzer:
    """Return an analyzer like `analyzer(base_path)` whose `analyze` runs in a worker process.

    Everything else (`needs`, `find_app`, ...) stays in this process.

    Args:
        analyzer: a class that can be imported by name.
        base_path: the folder of the apps.
        pool: for tests; None: the one of this process.

    Raises:
        InvalidValueError: if the class was defined in a notebook, a script or a function.
    """
    reference = reference_of(analyzer)

    def analyze_all(
        self: Analyzer, apps: Sequence[AppFolder], options: Any, context: AnalysisContext
    ) -> Sequence[AnalysisReport | None]:
        request = {
            "analyzer": reference,
            "base_path": str(self.base_path),
            "apps": [[app.model, app.app_num, str(app.path)] for app in apps],
            "options": _as_json(options),
            "secrets": context.secrets,
            "raw_file": None if context.raw_file is None else str(context.raw_file),
        }
        return _Analysis(type(self), apps, context).run(request, pool or default_pool())

    def analyze(self: Analyzer, app: AppFolder, options: Any, context: AnalysisContext) -> AnalysisReport:
        report = analyze_all(self, [app], options, context)[0]
        if report is None:
            raise ReportError(f"{reference} did not settle the one app that it was given")
        return report

    for method in (analyze, analyze_all):
        method.__doc__ = f"Run `{reference}.{method.__name__}` in a worker process; see there."
    names = {
        "analyze": analyze,
        "analyze_all": analyze_all,
        "__doc__": analyzer.__doc__,
        "__module__": __name__,
    }
    isolated: type[Analyzer] = type(f"Isolated{analyzer.__name__}", (analyzer,), names)
    return isolated(base_path)


def _as_json(options: Options) -> str:
    """Return what the worker makes equal options of; InvalidValueError if there is no such JSON."""
    with suppress(ValueError):
        text = options.model_dump_json(round_trip=True, by_alias=True)
        if type(options).model_validate_json(text) == options:
            return text
    # A SecretStr, say: it is written as asterisks, and the worker would go to work with those.
    raise InvalidValueError("options", options, "written as JSON, they are others")


class _Analysis:
    """One call in a worker, as the kernel sees it."""

    def __init__(self, analyzer: type[Analyzer], apps: Sequence[AppFolder], context: AnalysisContext) -> None:
        self._analyzer, self._apps, self._context = analyzer, apps, context
        tools = (*analyzer.tools, *analyzer.optional_tools)
        self._readers = [ReportReader(app, analyzer.key, tools) for app in apps]
        self._settled: set[int] = set()

    def run(self, request: dict[str, Any], pool: WorkerPool) -> Sequence[AnalysisReport | None]:
        """Return its reports; see `Analyzer.analyze_all`, and `WorkerPool.call` for the errors.

        One app that was stopped has a report that says so; of several, nobody knows whose fault it is.
        """
        context = self._context
        try:
            pool.call(
                f"{__name__}:serve",
                request,
                deadline=context.deadline,
                cancel=context.cancel,
                on_message=self._read,
            )
        except WorkerTimeoutError:
            if len(self._apps) > 1:
                raise
            return [self._stopped(CoverageStatus.TIMED_OUT, "its process was stopped at the deadline")]
        except WorkerCancelledError:
            if len(self._apps) > 1:
                raise
            why = "its process was stopped: the job was cancelled"
            return [self._stopped(CoverageStatus.CANCELLED, why)]
        return [
            reader.report() if number in self._settled else None
            for number, reader in enumerate(self._readers)
        ]

    def _read(self, message: Any) -> None:
        match message:
            case {"progress": int() as percent}:
                self._context.progress(max(0, min(100, percent)))
            case {"app": int() as number, "rows": rows} if 0 <= number < len(self._readers):
                self._readers[number].read(rows)
            case {"settled": int() as number} if 0 <= number < len(self._readers):
                self._settled.add(number)
            case _:
                raise ReportError("the analyzer's process sent a message of an unknown kind")

    def _stopped(self, status: CoverageStatus, why: str) -> AnalysisReport:
        cells = tuple(
            Coverage(
                model=self._apps[0].model,
                app_num=self._apps[0].app_num,
                analysis_type=self._analyzer.key,
                tool=tool,
                status=status,
                detail=why,
            )
            for tool in self._analyzer.tools
        )
        return AnalysisReport(issues=(), coverage=cells)


def serve(request: dict[str, Any], call: Call) -> None:
    """Run one call in this worker process and send its reports as rows."""
    analyzer = make(request["analyzer"], request["base_path"])
    apps = [AppFolder(model=model, app_num=num, path=Path(path)) for model, num, path in request["apps"]]
    options = analyzer.options.model_validate_json(request["options"])
    raw_file = request["raw_file"]
    with scratch_folder() as scratch:
        context = AnalysisContext(
            scratch=scratch,
            deadline=call.deadline,
            cancel=call.cancel,
            progress=_progress(call),
            secrets=request["secrets"],
            raw_file=None if raw_file is None else Path(raw_file),
        )
        if len(apps) == 1:
            reports: Sequence[AnalysisReport | None] = [analyzer.analyze(apps[0], options, context)]
        else:
            reports = analyzer.analyze_all(apps, options, context)
    if len(reports) != len(apps):
        raise ReportError(f"{request['analyzer']} gave {len(reports)} reports for {len(apps)} apps")
    for number, report in enumerate(reports):
        if report is None and len(apps) > 1:
            continue  # it is to be analysed alone
        _send(request["analyzer"], report, number, call)


def _send(reference: str, report: AnalysisReport | None, number: int, call: Call) -> None:
    if not isinstance(report, AnalysisReport):
        raise TypeError(f"{reference}.analyze returned {type(report).__name__}, no AnalysisReport")
    for rows in rows_of(report):
        call.send({"app": number, "rows": rows})
    call.send({"settled": number})


def _progress(call: Call) -> Callable[[int], None]:
    """Return what tells the kernel how far the analysis is, if that changed: some tell it with each line."""
    told: int | None = None

    def tell(percent: int) -> None:
        nonlocal told
        if told != (percent := int(percent)):
            told = percent
            call.send({"progress": percent})

    return tell


@lru_cache(maxsize=16)
def make(reference: str, base_path: str) -> Analyzer:
    """Return the analyzer that a reference names; one is kept for the next call."""
    return pkgutil.resolve_name(reference)(base_path)  # type: ignore[no-any-return]


def reference_of(analyzer: type[Analyzer]) -> str:
    """Return the name by which a worker finds the class; InvalidValueError if there is none."""
    reference = f"{analyzer.__module__}:{analyzer.__qualname__}"
    try:
        found = None if analyzer.__module__ == "__main__" else pkgutil.resolve_name(reference)
    except (ImportError, AttributeError, ValueError):  # ValueError: `<locals>` is part of it
        found = None
    if found is not analyzer:
        raise InvalidValueError(
            "analyzer",
            reference,
            "it runs in a process of its own, which must be able to import it: define it in a module",
        )
    return reference
