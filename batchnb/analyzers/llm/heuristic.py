"""A rule of thumb beside the model: are the routes and the words of a requirement in the source? No LLM."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.llm.packing import stems
from batchnb.records.errors import ReportError
from batchnb.tools.routes import find_routes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from batchnb.tools.requirement_list import Requirements

LABEL = "heuristic, not an LLM"
_MENTION = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\s{1,4}(/[A-Za-z0-9_/<>{}:.-]{0,200})")
_PARAMETER = re.compile(r"<[^<>/]{0,80}>|\{[^{}/]{0,80}\}|:[A-Za-z_]\w{0,80}")
_ENOUGH, _ENOUGH_WITH_ROUTE = 0.75, 0.5
"""Share of a requirement's words that have to occur in the source, if it names no route, or does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """What the rule says about one requirement."""

    value: float | None
    detail: str


def collect_routes(app: Path, listed: Requirements) -> str:
    """Return the requirements and the app's routes as JSON."""
    found = find_routes(app / "backend")
    routes = [[route.method, route.path, route.source, route.line] for route in found.routes]
    unread = [list(each) for each in found.unread]
    said = {"requirements": list(listed.texts), "cut": listed.cut, "routes": routes, "unread": unread}
    return json.dumps(said)


class RuleOfThumb:
    """The rule for one app."""

    def __init__(self, output: str, sources: Mapping[str, str]) -> None:
        """Take what `collect_routes` wrote and the app's source.

        Raises:
            ReportError: if it is not that.
        """
        try:
            raw: dict[str, Any] = json.loads(output)
            self._routes = {
                (str(method).upper(), _plain(path)): f"{source}:{line}"
                for method, path, source, line in raw["routes"]
            }
            self.unread = [(str(path), str(why)) for path, why in raw["unread"]]
            self.cut = str(raw.get("cut", ""))
            self.requirements = [str(text) for text in raw["requirements"]]
        except (ValueError, TypeError, KeyError) as error:
            raise ReportError(f"this is no list of routes: {error}") from error
        self._words = frozenset(stems("\n".join(sources.values())))

    def guess(self, requirement: str) -> Guess:
        """Return 1 if its routes and most of its words are there, 0 if a route that it names is not."""
        wanted = [(method, _plain(path)) for method, path in _MENTION.findall(requirement)]
        missing = [" ".join(route) for route in wanted if route not in self._routes]
        words = set(stems(_MENTION.sub(" ", requirement)))
        share = len(words & self._words) / len(words) if words else 1.0
        places = [f"{' '.join(route)} at {self._routes[route]}" for route in wanted if route in self._routes]
        said = [*places, *(f"no route {route}" for route in missing), f"{share:.0%} of its words occur"]
        value: float | None = None
        if missing and self._routes and not self.unread:
            value = 0.0
        elif not missing and share >= (_ENOUGH_WITH_ROUTE if wanted else _ENOUGH):
            value = 1.0
        return Guess(value=value, detail=f"{LABEL}: {'; '.join(said)}")


def _plain(path: str) -> str:
    """Return a path with its parameters, however they are written, as `{}`."""
    bare = path.partition("?")[0].rstrip(".,:;")
    return _PARAMETER.sub("{}", bare).rstrip("/") or "/"
