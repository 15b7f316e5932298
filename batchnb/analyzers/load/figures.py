"""What the counts of a load test mean: per endpoint, over time, for the app and for the generator itself."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.analyzers.load.quantiles import Estimate, percentile, share_of, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batchnb.analyzers.load.record import Asked, Counted, LoadRecord, Run

PERCENTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
MAX_POINTS = 120
BUSY_PERCENT = 85.0
"""Of the time: a generator that works or waits for a processor longer was itself what limited the test."""
LATE_MS = 50.0
"""A generator that is so late (95th percentile) did not get a processor when it needed one."""
_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The numbers of one endpoint, or of all together."""

    name: str
    """Method and path; empty: all endpoints."""
    requests: int
    failures: int
    statuses: dict[int, int]
    """HTTP status -> how often; 0: no answer."""
    reasons: tuple[tuple[str, str, int], ...]
    """Kinds of failure, the text of the first, how often; the most frequent first."""
    failure_ratio: Estimate
    """From 0 to 1, with Wilson's 95 % interval."""
    requests_per_second: Estimate
    """Answers without failure; the mean of the runs, and the spread between them."""
    latency: dict[str, Estimate]
    """`p50`, ... in ms, of the answers without failure, with a 95 % interval; see `quantiles`."""
    source: str = ""
    line: int | None = None

    @property
    def answered(self) -> int:
        """Requests that did not fail."""
        return self.requests - self.failures


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """The throughput of one stretch of time, in all runs."""

    second: int
    """Its begin, since the start of a run."""
    width: int
    rate: Estimate
    """Answers without failure per second; the mean of the runs, and the spread between them."""
    failures: int
    warm_up: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """All that a load test told."""

    total: Figures
    endpoints: tuple[Figures, ...]
    """Those that were loaded."""
    throughput: tuple[Point, ...]
    app_cpu_percent: Estimate
    """Of one processor; mean of the runs, and the spread between them."""
    app_rss_mib: Estimate
    """The largest, and between which bounds it moved."""
    generator_cpu_percent: Estimate
    """Of one processor: the busiest run, with its quietest and busiest second."""
    generator_wait_percent: Estimate
    """Of the time, ready to run and without a processor: the same run."""
    generator_lag_ms: Estimate
    """95th percentile of how late the generator was."""

    @property
    def bottleneck(self) -> str:
        """Why the generator rather than the app may have limited the test; empty: it did not."""
        busy, waiting = self.generator_cpu_percent.value or 0.0, self.generator_wait_percent.value or 0.0
        late = self.generator_lag_ms.value or 0.0
        if busy + waiting < BUSY_PERCENT and late < LATE_MS:
            return ""
        if waiting < busy:
            what = f"was itself the bottleneck: it used {busy:.0f} % of a processor"
        else:
            what = (
                "was held up by other work on this machine: it waited for a processor "
                f"{waiting:.0f} % of the time, and was {late:.0f} ms late"
            )
        return f"the load generator {what}; the app may be faster than measured"


@dataclass(slots=True)
class _Tally:
    """The counts of one endpoint over all runs."""

    requests: int = 0
    failures: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)
    latencies: list[Counter[int]] = field(default_factory=list)

    def add(self, counted: Iterable[Counted]) -> None:
        """Add the counts of one run."""
        latencies: Counter[int] = Counter()
        for call in counted:
            self.requests += call.requests
            self.statuses.update(call.statuses)
            latencies.update(call.latencies)
            for failure in call.failures:
                self.failures += failure.count
                self.reasons[failure.kind] += failure.count
                self.texts.setdefault(failure.kind, failure.text)
        self.latencies.append(latencies)

    def figures(self, name: str, lengths: Sequence[float], asked: Asked | None) -> Figures:
        """Return what they mean; `lengths` are the seconds of each run that count."""
        rates = [
            run.total() / seconds for run, seconds in zip(self.latencies, lengths, strict=True) if seconds > 0
        ]
        good = self.requests - self.failures
        return Figures(
            name=name,
            requests=self.requests,
            failures=self.failures,
            statuses=dict(self.statuses.most_common()),
            reasons=tuple((kind, self.texts[kind], count) for kind, count in self.reasons.most_common()),
            failure_ratio=share_of(self.failures, self.requests),
            requests_per_second=spread(rates, samples=good),
            latency={key: _as_ms(percentile(self.latencies, part)) for key, part in PERCENTILES.items()},
            source=asked.source if asked else "",
            line=asked.line if asked else None,
        )


