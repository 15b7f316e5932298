"""A server with known delays and failures: `python load_target.py [requests until it dies]`.

It prints its port, and tells under /counts how often each path was asked for, under /durations how long the
answers of /mixed took (ms).
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNTS = Counter()
DURATIONS = []
LOCK = threading.Lock()
DIES_AFTER = int(sys.argv[1]) if len(sys.argv) > 1 else 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body, or the kernel's own delays are measured
    disable_nagle_algorithm = True

    def answer(self):  # noqa: C901, PLR0912 - a table of paths
        path, _, query = self.path.partition("?")
        with LOCK:
            COUNTS[path] += 1
            number = COUNTS[path]
            if DIES_AFTER and COUNTS.total() > DIES_AFTER:
                os._exit(3)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length).decode() if length else ""
        match path.split("/")[1:]:
            case ["counts"]:
                self.send(200, json.dumps(COUNTS))
            case ["delay", milliseconds]:
                time.sleep(int(milliseconds) / 1000)
                self.send(200, "late")
            case ["mixed"]:  # of 100: 85 x 10 ms, 12 x 60 ms, 3 x 150 ms
                place = number * 37 % 100
                began = time.monotonic()
                time.sleep(0.15 if place < 3 else 0.06 if place < 15 else 0.01)
                self.send(200, "mixed")
                DURATIONS.append(1000 * (time.monotonic() - began))
            case ["durations"]:
                self.send(200, json.dumps(DURATIONS))
            case ["flaky"]:
                self.send(
                    *((500, "the \x1b[31mdatabase\x1b[0m is locked") if number % 4 == 0 else (200, "ok"))
                )
            case ["fails"]:
                self.send(503, "closed")
            case ["away"]:
                self.send(302, "", Location=query)
            case ["hangs"] if number > 1:
                time.sleep(30)
                self.send(200, "at last")
            case ["endless"]:
                self.endless()
            case ["echo"]:
                body = json.loads(sent or "{}")
                self.send(
                    201 if body.get("title") == "load" else 400, sent, Seen=self.headers.get("X-Who", "")
                )
            case ["missing", *_]:
                self.send(404, "no such thing")
            case _:
                self.send(200, "fine")

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

    def send(self, status, text, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(text.encode()), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text.encode())

    def endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
                self.wfile.flush()
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
