"""The portfolio as a user meets it in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.results.frames import portfolio_frame
from batchnb.results.portfolio_view import portfolio_html

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.records import AppInfo, Portfolio


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
