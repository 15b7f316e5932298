"""The embedded probe as a program of its own: a request on standard input, JSON lines on standard output.

It is not ZAP. It runs apart from the notebook's kernel, so that hostile answers are read elsewhere, and so
that it can be put into the app's own network. The request is one JSON object:

    {"url": "http://127.0.0.1:5101", "routes": [{"method": ..., "path": ..., "query_params": [...], ...}],
     "max_requests": 6000, "per_second": 300, "seconds": 240, "deletes": true, "foreign": false}

Each line has a `kind`: `hit` (a proven fault), `progress`, `route` (what became of a route) and, last, `end`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from batchnb.analyzers.dast.client import Client
from batchnb.analyzers.dast.endpoints import endpoint_from
from batchnb.analyzers.dast.scan import Scan


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Scan what standard input names."""
    asked: dict[str, Any] = json.load(sys.stdin)
    try:
        client = Client(
            asked["url"],
            max_requests=asked["max_requests"],
            per_second=asked["per_second"],
            seconds=asked["seconds"],
        )
    except (OSError, ValueError) as error:
        _say(
            {"kind": "end", "stopped": f"no such target: {error}", "alive": False, "requests": 0, "login": ""}
        )
        return
    if not (client.is_loopback or asked["foreign"]):
        why = "the target is not on this machine, and was not allowed by name"
        _say({"kind": "end", "stopped": why, "alive": False, "requests": 0, "login": ""})
        return
    endpoints = [endpoint_from(route) for route in asked["routes"]]
    sources = [str(route.get("source", "")) for route in asked["routes"]]
    Scan(client, endpoints, sources, _say, deletes=asked["deletes"]).run()
    client.close()


if __name__ == "__main__":
    main()
