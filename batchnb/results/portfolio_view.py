"""Small static HTML for a notebook cell: what a portfolio holds, and how far a job is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records import Severity
from batchnb.results._templates import asset, render
from batchnb.results.derived import unparsed_lines
from batchnb.results.frames import portfolio_frame
from batchnb.results.severity import severity_text

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.records import AppInfo, BatchAnalysisJob, Portfolio
    from batchnb.results.severity import SeverityInfo

_MOST_COLUMNS = 40
_MOST_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tile:
    """One app in the grid."""

    parts: str
    """Letters for backend, frontend and compose file, a dot for what is missing."""
    marks: str
    title: str


class PortfolioView:
    """A portfolio with a rich display and a DataFrame; it answers like the record behind it."""

    def __init__(self, portfolio: Portfolio) -> None:
        """Show `portfolio`."""
        self.portfolio = portfolio

    @property
    def frame(self) -> pd.DataFrame:
        """What each app has, one app a row."""
        return portfolio_frame(self.portfolio)

    @property
    def models(self) -> tuple[str, ...]:
        """The model names, sorted."""
        return self.portfolio.models

    @property
    def apps(self) -> tuple[AppInfo, ...]:
        """The apps, by model and number."""
        return self.portfolio.apps

    @property
    def problems(self) -> tuple[str, ...]:
        """What was found under the base path and left out, and why."""
        return self.portfolio.problems

    def _repr_html_(self) -> str:
        return portfolio_html(self.portfolio)

    def __repr__(self) -> str:
        """Name the base path and the counts, on one line."""
        apps = self.portfolio.apps
        notes = [
            f"{sum(app.placeholder for app in apps)} placeholders",
            f"{sum(bool(app.unparsed) for app in apps)} apps with files that do not parse",
            f"{len(self.problems)} problems",
        ]
        counts = f"{len(self.models)} models, {len(apps)} apps"
        return f"<Portfolio {self.portfolio.base}: {counts}; {', '.join(notes)}>"


def portfolio_html(portfolio: Portfolio) -> str:
    """Return an escaped HTML table of models x apps: what each app has, and what is wrong with it."""
    by_app = {(app.model, app.app_num): _tile(app) for app in portfolio.apps}
    numbers = sorted({app.app_num for app in portfolio.apps})
    shown = numbers[:_MOST_COLUMNS]
    return render(
        "portfolio.html.j2",
        style=asset("notebook.css"),
        numbers=shown,
        hidden=len(numbers) - len(shown),
        rows=[(model, [by_app.get((model, number)) for number in shown]) for model in portfolio.models],
        apps=len(portfolio.apps),
        placeholders=sum(app.placeholder for app in portfolio.apps),
        unparsed=[app for app in portfolio.apps if app.unparsed][:_MOST_PROBLEMS],
        unparsed_apps=sum(bool(app.unparsed) for app in portfolio.apps),
        unparsed_lines=unparsed_lines,
        problems=portfolio.problems[:_MOST_PROBLEMS],
        more_problems=max(0, len(portfolio.problems) - _MOST_PROBLEMS),
    )


def job_html(job: BatchAnalysisJob, info: SeverityInfo | None = None) -> str:
    """Return an escaped static picture of a job: status, progress and (with `info`) findings and coverage."""
    counts = {word.replace("_", " "): count for word, count in job.task_count_by_status.items() if count}
    return render(
        "job.html.j2",
        style=asset("notebook.css"),
        job=job,
        counts=counts,
        info=info,
        severities={str(severity): info.count(severity) for severity in Severity} if info else {},
        text=severity_text(info) if info else "",
    )


def _tile(app: AppInfo) -> _Tile:
    has = (("B", app.backend), ("F", app.frontend), ("C", app.compose))
    marks = ("∅" if app.placeholder else "") + (f"⚠{len(app.unparsed)}" if app.unparsed else "")
    lines = [f"{app.model} app {app.app_num}: {app.files:,} files, {app.lines:,} lines of code"]
    lines += ["placeholder: almost nothing to analyse"] if app.placeholder else []
    lines += [unparsed_lines(app)] if app.unparsed else []
    return _Tile(
        parts="".join(word if held else "·" for word, held in has), marks=marks, title="\n".join(lines)
    )
