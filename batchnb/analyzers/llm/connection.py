"""HTTP to one server: no other host, no redirect, no proxy, no key in any text, a stop within a moment."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpx
from anyio.from_thread import start_blocking_portal

from batchnb.records.errors import AnalyzerError, InvalidValueError
from batchnb.tools.log.environment import SHORTEST
from batchnb.tools.targets import check_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.tools.cancellation import CancelToken, Deadline

MAX_REPLY_BYTES = 4 << 20
ATTEMPTS = 5
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each further pause is twice as long."""
LONGEST_PAUSE = 30.0
_LOOK_SECONDS = 0.1
_CONNECT_SECONDS = 5.0
_BUSY = frozenset({429, 500, 502, 503, 504})
HIDDEN_KEY = "[the API key]"


class NoServerError(AnalyzerError, ConnectionError):
    """Nothing answers at the address."""


class ServerError(AnalyzerError):
    """The server answered, but not with what was asked for; `status` is 0 if it gave no whole answer."""

    def __init__(self, message: str, status: int = 0, text: str = "") -> None:
        self.status, self.text = status, text
        super().__init__(message)


class StoppedError(AnalyzerError):
    """The request was given up: the job was cancelled, or the deadline has passed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What came back, with any copy of the key taken out."""

    status: int
    text: str
    is_stream: bool
    """Whether it is a sequence of server-sent events."""
    retry_after: float | None

    def json(self) -> Any:
        """Return the body as JSON; ValueError or RecursionError if it is none."""
        return json.loads(self.text)


