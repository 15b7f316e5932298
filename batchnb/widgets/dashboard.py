"""Dashboard: configure and run, all jobs, and what they found, side by side in tabs."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from batchnb.widgets.batch_panel import BatchPanel
from batchnb.widgets.host import require_host
from batchnb.widgets.jobs_panel import JobsPanel


class Dashboard(widgets.Tab):  # type: ignore[misc] # ipywidgets has no types
    """The panels of a workspace in one place. Each keeps itself up to date; closing one harms no job."""

    def __init__(self, host: object) -> None:
        """Make a dashboard for a workspace (anything that is a PanelHost).

        Raises:
            TypeError: if `host` is something else.
        """
        self._host = require_host(host, "Dashboard")
        self.panel, self.jobs = BatchPanel(host), JobsPanel(host)
        parts: dict[str, Any] = {"Run": self.panel, "Jobs": self.jobs}
        super().__init__(children=tuple(parts.values()), titles=tuple(parts))

    def close(self) -> None:
        """End the threads of all panels and take them off the page; jobs go on."""
        for part in self.children:
            part.close()
        super().close()

    def __repr__(self) -> str:
        """Say what is shown, on one line."""
        return f"<Dashboard of {self._host.portfolio.portfolio.base}>"
