"""The options of a load test, all with bounds: it must not be possible to make it an attack by mistake."""

from __future__ import annotations

import math
from typing import Any, Self

from pydantic import Field, model_validator

from batchnb.analyzers.base import Options

MAX_RUN_SECONDS = 300
MAX_RAMP_SECONDS = 120


class EndpointOption(Options):
    """One endpoint with more than a method and a path."""

    method: str = Field(default="GET", title="Method", description="The HTTP method.", max_length=10)
    path: str = Field(title="Path", description="From the slash on, with the query.", max_length=2000)
    body: Any = Field(
        default=None, title="JSON body", description="Sent as JSON; a text is sent as it is; none: no body."
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        title="Headers",
        description="Headers to send. Kept with the job, so not the place for secrets.",
    )
    weight: int = Field(
        default=1, ge=1, le=1000, title="Weight", description="How often it is asked for, beside the others."
    )


class LoadOptions(Options):
    """How hard, how long and what a load test asks."""

    users: int = Field(
        default=10,
        ge=1,
        le=200,
        title="Users",
        description="Simulated users; each waits for an answer before it asks again.",
    )
    spawn_rate: float = Field(
        default=10.0,
        ge=0.1,
        le=200,
        title="Users per second",
        description="How many users start in each second, until all are there.",
    )
    run_seconds: int = Field(
        default=10,
        ge=1,
        le=MAX_RUN_SECONDS,
        title="Seconds",
        description="Length of what is measured in each run, once all users are there and warm.",
    )
    warm_up_seconds: float = Field(
        default=2.0,
        ge=0,
        le=60,
        title="Warm-up seconds",
        description="How long the full load lasts before anything counts.",
    )
    repeats: int = Field(
        default=2,
        ge=1,
        le=5,
        title="Runs",
        description="How often it is measured: the spread between runs shows how far to trust it.",
    )
    endpoints: tuple[str | EndpointOption, ...] = Field(
        default=(),
        max_length=100,
        title="Endpoints",
        description='Such as "GET /api/todos"; none: those that are found in the source of the backend.',
    )
    include_writes: bool = Field(
        default=False,
        title="Include writes",
        description="Also ask for found endpoints that change data (POST, PUT, PATCH; never DELETE).",
    )
    max_endpoints: int = Field(
        default=20, ge=1, le=100, title="Endpoint limit", description="How many found endpoints are asked."
    )
    max_requests: int = Field(
        default=100_000,
        ge=1,
        le=1_000_000,
        title="Request limit",
        description="Requests of one run, warm-up included, at most.",
    )
    request_timeout_seconds: float = Field(
        default=10.0,
        ge=0.2,
        le=60,
        title="Answer within (s)",
        description="A request without a whole answer by then is a failure.",
    )
    pause_ms: int = Field(
        default=0,
        ge=0,
        le=60_000,
        title="Pause (ms)",
        description="How long each user waits between an answer and the next request.",
    )
    slow_ms: int = Field(
        default=1000,
        ge=1,
        le=60_000,
        title="Slow from (ms)",
        description="An endpoint whose 95th percentile is above it becomes a finding.",
    )
    failing_percent: float = Field(
        default=1.0,
        ge=0,
        le=100,
        title="Failing from (%)",
        description="An endpoint that fails more often than this becomes a finding.",
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=2**31,
        title="Seed",
        description="Decides in which order the users ask for the endpoints; the same order in every run.",
    )

    @model_validator(mode="after")
    def _users_come_soon(self) -> Self:
        if self.ramp_seconds > MAX_RAMP_SECONDS:
            raise ValueError(
                f"with {self.spawn_rate:g} users per second it takes longer than {MAX_RAMP_SECONDS} s until "
                f"{self.users} users are there"
            )
        return self

    @property
    def ramp_seconds(self) -> float:
        """Until all users are there."""
        return self.users / self.spawn_rate

    @property
    def window(self) -> tuple[float, float]:
        """Begin and end of what counts, in seconds since the start of a run."""
        start = self.ramp_seconds + self.warm_up_seconds
        return start, start + self.run_seconds

    @property
    def most_seconds(self) -> float:
        """How long a run can take, with the start of the generator and the last answers."""
        return math.ceil(self.window[1]) + self.request_timeout_seconds + 5
