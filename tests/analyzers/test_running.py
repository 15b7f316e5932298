"""Analysed apps, started for real in bubblewrap, and those that must not be believed or started."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from launching import PORTFOLIO, STARTING, make_app, make_context, needs_sandbox, shared_cache, use_cache
from support import processes_with, wait_until

from batchnb.analyzers.running import AppNotRunningError, RunOptions, running_app
from batchnb.records.errors import InvalidValueError
from batchnb.tools.cancellation import CancelToken
from batchnb.tools.launch import PortManager
from batchnb.tools.layout import find_app
from batchnb.tools.process import run_tool

sandboxed = [needs_sandbox, pytest.mark.tool]

ASK = """
import http.client, json, sys
host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
connection = http.client.HTTPConnection(host, port, timeout=20)
connection.request("GET", path)
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""
FLASK = """
from flask import Flask, jsonify, request
import os, socket, threading
app = Flask(__name__)

@app.get("/api/health")
def health():
    return jsonify(status="ok")
"""
PROBE = (
    FLASK
    + """
def attempt(action):
    try:
        return f"did: {action()!r}"
    except OSError as error:
        return f"refused: {error.strerror}"

@app.get("/attempt")
def attempts():
    outside = request.args["outside"]
    return jsonify({
        "read outside": attempt(lambda: open(outside).read()),
        "read shadow": attempt(lambda: open("/etc/shadow").read()),
        "list home": attempt(lambda: os.listdir(os.path.dirname(outside))),
        "write usr": attempt(lambda: open("/usr/x", "w")),
        "write env": attempt(lambda: open("/env/x", "w")),
        "write source": attempt(lambda: open("/source/x", "w")),
        "connect": attempt(lambda: socket.create_connection(
            ("127.0.0.1", int(request.args["port"])), timeout=2)),
        "kill": attempt(lambda: os.kill(int(request.args["pid"]), 0)),
        "secret": os.environ.get("BATCHNB_TEST_SECRET", "not there"),
        "descriptors": sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                              if os.path.lexists(f"/proc/self/fd/{fd}")),
        "write beside": attempt(lambda: open("own.txt", "w").write("x")),
        "write data": attempt(lambda: open(os.environ["DATA_DIR"] + "/own.txt", "w").write("x")),
        "processes": [name for name in os.listdir("/proc") if name.isdigit()],
    })
"""
)
BOMB = (
    FLASK
    + """
kept = []

@app.get("/grow")
def grow():
    for _ in range(400):
        kept.append(bytearray(b"x" * (1 << 20)))
    threading.Event().wait(60)  # who watches looks now and then, and must find it
    return "grown"

@app.get("/fork")
def fork():
    for _ in range(300):
        if os.fork() == 0:
            threading.Event().wait()
    return "forked"

@app.get("/exit")
def leave():
    print("leaving \\x1b[31mred\\x1b[0m now", flush=True)
    os._exit(3)
"""
)


@pytest.fixture
def cache(tmp_path_factory, monkeypatch):
    folder = shared_cache(tmp_path_factory)
    use_cache(monkeypatch, folder)
    return folder


def ask(running, path, context, port=None):
    """Return the app's answer to a program that has joined its network."""
    host, known = running.url.removeprefix("http://").split(":")
    raw = run_tool(
        [*running.enter, sys.executable, "-I", "-c", ASK, host, str(port or known), path],
        deadline=context.deadline,
        cancel=context.cancel,
    )
    return raw.stdout.decode()


def started(app, tmp_path, cache, monkeypatch, **options):
    use_cache(monkeypatch, cache, app.path / "backend")
    context = make_context(tmp_path / "scratch")
    return context, running_app(app, RunOptions(**options), context)


@pytest.mark.tool
@needs_sandbox
@pytest.mark.parametrize(("model", "number"), STARTING)
def test_each_sample_backend_starts_answers_and_leaves_nothing(model, number, tmp_path, cache, monkeypatch):
    app = find_app(PORTFOLIO, model, number)
    context, running = started(app, tmp_path, cache, monkeypatch)
    before = sorted(path.name for path in app.path.rglob("*"))
    with running as it:
        assert ask(it, "/api/health", context).startswith("200")
        assert it.is_alive()
        assert it.answers()
        port = int(it.url.rpartition(":")[2])
        with pytest.raises(OSError, match=r".*"), socket.create_connection(("127.0.0.1", port), 1):
            pass
        usage = it.usage()
        assert usage.cpu_seconds is not None
        assert usage.rss_bytes is not None
        assert usage.cpu_seconds > 0
        assert usage.rss_bytes > 10 << 20
        assert "bubblewrap" in it.how
        assert processes_with(str(context.scratch))
    assert processes_with(str(context.scratch)) == []
    assert list(context.scratch.iterdir()) == []
    assert str(context.scratch) not in Path("/proc/self/mountinfo").read_text()
    assert sorted(path.name for path in app.path.rglob("*")) == before
    assert not it.is_alive()


