"""A bounded look around: links and forms of pages on the same origin, to add to what the source tells."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urljoin, urlsplit

from batchnb.analyzers.dast.endpoints import Endpoint
from batchnb.analyzers.dast.exchange import Request
from batchnb.analyzers.dast.markup import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batchnb.analyzers.dast.client import Client

MAX_PAGES = 40
MAX_ENDPOINTS = 60


def crawl(client: Client, known: Sequence[Endpoint]) -> list[Endpoint]:
    """Follow links from the root and from known pages; return the endpoints that are not among `known`."""
    queue = deque(["/", *(e.path for e in known if e.method == "GET" and not e.path_names and not e.leaves)])
    seen: set[str] = set()
    found: dict[str, Endpoint] = {}
    while queue and len(seen) < MAX_PAGES:
        path = queue.popleft()
        if path in seen:
            continue
        seen.add(path)
        response = client.send(Request(method="GET", path=path))
        if response.status >= 300 or not response.is_markup:
            continue
        page = read(response.body)
        targets = [_inside(client.origin, path, link) for link in page.links]
        queue.extend(target for target in targets if target)
        forms = ((_inside(client.origin, path, form.action), form) for form in page.forms)
        ends = [_linked(target) for target in targets if target]
        ends += [_from_form(target, form.method, form.fields, form.files) for target, form in forms if target]
        _add(found, ends, known)
    return list(found.values())[:MAX_ENDPOINTS]


def _inside(origin: str, base: str, link: str) -> str:
    """Return a link as a path with its query, or nothing if it leads elsewhere or would end the session."""
    try:
        parts = urlsplit(urljoin(origin + base, link.strip()))
    except ValueError:  # not an address at all
        return ""
    if f"{parts.scheme}://{parts.netloc}" != origin or "logout" in parts.path.lower():
        return ""
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return path if path.isascii() and path.isprintable() and " " not in path else ""


def _linked(target: str) -> Endpoint:
    parts = urlsplit(target)
    names = dict.fromkeys(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return Endpoint(method="GET", path=parts.path, query=tuple(names), crawled=True)


def _from_form(target: str, method: str, fields: Iterable[str], files: Iterable[str]) -> Endpoint:
    path, names = urlsplit(target).path, tuple(dict.fromkeys(fields))
    if method == "POST":
        return Endpoint(method="POST", path=path, form=names, files=tuple(dict.fromkeys(files)), crawled=True)
    return Endpoint(method="GET", path=path, query=names, crawled=True)


def _add(found: dict[str, Endpoint], ends: Iterable[Endpoint], known: Sequence[Endpoint]) -> None:
    for end in ends:
        same = [e for e in known if e.method == end.method and e.matches(end.path)]
        new_names = set(end.query) | set(end.form)
        for endpoint in same:
            new_names -= {*endpoint.query, *endpoint.form, *endpoint.json}
        if "{" not in end.path and (not same or new_names):
            found.setdefault(f"{end.key} {sorted(new_names)}", end)
