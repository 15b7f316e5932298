"""Analyses that keep a kernel busy, importable by name: one that does nothing, one with a big report."""

from __future__ import annotations

import json
import sys
import threading
import time
from importlib.metadata import EntryPoint

from batchnb.analyzers.base import Analyzer
from batchnb.analyzers.registry import GROUP
from batchnb.records import AnalysisReport, Coverage, CoverageStatus, Finding, Severity, fingerprint
from batchnb.tools.layout import AppFolder
from batchnb.tools.process import run_tool

FINDINGS = 2_000
PADDING = 5_000
"""Characters of a report's entry that nobody needs: 2,000 entries of this size are 10 MB."""
REPORTER = f"""
import json, sys
why = "because of " + "x" * {PADDING}
entries = [{{"line": n, "rule": "R%d" % (n % 50), "why": why}} for n in range({FINDINGS})]
json.dump({{"results": entries}}, sys.stdout)
"""


class NothingAnalyzer(Analyzer):
    """Finds nothing, at most `rate` times a second over all threads."""

    key = "nothing"
    title = "Nothing"
    service = "nothing_analyzer"
    tools = ("nothing",)

    def __init__(self, base_path, rate=1_000):
        super().__init__(base_path)
        self._interval, self._next, self._lock = 1 / rate, 0.0, threading.Lock()

    def find_app(self, model, app_num):
        return AppFolder(model=model, app_num=app_num, path=self.base_path)

    def analyze(self, app, options, context):
        with self._lock:
            self._next = max(self._next + self._interval, time.monotonic() - 10 * self._interval)
            pause = self._next - time.monotonic()
        if pause > 0:
            context.cancel.wait(pause)
        return AnalysisReport(issues=(), coverage=(covered(app, self.key, "nothing"),))


class ReportAnalyzer(Analyzer):
    """Runs a tool that writes a report of 10 MB and makes findings of it."""

    key = "big_report"
    title = "Big report"
    service = "big_report_analyzer"
    tools = ("reporter",)

    def analyze(self, app, options, context):
        command = (sys.executable, "-I", "-S", "-c", REPORTER)
        out = run_tool(command, deadline=context.deadline, cancel=context.cancel)
        if context.cancel.cancelled:
            cell = covered(app, self.key, "reporter", CoverageStatus.CANCELLED)
            return AnalysisReport(issues=(), coverage=(cell,))
        entries = json.loads(out.stdout)["results"]
        issues = tuple(found(app, entry) for entry in entries)
        return AnalysisReport(issues=issues, coverage=(covered(app, self.key, "reporter"),))


def covered(app, key, tool, status=CoverageStatus.OK):
    seen = 1 if status is CoverageStatus.OK else 0
    return Coverage(
        model=app.model,
        app_num=app.app_num,
        analysis_type=key,
        tool=tool,
        status=status,
        files_eligible=1,
        files_seen=seen,
    )


def found(app, entry):
    message = entry["why"][:200]
    return Finding(
        model=app.model,
        app_num=app.app_num,
        analysis_type=ReportAnalyzer.key,
        tool="reporter",
        rule=entry["rule"],
        severity=Severity.LOW,
        path="backend/app.py",
        line=entry["line"] + 1,
        message=message,
        fingerprint=fingerprint("reporter", entry["rule"], "backend/app.py", message, entry["line"]),
    )


REPORTS = EntryPoint(ReportAnalyzer.key, "loads:ReportAnalyzer", GROUP)
NOTHING = EntryPoint(NothingAnalyzer.key, "loads:NothingAnalyzer", GROUP)
