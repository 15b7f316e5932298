"""The raw output of a load test: what was asked of whom, and what the generator counted. Plain JSON."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from batchnb.records.errors import ReportError

Counts = dict[int, int]
"""How often each value was seen; durations are microseconds with three significant digits."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Answer(_Part):
    """What one request of the pre-flight check brought."""

    status: int
    """0: no answer."""
    text: str = ""
    error: str = ""
    kind: str = ""
    """`timeout`, `refused` or `broken`; empty: there was an answer."""
    seconds: float = 0.0


class Asked(_Part):
    """One endpoint."""

    name: str
    source: str = ""
    line: int | None = None
    answer: Answer | None = None
    """Of the pre-flight check; None: it was not reached any more."""

    @property
    def refusal(self) -> str:
        """Why it is not worth a load test; empty if it is."""
        if self.answer is None:
            return "not asked: the pre-flight check was stopped"
        if self.answer.status == 0:
            return f"no answer to the pre-flight request: {self.answer.error}"
        if 400 <= self.answer.status < 500 and self.answer.status != 429:
            return f"the pre-flight request was answered by HTTP {self.answer.status}"
        return ""


class Failure(_Part):
    """Failures of one kind."""

    kind: str
    text: str
    """Of the first one."""
    count: int


class Counted(_Part):
    """The requests of the measured window of one run, to one endpoint."""

    name: str
    requests: int
    bytes: int
    statuses: Counts
    latencies: Counts
    """Of the requests that did not fail."""
    failures: tuple[Failure, ...]


class Run(_Part):
    """What the generator wrote at the end of one run."""

    locust: str
    started: float
    """Reading of `time.monotonic()`."""
    seconds: float
    stopped: str
    """Why it ended early: `max_requests`, `no_answer`; empty: it did not."""
    stopped_at: float | None
    begun: int
    locust_requests: int
    calls: tuple[Counted, ...]
    timeline: tuple[tuple[int, int], ...]
    """For each second since the start: requests that ended well, and that failed."""
    cpu: tuple[tuple[float, float, float], ...]
    """Seconds since the start; the part of the time before that in which the generator had a processor, and
    the part in which it was ready and had to wait for one."""
    lag: Counts
    """How late the generator was when it looked, in microseconds."""
    usage: tuple[tuple[float, float, int], ...] = ()
    """Of the app: seconds since the start, processor seconds so far, resident bytes."""


class LoadRecord(_Part):
    """One load test."""

    format: int = Field(default=1, le=1)
    target: str
    """Scheme, IP address and port."""
    how: str = ""
    """How the app came to run."""
    endpoints: tuple[Asked, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    """Endpoints and source files that were not even tried, with the reasons."""
    writes: int = 0
    """Routes that change data and were not wanted."""
    window: tuple[float, float]
    """Begin and end of what counts, in seconds since the start of each run."""
    users: int
    wanted_runs: int
    runs: tuple[Run, ...] = ()
    cut: str = ""
    """Why there are fewer runs than wanted: `cancelled`, `timed_out`, or what went wrong in words."""
    notes: tuple[str, ...] = ()
    """What else casts doubt on the numbers."""
    load_average: float | None = None
    """Of the machine, before the first run."""
    processors: int = 1
    alive: bool | None = None
    """Whether the app answered after the last run; None: nobody asked."""
    last_words: str = ""
    """The end of the app's log, if it did not."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read one from JSON.

        Raises:
            ReportError: if it is not of the known form.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ReportError(
                f"the load test's record is not of the known form: {where}: {first['msg']}"
            ) from None
