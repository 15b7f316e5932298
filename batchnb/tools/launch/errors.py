"""What can go wrong on the way to a running app."""

from __future__ import annotations

from batchnb.records.errors import AnalyzerError
from batchnb.tools.text import visible


class AppNotRunningError(AnalyzerError):
    """The app does not run and could not be started; the message says why, with the end of its log."""

    def __init__(self, reason: str, log: str = "") -> None:
        reason = visible(reason, one_line=True)  # it may quote the app
        self.reason, self.log = reason, log
        super().__init__(f"{reason}\n{log}" if log else reason)
