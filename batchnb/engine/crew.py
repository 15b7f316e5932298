"""Crew: threads that do one step after another, as many at once as the limit says at the moment."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Crew:
    """A changeable number of threads. `run` is called once, everything else from any thread at any time."""

    def __init__(
        self,
        step: Callable[[], bool],
        failed: Callable[[], None],
        *,
        name: str,
        limit: int,
        paused: bool = False,
    ) -> None:
        """Make a crew; it has no thread until `run`.

        Args:
            step: does one thing; False: there was nothing left to do. What it raises ends `run`.
            failed: called at once when something raised: it stops the steps that are under way.
            name: of the threads.
            limit: how many steps may be under way at once.
            paused: whether to begin none for now.
        """
        self._step, self._failed, self._name = step, failed, name
        self._limit, self._paused = limit, paused
        self._changed = threading.Condition(threading.RLock())
        self._alive = self._serial = self._calls = 0
        self._dry = self._dismissed = self._nudged = False
        self._failure: BaseException | None = None

    @property
    def is_paused(self) -> bool:
        """Whether no step is begun at present."""
        return self._paused

    @property
    def limit(self) -> int:
        """How many steps may be under way at once."""
        return self._limit

    def set_limit(self, limit: int) -> None:
        """Change how many steps may be under way; surplus threads end after the step that they are in."""
        with self._changed:
            self._nudged |= limit > self._limit  # so that `run` starts the threads that are missing now
            self._limit = limit
            self._changed.notify_all()

    def set_paused(self, *, paused: bool) -> None:
        """Begin no step for now, or go on."""
        with self._changed:
            self._paused = paused
            self._changed.notify_all()

    def dismiss(self) -> None:
        """Begin no step any more."""
        with self._changed:
            self._dismissed = True
            self._changed.notify_all()

    def nudge(self) -> None:
        """Have `run` call its tick now."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def more(self) -> None:
        """Say that there is work again for threads that found none. Called by a step or a tick."""
        with self._changed:
            self._dry = False
            self._calls += 1
            self._nudged = True
            self._changed.notify_all()

    def run(self, tick: Callable[[], None], seconds: float) -> None:
        """Work until nothing is left or the crew is dismissed; no thread is left then.

        Args:
            tick: called on this thread every so many `seconds`, and when nudged.
            seconds: see `tick`.

        Raises:
            BaseException: the first that a step or `tick` raised, or what kept a thread from starting.
        """
        try:
            self._hire()
            while self._is_at_work(seconds):
                tick()
                self._hire()
        except BaseException as failure:  # noqa: BLE001 - raised below, once no thread is left
            self._fail(failure)
            with self._changed:
                self._changed.wait_for(lambda: not self._alive)
        if self._failure is not None:
            raise self._failure

    def _hire(self) -> None:
        """Start the threads that are missing, unless they would find nothing to do."""
        with self._changed:
            missing = 0 if self._dismissed or self._dry else self._limit - self._alive
            for _ in range(missing):
                thread = threading.Thread(target=self._work, name=f"{self._name}-{self._serial}", daemon=True)
                self._alive += 1
                self._serial += 1
                try:
                    thread.start()
                except BaseException:
                    self._alive -= 1
                    raise

    def _is_at_work(self, seconds: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._nudged or not self._alive, seconds)
            self._nudged = False
            return self._alive > 0

    def _work(self) -> None:
        is_counted = True
        try:
            while is_counted := self._may_go_on():
                calls = self._calls
                if not self._step() and self._is_dry_since(calls):
                    break
        except BaseException as failure:  # noqa: BLE001 - handed to whoever called `run`
            self._fail(failure)
        finally:
            with self._changed:
                self._alive -= is_counted
                self._changed.notify_all()

    def _is_dry_since(self, calls: int) -> bool:
        """Note that nothing was found, unless there is `more` since so many calls of it."""
        with self._changed:
            if calls == self._calls:
                self._dry = True
                return True
            return False

    def _fail(self, failure: BaseException) -> None:
        with self._changed:
            self._failure = self._failure or failure
        self.dismiss()
        self._failed()

    def _may_go_on(self) -> bool:
        """Wait while the crew is paused; False: this thread is one too many, and not counted any more."""
        with self._changed:
            while self._paused and not self._dismissed and self._alive <= self._limit:
                self._changed.wait()
            if self._dismissed or self._alive > self._limit:
                self._alive -= 1
                return False
            return True
