"""Starting the embedded probe beside the app, and keeping what it said."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.raw import ToolRun
from batchnb.records import CoverageStatus
from batchnb.tools.process import Ending, Limits, run_tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.tools.process import RawOutput

NAME = "probe"
__version__ = "1"
"""Raised when the probe finds more, or less, than before."""
LABEL = "embedded probe, not ZAP"
MAX_REQUESTS = 20_000
PER_SECOND = 300.0
END_SECONDS = 15.0
"""Left before the task's deadline, so that the probe ends by itself and what it found counts."""
_LIMITS = Limits(memory_bytes=1 << 30)
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]
# The child may use our package and what is installed beside it, but never its working folder (-I).
_CHILD = (
    f"import sys; sys.path.insert(0, {str(_PACKAGE_ROOT)!r}); "
    "from batchnb.analyzers.dast import probe; probe.main()"
)
ENDINGS = {
    Ending.TIMED_OUT: (CoverageStatus.TIMED_OUT, "stopped at the task's deadline"),
    Ending.CANCELLED: (CoverageStatus.CANCELLED, "stopped because the job was cancelled"),
    Ending.OUTPUT_CAP: (CoverageStatus.FAILED, "wrote more output than is allowed"),
    Ending.LOST: (CoverageStatus.FAILED, "its supervisor died"),
    Ending.NOT_STARTED: (CoverageStatus.FAILED, "could not be started"),
}


def run_probe(
    url: str,
    routes: Sequence[Mapping[str, Any]],
    context: AnalysisContext,
    *,
    enter: Sequence[str] = (),
    seconds: float = 300.0,
    deletes: bool = True,
    foreign: bool = False,
) -> RawOutput:
    """Run the probe against an app and return its JSON lines.

    Args:
        url: the app's origin.
        routes: route records in JSON form; see `probe.py`.
        context: deadline and cancellation.
        enter: command that puts a program into the app's network.
        seconds: how long it may take; less if the deadline is nearer.
        deletes: whether routes that delete are called.
        foreign: whether the target may be on another machine (the user named it).
    """
    left = max(1.0, context.deadline.remaining() - END_SECONDS)
    asked = {
        "url": url,
        "routes": list(routes),
        "max_requests": MAX_REQUESTS,
        "per_second": PER_SECOND,
        "seconds": min(seconds, left),
        "deletes": deletes,
        "foreign": foreign,
    }
    return run_tool(
        [*enter, sys.executable, "-I", "-c", _CHILD],
        deadline=context.deadline,
        cancel=context.cancel,
        stdin=json.dumps(asked).encode(),
        limits=_LIMITS,
    )


def probe_run(raw: RawOutput, plan: Mapping[str, Any], target: int) -> ToolRun:
    """Put together what is kept: the plan (routes, and how the app was afterwards), then the lines."""
    status, detail = CoverageStatus.OK, ""
    if raw.ending is not Ending.EXITED:
        status, detail = ENDINGS[raw.ending]
        detail = ": ".join(part for part in (detail, raw.start_error) if part)
    head = json.dumps({"kind": "plan", **plan})
    return ToolRun(
        tool=NAME,
        targets=(target,),
        status=status,
        detail=detail,
        version=__version__,
        exit_code=raw.returncode,
        seconds=round(raw.seconds, 3),
        output=head + "\n" + raw.stdout.decode("utf-8", "surrogateescape"),
        stderr_tail=raw.stderr.decode("utf-8", "surrogateescape")[-2_000:],
    )
