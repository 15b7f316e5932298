"""A running app for the analyses that need one: found, or started in a sandbox and removed afterwards."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from batchnb.analyzers.base import Options
from batchnb.records.errors import ReportError
from batchnb.tools.launch import (
    AppNotRunningError,
    LaunchRequest,
    PortManager,
    Usage,
    bubblewrap,
    launched,
)
from batchnb.tools.launch.compose import backend_environment, read_compose
from batchnb.tools.launch.compose_run import composed
from batchnb.tools.launch.health import wait_until_healthy
from batchnb.tools.launch.start import free_port
from batchnb.tools.launch.usage import tree_usage
from batchnb.tools.targets import Target, check_target
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.tools.launch import AppPorts
    from batchnb.tools.launch.supervised import Supervised
    from batchnb.tools.layout import AppFolder

__all__ = ["AppNotRunningError", "RunOptions", "RunningApp", "running_app"]

_ALREADY_RUNNING_SECONDS = 5.0
_FIRST_FREE_FOR_ALL = 1024
"""Lower ports are for the superuser, which the app in its sandbox is not."""


class RunOptions(Options):
    """Options of every analysis that talks to a running app."""

    address: str = Field(
        default="",
        title="Address",
        description="Address of an app that already runs, such as http://127.0.0.1:5101. Empty: start it.",
    )
    launch: bool = Field(
        default=True,
        title="Start the app",
        description="Start the app in a sandbox. Otherwise it must already run, at its port on this machine.",
    )
    allow_unsandboxed: bool = Field(
        default=False,
        title="Allow without sandbox",
        description="Start the app even where bubblewrap is missing: its code then runs with your rights.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        title="Allowed hosts",
        description="Hosts beside this machine that may be tested, each by its exact name.",
    )
    compose: bool = Field(
        default=False,
        title="Docker compose",
        description="Start the app by docker compose, from its rewritten compose file (not tested).",
    )
    start_seconds: float = Field(
        default=60.0,
        gt=0,
        le=600,
        title="Start time (s)",
        description="How long the app may take until it answers.",
    )
    memory_mib: int = Field(
        default=1024,
        ge=64,
        le=65_536,
        title="Memory (MiB)",
        description="Memory that the app's processes may use together; one that uses more is stopped.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningApp:
    """An app that answers HTTP, while the `with` of `running_app` lasts."""

    url: str
    """Its origin, such as `http://127.0.0.1:5101`."""
    target: Target
    """The same, checked and bound to an IP address."""
    enter: tuple[str, ...] = ()
    """What to put before a command so that the program is in the app's network; empty: it is in ours."""
    how: str
    """Where it comes from, in words."""
    notes: tuple[str, ...] = ()
    """What was left out on the way: refused requirements, files that were not copied."""
    _app: Supervised | None = None
    _context: AnalysisContext

    def is_alive(self) -> bool:
        """Whether it still runs; of an app that we did not start: whether its port is still listened on."""
        if self._app is not None:
            return not self._app.ended.is_set()
        try:
            socket.create_connection((self.target.address, self.target.port), timeout=2.0).close()
        except OSError:
            return False
        return True

    def why_ended(self) -> str:
        """Return in words how it ended; empty while it runs, or if it was not started by us."""
        return self._app.reason() if self._app is not None else ""

    def answers(self, seconds: float = 5.0) -> bool:
        """Whether it answers HTTP now, asked from inside its network, within `seconds`."""
        return _answers(self.target, seconds, self._context, self.enter)

    def usage(self) -> Usage:
        """Return the processor time that it has used and the memory that it uses, of all of its processes.

        Unknown of an app that was not started by us, or that has ended.
        """
        return tree_usage(self._app.pid) if self._app is not None and self.is_alive() else Usage()

    def log_tail(self) -> str:
        """Return the end of its log, safe to look at; empty if it was not started by us."""
        return self._app.log_tail() if self._app is not None else ""


