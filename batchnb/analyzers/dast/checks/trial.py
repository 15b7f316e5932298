"""One place under test: sends values there, compares answers, and reports what was proven."""

from __future__ import annotations

import html
import json
import random
import re
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.analyzers.dast.baseline import Baseline
    from batchnb.analyzers.dast.client import Client
    from batchnb.analyzers.dast.endpoints import Point
    from batchnb.analyzers.dast.exchange import Request, Response

MAX_PROOF = 300
DELAY = 2
"""Seconds that a payload makes the server wait in the time-based checks."""
_random = random.SystemRandom()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A proven fault."""

    rule: str
    endpoint: str
    """Method and path."""
    where: str
    """The place in it, such as `parameter q`; empty: the endpoint as a whole."""
    what: str
    """What was seen, in a sentence."""
    request: str
    proof: str


@dataclass(kw_only=True, slots=True)
class Trial:
    """One point of one endpoint."""

    client: Client
    baseline: Baseline
    point: Point
    report: Callable[[Hit], None]
    usual: float = field(default=-1.0)

    @property
    def plain(self) -> str:
        """The harmless value of the point, as text."""
        return str(self.baseline.value(self.point))

    def request(self, value: str) -> Request:
        """Build the request with `value` at the point."""
        return self.baseline.shape.request({self.point: value})

    def send(self, value: str) -> Response:
        """Send `value` at the point."""
        return self.client.send(self.request(value))

    def hit(self, rule: str, what: str, value: str, proof: str) -> None:
        """Report a fault that was proven with `value`."""
        self.report(
            Hit(
                rule=rule,
                endpoint=self.baseline.shape.endpoint.key,
                where=str(self.point),
                what=what,
                request=self.request(value).shown(),
                proof=proof[:MAX_PROOF],
            )
        )

    def usual_seconds(self) -> float:
        """Return how long a harmless call takes: the median of three, made once."""
        if self.usual < 0:
            self.usual = statistics.median(self.send(self.plain).seconds for _ in range(3))
        return self.usual

    def waits(self, slow: str, twin: str) -> str:
        """Return how long `slow` made the server wait, if it did so twice and `twin` never; else nothing.

        The order is slow, twin, slow, twin; both slow ones must exceed the usual time (median of three
        harmless calls) by 80 % of the delay, both twins must stay under half of the delay.
        """
        usual = self.usual_seconds()
        limit, low = usual + 0.8 * DELAY, usual + 0.5 * DELAY
        times = []
        for value, is_slow in ((slow, True), (twin, False), (slow, True), (twin, False)):
            seconds = self.send(value).seconds
            times.append(seconds)
            if (seconds < limit) if is_slow else (seconds > low):
                return ""
        shown = ", ".join(f"{seconds:.2f}" for seconds in times)
        return f"seconds for payload, twin, payload, twin: {shown}; usual {usual:.2f}"


def marker(prefix: str = "zq") -> str:
    """Return a lower-case word that is in no page by chance."""
    return prefix + "".join(_random.choices("bcdfghjkmnpqrstvwxz", k=8))


def numbers() -> tuple[int, int]:
    """Return two numbers whose product is in no page by chance."""
    return _random.randrange(10_007, 99_991), _random.randrange(10_007, 99_991)


def comparable(response: Response, value: str) -> tuple[int, str]:
    """Return what is compared of an answer: its status and its body without the value that was sent."""
    forms = {value, html.escape(value), quote(value), quote(value, safe=""), quote_plus(value)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")}
    body = response.body
    for form in sorted(forms, key=len, reverse=True):
        body = body.replace(form, "")
    return response.status, body


def around(pattern: str | re.Pattern[str], text: str, before: int = 60, after: int = 160) -> str:
    """Return the part of `text` around the first match, as evidence."""
    match = re.search(pattern, text)
    return text[max(0, match.start() - before) : match.end() + after] if match else ""
