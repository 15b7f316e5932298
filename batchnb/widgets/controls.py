"""The board of a job, and how what is clicked in a view is done."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, ClassVar

from batchnb.widgets.live import Live

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


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
