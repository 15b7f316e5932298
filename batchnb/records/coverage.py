"""Coverage: what one tool did for one app. The record that keeps "not measured" apart from "clean"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchnb.records.status import CoverageStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadFile:
    """An eligible file that a tool did not read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """One cell of app x tool."""

    model: str
    app_num: int
    analysis_type: str
    tool: str
    status: CoverageStatus
    files_eligible: int = 0
    """Files of the app that the tool is for, wherever they lie and whatever state they are in."""
    files_seen: int = 0
    """Those of them that the tool read and understood."""
    unread: tuple[UnreadFile, ...] = ()
    """The difference, by name and reason (capped; `files_eligible - files_seen` is the true count)."""
    exit_code: int | None = None
    tool_version: str = ""
    seconds: float = 0.0
    stderr_tail: str = ""
    cached: bool = False
    detail: str = ""
    """Why the status is not `ok`, or what is to be known about it."""
    job_id: int | None = None
    task_id: int | None = None
