"""Settings of the engine: the seed's environment variables, overridable by arguments (seed, 7.3)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from batchnb.records.errors import InvalidValueError
from batchnb.records.task import DEFAULT_TIMEOUT_SECONDS

MAX_SECONDS = 7 * 24 * 3600
MAX_CONCURRENT = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Limits of the engine."""

    max_jobs: int = 2
    """Jobs that run at once; further ones wait, first in first out (BATCH_MAX_JOBS)."""
    max_tasks: int = 2
    """Tasks that run at once in one job (BATCH_MAX_TASKS)."""
    task_timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    """Longest time for one task (BATCH_TASK_TIMEOUT_SECONDS)."""
    task_timeouts: Mapping[str, int] = field(default_factory=dict)
    """The same for single analysis types (BATCH_TASK_TIMEOUT_SECONDS_PERFORMANCE, ...)."""

    def timeout_of(self, analysis_type: str) -> int:
        """Return the longest time for one task of an analysis type."""
        return self.task_timeouts.get(analysis_type, self.task_timeout_seconds)

    @classmethod
    def load(
        cls,
        *,
        max_jobs: int | None = None,
        max_tasks: int | None = None,
        task_timeout_seconds: int | None = None,
        task_timeouts: Mapping[str, int] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Settings:
        """Return the settings: an argument wins over the environment, the environment over the default.

        Raises:
            InvalidValueError: naming the value, what is allowed and where it came from.
        """
        env = os.environ if environ is None else environ
        return cls(
            max_jobs=_whole("max_jobs", max_jobs, "BATCH_MAX_JOBS", env, 2, MAX_CONCURRENT),
            max_tasks=_whole("max_tasks", max_tasks, "BATCH_MAX_TASKS", env, 2, MAX_CONCURRENT),
            task_timeout_seconds=_whole(
                "task_timeout_seconds",
                task_timeout_seconds,
                "BATCH_TASK_TIMEOUT_SECONDS",
                env,
                DEFAULT_TIMEOUT_SECONDS,
                MAX_SECONDS,
            ),
            task_timeouts=_timeouts(task_timeouts, env),
        )


def _timeouts(argument: Mapping[str, int] | None, env: Mapping[str, str]) -> dict[str, int]:
    prefix = "BATCH_TASK_TIMEOUT_SECONDS_"
    of_env = {name.removeprefix(prefix).lower(): name for name in env if name.startswith(prefix)}
    found = {
        kind: _whole(kind, None, name, env, DEFAULT_TIMEOUT_SECONDS, MAX_SECONDS)
        for kind, name in of_env.items()
    }
    return found | check_timeouts(argument or {}, "argument task_timeouts")


def check_timeouts(timeouts: object, source: str) -> dict[str, int]:
    """Return time limits in seconds by analysis type.

    Raises:
        InvalidValueError: if one is not a whole number from 1 to a week, or it is no such mapping.
    """
    if not isinstance(timeouts, Mapping) or not all(isinstance(kind, str) and kind for kind in timeouts):
        raise InvalidValueError("task_timeouts", timeouts, 'write {"performance": 3600}', source)
    return {
        str(kind): check_whole(f"task_timeouts[{kind!r}]", seconds, MAX_SECONDS, source)
        for kind, seconds in timeouts.items()
    }


def check_whole(what: str, value: object, largest: int, source: str) -> int:
    """Return `value` if it is a whole number from 1 to `largest`.

    Raises:
        InvalidValueError: otherwise.
    """
    return check_between(what, value, 1, largest, source)


def check_between(what: str, value: object, smallest: int, largest: int, source: str) -> int:
    """Return `value` if it is a whole number from `smallest` to `largest`.

    Raises:
        InvalidValueError: otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not smallest <= value <= largest:
        raise InvalidValueError(what, value, f"a whole number from {smallest} to {largest} is needed", source)
    return value


def _whole(
    what: str, argument: int | None, variable: str, env: Mapping[str, str], default: int, largest: int
) -> int:
    if argument is not None:
        return check_whole(what, argument, largest, f"argument {what}")
    text = env.get(variable, "").strip()
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
    return check_whole(what, number, largest, f"environment variable {variable}")
