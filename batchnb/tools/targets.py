"""Which addresses a load test or an attack may go to: loopback, or a host that the user named.

An address is read once, strictly, and resolved once; what is used afterwards is the address that was checked.
Everything that two readers of an URL could understand differently is refused rather than interpreted.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
    Resolver = Callable[[str, int], Sequence[str]]

_WHAT = "target address"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# `127.1`, `2130706433` and `0x7f000001` are addresses to some programs and names to others.
_LOOKS_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """An address that may be tested, bound to the IP address that its host had when it was checked."""

    scheme: str
    """`http` or `https`."""
    host: str
    """As the user named it, in lower case; an IPv6 address without brackets."""
    address: str
    """The IP address to connect to."""
    port: int
    path: str = "/"
    """With the query, if there is one."""

    @property
    def host_header(self) -> str:
        """What to send as `Host`: the named host, with the port unless it is the scheme's own."""
        default = self.port == _DEFAULT_PORTS[self.scheme]
        return _bracketed(self.host) if default else f"{_bracketed(self.host)}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, IP address and port: what to connect to. The name is not resolved again."""
        return f"{self.scheme}://{_bracketed(self.address)}:{self.port}"

    @property
    def url(self) -> str:
        """The origin with the path."""
        return self.origin + self.path

    def follow(self, location: str) -> str | None:
        """Return where a redirect of this target leads, or None if that is another origin.

        Args:
            location: the header as the server sent it: a path, or an address with the same scheme, the same
                host or its IP address, and the same port.
        """
        if not _URL_CHARACTERS.fullmatch(location.partition("#")[0]):
            return None
        joined = urljoin(f"{self.scheme}://{self.host_header}{self.path}", location.partition("#")[0])
        try:
            parts, port = _split(joined, source="")
        except InvalidValueError:
            return None
        host = (parts.hostname or "").lower()
        if parts.scheme != self.scheme or port != self.port or host not in {self.host, self.address}:
            return None
        return self.origin + _path(parts)


def check_target(
    url: str,
    *,
    allowed_hosts: Collection[str] = (),
    ports: Collection[int] | None = None,
    source: str = "",
    resolve: Resolver | None = None,
) -> Target:
    """Return `url` as a target, if it may be one.

    Args:
        url: `http://` or `https://`, a host, an optional port and path.
        allowed_hosts: hosts beside the loopback addresses that the user opted in to, each exactly as it
            stands in the address (a name, or an IP address), without port.
        ports: the ports that belong to known apps; None: any.
        source: where the address came from, for the message.
        resolve: returns the IP addresses of a host name; None: asks the system.

    Raises:
        InvalidValueError: names the address, the rule that it breaks and its source.
    """
    parts, port = _split(url, source)
    if ports is not None and port not in ports:
        listed = ", ".join(map(str, sorted(ports))) or "none is known"
        raise InvalidValueError(_WHAT, url, f"the port is not one of an app: {listed}", source)
    host = (parts.hostname or "").lower()
    address = _pinned(url, host, port, _allowed(allowed_hosts), source, resolve or _resolve)
    return Target(scheme=parts.scheme, host=host, address=address, port=port, path=_path(parts))


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback IP address as it stands; a name never is."""
    address = _as_address(host)
    return address is not None and _loops_back(address)


def _split(url: str, source: str) -> tuple[SplitResult, int]:
    """Take an address apart, refusing all that could be read in two ways."""

    def refuse(rule: str) -> InvalidValueError:
        return InvalidValueError(_WHAT, url, rule, source)

    if not _URL_CHARACTERS.fullmatch(url):  # backslash, "#", spaces, control characters, other alphabets
        raise refuse("only plain URL characters, no backslash, fragment, space or non-ASCII letter")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise refuse(f"it cannot be read: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise refuse("write http://HOST:PORT or https://HOST:PORT")
    if "@" in parts.netloc:
        raise refuse("a user name or password does not belong into it")
    host = parts.hostname or ""
    if not _is_host(host):
        raise refuse("the host must be a name or a plain IP address, such as 127.0.0.1")
    if _bracketed(host) != parts.netloc.lower() and not re.fullmatch(r".*[^:]:[0-9]{1,5}", parts.netloc):
        raise refuse("the port must be a number from 1 to 65535")
    if port == 0:
        raise refuse("the port must be a number from 1 to 65535")
    return parts, port or _DEFAULT_PORTS[parts.scheme]


def _is_host(host: str) -> bool:
    if _as_address(host) is not None:
        return "%" not in host  # no IPv6 zone
    return len(host) <= 253 and bool(_HOST_NAME.fullmatch(host)) and not _LOOKS_NUMERIC.fullmatch(host)


def _pinned(url: str, host: str, port: int, allowed: frozenset[str], source: str, resolve: Resolver) -> str:
    """Return the IP address of `host`, if it may be tested."""
    literal = _as_address(host)
    try:
        found = [str(literal)] if literal is not None else list(resolve(host, port))
    except (OSError, UnicodeError) as error:
        raise InvalidValueError(_WHAT, url, f"the host has no address: {error}", source) from error
    addresses = [address for text in found if (address := _as_address(text)) is not None]
    if not addresses:
        raise InvalidValueError(_WHAT, url, "the host has no address", source)
    if host not in allowed and not all(map(_loops_back, addresses)):
        rule = f"it is not a loopback address; to test it all the same, name {host!r} in allowed_hosts"
        raise InvalidValueError(_WHAT, url, rule, source)
    return str(addresses[0])


def _allowed(hosts: Collection[str]) -> frozenset[str]:
    named = set()
    for host in hosts:
        plain = host.lower().removeprefix("[").removesuffix("]")
        if not _is_host(plain):
            rule = "each is one host name or IP address, without scheme, port, path or wildcard"
            raise InvalidValueError("allowed host", host, rule, "allowed_hosts")
        named.add(plain)
    return frozenset(named)


def _resolve(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


def _as_address(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _loops_back(address: IPAddress) -> bool:
    # Before Python 3.13, ::ffff:127.0.0.1 is not loopback; what it means is the address inside.
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
