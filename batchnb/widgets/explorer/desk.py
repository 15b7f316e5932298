"""Wishes that take their time: one of a kind at once, each on a thread of its own, and what came of them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.results.text import shorten
from batchnb.tools.text import visible
from batchnb.widgets.controls import aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batchnb.records import Decision
    from batchnb.results.identity.comparison import Comparison

_MOST = 1_500


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a wish; the publisher's thread puts it into what is shown."""

    said: str
    """What the reader is told. Untrusted text."""
    decisions: tuple[Decision, ...] = ()
    read_again: bool = False
    comparison: Comparison | None = None
    label: str = ""
    """What was compared with."""
    outputs: tuple[dict[str, Any], ...] | None = None
    """What stands below the page; None: as before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    busy: bool = False
    said: str = ""
    failed: str = ""


class Desk:
    """What is being done, and what came of it. Any thread may ask."""

    kinds = ("decide", "compare", "models", "export")

    def __init__(self, wake: Callable[[], None]) -> None:
        """Make a desk; `wake` is called, on any thread, when there is something to take."""
        self._wake = wake
        self._lock = threading.Lock()
        self._wishes = dict.fromkeys(self.kinds, _Wish())
        self._done: deque[Outcome] = deque()

    def start(self, kind: str, work: Callable[[], Outcome]) -> None:
        """Do `work` on a thread of its own, unless one of its kind is not done yet."""
        with self._lock:
            if self._wishes[kind].busy:
                return
            self._wishes[kind] = _Wish(busy=True)
        said = []

        def run() -> None:
            outcome = work()
            said.append(outcome.said)
            self._done.append(outcome)

        aside(
            f"batchnb-explorer-{kind}",
            run,
            lambda failure: self._end(kind, _Wish(said="".join(said), failed=failure)),
        )

    def refuse(self, kind: str, failure: str) -> None:
        """Say why a wish is not even tried."""
        self._end(kind, _Wish(failed=failure))

    def hush(self, kind: str) -> None:
        """Forget what was said about the last wish of a kind that is done."""
        with self._lock:
            if not self._wishes[kind].busy:
                self._wishes[kind] = _Wish()

    def take(self) -> Iterator[Outcome]:
        """Yield what came of wishes since the last time."""
        while self._done:
            yield self._done.popleft()

    def state(self) -> dict[str, Any]:
        """Return how far each kind is, for the page."""
        with self._lock:
            wishes = dict(self._wishes)
        return {
            kind: {
                "busy": wish.busy,
                "said": shorten(visible(wish.said), _MOST),
                "failed": shorten(visible(wish.failed), _MOST),
            }
            for kind, wish in wishes.items()
        }

    def _end(self, kind: str, wish: _Wish) -> None:
        with self._lock:
            self._wishes[kind] = wish
        self._wake()
