"""The probe's HTTP client: one origin, one address, no proxy, no redirect followed, and hard caps.

The standard library's client is used on purpose: it sends a path as it is given (others tidy up `../`), and
it looks at no environment variable.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from batchnb.analyzers.dast.exchange import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_BODY = 512 * 1024
MAX_COOKIE = 4096
MAX_COOKIES = 50
REQUEST_SECONDS = 10.0
_ALIVE_TRIES = 4
_ALIVE_PAUSE = 0.25
_ALIVE_SECONDS = 2.0


class BudgetSpentError(Exception):
    """No more requests, or no more time, are allowed."""


class TargetGoneError(Exception):
    """The target does not answer any more."""


class Client:
    """Sends requests to one origin. The address is looked up once; every connection goes to it."""

    def __init__(self, origin: str, *, max_requests: int, per_second: float, seconds: float) -> None:
        """Make a client.

        Args:
            origin: such as `http://127.0.0.1:5101`.
            max_requests: how many may be sent at all.
            per_second: how many may be sent in a second, on average.
            seconds: when to stop, counted from now.

        Raises:
            ValueError: if the origin is not http or https with a host.
            OSError: if the host is not known.
        """
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise ValueError(f"not an origin: {origin!r}")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.secure = parts.scheme == "https"
        port = parts.port or (443 if self.secure else 80)
        self._host = parts.netloc
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        self._address = (str(found[0][4][0]), port)
        self._gap, self._next = 1 / per_second, 0.0
        self._patience = REQUEST_SECONDS
        self._left, self._until = max_requests, time.monotonic() + seconds
        self._connection: http.client.HTTPConnection | None = None
        self.sent = 0
        self.cookies: dict[str, str] = {}
        self.authorization = ""
        self.observer: Callable[[Request, Response], None] | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the one address that is used is this machine's own."""
        return ipaddress.ip_address(self._address[0]).is_loopback

    @property
    def seconds_left(self) -> float:
        """Time until the client refuses to send."""
        return self._until - time.monotonic()

    def send(self, request: Request) -> Response:
        """Send one request and return the answer.

        Raises:
            BudgetSpentError: if the requests or the time are used up.
            TargetGoneError: if this one broke and the target did not answer afterwards either.
        """
        self._wait()
        response = self._exchange(request)
        if response.status == 0 and response.error == "closed":  # an idle connection that the server closed
            response = self._exchange(request)
        if response.status == 0 and not self.alive():
            raise TargetGoneError(f"no answer after {request.method} {request.path[:200]}: {response.error}")
        if self.observer is not None:
            self.observer(request, response)
        return response

    def alive(self) -> bool:
        """Whether the target answers a plain GET with anything at all; tried for some seconds."""
        self.close()
        self._patience = _ALIVE_SECONDS
        try:
            for attempt in range(_ALIVE_TRIES):
                if attempt:
                    time.sleep(_ALIVE_PAUSE)
                if self._exchange(Request(method="GET", path="/")).status != 0:
                    return True
            return False
        finally:
            self._patience = REQUEST_SECONDS
            self.close()

    def remember(self, response: Response, *, replace: bool) -> None:
        """Keep the cookies of `response` for the next requests; known ones only if `replace`."""
        for header in response.cookies():
            name, _, value = header.partition(";")[0].strip().partition("=")
            usable = name and header.isascii() and header.isprintable() and len(header) < MAX_COOKIE
            if usable and (replace or name not in self.cookies) and len(self.cookies) < MAX_COOKIES:
                self.cookies[name] = value

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _wait(self) -> None:
        if self.sent >= self._left:
            raise BudgetSpentError(f"the limit of {self._left} requests was reached")
        if self.seconds_left <= 0:
            raise BudgetSpentError("the time for the scan was used up")
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._gap

    def _exchange(self, request: Request) -> Response:
        self.sent += 1
        start = time.monotonic()
        reused = self._connection is not None
        try:
            return self._talk(request, start)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            quick = reused and time.monotonic() - start < REQUEST_SECONDS / 2
            dropped = isinstance(error, (ConnectionError, http.client.RemoteDisconnected))
            reason = "closed" if quick and dropped else f"{type(error).__name__}: {error}"[:200]
            return Response(status=0, seconds=time.monotonic() - start, error=reason)

    def _talk(self, request: Request, start: float) -> Response:
        connection = self._connection or self._connect()
        self._connection = connection
        if connection.sock is None:
            connection.connect()
        with self._cut_off_in_time(connection.sock):
            connection.request(
                request.method, request.path, body=request.body, headers=self._headers(request)
            )
            answer = connection.getresponse()
            body = self._read(answer, start)
        seconds = time.monotonic() - start
        if answer.will_close or not answer.isclosed():
            self.close()
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Response(status=answer.status, headers=headers, body=body, seconds=seconds)

    @contextmanager
    def _cut_off_in_time(self, connection: socket.socket) -> Iterator[None]:
        """Limit an exchange as a whole: a socket's own limit counts from the last byte, however few come."""
        late = threading.Event()

        def cut_off() -> None:
            late.set()
            with suppress(OSError):  # it has ended meanwhile
                connection.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(2 * self._patience, cut_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        if late.is_set():
            raise TimeoutError("the answer did not end in time")

    def _read(self, answer: http.client.HTTPResponse, start: float) -> str:
        """Read the body up to the cap; a server that drips is left after the time for one request."""
        parts, size = [], 0
        while size < MAX_BODY and (part := answer.read1(65_536)):
            parts.append(part)
            size += len(part)
            if time.monotonic() - start > self._patience:
                raise TimeoutError("the answer did not end in time")
        if size < MAX_BODY and answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return b"".join(parts)[:MAX_BODY].decode("utf-8", "replace")

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._address
        if self.secure:
            return http.client.HTTPSConnection(host, port, timeout=self._patience)
        return http.client.HTTPConnection(host, port, timeout=self._patience)

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Host": self._host, "User-Agent": "batchnb-probe", "Accept": "*/*"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.authorization:
            headers["Authorization"] = self.authorization
        return {**headers, **dict(request.headers)}
