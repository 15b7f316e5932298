"""Systemic flaws: the same flaw in k of the n measured apps of one model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from scipy import stats

from batchnb.records import Severity, format_app_range
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.columns import Column
from batchnb.results.drawing.view import current
from batchnb.results.frames import make_frame
from batchnb.results.identity import cwe_tree
from batchnb.results.models.systemic_flaws import Measured, read_flaws, reporters, worst

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.models.systemic_flaws import Place

KINDS = ("flaw", "rule", "cwe")
SYSTEMIC = (
    Column("model", "category", "AI model that wrote the apps"),
    Column(
        "flaw",
        "string",
        "Identity of the flaw: a clone key, a rule such as 'bandit:B608', or a number such as 89",
    ),
    Column("name", "string", "What it is, in words"),
    Column("tools", "string", "Tools that report it, joined by a comma"),
    Column("cwe", "Int64", "Number in the Common Weakness Enumeration; missing: none, or several"),
    Column(
        "severity",
        "category",
        "The worst that a tool says",
        categories=tuple(str(severity) for severity in reversed(Severity)),
    ),
    Column("apps_with", "Int64", "Apps that have it, of those measured"),
    Column("apps_measured", "Int64", "Apps that the tools which report it read completely"),
    Column("share", "Float64", "The first by the second; missing: nothing measured"),
    Column("share_low", "Float64", "Lower end of its 95 % interval (Wilson)"),
    Column("share_high", "Float64", "Upper end of that interval"),
    Column("apps_partly", "Int64", "More apps that have it, which were measured only in part"),
    Column("apps_unknown", "Int64", "Apps of which it is not known, as they were not measured completely"),
    Column("findings", "Int64", "Findings of it"),
    Column("models", "Int64", "Models that have it in some app"),
    Column("apps", "string", "The apps that have it, as a range such as 1-3,5"),
    Column("example_app", "Int32", "Number of an app that has it, for a look"),
    Column("example_path", "string", "A file there, relative to the app's folder"),
    Column("example_line", "Int64", "The line there; missing: the whole file"),
    Column("example_message", "string", "What the tool says there"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """One flaw in the apps of one model. The texts are untrusted."""

    model: str
    flaw: str
    name: str
    tools: str
    cwe: int | None
    severity: str
    apps_with: int
    apps_measured: int
    share: float | None
    share_low: float | None
    share_high: float | None
    apps_partly: int
    apps_unknown: int
    findings: int
    models: int
    apps: str
    example_app: int
    example_path: str
    example_line: int | None
    example_message: str

    @property
    def apps_seen(self) -> int:
        """Apps that have it, however far they were measured."""
        return self.apps_with + self.apps_partly


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """One flaw over all models."""

    by_model: dict[str, Spread]
    """Of the models that have it."""
    measured: dict[str, tuple[frozenset[int], frozenset[int]]]
    """Of every model the apps that were measured for it, and those that were not (completely)."""

    @property
    def apps_seen(self) -> int:
        """Apps that have it."""
        return sum(spread.apps_seen for spread in self.by_model.values())


def systemic(source: object, *, by: str = "flaw", min_apps: int = 2) -> pd.DataFrame:
    """Return one row per model and flaw that at least `min_apps` of its apps have, the widest spread first.

    An app counts as measured for a flaw if every tool that reports this flaw anywhere read it completely; an
    app that was not measured is neither with nor without the flaw.

    Args:
        source: a Job or a Dataset; of several jobs each app and analysis as the newest has it.
        by: `"flaw"`: the same rule on like source; `"rule"`: the same rule; `"cwe"`: the same weakness.
        min_apps: the least number of apps of one model that have it.

    Raises:
        InvalidValueError: if `source` has no dataset, or `min_apps` is no whole number from 1.
        UnknownNameError: for another kind of flaw.
    """
    flaws = spreads(source, by, min_apps)
    rows = [row for flaw in flaws for row in flaw.by_model.values() if row.apps_seen >= min_apps]
    return make_frame(SYSTEMIC, sorted(rows, key=_widest_first))


def spreads(source: object, by: str, min_apps: int) -> list[Flaw]:
    """Return the flaws that at least `min_apps` apps of some model have, the widest spread first.

    Raises:
        InvalidValueError: if `source` has no dataset, or `min_apps` is no whole number from 1.
        UnknownNameError: for another kind of flaw.
    """
    if by not in KINDS:
        raise UnknownNameError("by", by, KINDS)
    if type(min_apps) is not int or min_apps < 1:
        raise InvalidValueError("min_apps", min_apps, "a whole number from 1")
    dataset, _ = current(source)
    measured, found = Measured.of(dataset), []
    for flaw, places in sorted(read_flaws(dataset, by, min_apps).items()):
        tools = reporters(places)
        apps = {model: measured.apps(model, tools) for model in dataset.models}
        rows = {
            model: _spread(by, flaw, of_model, apps[model], len(places))
            for model, of_model in sorted(places.items())
        }
        found.append(Flaw(by_model=rows, measured=apps))
    return sorted(found, key=lambda each: -each.apps_seen)


def _widest_first(spread: Spread) -> tuple[Any, ...]:
    return (-spread.apps_seen, -(spread.share or 0), spread.model, spread.flaw)


@cache
def _wilson(count: int, total: int) -> tuple[float, float]:
    found = stats.binomtest(count, total).proportion_ci(confidence_level=0.95, method="wilson")
    return float(found.low), float(found.high)


def _spread(
    by: str, flaw: str, places: list[Place], measured: tuple[frozenset[int], frozenset[int]], models: int
) -> Spread:
    full, partly = measured
    found = {place.app_num for place in places}
    count, total = len(found & full), len(full)
    example = worst(places)
    cwes = {place.cwe for place in places}
    low, high = _wilson(count, total) if total else (None, None)
    return Spread(
        model=example.model,
        flaw=flaw,
        name=_name(by, example),
        tools=", ".join(sorted({place.tool for place in places})),
        cwe=example.cwe if len(cwes) == 1 else None,
        severity=example.severity,
        apps_with=count,
        apps_measured=total,
        share=count / total if total else None,
        share_low=low,
        share_high=high,
        apps_partly=len(found - full),
        apps_unknown=len(partly - found),
        findings=len(places),
        models=models,
        apps=format_app_range(found),
        example_app=example.app_num,
        example_path=example.path,
        example_line=example.line,
        example_message=example.message,
    )


def _name(by: str, place: Place) -> str:
    if by == "cwe" and place.cwe is not None:
        return cwe_tree.title(place.cwe)
    return f"{place.rule} ({place.tool}): {place.message}"
