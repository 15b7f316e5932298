"""Checks of the app as a whole: other origins, files that lie open, the debugger's console, broken bodies."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from batchnb.analyzers.dast.checks.passive import whole_hit
from batchnb.analyzers.dast.checks.trial import DELAY, Hit, around, marker
from batchnb.analyzers.dast.endpoints import NOWHERE
from batchnb.analyzers.dast.exchange import Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.analyzers.dast.baseline import Baseline
    from batchnb.analyzers.dast.checks.passive import Observer
    from batchnb.analyzers.dast.client import Client
    from batchnb.analyzers.dast.exchange import Response

_SETTING = re.compile(r"^[A-Z][A-Z0-9_]{2,}[ \t]*=[ \t]*\S+", re.MULTILINE)
_PYTHON = re.compile(r"^(from \w[\w.]* import |import \w)", re.MULTILINE)
_NODE = re.compile(r"^(const|let|var|import) .{0,80}(require\(|from )", re.MULTILINE)
_SQLITE = re.compile(r"\ASQLite format 3\0")
_FILES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("/.env", _SETTING),
    ("/.env.local", _SETTING),
    ("/.git/config", re.compile(r"^\[core\]", re.MULTILINE)),
    ("/.git/HEAD", re.compile(r"\Aref: refs/")),
    ("/app.py", _PYTHON),
    ("/config.py", _PYTHON),
    ("/main.py", _PYTHON),
    ("/server.js", _NODE),
    ("/index.js", _NODE),
    ("/requirements.txt", re.compile(r"^[A-Za-z][\w.-]*\s*([=<>~]=|$)", re.MULTILINE)),
    ("/package.json", re.compile(r'"dependencies"\s*:')),
    ("/Dockerfile", re.compile(r"^FROM \S+", re.MULTILINE)),
    ("/docker-compose.yml", re.compile(r"^services:", re.MULTILINE)),
    *((f"/{name}", _SQLITE) for name in ("database.db", "app.db", "data.db", "users.db", "db.sqlite3")),
    *((f"/{name}", re.compile(r"\A(PK\x03\x04|\x1f)")) for name in ("backup.zip", "backup.tar.gz")),
    ("/backup.sql", re.compile(r"^(CREATE TABLE|INSERT INTO)", re.MULTILINE | re.IGNORECASE)),
)
_FOREIGN = f"https://{NOWHERE}"
_YAML = "!!python/object/apply:time.sleep [{}]"


def check_origins(client: Client, baseline: Baseline, observer: Observer) -> None:
    """An origin that cannot be known must not be allowed; a second one tells a reflection from a list."""
    key = baseline.shape.endpoint.key
    allowed = {}
    for origin in (_FOREIGN, f"https://{marker()}.invalid"):
        request = baseline.shape.request(headers=(("Origin", origin),))
        response = client.send(request)
        value = response.header("access-control-allow-origin").strip()
        allowed[origin] = value
        if value not in {origin, "*"}:
            return
    credentials = response.header("access-control-allow-credentials").strip().lower() == "true"
    reflected = "*" not in allowed.values()
    rule = "cors-any-origin"
    if reflected:
        rule = "cors-reflected-credentials" if credentials else "cors-reflected"
    proof = (
        f"Access-Control-Allow-Origin: {value}\nAccess-Control-Allow-Credentials: {str(credentials).lower()}"
    )
    what = f"{'any origin is reflected as allowed' if reflected else 'any origin is allowed'}"
    what += ", with credentials" if reflected and credentials else ""
    hit = Hit(rule=rule, endpoint=key, where="header Origin", what=what, request=request.shown(), proof=proof)
    observer.note(key, hit)


def check_files(client: Client, sources: Iterable[str]) -> list[Hit]:
    """Ask for files that no app should serve; a random name beside each must not be answered alike."""
    named = [(f"/{name}", _PYTHON if name.endswith(".py") else _NODE) for name in sources]
    found = []
    for path, content in dict((*_FILES, *named)).items():
        request = Request(method="GET", path=path)
        response = client.send(request)
        if response.status != 200 or response.is_markup or not content.search(response.body):
            continue
        twin = client.send(replace(request, path=_beside(path)))
        if twin.status == 200 and content.search(twin.body):  # one answer for every address
            continue
        proof = f"status 200, {len(response.body)} characters, of the known form"
        found.append(whole_hit("exposed-file", f"GET {path}", f"{path} is served", request, proof))
    return found


def _beside(path: str) -> str:
    head, _, name = path.rpartition("/")
    return f"{head}/{marker()}{'.' + name.rpartition('.')[2] if '.' in name else ''}"


def check_console(client: Client, observer: Observer) -> None:
    """Werkzeug's console runs code for visitors when debug mode is on."""
    request = Request(method="GET", path="/console")
    response = client.send(request)
    seen = around(r"EVALEX = true|Interactive Console", response.body) if "erkzeug" in response.body else ""
    what = "the debugger's console is served"
    if seen:
        observer.note("GET /console", whole_hit("debug-mode", "GET /console", what, request, seen))


def provoke(client: Client, baseline: Baseline) -> list[Response]:
    """Send bodies that are not of the form that is expected; what comes back is looked at in passing."""
    if baseline.shape.endpoint.method not in {"POST", "PUT", "PATCH"} or baseline.shape.endpoint.files:
        return []
    plain = replace(baseline.shape.request(), headers=(("Content-Type", "application/json"),))
    return [client.send(replace(plain, body=body)) for body in (b'{"a":', b"[]", b'"x"', b"{}")]


def check_yaml(client: Client, baseline: Baseline) -> list[Hit]:
    """A body that, read as YAML with objects, sleeps; its twin sleeps for no time."""
    endpoint = baseline.shape.endpoint
    if not endpoint.raw_body or endpoint.files:
        return []
    times = []
    for delay in (DELAY, 0, DELAY, 0):
        body = _YAML.format(delay).encode()
        request = replace(
            baseline.shape.request(), body=body, headers=(("Content-Type", "application/yaml"),)
        )
        times.append(client.send(request).seconds)
        if (times[-1] < 0.8 * DELAY) if delay else (times[-1] > 0.5 * DELAY):
            return []
    proof = "seconds for payload, twin, payload, twin: " + ", ".join(f"{t:.2f}" for t in times)
    shown = replace(request, body=_YAML.format(DELAY).encode()).shown()
    what = "a YAML body that makes an object of time.sleep is obeyed"
    return [
        Hit(
            rule="yaml-deserialization",
            endpoint=endpoint.key,
            where="body",
            what=what,
            request=shown,
            proof=proof,
        )
    ]
