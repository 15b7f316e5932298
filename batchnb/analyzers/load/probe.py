"""The pre-flight check: one request per endpoint, in a process of its own that can join the app's network.

It reads a plan (JSON) from standard input and writes one line of JSON for each endpoint. Nothing of batchnb
is imported here, nothing is followed, and no answer is believed to be short or to come to an end.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import ssl
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

MAX_BODY = 64 << 10


def _expired(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def connection(plan: dict[str, Any]) -> http.client.HTTPConnection:
    """Return a connection to the target; whom a certificate is for does not matter to a load test."""
    address, port, patience = plan["address"], plan["port"], plan["timeout"]
    if plan["scheme"] == "https":
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 - a self-made one, on loopback
        return http.client.HTTPSConnection(address, port, timeout=patience, context=context)
    return http.client.HTTPConnection(address, port, timeout=patience)


def ask(plan: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    """Send one request and return what came: `status` 0 with an `error` if it was no answer."""
    signal.setitimer(signal.ITIMER_REAL, plan["timeout"])
    began = time.monotonic()
    link = connection(plan)
    try:
        body = None if call["body"] is None else call["body"].encode()
        link.request(call["method"], call["path"], body, {**plan["headers"], **call["headers"]})
        answer = link.getresponse()
        text = answer.read(MAX_BODY)[:200].decode("utf-8", "replace")
        status, error, kind = answer.status, "", ""
    except TimeoutError:
        status, text, error, kind = 0, "", f"no answer within {plan['timeout']:g} s", "timeout"
    except (OSError, http.client.HTTPException, ValueError) as problem:
        refused = isinstance(problem, ConnectionRefusedError)
        status, text, kind = 0, "", "refused" if refused else "broken"
        error = f"{type(problem).__name__}: {problem}"[:200]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        with contextlib.suppress(OSError):
            link.close()
    seconds = time.monotonic() - began
    return {"status": status, "text": text, "error": error, "kind": kind, "seconds": round(seconds, 6)}


def main() -> None:
    """Ask for every endpoint of the plan."""
    signal.signal(signal.SIGALRM, _expired)
    plan = json.load(sys.stdin)
    for call in plan["calls"]:
        print(json.dumps(ask(plan, call)), flush=True)  # noqa: T201 - its output is its answer


if __name__ == "__main__":
    main()
