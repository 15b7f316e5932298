"""A site of handlers on a loopback port, to be faulty or clean on purpose."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def route(method="GET", path="/item", **fields):
    """Return a route record in JSON form, as the probe is given it; by default with one query parameter."""
    if not fields:
        fields = {"query_params": ["q"]}
    return {"method": method, "path": path, "source": "backend/app.py", "line": 7, **fields}


def page(body, status=200, **headers):
    return status, {"Content-Type": "text/html; charset=utf-8", **_named(headers)}, body


def data(value, status=200, **headers):
    return status, {"Content-Type": "application/json", **_named(headers)}, json.dumps(value)


def _named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Asked:
    """A request as a handler gets it."""

    def __init__(self, handler, match):
        length = int(handler.headers.get("Content-Length") or 0)
        self.body = handler.rfile.read(length)
        self.headers = handler.headers
        self.path = match.groupdict()
        self.query = {
            k: v[0] for k, v in parse_qs(urlsplit(handler.path).query, keep_blank_values=True).items()
        }
        try:
            self.json = json.loads(self.body)
        except ValueError:
            self.json = None

    @property
    def q(self):
        return self.query.get("q", "")

    def field(self, name):
        return str(self.json.get(name, "")) if isinstance(self.json, dict) else ""


class Site:
    """Serves handlers by "METHOD /path/{parameter}"; anything else is 404."""

    def __init__(self, handlers):
        self.asked = []
        self.closing = threading.Event()
        patterns = []
        for key, handler in handlers.items():
            method, _, path = key.partition(" ")
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
            patterns.append((method, re.compile(pattern), handler))
        self._server = _Server(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"site": self, "patterns": patterns})
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def die(self):
        """Stop answering, from within a handler too."""
        self.closing.set()
        self._server.socket.close()

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that went away is no matter."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "site", ""

    def log_message(self, *_):
        """Say nothing."""

    def _answer(self):
        if self.site.closing.is_set():
            self.close_connection = True
            return
        self.site.asked.append(f"{self.command} {self.path}")
        status, headers, body = self._handled()
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _handled(self):
        path = urlsplit(self.path).path
        for method, pattern, handler in self.patterns:
            match = pattern.fullmatch(path)
            if method == self.command and match:
                return handler(Asked(self, match))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return 404, {"Content-Type": "text/plain"}, "not found"

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the base class asks for these names


SOURCE = """
from flask import Flask, request
app = Flask(__name__)

@app.get("/item")
def item():
    return f"<p>{request.args.get('q', '')}</p>"

@app.get("/secret")
def secret():
    return "no", 401
"""
PAGES = {
    "GET /item": lambda asked: page(f"<p>{asked.q}</p>"),
    "GET /secret": lambda asked: data({}, 401),
}
"""An app whose one route shows its parameter as markup, and whose other is open to nobody."""
