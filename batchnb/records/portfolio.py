"""The portfolio: the apps under a base path, and what each of them has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.records.ranges import MAX_APP_NUM, format_app_range, parse_app_range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


Apps = str | Iterable[int] | Mapping[str, str | Iterable[int]] | None
"""How a user names apps: a range text, numbers, one of these per model, or None for all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnparsedFile:
    """A source file that its language's parser rejects."""

    path: str
    """POSIX path relative to the app's folder."""
    line: int | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AppInfo:
    """What one app has. Counts cover its own code: no installed packages, no build output."""

    model: str
    app_num: int
    path: Path
    backend: bool
    frontend: bool
    compose: bool
    """Whether a compose file lies beside backend and frontend."""
    requirements: int | None
    """Number of requirements in the base path's requirements.json for this app number; None: no list."""
    files: int = 0
    lines_by_language: dict[str, int] = field(default_factory=dict)
    """Language -> lines of code: lines that are neither blank nor only a comment."""
    placeholder: bool = False
    """Whether there is (almost) nothing to analyse: fewer than 10 lines of code in all."""
    unparsed: tuple[UnparsedFile, ...] = ()
    skipped: int = 0
    """Files that were not looked at (links, devices, over the size cap)."""

    @property
    def lines(self) -> int:
        """Lines of code in all languages."""
        return sum(self.lines_by_language.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Portfolio:
    """Every app under `base`, by model name and app number."""

    base: Path
    apps: tuple[AppInfo, ...]
    """Sorted by model name, then app number."""
    problems: tuple[str, ...] = ()
    """What was found under the base path and left out, and why."""

    @property
    def models(self) -> tuple[str, ...]:
        """The model names, sorted."""
        return tuple(dict.fromkeys(app.model for app in self.apps))

    def app_nums(self, model: str) -> tuple[int, ...]:
        """Return the app numbers of `model`.

        Raises:
            UnknownNameError: if there is no such model.
        """
        numbers = tuple(app.app_num for app in self.apps if app.model == model)
        if not numbers:
            raise UnknownNameError("model", model, self.models, f"portfolio {self.base}")
        return numbers

    def select(self, models: Sequence[str] | None = None, apps: Apps = None) -> dict[str, tuple[int, ...]]:
        """Return the app numbers to analyse, per model.

        Args:
            models: model names; None: all.
            apps: a range text such as `"1-3,5"`, numbers, one of these per model, or None for all apps. A
                number that only some of the models have is taken where it exists; a model with none of them
            is left out.

        Raises:
            UnknownNameError: for a model that the portfolio does not have.
            AppRangeError: for a malformed range.
            InvalidValueError: for a number that none of the models has, or an empty selection.
        """
        chosen = self._models(models)
        wanted = self._wanted(chosen, apps)
        known = {model: self.app_nums(model) for model in chosen}
        self._require_known(wanted, known)
        picked = {
            model: known[model] if numbers is None else tuple(n for n in numbers if n in set(known[model]))
            for model, numbers in wanted.items()
        }
        return {model: numbers for model, numbers in picked.items() if numbers}

    def _models(self, models: Sequence[str] | None) -> tuple[str, ...]:
        asked: object = self.models if models is None else [models] if isinstance(models, str) else models
        if not isinstance(asked, Iterable) or not all(isinstance(model, str) for model in asked):
            raise InvalidValueError("models", models, "name models by their folder's name", "models")
        chosen = tuple(dict.fromkeys(asked))
        if not chosen:
            raise InvalidValueError("models", [], "name at least one model", f"portfolio {self.base}")
        for model in chosen:
            self.app_nums(model)
        return chosen

    def _wanted(self, chosen: tuple[str, ...], apps: Apps) -> dict[str, tuple[int, ...] | None]:
        if apps is None:
            return dict.fromkeys(chosen)
        if isinstance(apps, Mapping):
            unknown = [model for model in apps if model not in chosen]
            if unknown:
                raise UnknownNameError("model", unknown[0], chosen, "apps")
            named = {model: _numbers(value, f"apps[{model!r}]") for model, value in apps.items()}
            return {model: named.get(model) for model in chosen}
        numbers = _numbers(apps, "apps")
        return dict.fromkeys(chosen, numbers)

    @staticmethod
    def _require_known(
        wanted: Mapping[str, tuple[int, ...] | None], known: Mapping[str, tuple[int, ...]]
    ) -> None:
        anywhere = {number for numbers in known.values() for number in numbers}
        asked = {number for numbers in wanted.values() for number in numbers or ()}
        missing = sorted(asked - anywhere)
        if missing:
            have = "; ".join(f"{model} has {format_app_range(numbers)}" for model, numbers in known.items())
            allowed = f"no chosen model has them: {have}"
            raise InvalidValueError("apps", format_app_range(missing), allowed, "apps")


def _numbers(value: object, source: str) -> tuple[int, ...]:
    if isinstance(value, str):
        return parse_app_range(value, source)
    if not isinstance(value, (int, Iterable)):
        raise InvalidValueError("apps", value, "write a range such as 1-3,5, or numbers", source)
    values = [value] if isinstance(value, int) else list(value)
    if not values:
        raise InvalidValueError("apps", values, "name at least one app, or None for all", source)
    return tuple(sorted({_number(number, source) for number in values}))


def _number(value: object, source: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_APP_NUM:
        allowed = f"app numbers are whole numbers from 1 to {MAX_APP_NUM}"
        raise InvalidValueError("app number", value, allowed, source)
    return value
