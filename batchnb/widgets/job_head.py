"""The upper part of a job's view: how far it is, what it found so far, and the controls."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.widgets.live import Live
from batchnb.widgets.view import put

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.widgets.job_presenter import JobState

MOST_AT_ONCE = 32
"""The slider's end, if no more run already; `job.set_max_tasks` takes more."""


class JobHead(Live):
    """One message for all of it, however much has changed.

    `state`: the fields of a JobState, and `at_once`, `most_at_once`, `result` (what came of a cancellation)
    and `way` (how to cancel it without this kernel). Its untrusted texts become text nodes in the page.
    """

    script: ClassVar[str] = "head.js"

    def __init__(self, state: JobState, at_once: int, way: str, asked: Callable[[str, Any], None]) -> None:
        """Make it.

        Args:
            state: of the job.
            at_once: how many of its tasks run at once.
            way: the command that cancels it from a terminal; empty: there is none.
            asked: called on any thread with what was clicked: `cancel`, `pause`, or `at_once` and a number.
        """
        self._asked = asked
        more = {"at_once": at_once, "most_at_once": MOST_AT_ONCE, "result": "", "way": way}
        super().__init__({**_plain(state), **more}, self._on_message)

    def write(self, state: JobState, **more: Any) -> None:
        """Show the state of the job; the publisher's thread calls this."""
        put(self, state={**self.state, **_plain(state), **more})

    def say(self, **changes: Any) -> None:
        """Change single fields; the publisher's thread calls this."""
        put(self, state={**self.state, **changes})

    def click(self, what: str, value: Any = None) -> None:
        """Do what a click in the page does."""
        self._on_message({"do": what, "tasks": value})

    def _on_message(self, message: dict[str, Any]) -> None:
        do, tasks = message.get("do"), message.get("tasks")
        if do == "cancel":
            self._asked("cancel", None)
        elif do == "pause":
            self._asked("pause", None)
        elif do == "at_once" and isinstance(tasks, int) and not isinstance(tasks, bool):
            self._asked("at_once", tasks)


def _plain(state: JobState) -> dict[str, Any]:
    """Return the state as the page's JSON gives it back, so that equal states compare equal."""
    return {
        name: [list(each) if isinstance(each, tuple) else each for each in value]
        if isinstance(value, tuple)
        else value
        for name, value in asdict(state).items()
    }
