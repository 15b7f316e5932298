"""The embedded probe's run: order, what was reached, and when to stop."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast.baseline import Baseline, Known, find_baseline, guess
from batchnb.analyzers.dast.checks import code, paths, site, sql, xss
from batchnb.analyzers.dast.checks.passive import Observer
from batchnb.analyzers.dast.checks.stored import StoredMarkup
from batchnb.analyzers.dast.checks.trial import Trial, comparable, marker
from batchnb.analyzers.dast.client import BudgetSpentError, Client, TargetGoneError
from batchnb.analyzers.dast.crawl import crawl
from batchnb.analyzers.dast.exchange import Request
from batchnb.analyzers.dast.session import Session, is_password

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batchnb.analyzers.dast.checks.trial import Hit
    from batchnb.analyzers.dast.endpoints import Endpoint
    from batchnb.analyzers.dast.exchange import Response

MAX_UNANSWERED = 5
# Values are tried in this order: what is proven soonest, first.
_CHECKS: tuple[Callable[[Trial], None], ...] = (
    xss.check_reflected,
    paths.check_redirect,
    paths.check_traversal,
    code.check_templates,
    code.check_evaluation,
    code.check_commands,
    sql.check,
)
# A password is hashed before anything else is done with it, and hashing takes its time.
_PASSWORD_CHECKS = (sql.check,)
_ORDER = {"POST": 0, "GET": 1, "PUT": 2, "PATCH": 2, "DELETE": 4}


@dataclass(slots=True)
class Scan:
    """One scan of one app. What it finds goes out by `say` at once, so that a kill loses nothing."""

    client: Client
    endpoints: Sequence[Endpoint]
    sources: Sequence[str]
    say: Callable[[dict[str, Any]], None]
    deletes: bool = True
    """Whether routes that delete are called."""
    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    reported: set[tuple[str, str, str]] = field(default_factory=set)
    baselines: dict[str, Baseline] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    _current: str = ""
    _unknown: str = ""
    _observer: Observer = field(init=False)
    _session: Session = field(init=False)

    def __post_init__(self) -> None:
        self._observer = Observer()
        self._session = Session(self.client, self.endpoints, self.known)
        self.client.observer = self._observe

    def run(self) -> None:
        """Scan; every ending is said in the last line."""
        stopped, alive = "", False
        try:
            if self.client.alive():
                self._steps()
                alive = self.client.alive()
            else:
                stopped = "the app did not answer before the scan"
            if not alive:
                stopped = stopped or "the app did not answer after the scan"
        except BudgetSpentError as error:
            stopped, alive = str(error), self.client.alive()
        except TargetGoneError as error:
            stopped = f"the app stopped answering: {error}"
        for hit in self._observer.hits():
            self.report(hit)
        self._summary(stopped, alive=alive)

    def report(self, hit: Hit) -> None:
        """Say what was found, once."""
        if (hit.rule, hit.endpoint, hit.where) in self.reported:
            return
        self.reported.add((hit.rule, hit.endpoint, hit.where))
        self.say({"kind": "hit", **{name: getattr(hit, name) for name in hit.__dataclass_fields__}})

    def _steps(self) -> None:
        nowhere = Request(method="GET", path=f"/{marker()}")
        self._unknown = comparable(self.client.send(nowhere), nowhere.path)[1]
        self._session.begin(marker(""))
        self.endpoints = self._session.endpoints
        found = crawl(self.client, self.endpoints)
        self.endpoints = [guess(self.client, endpoint, self._session.account) for endpoint in self.endpoints]
        self.endpoints = sorted((*self.endpoints, *found), key=_when)
        for endpoint in self.endpoints:
            if not (endpoint.leaves or self._skipped(endpoint)):
                self._learn(endpoint)
        self._current = ""
        site.check_console(self.client, self._observer)
        for hit in site.check_files(self.client, self._names()):
            self.report(hit)
        stored = StoredMarkup(self.client, self.known, self.report)
        for endpoint in self.endpoints:
            if not self._skipped(endpoint):
                self._test(endpoint, stored)
        self._current = ""
        stored.look(list(self.baselines.values()))

    def _skipped(self, endpoint: Endpoint) -> bool:
        return endpoint.method == "DELETE" and not self.deletes

    def _learn(self, endpoint: Endpoint) -> None:
        """Call an endpoint as it wants to be called, and keep what the app gives away."""
        self._current = endpoint.key
        given = {} if endpoint.enters else self._session.account
        baseline = find_baseline(self.client, endpoint, self.known, given)
        self.known.learn(baseline.response)
        if not endpoint.enters:
            self.client.remember(baseline.response, replace=False)
        self.baselines[endpoint.key] = baseline

    def _test(self, endpoint: Endpoint, stored: StoredMarkup) -> None:
        self._current = endpoint.key
        self._refresh(endpoint)
        baseline = self.baselines[endpoint.key]
        if not baseline.response.refused:
            site.check_origins(self.client, baseline, self._observer)
            site.provoke(self.client, baseline)
            for hit in site.check_yaml(self.client, baseline):
                self.report(hit)
            for point in baseline.shape.endpoint.open_points:
                trial = Trial(client=self.client, baseline=baseline, point=point, report=self.report)
                for check in _PASSWORD_CHECKS if is_password(point.name) else _CHECKS:
                    if self._is_stuck(endpoint):
                        return
                    check(trial)
            stored.write(baseline)
        self.done.add(endpoint.key)
        self.say({"kind": "progress", "done": len(self.done), "of": len(self.endpoints)})

    def _is_stuck(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint so often gave no answer that the others' time would go; it stays unfinished."""
        return self.statuses.get(endpoint.key, Counter())["0"] >= MAX_UNANSWERED

    def _refresh(self, endpoint: Endpoint) -> None:
        """Call it again: ids may be known by now, and a session may have ended meanwhile."""
        old = self.baselines.get(endpoint.key)
        if old is not None and old.works:
            response = self.client.send(old.shape.request())
            if response.status not in {401, 403, 404}:
                return
            if response.status != 404:
                self._session.renew()
        self._learn(endpoint)

    def _names(self) -> list[str]:
        names = {PurePosixPath(source).name for source in self.sources}
        return sorted(name for name in names if re.fullmatch(r"[\w.-]+\.(py|js|mjs|ts)", name))[:20]

    def _observe(self, request: Request, response: Response) -> None:
        key = self._current or self._key(request)
        unknown = response.status == 404 and self._is_usual(request, response)
        self.statuses.setdefault(key, Counter())[
            "404 as for any address" if unknown else str(response.status)
        ] += 1
        self._observer.look(key, request, response)

    def _key(self, request: Request) -> str:
        path = request.path.partition("?")[0]
        known = (e.key for e in self.endpoints if e.method == request.method and e.matches(path))
        return next(known, f"{request.method} {path}")

    def _is_usual(self, request: Request, response: Response) -> bool:
        """Whether a 404 is the one that any unknown address gets, so that no handler was reached."""
        path = request.path.partition("?")[0]
        body = response.body if path == "/" else comparable(response, path)[1]
        return body == self._unknown

    def _summary(self, stopped: str, *, alive: bool) -> None:
        for endpoint in self.endpoints:
            statuses = self.statuses.get(endpoint.key, Counter())
            self.say(
                {
                    "kind": "route",
                    "route": endpoint.key,
                    "crawled": endpoint.crawled,
                    "statuses": dict(sorted(statuses.items())),
                    "finished": endpoint.key in self.done,
                    "skipped": "deletes data" if self._skipped(endpoint) else "",
                }
            )
        self.say(
            {
                "kind": "end",
                "stopped": stopped,
                "alive": alive,
                "requests": self.client.sent,
                "login": self._session.detail,
            }
        )


def _when(endpoint: Endpoint) -> tuple[int, str]:
    """Writers first, so that readers have something to show; what ends a session or deletes, last."""
    late = 5 if endpoint.leaves else 3 if endpoint.enters else _ORDER.get(endpoint.method, 3)
    return late, endpoint.key
