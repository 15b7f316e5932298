"""A server that speaks the real protocol: models, properties, (chat) completions, usage, refusals, delays."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NONCE = re.compile(r"BEGIN SOURCE ([0-9a-f]{16})\n")
ROW = re.compile(r'^\[(\d+),(".*")\]$')


class FakeServer(ThreadingHTTPServer):
    """What it answers is set by a test; what it was asked is kept in `asked`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models = [{"id": "small", "object": "model", "meta": {"n_ctx": 32_768}}]
        self.props = None
        self.forms = ("json_schema", "grammar", "plain")
        self.has_seed = self.has_chat = True
        self.context_bytes = None
        self.usage = True
        self.answer = lambda question: verdict(question, "cannot_tell")
        self.trouble = []
        """Replies for the next posts: (status, headers, body)."""
        self.asked = []
        self.heads = []
        self.paths = []
        self.arrived, self.release = threading.Event(), threading.Event()
        self.release.set()
        self.hung_up = threading.Event()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        self.hung_up.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self._note()
        if self.path == "/v1/models":
            self._send(200, {"object": "list", "data": self.server.models})
        elif self.path == "/props" and self.server.props is not None:
            self._send(200, self.server.props)
        else:
            self._refuse(404, "not found")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._note()
        server = self.server
        server.asked.append(body)
        server.arrived.set()
        server.release.wait(20)
        if server.trouble:
            status, headers, text = server.trouble.pop(0)
            self._send(status, text, headers)
            return
        chat = self.path == "/v1/chat/completions"
        if self.path not in {"/v1/chat/completions", "/v1/completions"} or (chat and not server.has_chat):
            self._refuse(404, "no such path")
            return
        refused = self._refusal(body)
        if refused:
            self._refuse(400, refused)
            return
        prompt = "\n".join(m["content"] for m in body["messages"]) if chat else body["prompt"]
        text = server.answer(Question(prompt, body))
        message = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        reply = {"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", **message}]}
        if server.usage is True:
            reply["usage"] = {"prompt_tokens": len(prompt) // 3, "completion_tokens": len(text) // 3}
        elif server.usage:
            reply["usage"] = server.usage
        self._send(200, reply)

    def _refusal(self, body):
        server = self.server
        form = "grammar" if "grammar" in body else "plain"
        if "response_format" in body:
            form = "json_schema"
            schema = body["response_format"]["json_schema"]["schema"]
            assert set(schema["required"]) == set(schema["properties"])
        if form not in server.forms:
            return f"Unrecognized request argument supplied: {form}"
        if "seed" in body and not server.has_seed:
            return "'seed' is not supported"
        if server.context_bytes is not None and len(json.dumps(body)) > server.context_bytes:
            return (
                "request (20042 tokens) exceeds the available context size (8192 tokens), try increasing it"
            )
        return ""

    def _note(self):
        self.server.heads.append(dict(self.headers))
        self.server.paths.append(self.path)

    def _refuse(self, status, message):
        self._send(status, {"error": {"message": message, "type": "invalid_request_error"}})

    def _send(self, status, body, headers=()):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        given = dict(headers)
        self.send_header("Content-Type", given.pop("Content-Type", "application/json"))
        for name, value in given.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Question:
    """A prompt, read as a model would."""

    def __init__(self, prompt, body):
        self.prompt, self.body = prompt, body
        self.nonce = NONCE.search(prompt)[1]
        source = prompt.split(f"BEGIN SOURCE {self.nonce}\n")[1].split(f"\nEND SOURCE {self.nonce}")[0]
        self.requirement = json.loads(re.search(r"^REQUIREMENT: (.*)$", prompt, re.MULTILINE)[1])
        self.lines = []
        path = ""
        for line in source.split("\n"):
            if row := ROW.match(line):
                self.lines.append((path, int(row[1]), json.loads(row[2])))
            elif line:
                path = json.loads(line)["file"]


def verdict(question, word, evidence=(), confidence=90, **changes):
    """Return a whole answer."""
    places = [
        {"file": path, "first_line": first, "last_line": first, "quote": quote}
        for path, first, quote in evidence
    ]
    answer = {"nonce": question.nonce, "evidence": places, "reason": "because", "verdict": word}
    return json.dumps({**answer, "confidence": confidence, **changes})


def honest(question):
    """Answer "met" with the first line of code that holds the requirement's last word, else "not_met"."""
    word = question.requirement.split()[-1].lower()
    for path, number, text in question.lines:
        if word in text.lower() and not text.strip().startswith("#"):
            return verdict(question, "met", [(path, number, text)])
    return verdict(question, "not_met", confidence=70)


@contextmanager
def running():
    server = FakeServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
