"""What a reader does to a job while it runs: cancel it, pause it, or change how much of it runs at once."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.widgets.live import Live

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class CancelButton(Live):
    """A button that the page answers at once, and the kernel as soon as it hears of it.

    `state`: `job`, `can_cancel`, `ended`, `refused` (why nothing was cancelled) and `result` (what came of
    it), all plain.
    """

    script: ClassVar[str] = "cancel.js"

    def __init__(self, job_id: int, asked: Callable[[], None]) -> None:
        """Make it; `asked` is called on any thread, and must return at once."""
        self._asked = asked
        state = {"job": job_id, "can_cancel": False, "ended": False, "refused": "", "result": ""}
        super().__init__(state, self._on_message)

    def click(self) -> None:
        """Do what a click in the page does."""
        self._on_message({"do": "cancel"})

    def _on_message(self, message: dict[str, Any]) -> None:
        if message.get("do") == "cancel":
            self.send({"do": "heard"})  # a message, no trait: those have one writer
            self._asked()


class Board(Live):
    """The grid of a job's tasks, those that run, and the log; see `board_presenter.present_board`."""

    script: ClassVar[str] = "board.js"


def aside(name: str, work: Callable[[], object], told: Callable[[str], None]) -> None:
    """Do `work`, a durable write that may have to wait, on a thread of its own; a callback must not wait.

    Args:
        name: of the thread.
        work: what to do.
        told: called at the end with what went wrong; empty: nothing.
    """

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whoever clicked must hear of it, and may try again
            _log.warning("%s: %s", name, error)
            told(str(error))
        else:
            told("")

    threading.Thread(target=run, name=name, daemon=True).start()
