"""From an app, or an address, to the raw output of a load test."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batchnb.analyzers.load.endpoints import found_endpoints, named_endpoints
from batchnb.analyzers.load.reading import TOOL
from batchnb.analyzers.load.requirement_routes import required_routes
from batchnb.analyzers.load.turn import NoTurnError, turn
from batchnb.analyzers.raw import ToolRun
from batchnb.records import CoverageStatus
from batchnb.records.errors import ToolMissingError
from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.routes import find_routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.analyzers.load.endpoints import Endpoint
    from batchnb.analyzers.load.options import LoadOptions
    from batchnb.analyzers.load.session import LoadSession
    from batchnb.tools.layout import AppFolder

MAX_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is to be asked of one app."""

    endpoints: tuple[Endpoint, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """Endpoints that cannot be asked, and source files that may declare more: name, reason."""
    writes: int = 0
    """Routes that change data and are not wanted."""


def wanted_of(app: AppFolder, options: LoadOptions) -> Wanted:
    """Return the endpoints that the options name, or those that the app's source declares.

    Where the source declares none, those count that the list of requirements names.

    Raises:
        InvalidValueError: for a named endpoint that cannot be sent.
    """
    routes = find_routes(app.path / "backend")
    if options.endpoints:
        places = {(route.method, route.path): (route.source, route.line) for route in routes.routes}
        named = named_endpoints(options.endpoints)
        return Wanted(endpoints=tuple(_placed(endpoint, places) for endpoint in named))
    declared = routes.routes or required_routes(app.path.parent.parent, app.app_num)
    found = found_endpoints(declared, include_writes=options.include_writes, most=options.max_endpoints)
    return Wanted(endpoints=found.endpoints, left_out=(*found.left_out, *routes.unread), writes=found.writes)


def _placed(endpoint: Endpoint, places: Mapping[tuple[str, str], tuple[str, int]]) -> Endpoint:
    """Return a named endpoint with the place of its route, if there is a route of just this path."""
    place = places.get((endpoint.method, endpoint.path.partition("?")[0]))
    return endpoint if place is None else replace(endpoint, source=place[0], line=place[1])


def without_endpoints(wanted: Wanted) -> ToolRun:
    """Return the outcome for an app of which nothing can be asked."""
    if wanted.left_out:
        named = "; ".join(f"{name}: {why}" for name, why in wanted.left_out[:MAX_NAMED])
        more = f"; {len(wanted.left_out) - MAX_NAMED} more" if len(wanted.left_out) > MAX_NAMED else ""
        return _failed(CoverageStatus.FAILED, f"no endpoint that can be asked was found: {named}{more}")
    only = f"all {wanted.writes} routes change data; include_writes asks them too" if wanted.writes else ""
    return _failed(CoverageStatus.NOT_APPLICABLE, only or "no route was found in the backend's source")


def in_turn(context: AnalysisContext, test: Callable[[str], ToolRun]) -> ToolRun:
    """Wait for other load tests on this machine, make this one, and turn what stops it into its outcome.

    Args:
        context: of the analysis.
        test: makes the test; it is told why there was no lock to wait for, which is mostly nothing.
    """
    began = time.monotonic()
    try:
        with turn(context.deadline, context.cancel, lambda: context.progress(1)) as note:
            run = test(note)
    except NoTurnError as error:
        run = _failed(_stopped(context, CoverageStatus.TIMED_OUT), str(error))
    except AppNotRunningError as error:
        run = _failed(_stopped(context, CoverageStatus.FAILED), str(error))
    except ToolMissingError as error:
        run = _failed(CoverageStatus.TOOL_MISSING, str(error))
    return replace(run, seconds=round(time.monotonic() - began, 3))


def tested(session: LoadSession, wanted: Wanted) -> ToolRun:
    """Make the load test and return its record as the output of Locust."""
    record = session.measure(wanted.endpoints, wanted.left_out, wanted.writes)
    return ToolRun(
        tool=TOOL,
        targets=(0,),
        version=session.version,
        exit_code=session.exit_code,
        output=record.model_dump_json(),
        stderr_tail=session.stderr_tail,
    )


def _stopped(context: AnalysisContext, otherwise: CoverageStatus) -> CoverageStatus:
    if context.cancel.cancelled:
        return CoverageStatus.CANCELLED
    return CoverageStatus.TIMED_OUT if context.deadline.expired else otherwise


def _failed(status: CoverageStatus, why: str) -> ToolRun:
    return ToolRun(tool=TOOL, targets=(0,), status=status, detail=why)
