"""performance: a load test of the running app, by Locust.

What the measurements mean. The subject is an endpoint ("GET /api/todos"), or empty for all together; `low`
and `high` are the interval named below, and a value that could not be told is None, never 0.

| metric                  | unit | value                                  | low, high                       |
|-------------------------|------|----------------------------------------|---------------------------------|
| `requests`              |      | requests of all runs after the warm-up | -                               |
| `requests_per_second`   | 1/s  | answers without failure, mean of runs  | slowest and fastest run         |
| `failure_ratio`         |      | part of the requests that failed       | Wilson's 95 % interval          |
| `p50` `p90` `p95` `p99` | ms   | latency of answers without failure     | 95 %, see `load.quantiles`      |
| `endpoints`             |      | endpoints that were loaded             | -                               |
| `app_cpu_percent`       | %    | of one processor, mean of the runs     | lowest and highest run          |
| `app_rss_mib`           | MiB  | most resident memory of the app        | lowest and highest look         |
| `generator_cpu_percent` | %    | of one processor, in the busiest run   | its quietest and busiest second |
| `generator_wait_percent`| %    | of the time, without a processor, ditto| its quietest and busiest second |
| `generator_lag_ms`      | ms   | lateness of the generator, as a p95    | 95 %, see `load.quantiles`      |
| `throughput`            | 1/s  | answers without failure, mean of runs  | slowest and fastest run         |

The subject of a `throughput` is the begin of its stretch of time, "t=3s" for three seconds after the start of
a run; there are at most 120, in order, and the detail says which are of the warm-up.

A generator that works or waits for a processor for 85 % of the time, or is 50 ms late, limits the test
itself: then the coverage is partial and says so. Load tests run one at a time on a machine (`load.turn`);
other analyses beside them distort the numbers, so in a job they run last and alone.

A failure is a status from 400 on, no answer, or one that is not whole within the time limit. A redirect is an
answer; it is not followed. Latency runs from the request to the last byte of the answer, as the generator
sees it. Every user waits for its answer before it asks again, so a slow app is asked less (a closed model).
Which endpoint is next is by chance and weight; the users' rows of dice are the same in every run.

Coverage counts endpoints where other analyses count files. Findings: `http-errors` (high if half of the
requests fail otherwise than by a 4xx, medium from 5 %, else low: a 4xx may be the tester's fault),
`slow-endpoint` (medium above five times the limit, otherwise low) and `died-under-load` (high).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import field_validator

from batchnb.analyzers.base import AnalysisContext, Options, ToolNeed, check_options
from batchnb.analyzers.load.endpoints import named_endpoints
from batchnb.analyzers.load.library import LoadTestReport, load_test_report, seconds_of
from batchnb.analyzers.load.measuring import Wanted, in_turn, tested, wanted_of, without_endpoints
from batchnb.analyzers.load.options import LoadOptions
from batchnb.analyzers.load.reading import TOOL, Thresholds, read_run
from batchnb.analyzers.load.session import LoadSession
from batchnb.analyzers.raw import RawAnalysis, RawTarget, ToolRun
from batchnb.analyzers.running import RunOptions, running_app
from batchnb.analyzers.tool_analyzer import ToolAnalyzer
from batchnb.records import AnalysisType, CoverageStatus
from batchnb.records.errors import InvalidValueError, ToolMissingError
from batchnb.records.task import DEFAULT_TIMEOUT_SECONDS
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.scratch import scratch_folder
from batchnb.tools.targets import check_target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from batchnb.analyzers.load.options import EndpointOption
    from batchnb.analyzers.running import RunningApp
    from batchnb.records import AnalysisReport
    from batchnb.tools.layout import AppFolder

INSTALL_HINT = "pip install 'batchnb[tools]'"


class PerformanceOptions(RunOptions, LoadOptions):
    """How the app comes to run, and what it is asked."""

    @field_validator("endpoints")
    @classmethod
    def _can_be_sent(cls, value: tuple[str | EndpointOption, ...]) -> tuple[str | EndpointOption, ...]:
        named_endpoints(value)
        return value


class PerformanceTester(ToolAnalyzer):
    """Load tests of running apps, one at a time on this machine."""

    key: ClassVar[str] = AnalysisType.PERFORMANCE.value
    title: ClassVar[str] = "Performance"
    service: ClassVar[str] = "performance_tester"
    tools: ClassVar[tuple[str, ...]] = (TOOL,)
    part: ClassVar[str] = "backend"
    options: ClassVar[type[Options]] = PerformanceOptions
    by_default: ClassVar[bool] = False
    needs_running_app: ClassVar[bool] = True
    exclusive: ClassVar[bool] = True

    def needs(self) -> tuple[ToolNeed, ...]:
        """Return Locust, found or not."""
        command = (sys.executable, "-I", "-m", "locust") if _has_locust() else None
        return (ToolNeed(name=TOOL, command=command, install_hint=INSTALL_HINT),)

    def collect(self, apps: Sequence[AppFolder], options: Any, context: AnalysisContext) -> RawAnalysis:
        """Start each app, or find it running, and load it."""
        return RawAnalysis(
            analysis_type=self.key,
            options=options.model_dump(mode="json"),
            targets=tuple(RawTarget(model=app.model, app_num=app.app_num) for app in apps),
            runs=tuple(
                replace(self._test(app, options, context), targets=(number,))
                for number, app in enumerate(apps)
            ),
        )

    def parse(self, raw: RawAnalysis) -> Sequence[AnalysisReport]:
        """Compute the numbers from the counts of the generator."""
        limits = Thresholds(raw.options["slow_ms"], raw.options["failing_percent"])
        by_target = {run.targets[0]: run for run in raw.runs}
        return [read_run(raw, number, by_target[number], limits) for number in range(len(raw.targets))]

    def _test(self, app: AppFolder, options: PerformanceOptions, context: AnalysisContext) -> ToolRun:
        if not _has_locust():
            missing, detail = CoverageStatus.TOOL_MISSING, f"not installed: {INSTALL_HINT}"
            return ToolRun(tool=TOOL, targets=(0,), status=missing, detail=detail)
        wanted = wanted_of(app, options)
        if not wanted.endpoints:
            return without_endpoints(wanted)

        def test(note: str) -> ToolRun:
            with running_app(app, options, context) as running:
                session = LoadSession(
                    target=running.target,
                    options=options,
                    context=context,
                    how="; ".join((running.how, *running.notes)),
                    enter=running.enter,
                    usage=running.usage,
                    last_words=partial(_last_words, running),
                    notes=(note,) if note else (),
                )
                return tested(session, wanted)

        return in_turn(context, test)

    # ------------------------------------------------------------- on its own, as in the seed (9.1)

    @classmethod
    def run_test_library(  # noqa: PLR0913 - the seed's signature; the rest are keywords
        cls,
        test_name: str,
        host: str,
        endpoints: Iterable[str | Mapping[str, Any] | EndpointOption],
        user_count: int = 10,
        spawn_rate: float = 10,
        run_time: float | str = 10,
        *,
        allowed_hosts: Collection[str] = (),
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        cancel: CancelToken | None = None,
        progress: Callable[[int], None] | None = None,
        **options: Any,
    ) -> LoadTestReport:
        """Load something that runs already, here and now, and return its numbers.

        Args:
            test_name: what to call it in the report.
            host: such as "http://127.0.0.1:5101". Only loopback, unless named in `allowed_hosts`.
            endpoints: such as "GET /api/todos", or the values of an `EndpointOption`.
            user_count: simulated users.
            spawn_rate: how many of them start per second.
            run_time: seconds of one run, without its warm-up; or a text such as "30s" or "2m".
            allowed_hosts: hosts beside the loopback addresses that may be loaded.
            timeout_seconds: when to stop, whatever is going on.
            cancel: ends the test when pulled.
            progress: told the percentage.
            options: further ones of `PerformanceOptions`: `warm_up_seconds`, `repeats`, `slow_ms`, ...

        Raises:
            ConnectionError: (as `PortClosedError`) if the port is not open.
            TimeoutError: (as `NoAnswerError`) if the target does not answer.
            InvalidValueError: for a host that may not be loaded, or another value that is not allowed.
            ToolMissingError: if Locust is not installed.
            AnalyzerError: if there was no test: another one had its turn all the time, say.
        """
        given = {
            "users": user_count,
            "spawn_rate": spawn_rate,
            "run_seconds": seconds_of(run_time),
            "allowed_hosts": tuple(allowed_hosts),
        }
        values = cast("PerformanceOptions", check_options(cls, {**options, **given}, "run_test_library"))
        target = check_target(host, allowed_hosts=allowed_hosts, source="host")
        named = named_endpoints(endpoints)
        if not named:
            raise InvalidValueError("endpoints", (), "name at least one, such as 'GET /'")
        if not _has_locust():
            raise ToolMissingError(f"locust is not installed: {INSTALL_HINT}")
        with scratch_folder() as scratch:
            context = AnalysisContext(
                scratch=scratch,
                deadline=Deadline.after(timeout_seconds),
                cancel=cancel or CancelToken(),
                progress=progress or (lambda percent: None),  # noqa: ARG005 - nobody watches
            )
            run = in_turn(
                context,
                lambda note: tested(
                    LoadSession(
                        target=target, options=values, context=context, notes=(note,) if note else ()
                    ),
                    Wanted(endpoints=named),
                ),
            )
        return load_test_report(test_name, cls.key, run, Thresholds(values.slow_ms, values.failing_percent))


def _last_words(app: RunningApp) -> str:
    return f"{app.why_ended()} {app.log_tail()}".strip()


def _has_locust() -> bool:
    return find_spec("locust") is not None
