"""What one program may use."""

from __future__ import annotations

from dataclasses import dataclass

from batchnb.records.errors import InvalidValueError

_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Upper bounds for one run of a program; each process of its tree gets the same (they are not shared)."""

    memory_bytes: int | None = 4096 * _MIB
    """Address space (RLIMIT_AS), not resident memory; some runtimes reserve far more than they use."""
    file_bytes: int = 32 * _MIB
    """Largest file that it may write, its standard output and error included (RLIMIT_FSIZE)."""
    cpu_seconds: int | None = None
    """Processor time (RLIMIT_CPU); None: only the deadline counts."""
    output_bytes: int = 32 * _MIB
    """How much of its standard output is read. With `file_bytes` no larger than this, a flood stops here."""
    processes: int | None = None
    """Processes of the whole *user*, the notebook's among them (RLIMIT_NPROC); the superuser is exempt."""

    def __post_init__(self) -> None:
        for name in ("memory_bytes", "file_bytes", "cpu_seconds", "output_bytes", "processes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidValueError(f"limit {name}", value, "a limit is a positive whole number")

    @property
    def output_cap(self) -> int:
        """Size at which an output counts as cut off."""
        return min(self.output_bytes, self.file_bytes)

    def as_rlimits(self) -> dict[str, int]:
        """Return the operating system's names and values of those that it enforces."""
        wanted = {
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_NPROC": self.processes,
        }
        return {name: value for name, value in wanted.items() if value is not None}
