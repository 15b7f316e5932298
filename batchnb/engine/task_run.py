"""One task of a job while it runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchnb.records import BatchAnalysisTask
    from batchnb.tools.cancellation import CancelToken, Deadline


@dataclass(slots=True)
class TaskRun:
    """One task that runs at the moment."""

    task: BatchAnalysisTask
    cancel: CancelToken
    deadline: Deadline
    since: float
    """Reading of the monotonic clock at its start."""
    timeout_seconds: int
    wish: str = ""
    """What somebody wants of it: CANCEL, REQUEUE or nothing."""
    is_slow: bool = False

    def limit(self, seconds: int) -> None:
        """Give it another time limit, counted from its start."""
        if seconds != self.timeout_seconds:
            self.timeout_seconds = seconds
            self.deadline.move(self.since + seconds)

    def restart(self) -> None:
        """Give it its whole time anew: until now it was looked at together with others."""
        self.since = time.monotonic()
        self.deadline.move(self.since + self.timeout_seconds)

    def limited(self) -> BatchAnalysisTask:
        """Return the task with the limit that it has by now."""
        return replace(self.task, timeout_seconds=self.timeout_seconds)
