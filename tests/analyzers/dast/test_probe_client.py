"""The probe's client against servers that do not play fair: it always comes back, in time, with no answer."""

import socket
import threading
import time

import pytest
from support import PATIENCE

from batchnb.analyzers.dast.client import BudgetSpentError, Client
from batchnb.analyzers.dast.exchange import Request

FAIR = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RawServer:
    """Answers `GET /` as it should, and everything else as it is told, byte by byte."""

    def __init__(self, start, again):
        self.start, self.again, self.stopped = start, again, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.stopped.set()
        self._listener.close()

    def _accept(self):
        while not self.stopped.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            with peer:
                asked = peer.recv(65_536)
                if asked.startswith(b"GET / "):
                    peer.sendall(FAIR)
                    return
                peer.sendall(self.start)
                while self.again and not self.stopped.wait(0.02):
                    peer.sendall(self.again)
        except OSError:
            return  # the client has had enough


@pytest.fixture
def client(monkeypatch):
    """Return a function that makes a client of a raw server that answers `start`, then `again` for ever."""
    monkeypatch.setattr("batchnb.analyzers.dast.client.REQUEST_SECONDS", 0.3)
    made = []

    def client(start, again=b""):
        server = RawServer(start, again)
        made.append(server)
        return Client(server.url, max_requests=50, per_second=1000, seconds=PATIENCE)

    yield client
    for server in made:
        server.close()


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx", b""),
        (b"HTTP/1.1 999999 OK\r\n\r\n", b""),
        (b"\x00\xff" * 100, b"\x00"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx\r\n", b""),
    ],
)
def test_an_answer_that_is_none_ends_in_time(client, start, again):
    sender = client(start, again)
    began = time.monotonic()
    response = sender.send(Request(method="GET", path="/x"))

    assert (response.status, response.error != "") == (0, True)
    assert time.monotonic() - began < 10
    assert sender.send(Request(method="GET", path="/")).status == 200


def test_a_large_answer_is_cut(client):
    body = b"x" * (3 << 20)
    start = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    response = client(start).send(Request(method="GET", path="/x"))
    assert (response.status, len(response.body)) == (200, 512 * 1024)


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(client):
    sender = client(FAIR)
    for _ in range(3):
        assert sender.send(Request(method="GET", path="/x")).status == 200


def test_an_https_origin_is_no_reason_to_trust(client):
    sender = client(FAIR)
    tls = Client(sender.origin.replace("http:", "https:"), max_requests=5, per_second=1000, seconds=5)
    assert not tls.alive()


@pytest.mark.parametrize("origin", ["ftp://127.0.0.1", "http://", "127.0.0.1:80", "http://user@127.0.0.1"])
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(ValueError, match="not an origin"):
        Client(origin, max_requests=1, per_second=1, seconds=1)


def test_a_spent_budget_is_told_before_anything_is_sent(client):
    sender = client(FAIR)
    spent = Client(sender.origin, max_requests=0, per_second=1, seconds=1)
    with pytest.raises(BudgetSpentError, match="limit of 0 requests"):
        spent.send(Request(method="GET", path="/x"))
