"""A measurement: one number that a tool measured about one app."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One number, such as a latency, or whether a requirement is met (1 met, 0 not met, None cannot tell)."""

    model: str
    app_num: int
    analysis_type: str
    tool: str
    metric: str
    """What was measured, such as `requests_per_second`, `p95` or `requirement_met`."""
    subject: str = ""
    """What of the app, such as `GET /api/todos` or `requirement 3`; empty: the app as a whole."""
    value: float | None
    """None: it could not be told, which is not 0."""
    unit: str = ""
    """`ms`, `1/s`, `%`, `MiB`, ...; empty: a plain number."""
    low: float | None = None
    """Lower end of an interval around the value; the analyzer's documentation says which one."""
    high: float | None = None
    """Upper end of that interval."""
    samples: int | None = None
    """Number of observations behind the value."""
    detail: str = ""
    """In words: evidence, texts of failures. From hostile sources, so data in every sink."""
    job_id: int | None = None
    """None: the analyzer was used alone, outside a job."""
    task_id: int | None = None
