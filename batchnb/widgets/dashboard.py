"""Dashboard: configure and run, all jobs, and what they found, side by side in tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from batchnb.widgets.batch_panel import BatchPanel
from batchnb.widgets.explore_tab import ExploreTab
from batchnb.widgets.host import require_host
from batchnb.widgets.jobs_panel import JobsPanel
from batchnb.widgets.sinks import text_output
from batchnb.widgets.view import View, output_area, put, show

if TYPE_CHECKING:
    from collections.abc import Callable


class Dashboard(View):
    """The panels of a workspace in one place. Each keeps itself up to date; closing one harms no job.

    A tab is made when it is first opened: until then it costs no thread and no query.
    """

    def __init__(self, host: object) -> None:
        """Make a dashboard for a workspace (anything that is a PanelHost).

        Raises:
            TypeError: if `host` is something else.
        """
        self._host = require_host(host, "Dashboard")
        self.panel = BatchPanel(host)
        self.parts: dict[str, View] = {"Run": self.panel}
        """The opened tabs by title."""
        self._makers: dict[str, Callable[[], View]] = {
            "Run": lambda: self.panel,
            "Jobs": lambda: JobsPanel(host),
            "Explore": lambda: ExploreTab(host),
        }
        slots = [widgets.VBox(layout={"overflow": "visible"}) for _ in self._makers]
        put(slots[0], children=(self.panel,))
        self.tabs = widgets.Tab(children=slots, titles=tuple(self._makers), selected_index=0)
        self._failure = output_area()
        super().__init__([self._failure, self.tabs], "batchnb-dashboard")
        self.tabs.observe(lambda _: self.publisher.wake(), names="selected_index")

    def step(self) -> float | None:
        """Make the tab that was opened, if it is not there yet, and tell it that it is looked at."""
        index = self.tabs.selected_index
        if index is None:
            return None
        title = list(self._makers)[index]
        if title not in self.parts:
            self.parts[title] = self._makers[title]()
            put(self.tabs.children[index], children=(self.parts[title],))
        self.parts[title].publisher.wake()
        return None

    def show_failure(self, text: str) -> None:
        """Say above the tabs that the dashboard itself failed."""
        show(self._failure, text_output(f"⚠ {text}", "error"))

    def _ipython_display_(self) -> None:
        """Show the dashboard, and keep what its jobs found in the notebook."""
        self.panel.pictures.display(self._repr_mimebundle_())

    def __repr__(self) -> str:
        """Say what is shown, on one line."""
        return f"<Dashboard of {self._host.portfolio.portfolio.base}>"
