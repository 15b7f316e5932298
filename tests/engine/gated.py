"""A real analyzer that does what the test says, when it says so."""

from __future__ import annotations

import threading
from collections import Counter
from typing import ClassVar

from pydantic import Field
from support import PATIENCE, coverage, finding, wait_until

from batchnb.analyzers.base import Analyzer, Options
from batchnb.records import AnalysisReport, CoverageStatus
from batchnb.tools.process import Ending, run_tool


class GatedOptions(Options):
    depth: int = Field(default=1, title="Depth", description="How deep.", ge=1, le=9)


class GatedAnalyzer(Analyzer):
    """Waits while it is held, then acts as `scripts` says for the app number, or reports one finding."""

    key: ClassVar[str] = "gated"
    title: ClassVar[str] = "Gated"
    service: ClassVar[str] = "gated_analyzer"
    tools: ClassVar[tuple[str, ...]] = ("gate",)
    part: ClassVar[str | None] = "backend"
    options: ClassVar[type[Options]] = GatedOptions

    def __init__(self, base_path):
        super().__init__(base_path)
        self.scripts = {}
        self.missing = ()
        self.calls = []
        self.most = 0
        self._inside = 0
        self._lock = threading.Lock()
        self._held = {}

    def hold(self, *models):
        """Make the apps of these models wait until `release`."""
        self._held.update({model: threading.Event() for model in models})

    def release(self, *models):
        """Let the apps of these models (none named: of all) go on."""
        for model in models or list(self._held):
            self._held[model].set()

    def await_calls(self, **numbers):
        """Wait until as many apps of each model have come in."""
        assert wait_until(lambda: self.counts() == Counter(numbers), PATIENCE), self.counts()

    def counts(self):
        return Counter(app.model for app, _ in self.calls)

    def missing_tools(self):
        return self.missing

    def analyze(self, app, options, context):
        with self._lock:
            self.calls.append((app, options))
            self._inside += 1
            self.most = max(self.most, self._inside)
        try:
            gate = self._held.get(app.model)
            if gate and not wait_until(lambda: gate.is_set() or context.cancel.cancelled):
                raise TimeoutError("the test never let the analyzer go on")
            script = self.scripts.get(app.app_num, found_one)
            return script(app, context)
        finally:
            with self._lock:
                self._inside -= 1


def report_of(app, status, *issues, tool="gate", **fields):
    whose = {"model": app.model, "app_num": app.app_num, "analysis_type": "gated", "tool": tool}
    cell = coverage(**whose, status=status, **fields)
    return AnalysisReport(issues=tuple(finding(**whose, **issue) for issue in issues), coverage=(cell,))


def found_one(app, context):
    cancelled = context.cancel.cancelled
    return report_of(app, CoverageStatus.CANCELLED) if cancelled else report_of(app, CoverageStatus.OK, {})


def sleeps(seconds):
    """Return a script that runs the program `sleep` and reports how that ended."""
    states = {Ending.TIMED_OUT: CoverageStatus.TIMED_OUT, Ending.CANCELLED: CoverageStatus.CANCELLED}

    def script(app, context):
        raw = run_tool(["sleep", seconds], deadline=context.deadline, cancel=context.cancel)
        return report_of(app, states.get(raw.ending, CoverageStatus.OK))

    return script


def raises(error):
    def script(app, context):
        raise error

    return script
