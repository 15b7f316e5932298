"""The timeline: when each task of a job ran, and what became of it."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from batchnb.records import TaskStatus
from batchnb.results.dataset import as_dataset
from batchnb.results.text import duration, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MOST_BARS = 400
"""With more tasks the chart shows how many ran at a time."""
_BINS = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineBar:
    """One task. Times are seconds since the first task of the job started."""

    lane: int
    """From 0; tasks on one lane did not overlap."""
    start: float
    end: float
    status: TaskStatus
    hover: tuple[str, ...]
    """What it was. Untrusted text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineInfo:
    """What the timeline says. Either `bars` or `running` is filled."""

    title: str
    bars: tuple[TimelineBar, ...] = ()
    edges: tuple[float, ...] = ()
    """Begin of each stretch of time, in seconds."""
    running: tuple[tuple[TaskStatus, tuple[float, ...]], ...] = ()
    """What became of the tasks -> how many of them ran, on average, in each stretch."""
    span: float = 0.0
    """Seconds from the first start to the last known time."""
    summary: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def timeline_info(source: object) -> TimelineInfo:
    """Return when the tasks of a job ran; of several jobs, of the newest one that ran any.

    Up to 400 tasks are shown one by one, on as few lanes as they fit; of more, the number that ran at a time.

    Raises:
        InvalidValueError: if `source` has no dataset.
    """
    tasks = as_dataset(source).tasks
    started = tasks[tasks["started_at"].notna()]
    newest = started.loc[started["started_at"].idxmax(), "job_id"] if len(started) else None
    notes = []
    jobs = len(tasks["job_id"].dropna().unique())
    if newest is not None and jobs > 1:
        notes.append(f"Job {newest}, the newest of {plural(jobs, 'job')}.")
    if newest is not None:
        tasks, started = tasks[tasks["job_id"] == newest], started[started["job_id"] == newest]
    waiting = len(tasks) - len(started)
    if waiting:
        notes.append(f"{plural(waiting, 'task')} did not start.")
    if not len(started):
        return TimelineInfo(title=_TITLE, notes=tuple(notes))
    first = started["started_at"].min()
    notes.append(f"Times count from {first:%Y-%m-%d %H:%M:%S} UTC.")
    start = (started["started_at"] - first).dt.total_seconds().to_numpy(dtype=float)
    end = (started["completed_at"] - first).dt.total_seconds().to_numpy(dtype=float, na_value=np.nan)
    span = float(np.nanmax([*start, *end]))
    end = np.maximum(
        np.where(np.isnan(end), span, end), start
    )  # one that still runs is drawn to the last known time
    shown: dict[str, Any] = (
        {"bars": _bars(started, start, end)}
        if len(started) <= MOST_BARS
        else _stretches(started, start, end, span)
    )
    summary = _summary(tasks, start, end, span)
    return TimelineInfo(title=_TITLE, span=span, summary=summary, notes=tuple(notes), **shown)


def timeline_text(info: TimelineInfo) -> str:
    """Return the timeline in words."""
    return " ".join((f"{info.title}.", *(info.summary or ("No task has started.",)), *info.notes))


_TITLE = "When tasks ran"


def _bars(tasks: pd.DataFrame, start: Sequence[float], end: Sequence[float]) -> tuple[TimelineBar, ...]:
    columns = ("model", "app_num", "analysis_type", "status", "error_message")
    rows = sorted(
        zip(start, end, *(tasks[name].astype(object) for name in columns), strict=True),
        key=lambda row: row[:2],
    )
    bars = []
    free: list[tuple[float, int]] = []  # when each lane is free again
    lanes = 0
    for begin, stop, model, app_num, analysis, status, error in rows:
        if free and free[0][0] <= begin:
            _, lane = heapq.heappop(free)
        else:
            lane, lanes = lanes, lanes + 1
        heapq.heappush(free, (stop, lane))
        state = TaskStatus(status)
        word = state.replace("_", " ")
        hover = [
            f"{model}, app {app_num}, {analysis}: {word}",
            f"{duration(stop - begin)}, from {duration(begin)} on",
        ]
        if isinstance(error, str) and error:
            hover.append(error)
        bars.append(
            TimelineBar(lane=lane, start=float(begin), end=float(stop), status=state, hover=tuple(hover))
        )
    return tuple(bars)


def _stretches(tasks: pd.DataFrame, start: np.ndarray, end: np.ndarray, span: float) -> dict[str, Any]:
    """Return how many tasks of each ending ran, on average, in each of 240 stretches of equal length."""
    width = max(span, 1e-9) / _BINS
    edges = np.arange(_BINS) * width
    status = tasks["status"].astype(str).to_numpy()
    running = []
    for word in TaskStatus:
        chosen = status == word
        if chosen.any():
            busy = _time_before(start[chosen], end[chosen], np.append(edges, span))
            running.append((word, tuple(float(value) for value in np.round(np.diff(busy) / width, 3))))
    return {"edges": tuple(float(edge) for edge in np.round(edges, 3)), "running": tuple(running)}


def _time_before(start: np.ndarray, end: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the seconds that all tasks together had run at each of `times`."""

    def passed(moments: np.ndarray) -> np.ndarray:
        ordered = np.sort(moments)
        sums = np.concatenate([[0.0], np.cumsum(ordered)])
        count = np.searchsorted(ordered, times, side="right")
        result: np.ndarray = count * times - sums[count]
        return result

    busy: np.ndarray = passed(start) - passed(end)
    return busy


def _summary(tasks: pd.DataFrame, start: np.ndarray, end: np.ndarray, span: float) -> tuple[str, ...]:
    counts = tasks["status"].astype(str).value_counts()
    words = ", ".join(f"{counts[word]:,} {word.replace('_', ' ')}" for word in TaskStatus if word in counts)
    busy = float(np.sum(end - start))
    mean = f"; on average {busy / span:.1f} ran at a time" if span > 0 else ""
    return (f"{plural(len(tasks), 'task')} in {duration(span)}: {words}{mean}.",)