def attempted(tmp_path, cache, monkeypatch, **options):
    """Return what an app that tries to get out could do."""
    monkeypatch.setenv("BATCHNB_TEST_SECRET", "canary")
    secret = tmp_path / "secret.txt"
    secret.write_text("canary", encoding="utf-8")
    app = make_app(tmp_path / "apps", {"backend/app.py": PROBE})
    context, running = started(app, tmp_path, cache, monkeypatch, **options)
    with socket.create_server(("127.0.0.1", 0)) as ours, running as it:
        port = ours.getsockname()[1]
        text = ask(it, f"/attempt?outside={secret}&port={port}&pid={os.getpid()}", context)
    assert text.startswith("200 "), text
    return text, json.loads(text[4:])


@pytest.mark.tool
@needs_sandbox
def test_the_app_is_shut_in(tmp_path, cache, monkeypatch):
    text, seen = attempted(tmp_path, cache, monkeypatch)
    assert "canary" not in text
    allowed = {"write beside", "write data"}
    for what, how in seen.items():
        if isinstance(how, str) and what != "secret":
            assert how.startswith("did" if what in allowed else "refused"), (what, how)
    assert len(seen["processes"]) <= 3
    assert not [target for target in seen["descriptors"] if "info" in target]


@pytest.mark.tool
def test_the_same_app_without_a_sandbox_gets_out(tmp_path, cache, monkeypatch):
    """The other side of the test above: what it tries does work where nothing hinders it."""
    monkeypatch.setattr("batchnb.tools.launch.start.find_program", lambda name: None)
    _, seen = attempted(tmp_path, cache, monkeypatch, allow_unsandboxed=True)
    assert seen["read outside"] == "did: 'canary'"
    for what in ("list home", "connect", "kill"):
        assert seen[what].startswith("did"), what
    assert len(seen["processes"]) > 3
    assert seen["secret"] == "not there"  # even so, it gets no variable of ours


@pytest.mark.tool
@needs_sandbox
def test_an_app_that_takes_too_much_memory_is_stopped_and_told(tmp_path, cache, monkeypatch):
    app = make_app(tmp_path / "apps", {"backend/app.py": BOMB})
    context, running = started(app, tmp_path, cache, monkeypatch, memory_mib=200)
    with running as it:
        assert "grown" not in ask(it, "/grow", context)
        assert wait_until(lambda: not it.is_alive())
        assert it.why_ended() == "it used more than 200 MiB of memory and was stopped"


@pytest.mark.tool
@needs_sandbox
def test_a_fork_bomb_is_stopped_and_told(tmp_path, cache, monkeypatch):
    app = make_app(tmp_path / "apps", {"backend/app.py": BOMB})
    context, running = started(app, tmp_path, cache, monkeypatch, memory_mib=30_000)
    with running as it:
        ask(it, "/fork", context)
        assert wait_until(lambda: not it.is_alive())
        assert "256 processes" in it.why_ended()
    assert processes_with(str(context.scratch)) == []


@pytest.mark.tool
@needs_sandbox
def test_an_app_that_dies_is_known_dead_and_its_network_is_nobodys(tmp_path, cache, monkeypatch):
    app = make_app(tmp_path / "apps", {"backend/app.py": BOMB})
    context, running = started(app, tmp_path, cache, monkeypatch)
    with running as it:
        ask(it, "/exit", context)
        assert wait_until(lambda: not it.is_alive())
        assert it.why_ended() == "it ended by itself with exit code 3"
        assert r"leaving \x1b[31mred\x1b[0m now" in it.log_tail()
        assert not it.answers(seconds=1)
        assert it.usage().processes == 0
        # the command that joins its network still leads there, and not into ours
        with socket.create_server(("127.0.0.1", 0)) as ours:
            assert ask(it, "/", context, port=ours.getsockname()[1]) == ""


