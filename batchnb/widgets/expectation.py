"""How long a job may take, judged by what the store has seen; nothing is said about what it has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.results.text import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from batchnb.records import ExecutionTimes


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What a job has to do for one analysis."""

    analysis_type: str
    title: str
    tasks: int
    """Those that will have something to analyse."""
    exclusive: bool
    """Whether its tasks run one after the other, and alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What can be said before a job starts."""

    seconds: float | None
    """For all that is known; None: nothing is."""
    based_on: int
    """Past tasks that it was judged by."""
    unknown: tuple[str, ...]
    """Titles of the analyses that have never run in this store."""


def expect(loads: Sequence[Load], times: Iterable[ExecutionTimes], at_once: int) -> Expectation:
    """Return how long a job takes if its tasks take as long as those before did on average.

    Args:
        loads: what it has to do.
        times: how long the store's past tasks took.
        at_once: tasks that run at the same time.
    """
    past = {found.analysis_type: found for found in times if found.tasks}
    known = [load for load in loads if load.tasks and load.analysis_type in past]
    unknown = tuple(load.title for load in loads if load.tasks and load.analysis_type not in past)
    if not known:
        return Expectation(seconds=None, based_on=0, unknown=unknown)
    based_on = sum(past[load.analysis_type].tasks for load in known)
    return Expectation(seconds=_wall(known, past, at_once), based_on=based_on, unknown=unknown)


def expectation_text(found: Expectation, at_once: int) -> str:
    """Return the expectation in words; titles in it are untrusted."""
    if found.seconds is None:
        return "How long that takes is not known: no experience in this store yet." if found.unknown else ""
    text = f"About {duration(found.seconds)} with {plural(at_once, 'task')} at once"
    if found.unknown:
        text += f", without {', '.join(found.unknown)} (no experience yet)"
    return f"{text}; judged by the mean of {plural(found.based_on, 'past task')}."


def _wall(loads: Sequence[Load], past: Mapping[str, ExecutionTimes], at_once: int) -> float:
    beside = [load for load in loads if not load.exclusive]
    alone = sum(load.tasks * past[load.analysis_type].mean for load in loads if load.exclusive)
    work = sum(load.tasks * past[load.analysis_type].mean for load in beside)
    width = max(1, min(at_once, sum(load.tasks for load in beside)))
    return work / width + alone
