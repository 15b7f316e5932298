"""The plug point: what an analysis type is. One class in one file makes a new one."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.tools import layout
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from batchnb.records import AnalysisReport
    from batchnb.tools.layout import AppFolder


class Options(BaseModel):
    """Base of every analyzer's option schema: typed fields with a title and a description, nothing else.

    Values are kept in the store and handed to the worker as JSON, so a field's type must survive that: a
    tuple, an enum or a Path does, a SecretStr does not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, ser_json_inf_nan="constants")


class AnalysisContext:
    """What an analysis gets from whoever runs it."""

    __slots__ = ("_scratch", "cancel", "deadline", "progress", "raw_file", "secrets")

    def __init__(
        self,
        *,
        scratch: Path | Callable[[], Path],
        deadline: Deadline,
        cancel: CancelToken,
        progress: Callable[[int], None],
        secrets: Mapping[str, str] | None = None,
        raw_file: Path | None = None,
    ) -> None:
        """Make a context.

        Args:
            scratch: an empty folder of its own, or what makes it when it is wanted; the caller removes it.
            deadline: when the analysis has to have ended.
            cancel: says when it is wanted no more.
            progress: to be told how far the analysis is, in percent.
            secrets: the values of those of `Analyzer.secrets` that are set.
            raw_file: where the raw output is to be kept; None: nowhere.
        """
        self._scratch = scratch
        self.deadline, self.cancel, self.progress = deadline, cancel, progress
        self.secrets = dict(secrets or {})
        self.raw_file = raw_file

    @property
    def scratch(self) -> Path:
        """An empty folder of its own; the caller removes it."""
        if not isinstance(self._scratch, Path):
            self._scratch = self._scratch()
        return self._scratch


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolNeed:
    """An outside tool that an analyzer uses."""

    name: str
    command: tuple[str, ...] | None
    """How to start it; empty: it is no program of its own; None: it is not installed."""
    install_hint: str
    version: str = ""
    """Of one that is no program; a program is asked."""
    optional: bool = False
    """Whether the analysis is whole without it."""


class Analyzer(ABC):
    """One analysis type. Holds no state of a run, so one object serves many threads."""

    key: ClassVar[str]
    """The analysis type, such as `backend_security`."""
    title: ClassVar[str]
    """As forms and charts name it."""
    service: ClassVar[str]
    """Its name among the seed's services, such as `backend_security_analyzer`."""
    tools: ClassVar[tuple[str, ...]]
    """The names under which it reports coverage, at least one."""
    optional_tools: ClassVar[tuple[str, ...]] = ()
    """The names of tools that it also reports on when its options ask for them."""
    part: ClassVar[str | None] = None
    """The app's folder that it looks at ("backend", "frontend"); None: the whole app."""
    options: ClassVar[type[Options]] = Options
    batch_size: ClassVar[int] = 1
    """Apps that one call of `analyze_all` may be given, so that one start of a tool serves them all."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Environment variables, mostly with keys, that it gets in `AnalysisContext.secrets`; no others."""
    needs_running_app: ClassVar[bool] = False
    """Whether it talks to the app, which then has to run: it is started for it, or runs already."""
    by_default: ClassVar[bool] = True
    """Whether it is run when nobody says which: False for one that starts apps or sends them somewhere."""
    exclusive: ClassVar[bool] = False
    """Whether it measures times, which anything else that runs would spoil: its tasks run last and alone."""
    isolated: ClassVar[bool] = True
    """Whether it runs in a process of its own; False only for one that merely waits.

    What that process has: the environment variables of `tools.process.tool_environment` (no keys, tokens or
    proxies), an empty HOME and working folder that are removed, no input, and output that nobody sees. It may
    use what `tools.workers.worker.WorkerLimits` says (2 GiB of address space, 64 MiB for a file); an analyzer
    that needs more raises these soft limits itself, by `resource.setrlimit`. What it runs by
    `tools.process.run_tool` has limits of its own.
    """

    def __init__(self, base_path: str | Path | None = None) -> None:
        """Make an analyzer for the apps under `base_path` (`<base_path>/<model>/app<N>`).

        Raises:
            InvalidValueError: if it is None and the environment variable APP_BASE_PATH is not set.
        """
        self.base_path = layout.base_path(base_path)

    @abstractmethod
    def analyze(self, app: AppFolder, options: Any, context: AnalysisContext) -> AnalysisReport:
        """Analyse one app and report findings and, for each tool, what it saw.

        Returns early when `context.cancel` is set or `context.deadline` has passed, and says so in the
        coverage. Raises only for errors of its own; a tool's failure is a coverage record.
        """

    def analyze_all(
        self, apps: Sequence[AppFolder], options: Any, context: AnalysisContext
    ) -> Sequence[AnalysisReport | None]:
        """Analyse up to `batch_size` apps in one go.

        Returns:
            One report per app, in their order; None: it could not be settled among the others and is to be
            analysed alone. An error that is raised counts for all of them.
        """
        return [self.analyze(app, options, context) for app in apps]

    def needs(self) -> tuple[ToolNeed, ...]:
        """Return the outside tools that it uses, found or not. Default: none."""
        return ()

    def self_test(self, context: AnalysisContext) -> dict[str, str]:
        """Look whether the tools find what is planted for them: that one starts does not say that it works.

        Returns:
            Tool -> what is wrong with it, empty if it found everything. Tools that have no such test, or are
            not installed, are not named. Default: none.
        """
        del context
        return {}

    def given_secrets(self) -> dict[str, str]:
        """Return those of its `secrets` that are set in this process's environment."""
        return {name: os.environ[name] for name in self.secrets if os.environ.get(name)}

    def missing_tools(self) -> tuple[str, ...]:
        """Return the names of the tools that are not installed."""
        return tuple(need.name for need in self.needs() if need.command is None and not need.optional)

    def find_app(self, model: str, app_num: int) -> AppFolder | None:
        """Return where an app lies, or None if there is no such app."""
        return layout.find_app(self.base_path, model, app_num)


@contextmanager
def own_context(
    analyzer: Analyzer,
    seconds: float,
    *,
    cancel: CancelToken | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[AnalysisContext]:
    """Give the context of an analysis outside any job; its scratch folder is removed at the end.

    Args:
        analyzer: whose secrets it gets.
        seconds: until its deadline.
        cancel: says when it is wanted no more; None: nobody does.
        progress: see `AnalysisContext`; None: nobody watches.
    """
    with scratch_folder() as scratch:
        yield AnalysisContext(
            scratch=scratch,
            deadline=Deadline.after(seconds),
            cancel=cancel or CancelToken(),
            progress=progress or (lambda percent: None),  # noqa: ARG005 - nobody watches
            secrets=analyzer.given_secrets(),
        )


def check_options(analyzer: type[Analyzer], values: Mapping[str, Any], source: str) -> Options:
    """Return `values` as the analyzer's options.

    Raises:
        UnknownNameError: for an option that the analyzer does not have.
        InvalidValueError: for a value that it does not allow.
    """
    try:
        # As JSON, which they are when they come from the store: there a list may be a tuple, a word an enum.
        return analyzer.options.model_validate_json(to_json(dict(values)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        what = f"{analyzer.key} option"
        if first["type"] == "extra_forbidden":
            raise UnknownNameError(what, name, analyzer.options.model_fields, source) from None
        raise InvalidValueError(f"{what} {name}", first["input"], first["msg"], source) from None
    except ValueError as error:  # an object that JSON has no word for
        raise InvalidValueError(f"{analyzer.key} options", values, str(error), source) from None