@contextmanager
def running_app(
    app: AppFolder, options: RunOptions, context: AnalysisContext, ports: PortManager | None = None
) -> Iterator[RunningApp]:
    """Give the app while it runs: the one at the given address, or one that is started and then removed.

    Args:
        app: the app.
        options: address, or how to start it.
        context: its deadline ends the app, its cancellation too; its scratch folder is used.
        ports: knows the app's ports; None: the compose file says, or a free one is taken.

    Raises:
        AppNotRunningError: why there is none, with the end of its log.
        InvalidValueError: if the address is not one that may be tested.
    """
    if options.address:
        yield _found(options.address, "address", options, context)
        return
    known = (ports or PortManager(app.path.parent.parent)).app_ports(app.model, app.app_num)
    if not options.launch and known.source == "free port":
        why = known.note or "it has no compose file"
        raise AppNotRunningError(
            f"the app's port is not known: {why}; name its address in the option `address`"
        )
    if not options.launch:
        yield _found(f"http://127.0.0.1:{known.backend}", known.source, options, context)
        return
    if not app.has("backend"):
        problem = app.problem("backend")
        why = f" ({problem})" if problem else ""
        raise AppNotRunningError(f"the app cannot be started: it has no backend{why}")
    start = _composed if options.compose else _launched
    with start(app, known, options, context) as running:
        yield running


@contextmanager
def _launched(
    app: AppFolder, known: AppPorts, options: RunOptions, context: AnalysisContext
) -> Iterator[RunningApp]:
    sandboxed = bubblewrap() is not None or not options.allow_unsandboxed  # always where there is one
    request = LaunchRequest(
        backend=app.path / "backend",
        port=known.backend if sandboxed and known.backend >= _FIRST_FREE_FOR_ALL else free_port(),
        scratch=context.scratch,
        start_seconds=options.start_seconds,
        memory_bytes=options.memory_mib << 20,
        sandboxed=sandboxed,
        env=_environment(app),
    )
    with launched(request, context.deadline, context.cancel) as started:
        target = check_target(f"http://127.0.0.1:{started.port}", source="the app that was started")
        place = "in bubblewrap" if sandboxed else "WITHOUT a sandbox, as the options allow"
        origin = f"port from the {known.source}" if started.port == known.backend else "another port"
        yield RunningApp(
            url=target.origin,
            target=target,
            enter=started.enter,
            how=f"{started.recipe.framework} app launched {place}, {origin}",
            notes=tuple(
                visible(f"{what} left out: {reason}", one_line=True) for what, reason in started.refused[:20]
            ),
            _app=started.app,
            _context=context,
        )


@contextmanager
def _composed(
    app: AppFolder, _known: AppPorts, options: RunOptions, context: AnalysisContext
) -> Iterator[RunningApp]:
    port, memory = free_port(), options.memory_mib
    with composed(app.path, port, context.scratch, memory, context.deadline, context.cancel):
        target = check_target(f"http://127.0.0.1:{port}", source="docker compose")
        how = "launched by docker compose from a rewritten file (a path that is not tested)"
        yield RunningApp(url=target.origin, target=target, how=how, _context=context)


def _found(address: str, source: str, options: RunOptions, context: AnalysisContext) -> RunningApp:
    target = check_target(address, allowed_hosts=options.allowed_hosts, source=source)
    if not _answers(target, _ALREADY_RUNNING_SECONDS, context):
        raise AppNotRunningError(f"nothing answers HTTP at {target.origin} (from the {source})")
    return RunningApp(url=target.origin, target=target, how="already running", _context=context)


def _answers(target: Target, seconds: float, context: AnalysisContext, enter: tuple[str, ...] = ()) -> bool:
    health = wait_until_healthy(
        target.port,
        host=target.address,
        enter=enter,
        seconds=min(seconds, context.deadline.remaining()),
        deadline=context.deadline,
        cancel=context.cancel,
    )
    return health.port > 0


def _environment(app: AppFolder) -> dict[str, str]:
    try:
        document = read_compose(app.path)
    except ReportError:  # the app may well start without
        return {}
    return backend_environment(document) if document else {}
