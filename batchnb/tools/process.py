"""Running an outside program: the one door, with limits, a deadline, a stop, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from batchnb.records.clock import utc_now
from batchnb.records.errors import InvalidValueError, ToolMissingError
from batchnb.tools.limits import Limits
from batchnb.tools.scratch import scratch_folder
from batchnb.tools.warden.client import Warden, default_warden
from batchnb.tools.warden.fallback import run_in_group
from batchnb.tools.warden.protocol import Ending, Report, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from batchnb.tools.cancellation import CancelToken, Deadline

    _Streams = tuple[IO[bytes], IO[bytes], IO[bytes]]

__all__ = ["Ending", "Limits", "RawOutput", "Warden", "default_warden", "run_tool", "tool_environment"]

STDERR_TAIL = 8 * 1024
"""Bytes of standard error that are kept: its end, where tools say what went wrong."""
DEFAULT_LIMITS = Limits()
_PASSED_ON = frozenset(
    {
        "LANG",
        "LANGUAGE",
        "TZ",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "PIP_CERT",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RawOutput:
    """What one run of a program left: bytes as they came, and how it ended."""

    argv: tuple[str, ...]
    """The command as it was run, with the program's full path."""
    ending: Ending
    returncode: int | None = None
    """Exit code, or minus the signal; None if the program never ran or nobody saw its end."""
    stdout: bytes = b""
    stderr: bytes = b""
    """The end of standard error, at most `STDERR_TAIL` bytes."""
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    start_errno: int = 0
    """The system's error number behind `Ending.NOT_STARTED`, otherwise 0."""
    start_error: str = ""
    """The same in words."""
    seconds: float = 0.0
    """From its start until its last process was dead, measured outside this interpreter."""
    cpu_seconds: float = 0.0
    max_rss_bytes: int = 0
    """Largest resident memory of any one process of the tree (never less than the helper's, about 12 MiB)."""
    strays: int = 0
    """Processes beside the program itself that had to be killed."""
    started_at: datetime


def run_tool(  # noqa: PLR0913 - one door with many locks; all but the command are keywords
    argv: Sequence[str],
    *,
    deadline: Deadline,
    cancel: CancelToken,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    stdin: bytes | None = None,
    warden: Warden | None = None,
) -> RawOutput:
    """Run the program `argv` and return what it wrote. Every ending is a value; see `Ending`.

    When this returns, or raises, every process that the program started is dead.

    Args:
        argv: the command; the program is an absolute path or a name to look up on PATH.
        deadline: when the program is killed; one that has passed means that it is not even started. It may
            be moved, either way, while the program runs.
        cancel: kills the program when pulled.
        cwd: folder to run in; None: an empty one, removed afterwards.
        env: variables to add to those of `tool_environment`.
        limits: what the program may use.
        stdin: bytes to read from standard input; None: nothing, not even a terminal.
        warden: for tests; None: the one of this process.

    Raises:
        ToolMissingError: if the program is not installed.
        InvalidValueError: if the command cannot be a command.
        OSError: if this process has no room on disk or no descriptors left.
    """
    started_at = utc_now()
    search = (env or {}).get("PATH", os.environ.get("PATH", os.defpath))
    command = _resolve(argv, _absolute_only(search))
    if cancel.cancelled or deadline.expired:
        ending = Ending.CANCELLED if cancel.cancelled else Ending.TIMED_OUT
        return RawOutput(argv=command, ending=ending, started_at=started_at)
    with _scratch() as scratch, _streams(stdin) as streams:
        task = Task(
            argv=tuple(os.fsencode(part) for part in command),
            env={os.fsencode(k): os.fsencode(v) for k, v in tool_environment(scratch, env or {}).items()},
            cwd=os.fsencode(cwd or scratch / "work"),
            scratch=os.fsencode(scratch),
            deadline=deadline.at,
            rlimits=limits.as_rlimits(),
        )
        report = _run(task, streams, cancel, deadline, warden or default_warden())
        return _collect(command, report, streams, limits, started_at)


