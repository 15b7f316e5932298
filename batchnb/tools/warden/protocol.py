"""What crosses between the notebook's process and its warden: one task in, one report out."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from typing import NamedTuple


class Ending(StrEnum):
    """How a run of a program ended. Only `EXITED` is the program's own doing."""

    EXITED = "exited"
    """It ended by itself, by an exit code or a signal."""
    TIMED_OUT = "timed_out"
    """The deadline passed; everything that it had started was killed."""
    CANCELLED = "cancelled"
    """Somebody asked to stop; everything that it had started was killed, or it was never started."""
    OUTPUT_CAP = "output_cap"
    """It wrote more than it may; what was read is cut off and must not be taken for a report."""
    LOST = "lost"
    """Its guard or the warden died, so nobody can say how it ended. It is dead."""
    NOT_STARTED = "not_started"
    """The operating system refused to start it."""


class Task(NamedTuple):
    """One program to run. Texts cross as the bytes they stand for: kernel and warden may differ in locale."""

    argv: tuple[bytes, ...]
    env: dict[bytes, bytes]
    cwd: bytes
    scratch: bytes
    """Folder that the guard removes when the tree is dead, so that a killed kernel leaves nothing behind."""
    deadline: float
    """Reading of the machine's monotonic clock, so that time spent waiting for the warden counts."""
    rlimits: dict[str, int]

    def encode(self) -> bytes:
        """Write the task as JSON (Latin-1 maps each byte to one character and back)."""
        texts = {
            "argv": [part.decode("latin-1") for part in self.argv],
            "env": {name.decode("latin-1"): value.decode("latin-1") for name, value in self.env.items()},
            "cwd": self.cwd.decode("latin-1"),
            "scratch": self.scratch.decode("latin-1"),
        }
        return json.dumps({**texts, "deadline": self.deadline, "rlimits": self.rlimits}).encode()

    @classmethod
    def decode(cls, data: bytes) -> Task:
        """Read what `encode` wrote."""
        raw = json.loads(data)
        return cls(
            argv=tuple(part.encode("latin-1") for part in raw["argv"]),
            env={name.encode("latin-1"): value.encode("latin-1") for name, value in raw["env"].items()},
            cwd=raw["cwd"].encode("latin-1"),
            scratch=raw["scratch"].encode("latin-1"),
            deadline=raw["deadline"],
            rlimits=raw["rlimits"],
        )


class Report(NamedTuple):
    """What a guard saw."""

    ending: Ending
    returncode: int | None = None
    """Exit code, or minus the signal, of the program; None if it never ran or its end was not seen."""
    errno: int = 0
    step: str = ""
    """For `NOT_STARTED`: what could not be done, and the system's error number."""
    seconds: float = 0.0
    """From the start of the program until the last process of its tree was dead."""
    cpu_seconds: float = 0.0
    max_rss_bytes: int = 0
    strays: int = 0
    """Processes beside the program itself that had to be killed."""

    def encode(self) -> bytes:
        """Write the report as JSON."""
        return json.dumps(self._asdict()).encode()

    @classmethod
    def decode(cls, data: bytes) -> Report:
        """Read what `encode` wrote; anything else means that the guard was tampered with: lost."""
        try:
            raw = json.loads(data)
            return cls(**{**raw, "ending": Ending(raw["ending"])})
        except (ValueError, TypeError, KeyError):
            return cls(Ending.LOST)

    def reason(self) -> str:
        """Say in words why the program was not started; empty otherwise."""
        return f"could not {self.step}: {os.strerror(self.errno)}" if self.errno else ""