class Connection:
    """A server that may be asked; use it in a `with`."""

    def __init__(
        self,
        address: str,
        *,
        allowed_hosts: Sequence[str],
        key: str,
        seconds: float,
        deadline: Deadline,
        cancel: CancelToken,
    ) -> None:
        """Check the address; nothing is sent yet.

        Args:
            address: base address, such as `http://localhost:4891/v1`.
            allowed_hosts: hosts beside loopback that may be asked.
            key: the API key; empty: none. White space around it, as files leave it, is passed over.
            seconds: how long to wait for a whole reply.
            deadline: when to give up.
            cancel: gives up at once.

        Raises:
            InvalidValueError: if the address may not be asked, or the key cannot be sent.
        """
        self._target = check_target(
            address.rstrip("/"), allowed_hosts=allowed_hosts, source="address", resolve=_resolve
        )
        self._key, self._seconds = _checked(key.strip()), seconds
        self._deadline, self._cancel = deadline, cancel
        self._stack = ExitStack()

    @property
    def name(self) -> str:
        """The address as the user knows it, for texts."""
        return f"{self._target.scheme}://{self._target.host_header}{self._target.path}".rstrip("/")

    def __enter__(self) -> Self:
        # The loop has a thread of its own: in a notebook, the main thread's is taken.
        self._portal = self._stack.enter_context(start_blocking_portal())
        headers = {"Host": self._target.host_header, "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        is_secure = self._target.scheme == "https"
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(self._seconds, connect=_CONNECT_SECONDS),
            verify=ssl.create_default_context() if is_secure else False,
            follow_redirects=False,
            trust_env=False,  # no proxy: the code goes to the address that was checked, and nowhere else
        )
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self._portal.call(self._client.aclose)
        finally:
            self._stack.close()

    def get(self, path: str, *, root: bool = False) -> Reply:
        """Ask for a path below the address, or (`root`) of the server as a whole; see `post`."""
        return self._request("GET", path, None, root=root)

    def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send JSON to a path below the address; a server that is busy is asked again.

        Returns:
            The reply, whatever its status.

        Raises:
            NoServerError: if nothing answers there.
            ServerError: if no whole reply came in time, or it is too large, or a redirect.
            StoppedError: if the job was cancelled or the deadline has passed.
        """
        return self._request("POST", path, json.dumps(body).encode(), root=False)

    def _request(self, method: str, path: str, content: bytes | None, *, root: bool) -> Reply:
        below = "" if root else self._target.path.rstrip("/")
        url = f"{self._target.origin}{below}{path}"
        pause, attempt = FIRST_PAUSE, 1
        while True:
            self._look()
            try:
                reply = self._portal.call(self._send, method, url, content)
                # (500 may as well mean that the question cannot be understood)
                if reply.status not in _BUSY or attempt >= (2 if reply.status == 500 else ATTEMPTS):
                    return reply
                wait = pause if reply.retry_after is None else min(reply.retry_after, LONGEST_PAUSE)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                why = self._clean(str(error)) or f"no connection within {_CONNECT_SECONDS:g} s"
                raise NoServerError(f"{self.name} cannot be reached: {why}") from None
            except (httpx.TimeoutException, TimeoutError):
                raise ServerError(f"no answer within {self._seconds:g} s") from None
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise ServerError(f"the connection broke: {self._clean(str(error))}") from None
                wait = pause
            self._cancel.wait(min(wait, self._deadline.remaining()))
            pause, attempt = pause * 2, attempt + 1

    async def _send(self, method: str, url: str, content: bytes | None) -> Reply:
        """Exchange, with a look at the clock and the token ten times a second; a stop hangs up."""
        # (the client's own limit is for each part of a reply, and a slow server sends many)
        whole = asyncio.wait_for(self._exchange(method, url, content), self._seconds)
        exchange = asyncio.create_task(whole)
        try:
            while True:
                done, _ = await asyncio.wait({exchange}, timeout=_LOOK_SECONDS)
                if done:
                    return exchange.result()
                self._look()
        finally:
            exchange.cancel()
            await asyncio.gather(exchange, return_exceptions=True)

    async def _exchange(self, method: str, url: str, content: bytes | None) -> Reply:
        headers = {} if content is None else {"Content-Type": "application/json"}
        extensions = {"sni_hostname": self._target.host}  # the certificate is for the name, not the address
        request = self._client.build_request(
            method, url, content=content, headers=headers, extensions=extensions
        )
        response = await self._client.send(request, stream=True)
        try:
            if response.is_redirect:
                raise ServerError(
                    f"{self.name} redirects, which is not followed; give the final address",
                    response.status_code,
                )
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ServerError("the reply is compressed, though that was not asked for")
            parts, size = [], 0
            async for part in response.aiter_raw():
                size += len(part)
                if size > MAX_REPLY_BYTES:
                    raise ServerError(f"the reply is larger than {MAX_REPLY_BYTES:,} bytes")
                parts.append(part)
        finally:
            await response.aclose()
        return Reply(
            status=response.status_code,
            text=self._clean(b"".join(parts).decode("utf-8", "replace")),
            is_stream=response.headers.get("content-type", "").startswith("text/event-stream"),
            retry_after=_seconds(response.headers.get("retry-after", "")),
        )

    def _look(self) -> None:
        if self._cancel.cancelled:
            raise StoppedError("stopped because the job was cancelled")
        if self._deadline.expired:
            raise StoppedError("stopped at the task's deadline")

    def _clean(self, text: str) -> str:
        """Take the key out of a text: servers like to repeat what they were sent.

        What local servers want in its place ("x", "none", "ollama") is a word that replies are made of.
        """
        if len(self._key) < SHORTEST:
            return text
        for spelling in {self._key, json.dumps(self._key)[1:-1]}:
            text = text.replace(spelling, HIDDEN_KEY)
        return text


def _checked(key: str) -> str:
    if not key.isascii() or not key.isprintable():
        raise InvalidValueError(
            "API key", HIDDEN_KEY, "visible ASCII characters on one line", "the environment"
        )
    return key


def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, IPv4 first: GPT4All listens on 127.0.0.1 and not on ::1."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(info[4][0]) for info in infos}, key=lambda address: (":" in address, address))


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
