"""A request of the probe and the answer to it, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field

MARKUP_TYPES = ("text/html", "application/xhtml+xml", "image/svg+xml")
MAX_SHOWN = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent. `path` is the encoded request target and starts with a slash."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    def shown(self) -> str:
        """Return it as evidence: request line, headers that matter here, and the start of the body."""
        named = [f"{name}: {value}" for name, value in self.headers if name.lower() == "origin"]
        body = self.body.decode("utf-8", "backslashreplace") if self.body else ""
        lines = [f"{self.method} {self.path}"[:MAX_SHOWN], *named, *([body[:MAX_SHOWN]] if body else [])]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What came back. Status 0: no answer to this request, though the target lives (`error` says why)."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    """Lower-case names, in order."""
    body: str = ""
    """Decoded, and capped by the client."""
    seconds: float = 0.0
    error: str = field(default="")

    def header(self, name: str) -> str:
        """Return the first header of this (lower-case) name, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    def cookies(self) -> list[str]:
        """Return every Set-Cookie header."""
        return [value for key, value in self.headers if key == "set-cookie"]

    @property
    def is_markup(self) -> bool:
        """Whether a browser would show the body as a page with scripts."""
        attached = self.header("content-disposition").strip().lower().startswith("attachment")
        shown = self.status and not 300 <= self.status < 400  # a browser never shows what a redirect carries
        return bool(shown and self.body) and self.content_type in MARKUP_TYPES and not attached

    @property
    def content_type(self) -> str:
        """The media type, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def refused(self) -> bool:
        """Whether the route's own code was kept from answering: not allowed, too often, broken off."""
        return self.status in {0, 401, 403, 405, 429}
