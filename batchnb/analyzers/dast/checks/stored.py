"""Stored cross-site scripting: what was written through one route, shown as markup by another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from batchnb.analyzers.dast.checks.trial import Hit, marker
from batchnb.analyzers.dast.checks.xss import shown_in, stored_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from batchnb.analyzers.dast.baseline import Baseline, Known
    from batchnb.analyzers.dast.client import Client
    from batchnb.analyzers.dast.endpoints import Point, Shape, Value

MAX_PAGES = 60


class _Written(NamedTuple):
    endpoint: str
    where: str
    request: str


@dataclass(slots=True)
class StoredMarkup:
    """Writes a word of its own into each field, then looks for all of them in every page."""

    client: Client
    known: Known
    report: Callable[[Hit], None]
    written: dict[str, _Written] = field(default_factory=dict)
    uploaded: list[str] = field(default_factory=list)

    def write(self, baseline: Baseline) -> None:
        """Write through an endpoint: all text fields at once, then each alone if the app refused that."""
        endpoint = baseline.shape.endpoint
        if endpoint.method not in {"POST", "PUT", "PATCH"} or endpoint.enters:
            return
        if endpoint.files:
            self._upload(baseline)
        texts = [p for p in endpoint.points if p.place != "path" and isinstance(baseline.value(p), str)]
        if not texts:
            return
        response = self._send(baseline, texts)
        if response >= 400 and len(texts) > 1:
            for point in texts[:8]:
                self._send(baseline, [point])

    def look(self, baselines: Sequence[Baseline]) -> None:
        """Fetch every page that can be fetched and look for what was written."""
        if not self.written and not self.uploaded:
            return
        for shape in list(self._pages(baselines))[:MAX_PAGES]:
            response = self.client.send(shape.request())
            if not response.is_markup:
                continue
            for word in [*self.written]:
                self._found(word, shape, response.body)

    def _send(self, baseline: Baseline, points: Sequence[Point]) -> int:
        words: dict[Point, Value] = {point: marker() for point in points}
        request = baseline.shape.request({p: stored_value(str(word)) for p, word in words.items()})
        response = self.client.send(request)
        self.known.learn(response)
        if response.status < 400:
            key = baseline.shape.endpoint.key
            for point, word in words.items():
                self.written[str(word)] = _Written(key, str(point), request.shown())
        return response.status

    def _upload(self, baseline: Baseline) -> None:
        for suffix, form in (
            ("html", "<!doctype html><{0}>"),
            ("svg", '<svg xmlns="http://www.w3.org/2000/svg"><{0}/></svg>'),
        ):
            word = marker()
            shape = replace(baseline.shape, file=(f"{word}.{suffix}", form.format(word).encode()))
            request = shape.request()
            if self.client.send(request).status < 400:
                self.written[word] = _Written(shape.endpoint.key, "file", request.shown())
                self.uploaded.append(f"{word}.{suffix}")

    def _pages(self, baselines: Sequence[Baseline]) -> Iterator[Shape]:
        for baseline in baselines:
            endpoint = baseline.shape.endpoint
            if endpoint.method != "GET" or endpoint.leaves:
                continue
            yield baseline.shape
            for point in endpoint.points:
                if isinstance(baseline.value(point), str) or point.place == "path":
                    for name in self.uploaded[-2:]:
                        yield replace(baseline.shape, values={**baseline.shape.values, point: name})

    def _found(self, word: str, shape: Shape, page: str) -> None:
        proof = shown_in(page, word)
        if not proof:
            return
        written = self.written.pop(word)
        shown = shape.request()
        rule, endpoint, where = "stored-xss", written.endpoint, written.where
        what = f"the kept value becomes an element of the page at {shape.endpoint.key}"
        if where == "file":  # taking a file is no fault; showing it as a page is
            rule, endpoint, where = "stored-xss-upload", shape.endpoint.key, ""
            what = f"a page that was uploaded by {written.endpoint} is shown as a page of the app"
        request = f"{written.request}\nthen {shown.shown()}"
        self.report(Hit(rule=rule, endpoint=endpoint, where=where, what=what, request=request, proof=proof))
