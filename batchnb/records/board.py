"""The board of a job: the little that a live view needs of each task, cheap to read again and again."""

from __future__ import annotations

from typing import NamedTuple


class BoardCell(NamedTuple):
    """One task. Plain texts as the store has them: no record is built, as there may be thousands."""

    task_id: int
    model: str
    app_num: int
    analysis_type: str
    status: str
    """A TaskStatus value."""
    progress: int
    """0-100."""
    started_at: str | None
    """ISO 8601 in UTC; None: it has not started."""


class BoardCount(NamedTuple):
    """How many tasks of one model and analysis are in one state."""

    model: str
    analysis_type: str
    status: str
    tasks: int