def tool_environment(scratch: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return a program's whole environment: what it needs by name, never the kernel's keys and tokens.

    Args:
        scratch: folder with `home` and `tmp`, where it may leave caches and temporary files.
        extra: variables to add or replace.
    """
    passed = {k: v for k, v in os.environ.items() if k in _PASSED_ON or k.startswith("LC_")}
    places = {"HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp")}
    environment = {"PATH": os.environ.get("PATH", os.defpath), **passed, **places, **extra}
    return {**environment, "PATH": _absolute_only(environment["PATH"])}


def _absolute_only(path: str) -> str:
    """Drop the entries of a PATH that depend on the current folder: it may be a hostile app's."""
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if Path(entry).is_absolute())


def _resolve(argv: Sequence[str], path: str) -> tuple[str, ...]:
    if not argv or any("\0" in part for part in argv):
        raise InvalidValueError("command", argv, "it needs a program, and no zero bytes")
    program = argv[0]
    if os.sep in program and not Path(program).is_absolute():
        raise InvalidValueError(
            "program", program, "give an absolute path, or a bare name to look up on PATH"
        )
    found = shutil.which(program, path=path)
    if found is None:
        where = "it is not an executable file" if os.sep in program else f"it is not on PATH {path!r}"
        raise ToolMissingError(f"the program {program!r} is not installed: {where}")
    return (found, *argv[1:])


def _run(task: Task, streams: _Streams, cancel: CancelToken, deadline: Deadline, warden: Warden) -> Report:
    stdio = tuple(stream.fileno() for stream in streams)
    if sys.platform == "linux":
        return warden.run(task, stdio, cancel, deadline)
    else:  # noqa: RET505 - spelled out, as the type checker skips the branch of another platform
        return run_in_group(task, stdio, cancel, deadline)


def furnish(scratch: Path) -> None:
    """Make the folders that a program expects in its scratch folder: `home`, `tmp`, and `work` to run in."""
    for name in ("home", "tmp", "work"):
        (scratch / name).mkdir(mode=0o700)


@contextmanager
def _scratch() -> Iterator[Path]:
    with scratch_folder() as root:  # the guard removes it first; here, one that could not
        furnish(root)
        yield root


@contextmanager
def _streams(stdin: bytes | None) -> Iterator[_Streams]:
    """Open the standard three as files: a pipe can fill up, block, and be held open by others."""
    with ExitStack() as stack:
        source = stack.enter_context(_source(stdin))
        out, err = (stack.enter_context(tempfile.TemporaryFile(buffering=0)) for _ in range(2))
        yield source, out, err


def _source(stdin: bytes | None) -> IO[bytes]:
    if stdin is None:  # not an empty file: some tools take any file on standard input for what to read
        return Path(os.devnull).open("rb")
    source = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    source.write(stdin)
    source.seek(0)
    return source


def _collect(
    command: tuple[str, ...],
    report: Report,
    streams: _Streams,
    limits: Limits,
    started_at: datetime,
) -> RawOutput:
    _, out, err = (stream.fileno() for stream in streams)
    out_size, err_size = (os.fstat(fd).st_size for fd in (out, err))
    truncated = out_size >= limits.output_cap
    flooded = truncated or err_size >= limits.file_bytes or report.returncode == -signal.SIGXFSZ
    return RawOutput(
        argv=command,
        ending=Ending.OUTPUT_CAP if flooded and report.ending is Ending.EXITED else report.ending,
        returncode=report.returncode,
        stdout=_read(out, 0, min(out_size, limits.output_cap)),
        stderr=_read(err, max(0, err_size - STDERR_TAIL), STDERR_TAIL),
        stdout_truncated=truncated,
        stderr_truncated=err_size > STDERR_TAIL,
        start_errno=report.errno,
        start_error=report.reason(),
        seconds=report.seconds,
        cpu_seconds=report.cpu_seconds,
        max_rss_bytes=report.max_rss_bytes,
        strays=report.strays,
        started_at=started_at,
    )


def _read(fd: int, offset: int, size: int) -> bytes:
    """Read up to `size` bytes; the position that is shared with the program's copies stays as it is."""
    parts = []
    while size > 0 and (part := os.pread(fd, size, offset)):
        parts.append(part)
        offset, size = offset + len(part), size - len(part)
    return b"".join(parts)
