"""The board of a job as plain data: the grid of its tasks, those that run, and the last lines of its log."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from batchnb.records import BoardCell, TaskStatus
from batchnb.results.history import history
from batchnb.results.text import duration, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from batchnb.records import BatchAnalysisJob, BatchAnalysisTask, BoardCount, LogLine

MOST_CELLS = 6_000
"""Tasks that are drawn one by one; a job with more is drawn by model and analysis."""
MOST_RUNNING = 12
MOST_LINES = 200
LETTERS = {
    TaskStatus.PENDING: "p",
    TaskStatus.RUNNING: "r",
    TaskStatus.COMPLETED: "c",
    TaskStatus.FAILED: "f",
    TaskStatus.TIMED_OUT: "t",
    TaskStatus.CANCELLED: "x",
    TaskStatus.SKIPPED: "s",
}
"""Task status -> its letter in the grid's text; a blank is a task that the job does not have."""
_BY_WORD = {str(status): letter for status, letter in LETTERS.items()}
_NAME = 60
_LINE = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardSources:
    """Snapshots from the store that a board is made of."""

    job: BatchAnalysisJob
    cells: Sequence[BoardCell] = ()
    """Empty for a job with more than `MOST_CELLS` tasks."""
    counts: Sequence[BoardCount] = ()
    """Only for such a job."""
    recent: Sequence[BatchAnalysisTask] = ()
    lines: Sequence[LogLine] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    """Analysis type -> title."""
    selected: int | None = None
    """Id of the task that the reader picked."""
    now: datetime


def present_board(sources: BoardSources) -> dict[str, Any]:
    """Return the state of the board. Its texts are untrusted: the page makes text nodes of them.

    Returns:
        `grid`: `models`, `apps`, `analyses` (names) and `cells`, one letter per task, ordered by analysis,
        model, app; or, for a job with too many tasks, `bars`: rows of model, analysis and counts by letter;
        `running`: the tasks that run; `selected`: the picked task, or None; `lines`: the end of the log.
    """
    job = sources.job
    return {
        "job": job.id,
        "ended": job.status.is_ended,
        "grid": _grid(sources) if sources.cells else None,
        "bars": _bars(sources.counts, sources.titles),
        **_running(sources),
        "selected": _selected(sources),
        "lines": _lines(job, sources.recent, sources.lines),
    }


def task_at(cells: Iterable[BoardCell], place: object) -> int | None:
    """Return the id of the task that the page means by `[analysis, model, app]`; None: there is none."""
    if not (isinstance(place, list) and len(place) == 3):
        return None
    wanted = tuple(place)
    for cell in cells:
        if (cell.analysis_type, cell.model, cell.app_num) == wanted:
            return cell.task_id
    return None


def _grid(sources: BoardSources) -> dict[str, Any]:
    cells = sources.cells
    models = sorted({cell.model for cell in cells})
    apps = sorted({cell.app_num for cell in cells})
    kinds = list(dict.fromkeys(cell.analysis_type for cell in cells))
    place = {
        key: number
        for number, key in enumerate((kind, model, app) for kind in kinds for model in models for app in apps)
    }
    letters = [" "] * len(place)
    for cell in cells:
        letters[place[cell.analysis_type, cell.model, cell.app_num]] = _BY_WORD.get(cell.status, "?")
    return {
        "models": models,
        "labels": [_name(model) for model in models],
        "apps": apps,
        "analyses": kinds,
        "titles": [_name(sources.titles.get(kind, kind)) for kind in kinds],
        "cells": "".join(letters),
    }


def _bars(counts: Sequence[BoardCount], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in counts:
        rows[each.model, each.analysis_type][_BY_WORD.get(each.status, "?")] += each.tasks
    return [
        {"model": _name(model), "analysis": _name(titles.get(kind, kind)), "counts": dict(found)}
        for (model, kind), found in sorted(rows.items())
    ]


def _running(sources: BoardSources) -> dict[str, Any]:
    running = [cell for cell in sources.cells if cell.status == str(TaskStatus.RUNNING)]
    if not sources.cells:
        running = [_cell_of(task) for task in sources.recent if task.status is TaskStatus.RUNNING]
    running.sort(key=lambda cell: cell.started_at or "")
    shown = [
        {
            "task": cell.task_id,
            "what": f"{_name(cell.model)} app {cell.app_num}",
            "analysis": _name(sources.titles.get(cell.analysis_type, cell.analysis_type)),
            "progress": cell.progress,
            "elapsed": _elapsed(cell.started_at, sources.now),
        }
        for cell in running[:MOST_RUNNING]
    ]
    return {"running": shown, "running_more": max(0, len(running) - MOST_RUNNING)}


def _cell_of(task: BatchAnalysisTask) -> BoardCell:
    started = task.started_at.isoformat() if task.started_at else None
    return BoardCell(
        task.id, task.model, task.app_num, task.analysis_type, str(task.status), task.progress, started
    )


def _elapsed(started: str | None, now: datetime) -> str:
    if started is None:
        return ""
    seconds = max(0.0, (now - datetime.fromisoformat(started)).total_seconds())
    return f"{int(seconds)} s" if seconds < 60 else duration(seconds)  # whole seconds: a steady picture


def _selected(sources: BoardSources) -> dict[str, Any] | None:
    for cell in sources.cells:
        if cell.task_id == sources.selected:
            break
    else:
        return None
    told = next((task for task in sources.recent if task.id == cell.task_id and task.error), None)
    return {
        "task": cell.task_id,
        "model": cell.model,
        "what": f"{_name(cell.model)} app {cell.app_num}",
        "place": [cell.analysis_type, cell.model, cell.app_num],
        "analysis": _name(sources.titles.get(cell.analysis_type, cell.analysis_type)),
        "status": cell.status.replace("_", " "),
        "letter": _BY_WORD.get(cell.status, "?"),
        "progress": cell.progress,
        "why": shorten(visible(told.error.message, one_line=True), _LINE) if told and told.error else "",
        "can_stop": cell.status in {str(TaskStatus.PENDING), str(TaskStatus.RUNNING)},
        "can_requeue": cell.status == str(TaskStatus.RUNNING),
    }


def _lines(
    job: BatchAnalysisJob, recent: Iterable[BatchAnalysisTask], lines: Sequence[LogLine]
) -> list[list[str]]:
    told = history(job, recent, lines[-MOST_LINES:])[-MOST_LINES:]
    return [
        [line.time.strftime("%H:%M:%S"), line.level, shorten(visible(line.message, one_line=True), _LINE)]
        for line in told
    ]


def _name(text: str) -> str:
    return shorten(visible(text, one_line=True), _NAME)
