"""Asks an app whether it answers; a program of its own, which runs inside the app's network.

Reads `{"host": ..., "port": ..., "seconds": ..., "any_port": ...}` from standard input and writes
`{"port": ..., "status": ..., "listening": [...]}`; port 0 means that nothing answered in time. It needs the
standard library alone.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path

_PATH = "/api/health"
_LISTENING = "0A"
_GRACE = 1.5
"""Seconds for the asked port to open after another one did."""
_INTERVAL = 0.05


def main() -> None:
    """Wait and tell."""
    asked = json.load(sys.stdin)
    until = time.monotonic() + asked["seconds"]
    port, status = wait(asked["host"], asked["port"], until, any_port=asked["any_port"])
    listening = sorted(listened()) if asked["any_port"] else []
    print(json.dumps({"port": port, "status": status, "listening": listening}))  # noqa: T201 - the answer


def wait(host: str, port: int, until: float, *, any_port: bool) -> tuple[int, int]:
    """Return the port that answers and the status of its answer; zeros if none did."""
    other_since = None
    while (now := time.monotonic()) < until:
        status = ask(host, port, min(5.0, until - now))
        if status:
            return port, status
        others = listened() - {port} if any_port else set()
        if not others:
            other_since = None
        elif other_since is None:
            other_since = now
        elif now - other_since > _GRACE:
            for other in sorted(others):
                if status := ask(host, other, 5.0):
                    return other, status
        time.sleep(_INTERVAL)
    return 0, 0


def ask(host: str, port: int, seconds: float) -> int:
    """Return the status that the app answers with, 0 if it does not speak HTTP."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", _PATH, headers={"Connection": "close"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def listened() -> set[int]:
    """Return the TCP ports that are listened on in this network."""
    ports = set()
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == _LISTENING:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


if __name__ == "__main__":
    main()
