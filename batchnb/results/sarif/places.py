"""Which app a SARIF location belongs to, and where in it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from batchnb.records.errors import ReportError
from batchnb.results.sarif.checked_json import get, part, pick
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from batchnb.results.sarif.checked_json import Node

_APP = re.compile(r"app([1-9][0-9]{0,5})")
_DRIVE = re.compile(r"/?[A-Za-z]:(?=/)")
_MAX_BASES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A file of an app."""

    model: str
    app_num: int
    path: str
    """Relative to the app's folder; empty: the app as a whole."""


def located_path(location: Node, run: Node) -> str:
    """Return the path of a SARIF artifactLocation, with its base; empty: it names none.

    It is absolute if the file says so, and has no `.` or `..` that could be folded away.

    Raises:
        ReportError: if it is no path of a file system, or its bases go in a circle.
    """
    uri = get(location, "uri", str)
    base_id = get(location, "uriBaseId", str)
    if uri is None:
        location = part(pick(run, "artifacts", get(location, "index", int)), "location")
        uri, base_id = get(location, "uri", str), get(location, "uriBaseId", str)
    path = _decoded(uri or "")
    bases = part(run, "originalUriBaseIds")
    for _ in range(_MAX_BASES):
        base = part(bases, base_id) if base_id else {}
        if path.startswith("/") or not base:
            return _folded(path)
        path = posixpath.join(_decoded(get(base, "uri", str) or ""), path)
        base_id = get(base, "uriBaseId", str)
    raise ReportError("the bases of its path go on without end")


def _decoded(uri: str) -> str:
    # Many tools write plain paths, with spaces and backslashes, where a URI belongs.
    text = uri.replace("\\", "/")
    if _DRIVE.match(text):
        return _folded(f"/{text.lstrip('/')}")
    try:
        split = urlsplit(text)
    except ValueError:
        return unquote(text)
    if split.scheme == "file":
        return unquote(split.path)
    if split.scheme and "://" in text:
        raise ReportError(f"{uri!r:.80} is no file")
    return unquote(text)


def _folded(path: str) -> str:
    folded = posixpath.normpath(path) if path else ""
    return "" if folded == "." else "/" + folded.lstrip("/") if path.startswith("/") else folded


@dataclass(frozen=True, kw_only=True, slots=True)
class AppPaths:
    """How paths are assigned to apps: all to one, or by the layout `<model>/app<N>/...`."""

    model: str | None = None
    app_num: int | None = None
    base: str | None = None
    """The app's folder if there is one app, else the folder with the models."""

    def assign(self, path: str) -> Place:
        """Return the place that a path (see `located_path`) means.

        Raises:
            ReportError: if it belongs to no app, or it cannot be told to which; the message says why.
        """
        rest = path if self.base is None else self._below_base(path)
        if self.model is not None and self.app_num is not None:
            return self._of_one_app(rest, self.model, self.app_num)
        return self._by_layout(rest, rooted=self.base is not None)

    def _below_base(self, path: str) -> str:
        base = _folded((self.base or "").replace("\\", "/"))
        if _DRIVE.match(base):
            base = "/" + base.lstrip("/")
        if path == base or path.startswith(base.rstrip("/") + "/"):
            return path[len(base.rstrip("/")) :].lstrip("/")
        if path.startswith("/"):
            raise ReportError(f"{path!r:.120} is not below {self.base!r}")
        return path

    def _of_one_app(self, path: str, model: str, app_num: int) -> Place:
        marker = f"{model}/app{app_num}/"
        if path.startswith(marker):
            path = path.removeprefix(marker)
        elif path.startswith("/"):
            _, found, path = path.partition(f"/{marker}")
            if not found:
                raise ReportError("its path is absolute, and base does not say where the app lies")
        return Place(model=model, app_num=app_num, path=_inside(path))

    def _by_layout(self, path: str, *, rooted: bool) -> Place:
        names = _inside(path).lstrip("/").split("/")
        found = [place for place in range(1, len(names)) if _APP.fullmatch(names[place])]
        if rooted or (1 in found and not path.startswith("/")):
            found = [place for place in found if place == 1]
        if not found:
            raise ReportError(f"{path!r:.120} is not <model>/app<N>/...")
        if len(found) > 1:
            raise ReportError(f"{path!r:.120} has more than one app<N>; base tells which is meant")
        at = found[0]
        match = _APP.fullmatch(names[at])
        return Place(
            model=visible(names[at - 1], one_line=True),
            app_num=int(match[1] if match else 0),
            path=_inside("/".join(names[at + 1 :])),
        )


def _inside(path: str) -> str:
    if path == ".." or path.startswith("../"):
        raise ReportError(f"{path!r:.120} leads out of the app")
    return path