@pytest.mark.tool
@needs_sandbox
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FLASK + "import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'"),
        (FLASK + "print('sleeping', flush=True)\nthreading.Event().wait()\n", "it listens nowhere"),
        (
            FLASK + "s = socket.create_server(('127.0.0.1', 6000))\nthreading.Event().wait()\n",
            "it listens at 6000, but does not speak HTTP there",
        ),
    ],
)
def test_an_app_that_does_not_come_up_says_why(text, said, tmp_path, cache, monkeypatch):
    app = make_app(tmp_path / "apps", {"backend/app.py": text})
    context, running = started(app, tmp_path, cache, monkeypatch, start_seconds=4.0)
    with pytest.raises(AppNotRunningError, match=r"the app (ended|did not answer)") as caught, running:
        pass
    assert said in str(caught.value)
    assert list(context.scratch.iterdir()) == []


@pytest.mark.tool
@needs_sandbox
def test_an_app_that_listens_where_it_likes_is_found(tmp_path, cache, monkeypatch):
    text = FLASK + (
        "if __name__ == '__main__':\n"
        "    from wsgiref.simple_server import make_server\n"
        "    make_server('0.0.0.0', 7778, app).serve_forever()\n"
    )
    app = make_app(tmp_path / "apps", {"backend/app.py": text})
    _, running = started(app, tmp_path, cache, monkeypatch)
    with running as it:
        assert it.url == "http://127.0.0.1:7778"
        assert "another port" in it.how


@pytest.mark.tool
@needs_sandbox
def test_what_its_author_does_when_it_is_run_is_done(tmp_path, cache, monkeypatch):
    text = FLASK + (
        "ready = []\n"
        "@app.get('/ready')\n"
        "def is_ready():\n"
        "    return jsonify(ready, app.debug, os.environ.get('GREETING'))\n"
        "if __name__ == '__main__':\n"
        "    ready.append('tables made')\n"
        "    app.run('0.0.0.0', 80, debug=True)\n"
    )
    compose = "services:\n  backend:\n    build: ./backend\n    environment: {GREETING: hello, PATH: /x}\n"
    app = make_app(tmp_path / "apps", {"backend/app.py": text, "docker-compose.yml": compose})
    context, running = started(app, tmp_path, cache, monkeypatch)
    with running as it:
        assert json.loads(ask(it, "/ready", context)[4:]) == [["tables made"], True, "hello"]


@pytest.mark.tool
@needs_sandbox
def test_a_flood_of_log_lines_neither_stops_the_app_nor_fills_memory(tmp_path, cache, monkeypatch):
    text = FLASK + "print('x' * (96 << 20), 'the end', flush=True)\n"
    app = make_app(tmp_path / "apps", {"backend/app.py": text})
    _, running = started(app, tmp_path, cache, monkeypatch)
    with running as it:
        assert it.is_alive()
        assert "the end" in it.log_tail()
        assert len(it.log_tail()) <= 4_000


@pytest.mark.tool
@needs_sandbox
def test_an_app_that_drips_its_answer_is_given_up(tmp_path, cache, monkeypatch):
    text = (
        "from flask import Flask\nimport os, socket, time\napp = Flask('x')\n"
        "server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "while True:\n    peer, _ = server.accept()\n    peer.sendall(b'HTTP/1.1 200 OK\\r\\n')\n"
        "    try:\n        while True:\n            peer.sendall(b'X')\n            time.sleep(0.05)\n"
        "    except OSError:\n        pass\n"  # whoever asked gave up and hung up
    )
    app = make_app(tmp_path / "apps", {"backend/app.py": text})
    context, running = started(app, tmp_path, cache, monkeypatch, start_seconds=1.0)
    with pytest.raises(AppNotRunningError, match="did not answer at port"), running:
        pass
    assert processes_with(str(context.scratch)) == []


@pytest.mark.tool
@needs_sandbox
def test_a_cancelled_start_ends_at_once(tmp_path, cache, monkeypatch):
    app = make_app(tmp_path / "apps", {"backend/app.py": FLASK + "threading.Event().wait()\n"})
    use_cache(monkeypatch, cache, app.path / "backend")
    cancel = CancelToken()
    context = make_context(tmp_path / "scratch", cancel=cancel)
    threading.Timer(1.0, cancel.cancel).start()
    begun = time.monotonic()
    with pytest.raises(AppNotRunningError, match="it was cancelled"), running_app(app, RunOptions(), context):
        pass
    assert time.monotonic() - begun < 20
    assert processes_with(str(context.scratch)) == []


