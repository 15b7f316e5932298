"""An engine whose tasks end when and how the test says, and that can be lost as in a dead process."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import NamedTuple

from support import PATIENCE, coverage, finding

from batchnb.analyzers.base import AnalysisContext, Analyzer
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.executor import TaskExecutor
from batchnb.engine.ownership import Ownership, end_interrupted
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.records import AnalysisReport, CoverageStatus, Severity, TaskStatus

TOOLS = ("wheel", "brake")


class Verdict(NamedTuple):
    """How a task is to end."""

    name: str
    status: TaskStatus
    cells: tuple[CoverageStatus, CoverageStatus] | None
    """What the two tools say; None: the analyzer raises."""
    severities: tuple[Severity, ...] = ()

    @property
    def lacks(self):
        """Whether a tool was missing, which makes the job FAILED."""
        return self.cells is not None and CoverageStatus.TOOL_MISSING in self.cells

    @property
    def is_to_retry(self):
        bad = {CoverageStatus.TOOL_MISSING, CoverageStatus.FAILED, CoverageStatus.TIMED_OUT}
        return self.cells is None or bool(bad & set(self.cells))


_OK, _NO, _NONE = CoverageStatus.OK, CoverageStatus.FAILED, CoverageStatus.NOT_APPLICABLE
_LATE, _MISSING = CoverageStatus.TIMED_OUT, CoverageStatus.TOOL_MISSING
VERDICTS = (
    Verdict("clean", TaskStatus.COMPLETED, (_OK, _OK)),
    Verdict("three", TaskStatus.COMPLETED, (_OK, _NONE), (Severity.HIGH, Severity.LOW, Severity.LOW)),
    Verdict("half", TaskStatus.COMPLETED, (_OK, _MISSING), (Severity.MEDIUM,)),
    Verdict("failed", TaskStatus.FAILED, (_NO, _NO)),
    Verdict("raises", TaskStatus.FAILED, None),
    Verdict("late", TaskStatus.TIMED_OUT, (_OK, _LATE), (Severity.HIGH,)),
    Verdict("nothing", TaskStatus.SKIPPED, (_NONE, _NONE)),
    Verdict("lacking", TaskStatus.SKIPPED, (_MISSING, _MISSING)),
)


@dataclass
class Inside:
    """A task whose analyzer waits for its verdict."""

    context: AnalysisContext
    verdict: Verdict | None = None
    is_abandoned: bool = False


class SteeredAnalyzer(Analyzer):
    key = "steered"
    title = "Steered"
    service = "steered_analyzer"
    tools = TOOLS
    isolated = False

    def __init__(self, base_path):
        super().__init__(base_path)
        self.inside = {}
        self.now = threading.local()
        self._changed = threading.Condition()

    def analyze(self, app, options, context):
        task, mine = self.now.task, Inside(context)
        with self._changed:
            assert task.id not in self.inside, "a task runs twice at once"
            self.inside[task.id] = mine
        unsubscribe = context.cancel.subscribe(self._wake)
        try:
            with self._changed:
                assert self._changed.wait_for(lambda: _is_over(mine), 6 * PATIENCE), "no verdict came"
        finally:
            unsubscribe()
            with self._changed:
                del self.inside[task.id]
        return self._report(app, mine)

    def end(self, task_id, verdict):
        with self._changed:
            self.inside[task_id].verdict = verdict
            self._changed.notify_all()

    def at_work(self):
        """Return how many tasks run that nobody has asked to stop."""
        with self._changed:
            return sum(not each.context.cancel.cancelled for each in self.inside.values())

    def abandon(self):
        """Let every task go on, to whatever end: nobody will hear of it."""
        with self._changed:
            for each in self.inside.values():
                each.is_abandoned = True
            self._changed.notify_all()

    def _wake(self):
        with self._changed:
            self._changed.notify_all()

    def _report(self, app, inside):
        verdict = inside.verdict
        if verdict is not None and verdict.cells is None:
            raise ValueError("the analyzer broke")
        cells = verdict.cells if verdict else (CoverageStatus.CANCELLED, CoverageStatus.CANCELLED)
        whose = {"model": app.model, "app_num": app.app_num, "analysis_type": self.key}
        return AnalysisReport(
            issues=tuple(
                finding(**whose, tool="wheel", severity=severity, line=line)
                for line, severity in enumerate(verdict.severities if verdict else (), 1)
            ),
            coverage=tuple(
                coverage(**whose, tool=tool, status=status) for tool, status in zip(TOOLS, cells, strict=True)
            ),
        )


def _is_over(inside):
    return inside.verdict or inside.is_abandoned or inside.context.cancel.cancelled


class TellingExecutor(TaskExecutor):
    """Tells the analyzer, which knows only an app, which task its thread is about to run."""

    def __init__(self, storage, tools, analyzer):
        super().__init__(storage, tools)
        self._analyzer = analyzer

    def perform(self, task, *arguments):
        self._analyzer.now.task = task
        return super().perform(task, *arguments)


STEERED = EntryPoint("steered", "steered:SteeredAnalyzer", GROUP)


@dataclass(eq=False)
class Engine:
    """What a notebook has open: a store, an identity, a service."""

    store: object
    base: object
    max_jobs: int
    interrupted: list = field(init=False)
    """Jobs that were found to have lost their process when this was opened."""

    def __post_init__(self):
        self.storage = JobStorage(self.store)
        self.ownership = Ownership(self.store)
        registry = AnalyzerRegistry(extra=[STEERED])
        self.interrupted = end_interrupted(self.storage, self.ownership, registry.tools)
        self.analyzer = SteeredAnalyzer(self.base)
        self.service = BatchAnalysisService(
            self.storage,
            self.base,
            settings=Settings(max_jobs=self.max_jobs, max_tasks=2),
            registry=registry,
            services={"steered_analyzer": self.analyzer},
            ownership=self.ownership,
        )
        self.service.executor = TellingExecutor(self.storage, registry.tools, self.analyzer)

    def has_heeded(self, job_id):
        """Whether whatever was wanted of a job that runs here so far has been done."""
        run = self.service._running_jobs.get(job_id)
        tasks = run._tasks if run is not None else None
        return run is None or (
            tasks is not None and tasks._heeded == self.storage.controls.look(job_id).control
        )

    def close(self):
        self.service.close()
        self.storage.close()
        self.ownership.release()

    def crash(self):
        """Leave the store as if the process had been killed at this moment, and no thread."""
        self.storage.close()  # from here on nothing of it reaches the store
        os.close(self.ownership._lock)  # the system does that for a dead process; its file stays
        self.analyzer.abandon()
        self.service.close()