def summarize_load(record: LoadRecord) -> Summary:
    """Return what a load test told. Pure: the same record gives the same numbers."""
    runs, lengths = record.runs, [measured_seconds(run, record) for run in record.runs]
    names = {asked.name: asked for asked in record.endpoints if not asked.refusal}
    total, each = _Tally(), {name: _Tally() for name in names}
    for run in runs:
        total.add(run.calls)
        for call in run.calls:
            each.setdefault(call.name, _Tally()).add([call])
    busy, waiting = _generator(record)
    return Summary(
        total=total.figures("", lengths, None),
        endpoints=tuple(
            tally.figures(name, lengths, names.get(name)) for name, tally in each.items() if tally.latencies
        ),
        throughput=_throughput(record),
        app_cpu_percent=spread(cpu for run in runs if (cpu := _app_cpu(run, record.window)) is not None),
        app_rss_mib=_app_memory(record),
        generator_cpu_percent=busy,
        generator_wait_percent=waiting,
        generator_lag_ms=_as_ms(percentile([run.lag for run in runs], 0.95)),
    )


def measured_seconds(run: Run, record: LoadRecord) -> float:
    """Return how many seconds of a run count.

    A run that reached the cap on requests ended there. One whose target died has its whole window: a dead app
    serves nobody, and its throughput says so.
    """
    start, end = record.window
    if run.stopped == "max_requests" and run.stopped_at is not None:
        end = min(end, run.stopped_at)
    return max(0.0, end - start)


def _throughput(record: LoadRecord) -> tuple[Point, ...]:
    """Return the throughput over time, in at most `MAX_POINTS` stretches of whole seconds."""
    start, end = record.window
    rows = [_seconds_of(run, min(int(end), int(run.seconds))) for run in record.runs]
    length = max(map(len, rows), default=0)
    width = max(1, math.ceil(length / MAX_POINTS))
    points = []
    for second in range(0, length, width):
        parts = [part for row in rows if (part := row[second : second + width])]
        rates = [sum(good for good, _ in part) / len(part) for part in parts]
        points.append(
            Point(
                second=second,
                width=width,
                rate=spread(rates, samples=sum(good for part in parts for good, _ in part)),
                failures=sum(bad for part in parts for _, bad in part),
                warm_up=second < start,
            )
        )
    return tuple(points)


def _seconds_of(run: Run, length: int) -> tuple[tuple[int, int], ...]:
    """Return the first seconds of a run. The generator notes none after the last answer: they had none."""
    return (*run.timeline[:length], *[(0, 0)] * (length - len(run.timeline)))


def _app_cpu(run: Run, window: tuple[float, float]) -> float | None:
    seen = [(at, cpu) for at, cpu, _ in run.usage if window[0] <= at <= window[1]]
    if len(seen) < 2 or seen[-1][0] <= seen[0][0]:
        return None
    return 100 * (max(cpu for _, cpu in seen) - seen[0][1]) / (seen[-1][0] - seen[0][0])


def _app_memory(record: LoadRecord) -> Estimate:
    start, end = record.window
    seen = [rss / _MIB for run in record.runs for at, _, rss in run.usage if start <= at <= end]
    if not seen:
        return Estimate(value=None)
    return Estimate(value=max(seen), low=min(seen), high=max(seen), samples=len(seen))


def _generator(record: LoadRecord) -> tuple[Estimate, Estimate]:
    """Return how busy the generator was, and how long it waited for a processor, in the worst run."""
    start, end = record.window
    runs = [
        seen
        for run in record.runs
        if (seen := [(busy, waiting) for at, busy, waiting in run.cpu if start < at <= end + 1])
    ]
    if not runs:
        return Estimate(value=None), Estimate(value=None)
    worst = max(runs, key=lambda seen: sum(map(sum, seen)) / len(seen))
    busy, waiting = (spread(100 * part for part in parts) for parts in zip(*worst, strict=True))
    return busy, waiting


def _as_ms(micros: Estimate) -> Estimate:
    def scaled(value: float | None) -> float | None:
        return None if value is None else value / 1000

    return Estimate(
        value=scaled(micros.value),
        low=scaled(micros.low),
        high=scaled(micros.high),
        samples=micros.samples,
    )
