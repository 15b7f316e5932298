"""An analyzer that needs all that can fail (a tool, a worker, a folder), and remembers what it reported."""

from __future__ import annotations

import threading
from importlib.metadata import EntryPoint

from support import coverage, finding

from batchnb.analyzers.base import Analyzer
from batchnb.analyzers.registry import GROUP
from batchnb.records import AnalysisReport, CoverageStatus
from batchnb.tools.process import Ending, run_tool

_STATES = {Ending.TIMED_OUT: CoverageStatus.TIMED_OUT, Ending.CANCELLED: CoverageStatus.CANCELLED}
SKIPPED = 4
"""The app that there is nothing to analyse in."""
FAILING = 3


def answer(arguments, call):
    """What the worker process does."""
    return arguments


class BraveAnalyzer(Analyzer):
    key = "brave"
    title = "Brave"
    service = "brave_analyzer"
    tools = ("brave",)
    isolated = False

    def __init__(self, base_path, pool, warden, word):
        super().__init__(base_path)
        self.reported = {}
        """(model, app) -> the numbers of findings in the reports that said that it was measured."""
        self.sleeping = threading.Event()
        """Set once a tool of model "c" is about to run; it sleeps until it is killed."""
        self.is_awake = False
        """Whether those tools end at once, from now on."""
        self._pool, self._warden, self._word = pool, warden, word

    def analyze(self, app, options, context):
        if app.model == "c" and not self.is_awake:
            self.sleeping.set()
            status = self._run(context, "sleep", self._word)
        else:
            status = {1: self._tool, FAILING: _raise, SKIPPED: _nothing, 5: _folder, 6: self._worker}.get(
                app.app_num, lambda context: CoverageStatus.OK
            )(context)
        issues = app.app_num if status is CoverageStatus.OK else 0
        if status is CoverageStatus.OK:
            self.reported.setdefault((app.model, app.app_num), set()).add(issues)
        whose = {"model": app.model, "app_num": app.app_num, "analysis_type": self.key, "tool": "brave"}
        return AnalysisReport(
            issues=tuple(finding(**whose, line=line + 1) for line in range(issues)),
            coverage=(coverage(**whose, status=status),),
        )

    def _run(self, context, *command):
        out = run_tool(command, deadline=context.deadline, cancel=context.cancel, warden=self._warden)
        if out.ending is Ending.EXITED and (out.returncode, out.stdout) == (0, b"hello\n"):
            return CoverageStatus.OK
        return _STATES.get(out.ending, CoverageStatus.FAILED)

    def _tool(self, context):
        return self._run(context, "sh", "-c", "echo hello")

    def _worker(self, context):
        said = self._pool.call("brave:answer", "hello", deadline=context.deadline, cancel=context.cancel)
        return CoverageStatus.OK if said == "hello" else CoverageStatus.FAILED


def _raise(context):
    raise ValueError("this one always fails")


def _nothing(context):
    return CoverageStatus.NOT_APPLICABLE


def _folder(context):
    context.progress(50)
    (context.scratch / "notes.txt").write_text("hello")
    return CoverageStatus.OK


BRAVE = EntryPoint("brave", "brave:BraveAnalyzer", GROUP)
