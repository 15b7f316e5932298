"""Which analysis types there are: the built-in ones and the plug-ins, loaded by name when they are needed."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from batchnb.analyzers.base import Analyzer
from batchnb.records import AnalysisType
from batchnb.records.errors import AnalyzerError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUP = "batchnb.analyzers"
_REQUIRED = ("key", "title", "service", "tools")
BUILTIN = (
    EntryPoint("frontend_security", "batchnb.analyzers.frontend_security:FrontendSecurityAnalyzer", GROUP),
    EntryPoint("backend_security", "batchnb.analyzers.backend_security:BackendSecurityAnalyzer", GROUP),
    EntryPoint("performance", "batchnb.analyzers.performance:PerformanceTester", GROUP),
    EntryPoint("zap", "batchnb.analyzers.zap:ZapAnalyzer", GROUP),
    EntryPoint("gpt4all", "batchnb.analyzers.gpt4all:GPT4AllAnalyzer", GROUP),
)


class AnalyzerRegistry:
    """Analysis type -> analyzer class.

    A plug-in is an entry point of the group `batchnb.analyzers`. One that cannot be loaded is named in
    `broken` and harms nobody; one that takes the name of a built-in is left out and named there too.
    """

    def __init__(self, extra: Iterable[EntryPoint] | None = None) -> None:
        """Collect the built-in analyzers and `extra`, by default the installed plug-ins."""
        self._known = {point.name: point for point in BUILTIN}
        self._loaded: dict[str, type[Analyzer]] = {}
        self.broken: dict[str, str] = {}
        for point in sorted(entry_points(group=GROUP) if extra is None else extra):
            if point.name in self._known:
                self.broken[point.value] = f"the name {point.name!r} is taken"
            else:
                self._known[point.name] = point

    @property
    def keys(self) -> tuple[str, ...]:
        """The analysis types that can be asked for: built in first, then plug-ins by name."""
        return tuple(self._known)

    @property
    def defaults(self) -> tuple[str, ...]:
        """The analysis types that are run when nobody says which, broken ones among them, to be told of."""
        return tuple(key for key in self.keys if self.is_default(key))

    def is_default(self, key: str) -> bool:
        """Whether an analysis type is run when nobody says which."""
        try:
            return self[key].by_default
        except AnalyzerError:
            return True

    def is_known(self, key: str) -> bool:
        """Whether `key` is an analysis type, of the seed or of a plug-in, whether or not it can run here."""
        return key in self._known or key in set(AnalysisType)

    def __getitem__(self, key: str) -> type[Analyzer]:
        """Return the analyzer class of an analysis type.

        Raises:
            UnknownNameError: if there is none.
            AnalyzerError: if it cannot be loaded.
        """
        if key not in self._known:
            raise UnknownNameError("analysis type", key, self.keys)
        if key not in self._loaded:
            self._loaded[key] = self._load(self._known[key])
        return self._loaded[key]

    def tools(self, key: str) -> tuple[str, ...]:
        """Return the names under which an analysis reports coverage; its own if it cannot be loaded."""
        try:
            return self[key].tools
        except (UnknownNameError, AnalyzerError):
            return (key,)

    def _load(self, point: EntryPoint) -> type[Analyzer]:
        try:
            return _checked(point)
        except (Exception, SystemExit) as error:  # a stranger's code may raise anything
            self.broken[point.name] = f"{type(error).__name__}: {error}"
            logging.getLogger(__name__).warning("analyzer %s cannot be loaded: %s", point.name, error)
            raise AnalyzerError(
                f"analyzer {point.name!r} ({point.value}) cannot be loaded: {error}"
            ) from error


def _checked(point: EntryPoint) -> type[Analyzer]:
    """Return the class that an entry point names, if it is a whole analyzer."""
    found = point.load()
    if not (isinstance(found, type) and issubclass(found, Analyzer)):
        raise TypeError(f"{point.value} is no Analyzer class")
    lacking = [name for name in _REQUIRED if not getattr(found, name, None)]
    if lacking:
        raise TypeError(f"{point.value} does not say its {', '.join(lacking)}")
    if found.key != point.name:
        raise ValueError(f"its key is {found.key!r}, its entry point {point.name!r}")
    return found
