"""Looking at the app while the generator runs: its processor time and memory, a few times a second."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.tools.launch.usage import Usage

STEP_SECONDS = 0.25
MAX_SAMPLES = 2_000


class Sample(NamedTuple):
    """One look."""

    at: float
    """Reading of `time.monotonic()`."""
    cpu_seconds: float
    rss_bytes: int


@dataclass(slots=True)
class Sampler:
    """A thread that looks until the `with` ends. An app that cannot be looked at has no samples."""

    usage: Callable[[], Usage | None] | None
    tick: Callable[[], None]
    """Called at each look, by that thread."""
    samples: list[Sample] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, name="batchnb-load-sampler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        while True:
            self.tick()
            if len(self.samples) < MAX_SAMPLES and (sample := self._sample()):
                self.samples.append(sample)
            if self._stop.wait(STEP_SECONDS):
                return

    def _sample(self) -> Sample | None:
        seen = None if self.usage is None else self.usage()
        if seen is None or seen.cpu_seconds is None or not seen.rss_bytes:  # unknown, or it has ended
            return None
        return Sample(time.monotonic(), seen.cpu_seconds, seen.rss_bytes)
