"""One scan by a real ZAP: fetch, spider, wait for the passive scan, attack, collect the alerts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast.endpoints import Shape, endpoint_from
from batchnb.analyzers.dast.zap_client import ZapError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.analyzers.dast.zap_client import Zap

POLL_SECONDS = 1.0
END_SECONDS = 20.0
"""Left before the deadline, to stop the scans and to fetch the alerts."""
MAX_FAILED_POLLS = 3
MAX_SEEDS = 300


class StoppedError(Exception):
    """The scan is to end: cancelled, or no time is left."""


@dataclass(kw_only=True, slots=True)
class ZapScan:
    """A scan of one running app; `run` returns what is kept of it, however it ended."""

    zap: Zap
    url: str
    routes: Sequence[Mapping[str, Any]]
    context: AnalysisContext
    spider: bool = True
    ajax: bool = False
    active: bool = True
    policy: str = ""
    excluded: Sequence[str] = ()
    seconds: float = 600.0
    poll_seconds: float = POLL_SECONDS
    notes: list[str] = field(default_factory=list)
    """What was left out or cut short, in words: the scan is then not complete."""
    seeded: list[str] = field(default_factory=list)
    _until: float = 0.0
    _running: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Scan and return a JSON object: version, alerts, messages, notes, seeded routes.

        Raises:
            ZapError: if ZAP does not answer at all, so that there is nothing to keep.
        """
        left = self.context.deadline.remaining()
        self._until = left - min(self.seconds, max(0.0, left - END_SECONDS))
        version, earlier = self.zap.version(), self.zap.alert_count(f"{self.url}/")
        try:
            self._phases()
        except StoppedError as error:
            self.notes.append(str(error))
        except ZapError as error:
            self.notes.append(f"ended early: {error}")
        finally:
            self._stop_all()
        alerts, messages = self._collect()
        return {
            "version": version,
            "url": self.url,
            "alerts": alerts,
            "messages": messages,
            "seeded": self.seeded,
            "notes": self.notes,
            "earlier": earlier,
        }

    def _phases(self) -> None:
        self._seed()
        if self.spider:
            self._follow("spider", self.zap.spider(self.url), self.zap.spider_percent, range(5, 20))
        if self.ajax:
            self._ajax()
        self._passive(20)
        if self.active:
            self._follow(
                "ascan", self.zap.active(self.url, self._policy()), self.zap.active_percent, range(25, 95)
            )
            self._passive(95)

    def _policy(self) -> str:
        if self.policy and self.policy not in self.zap.policies():
            raise ZapError(f"ZAP has no scan policy {self.policy!r}")
        return self.policy

    def _seed(self) -> None:
        """Have ZAP send one request per route, so that it knows those that no page links to."""
        for pattern in self.excluded:
            self.zap.exclude(pattern)
        self.zap.open(f"{self.url}/")
        for route in list(self.routes)[:MAX_SEEDS]:
            self._check()
            if any(re.fullmatch(pattern, f"{self.url}{route['path']}") for pattern in self.excluded):
                continue
            if route["method"] == "DELETE":  # the active scan calls what it knows, many times
                continue
            self.zap.replay(_raw_request(self.url, route))
            self.seeded.append(f"{route['method']} {route['path']}")
        if len(self.routes) > MAX_SEEDS:
            self.notes.append(f"only the first {MAX_SEEDS} routes were given to ZAP")

    def _ajax(self) -> None:
        try:
            self.zap.ajax_spider(self.url)
        except ZapError as error:  # an add-on that needs a browser
            self.notes.append(f"without the AJAX spider: {error}")
            return
        self._running.append(("ajaxSpider", ""))
        self._poll(lambda: not self.zap.ajax_running())
        self._running.pop()

    def _follow(self, kind: str, scan: str, percent: Callable[[str], int], share: range) -> None:
        """Wait for a scan of ZAP's and pass its progress on as a share of ours."""
        self._running.append((kind, scan))

        def done() -> bool:
            now = percent(scan)
            self.context.progress(share.start + min(now, 100) * len(share) // 100)
            return now >= 100

        self._poll(done)
        self._running.pop()

    def _passive(self, progress: int) -> None:
        self._poll(lambda: self.zap.passive_left() == 0)
        self.context.progress(progress)

    def _poll(self, done: Callable[[], bool]) -> None:
        """Ask until `done`; a poll may fail now and then, as ZAP is busy, but not time after time."""
        failed = 0
        while True:
            self._check()
            try:
                if done():
                    return
                failed = 0
            except ZapError:
                failed += 1
                if failed >= MAX_FAILED_POLLS:
                    raise
            self.context.cancel.wait(self.poll_seconds)

    def _check(self) -> None:
        if self.context.cancel.cancelled:
            raise StoppedError("stopped because the job was cancelled")
        if self.context.deadline.remaining() <= self._until:
            raise StoppedError("stopped at the end of its time")

    def _stop_all(self) -> None:
        for kind, scan in reversed(self._running):
            try:
                self.zap.stop(kind, scan)
            except ZapError as error:
                self.notes.append(f"could not be stopped: {error}")
        self._running.clear()

    def _collect(self) -> tuple[list[dict[str, Any]], int]:
        alerts: list[dict[str, Any]] = []
        try:
            # What is asked for is a beginning: that of port 80 is also one of port 8080.
            ours = (self.url + "/", self.url + "?")
            found = self.zap.alerts(self.url)
            alerts.extend(a for a in found if f"{a.get('url', '')}/".startswith(ours))
            return alerts, self.zap.messages(self.url)
        except ZapError as error:
            self.notes.append(f"not all alerts could be fetched: {error}")
            return alerts, len(alerts)


def _raw_request(url: str, route: Mapping[str, Any]) -> str:
    endpoint = endpoint_from(dict(route))
    values = {point: endpoint.usual(point.name) for point in endpoint.points}
    request = Shape(endpoint=endpoint, values=values).request()
    host = url.partition("://")[2]
    body = (request.body or b"").decode("utf-8", "replace")
    headers = [("Host", host), *request.headers, ("Content-Length", str(len(body.encode())))]
    lines = [
        f"{request.method} {url}{request.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join((*lines, "", body))


def as_output(result: Mapping[str, Any], routes: Sequence[Mapping[str, Any]], after: str) -> str:
    """Return what is kept: ZAP's result, the routes that it was given, and how the app was afterwards."""
    return json.dumps({**result, "routes": list(routes), "after": after})