@pytest.mark.tool
def test_without_bubblewrap_nothing_is_started_unless_the_user_says_so(tmp_path, cache, monkeypatch):
    monkeypatch.setattr("batchnb.tools.launch.start.find_program", lambda name: None)
    app = make_app(tmp_path / "apps", {"backend/app.py": FLASK})
    context, running = started(app, tmp_path, cache, monkeypatch)
    with pytest.raises(AppNotRunningError, match="bubblewrap is not installed"), running:
        pass
    context, running = started(app, tmp_path, cache, monkeypatch, allow_unsandboxed=True)
    with running as it:
        assert "WITHOUT a sandbox" in it.how
        assert it.enter == ()
        assert ask(it, "/api/health", context).startswith("200")
        assert it.usage().cpu_seconds
    assert processes_with(str(context.scratch)) == []
    assert list(context.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "number", "said"),
    [
        ("birch-mini", 3, "app.py cannot be parsed, line 1"),
        ("birch-mini", 4, "it has no backend"),
        ("comet-large", 2, "no Flask or FastAPI application, and no Express server"),
    ],
)
def test_a_sample_app_that_cannot_start_says_why(model, number, said, tmp_path, cache):
    app = find_app(PORTFOLIO, model, number)
    context = make_context(tmp_path / "scratch")
    with pytest.raises(AppNotRunningError, match=said), running_app(app, RunOptions(), context):
        pass


@pytest.mark.parametrize("docker", [None, Path("/bin/false")])
def test_without_a_docker_engine_compose_says_so(docker, tmp_path, monkeypatch):
    monkeypatch.setattr("batchnb.tools.launch.compose_run.find_program", lambda name: docker)
    app = find_app(PORTFOLIO, "atlas-4", 1)
    context = make_context(tmp_path / "scratch")
    options = RunOptions(compose=True)
    with pytest.raises(AppNotRunningError, match="no Docker engine"), running_app(app, options, context):
        pass


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield httpd.server_port
        httpd.shutdown()
        thread.join()


def test_an_app_that_runs_already_is_used(server, tmp_path):
    app = make_app(tmp_path / "apps", {"backend/app.py": "x = 1\n"})
    context = make_context(tmp_path / "scratch")
    with running_app(app, RunOptions(address=f"http://localhost:{server}"), context) as it:
        assert (it.url, it.enter, it.how) == (f"http://127.0.0.1:{server}", (), "already running")
        assert it.is_alive()
        assert it.usage().cpu_seconds is None
    ports = PortManager(tmp_path / "apps", table={"m": {"1": server}})
    with running_app(app, RunOptions(launch=False), context, ports) as it:
        assert it.url == f"http://127.0.0.1:{server}"


@pytest.mark.parametrize(
    ("compose", "why"),
    [(None, "it has no compose file"), ("services: {backend: {}}", "the compose file publishes no port")],
)
def test_an_app_that_runs_nobody_knows_where_is_not_looked_for_at_a_random_port(compose, why, tmp_path):
    files = {"backend/app.py": "x = 1\n"} | ({"docker-compose.yml": compose} if compose else {})
    app, context = make_app(tmp_path / "apps", files), make_context(tmp_path / "scratch")
    with pytest.raises(AppNotRunningError, match=f"port is not known: {why}.*`address`") as caught:
        running_app(app, RunOptions(launch=False), context).__enter__()
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.tool
@needs_sandbox
def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    use_cache(monkeypatch, tmp_path / "file" / "cache")
    app = make_app(tmp_path / "apps", {"backend/app.py": FLASK})
    context = make_context(tmp_path / "scratch")
    with (
        pytest.raises(AppNotRunningError, match="could not be started"),
        running_app(app, RunOptions(), context),
    ):
        pass
    assert list(context.scratch.iterdir()) == []


def test_nothing_at_the_address_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listened on
        port = taken.getsockname()[1]
        app = make_app(tmp_path / "apps", {"backend/app.py": "x = 1\n"})
        context = make_context(tmp_path / "scratch", seconds=1.0)
        options = RunOptions(address=f"http://127.0.0.1:{port}")
        with pytest.raises(AppNotRunningError, match="nothing answers"), running_app(app, options, context):
            pass


def test_a_foreign_address_is_refused(tmp_path):
    app = make_app(tmp_path / "apps", {"backend/app.py": "x = 1\n"})
    context = make_context(tmp_path / "scratch")
    options = RunOptions(address="http://203.0.113.7:5101")
    with pytest.raises(InvalidValueError, match="allowed_hosts"), running_app(app, options, context):
        pass


