"""Work that a Ctrl-C must not cut in two: a job that nobody runs any more would be left in the store."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def shielded(work: Callable[[], T]) -> T:
    """Run `work` and return its value; a Ctrl-C ends the waiting for it, and it goes on to its end.

    Python interrupts the main thread only, so from there the work is moved to a thread of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            done.set_exception(error)

    try:
        threading.Thread(target=run, name="batchnb-shield", daemon=True).start()
    except RuntimeError:  # the system has no thread left, or the interpreter ends
        return work()
    return done.result()
