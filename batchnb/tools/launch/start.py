"""Starting a backend: its copy, its dependencies, its sandbox; and stopping it without a trace."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.launch.health import Health, wait_until_healthy
from batchnb.tools.launch.namespaces import entrance
from batchnb.tools.launch.prepare import prepare
from batchnb.tools.launch.recipe import Recipe, find_recipe
from batchnb.tools.launch.sandbox import DATA, Sandbox
from batchnb.tools.launch.staged import copy_backend
from batchnb.tools.launch.supervised import Supervised
from batchnb.tools.limits import Limits
from batchnb.tools.locate import find_program
from batchnb.tools.warden.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from batchnb.tools.cancellation import CancelToken, Deadline
    from batchnb.tools.launch.prepare import Prepared

# Without a sandbox, a program says itself which process it is, in the words of bubblewrap.
_ANNOUNCE = 'printf "{\\"child-pid\\": %d}" "$$" >&3; exec "$@" 3>&-'
_PID_SECONDS = 10.0
_LOG_BYTES = 64 << 20
_NODE_ADDRESS_SPACE = 16 << 30  # Node reserves far more than it uses; its heap has a limit of its own
_OWN_VARIABLES = ("PATH", "HOME", "PORT", "HOST", "DATA_DIR", "TMPDIR", "LD_", "PYTHON", "NODE_", "BASH_")


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchRequest:
    """What to start, and within which bounds."""

    backend: Path
    """The backend's folder, hostile."""
    port: int
    """Where it is to listen."""
    scratch: Path
    """A folder of the task; nothing stays in it."""
    start_seconds: float
    """How long it may take until it answers, without the time for its dependencies."""
    memory_bytes: int
    """Resident memory of all of its processes together."""
    sandboxed: bool = True
    env: Mapping[str, str] | None = None
    """Variables that its compose file sets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    """An app that answers."""

    port: int
    enter: tuple[str, ...]
    app: Supervised
    recipe: Recipe
    refused: tuple[tuple[str, str], ...]
    """Requirements that were not installed, and files that were not copied, with reasons."""


def bubblewrap() -> Path | None:
    """Return the program that makes sandboxes, or None if it is not installed."""
    return find_program("bwrap")


@contextmanager
def launched(request: LaunchRequest, deadline: Deadline, cancel: CancelToken) -> Iterator[Launched]:
    """Start the backend, give it when it answers, and remove all of it afterwards.

    Raises:
        AppNotRunningError: why it does not run, with the end of its log.
    """
    bwrap = bubblewrap()
    if request.sandboxed and bwrap is None:
        raise AppNotRunningError(
            "bubblewrap is not installed, and an app is not run without a sandbox unless you say so "
            "(option allow_unsandboxed)"
        )
    root = Path(tempfile.mkdtemp(prefix="app-", dir=request.scratch))
    try:
        with ExitStack() as stack:
            try:
                running = _start(request, bwrap, root, stack, deadline, cancel)
            except OSError as error:  # the disk is full, or the cache cannot be written
                raise AppNotRunningError(f"the app could not be started: {error}") from error
            yield running
    finally:
        remove_tree(os.fsencode(root))


def _start(
    request: LaunchRequest,
    bwrap: Path | None,
    root: Path,
    stack: ExitStack,
    deadline: Deadline,
    cancel: CancelToken,
) -> Launched:
    left_out = copy_backend(request.backend, root / "source")
    recipe = find_recipe(root / "source")
    prepared = prepare(recipe, root / "source", request.port, request.memory_bytes, deadline, cancel)
    for name in ("pipes", "etc"):
        (root / name).mkdir(mode=0o700)
    argv, env, cwd = _command(request, prepared, bwrap, root)
    app = stack.enter_context(
        Supervised(
            argv,
            folder=root / "pipes",
            limits=_limits(recipe, request.memory_bytes),
            memory_bytes=request.memory_bytes,
            deadline=deadline,
            cancel=cancel,
            env=env,
            cwd=cwd,
        )
    )
    pid = app.wait_for_pid(min(_PID_SECONDS, deadline.remaining()))
    enter = stack.enter_context(entrance(pid)) if request.sandboxed else ()
    health = _healthy(request, app, enter, deadline, cancel)
    refused = (*prepared.refused, *left_out)
    return Launched(port=health.port, enter=enter, app=app, recipe=recipe, refused=refused)


def _command(
    request: LaunchRequest, prepared: Prepared, bwrap: Path | None, root: Path
) -> tuple[tuple[str, ...], dict[str, str], Path | None]:
    """Return the command, its variables, and its folder."""
    if not request.sandboxed or bwrap is None:
        announced = ("/bin/sh", "-c", _ANNOUNCE, "sh", *prepared.bare)
        return announced, _bare_variables(request, root), root / "source"
    box = Sandbox(
        bubblewrap=bwrap,
        source=root / "source",
        command=prepared.command,
        env=_variables(request, DATA),
        binds=prepared.binds,
    )
    return box.argv(root / "etc", (os.getuid(), os.getgid())), {}, None


def _limits(recipe: Recipe, memory_bytes: int) -> Limits:
    """Return the bounds of each process; all of them together are watched (`Supervised`).

    Address space is more than memory: each thread of a server reserves eight MiB that it hardly uses.
    """
    space = _NODE_ADDRESS_SPACE if recipe.framework == "express" else 2 * memory_bytes + (512 << 20)
    return Limits(memory_bytes=space, file_bytes=_LOG_BYTES)


def _variables(request: LaunchRequest, data: str) -> dict[str, str]:
    own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",  # noqa: S108 - the app's own
        "LANG": "C.UTF-8",
        "HOST": "127.0.0.1",
        "PORT": str(request.port),
        "DATA_DIR": data,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    asked = {k: v for k, v in (request.env or {}).items() if not k.upper().startswith(_OWN_VARIABLES)}
    return {**asked, **own}


def _bare_variables(request: LaunchRequest, root: Path) -> dict[str, str]:
    data = root / "data"
    data.mkdir(mode=0o700)
    variables = _variables(request, str(data))
    return {name: value for name, value in variables.items() if name != "HOME"}


def _healthy(
    request: LaunchRequest,
    app: Supervised,
    enter: tuple[str, ...],
    deadline: Deadline,
    cancel: CancelToken,
) -> Health:
    """Wait until it answers; stop waiting when it has ended."""
    seconds = min(request.start_seconds, deadline.remaining())
    started = time.monotonic()
    with cancel.child() as waiting, app.when_ended(waiting.cancel):
        health = wait_until_healthy(
            request.port,
            enter=enter,
            seconds=seconds,
            any_port=request.sandboxed,
            deadline=deadline,
            cancel=waiting,
        )
    if cancel.cancelled:
        raise AppNotRunningError("the start was stopped: it was cancelled", app.log_tail())
    if deadline.expired:
        raise AppNotRunningError("the app did not answer before the task's deadline", app.log_tail())
    if health.port and not app.ended.is_set():
        return health
    if app.ended.is_set():
        raise AppNotRunningError(f"the app ended before it answered: {app.reason()}", app.log_tail())
    waited = f"the app did not answer at port {request.port} within {time.monotonic() - started:.0f} s"
    ports = ", ".join(map(str, health.listening))
    listens = f"; it listens at {ports}, but does not speak HTTP there" if ports else "; it listens nowhere"
    raise AppNotRunningError(waited + (listens if request.sandboxed else ""), app.log_tail())


def free_port() -> int:
    """Return a port of the loopback address that is free right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
