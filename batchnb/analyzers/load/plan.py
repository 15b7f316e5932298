"""What the load generator is told: its command line and its plan."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batchnb.analyzers.load.endpoints import Endpoint
    from batchnb.analyzers.load.options import LoadOptions
    from batchnb.tools.targets import Target


def command_of(folder: Path, target: Target, options: LoadOptions) -> tuple[str, ...]:
    """Return Locust's command. All that a configuration file of somebody else could say is said here.

    Args:
        folder: where the locustfile lies.
        target: what to load.
        options: how.
    """
    return (
        *(sys.executable, "-I", "-m", "locust", "-f", str(folder / "locustfile.py"), "--headless"),
        *("-H", target.origin, "-u", str(options.users), "-r", f"{options.spawn_rate:g}"),
        *("-t", f"{math.ceil(options.window[1]) + 1}s", "--only-summary", "--loglevel", "WARNING"),
        *("--stop-timeout", str(math.ceil(options.request_timeout_seconds) + 1)),
        *("--exit-code-on-error", "0"),
    )


def plan_of(target: Target, endpoints: Sequence[Endpoint], options: LoadOptions) -> dict[str, Any]:
    """Return the plan that the locustfile reads."""
    start, end = options.window
    return {
        "calls": [{**call_of(endpoint), "weight": endpoint.weight} for endpoint in endpoints],
        "headers": headers_for(target),
        "window_start": start,
        "window_end": end,
        "request_timeout": options.request_timeout_seconds,
        "max_requests": options.max_requests,
        "pause": options.pause_ms / 1000,
        "seed": options.seed,
    }


def call_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return what a request to an endpoint is made of."""
    return {
        "method": endpoint.method,
        "path": endpoint.path,
        "body": endpoint.body,
        "headers": endpoint.headers,
    }


def headers_for(target: Target) -> dict[str, str]:
    """Return the headers of every request. Nothing is packed, so that nothing has to be unpacked."""
    return {"Host": target.host_header, "User-Agent": "batchnb", "Accept-Encoding": "identity"}