AS_A_USER = """
import sys, os
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from launching import make_app, make_context, seed_flask
from batchnb.analyzers.running import RunOptions, running_app
base, text = Path(sys.argv[1]), sys.argv[2]
app = make_app(base / "apps", {"backend/app.py": text})
seed_flask(app.path / "backend")
context = make_context(base / "scratch")
with running_app(app, RunOptions(), context) as running:
    assert "--preserve-credentials" in running.enter, running.enter
    assert running.answers() and running.usage().rss_bytes > 1 << 20
assert not list(context.scratch.iterdir())
print("done as", os.getuid())
"""
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.mark.tool
@needs_sandbox
@pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("setpriv"),
    reason="not the superuser: all other tests show that it works for an ordinary user",
)
def test_an_ordinary_user_can_start_apps_too():
    paths = [*map(str, Path(__file__).parents[1:3]), sysconfig.get_path("purelib")]
    user = ["setpriv", "--reuid=1500", "--regid=1500", "--clear-groups"]
    check = f"import sys, os; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    readable = all(parent.stat().st_mode & 0o005 == 0o005 for path in paths for parent in Path(path).parents)
    if not readable or subprocess.run([*user, SYSTEM_PYTHON, "-c", check], check=False).returncode:
        pytest.skip("no Python of this version, or not these files, can be read by another user")
    base = Path(tempfile.mkdtemp(prefix="batchnb-test-"))
    try:
        os.chown(base, 1500, 1500)
        done = subprocess.run(
            [*user, SYSTEM_PYTHON, "-c", AS_A_USER, str(base), FLASK, *paths],
            env={"BATCHNB_CACHE": str(base / "cache"), "HOME": str(base), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.stdout == "done as 1500\n", done.stderr
    finally:
        shutil.rmtree(base)


FASTAPI = """
from fastapi import FastAPI
app = FastAPI()

@app.get("/api/health")
async def health():
    return {"status": "ok"}
"""
EXPRESS = """
const express = require('express');
const fs = require('fs');
const app = express();
app.get('/api/health', (req, res) => res.json({ status: 'ok' }));
app.get('/outside', (req, res) => {
  try { res.send('read ' + fs.readFileSync(req.query.file)); } catch (error) { res.send(error.code); }
});
app.get('/grow', (req, res) => { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 'x')); });
app.listen(process.env.PORT || 3000);
"""


@pytest.mark.tool
@pytest.mark.online
@needs_sandbox
def test_a_fastapi_backend_starts(tmp_path, cache):
    files = {"backend/main.py": FASTAPI, "backend/requirements.txt": "fastapi\nuvicorn\n-e .\n"}
    app = make_app(tmp_path / "apps", files)
    context = make_context(tmp_path / "scratch", seconds=100)
    with running_app(app, RunOptions(), context) as it:
        assert ask(it, "/api/health", context) == '200 {"status":"ok"}\n'
        assert it.how.startswith("fastapi app launched in bubblewrap")
        assert it.notes == ("-e . left out: an option, an include or an editable install",)
    assert list(context.scratch.iterdir()) == []


@pytest.mark.tool
@pytest.mark.online
@needs_sandbox
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_an_express_backend_starts_and_is_shut_in(tmp_path, cache):
    secret = tmp_path / "secret.txt"
    secret.write_text("canary", encoding="utf-8")
    package = {"dependencies": {"express": "^4.19.0"}, "scripts": {"preinstall": f"touch {tmp_path}/ran"}}
    files = {
        "backend/server.js": EXPRESS,
        "backend/package.json": json.dumps(package),
        "backend/.npmrc": "registry=http://127.0.0.1:9/\n",
    }
    app = make_app(tmp_path / "apps", files)
    context = make_context(tmp_path / "scratch", seconds=100)
    with running_app(app, RunOptions(memory_mib=256), context) as it:
        assert ask(it, "/api/health", context) == '200 {"status":"ok"}\n'
        assert ask(it, f"/outside?file={secret}", context) == "200 ENOENT\n"
        assert ask(it, "/grow", context) == ""
        assert wait_until(lambda: not it.is_alive())
        assert "memory" in it.why_ended() + it.log_tail()
    assert not (tmp_path / "ran").exists()
    assert list(context.scratch.iterdir()) == []
