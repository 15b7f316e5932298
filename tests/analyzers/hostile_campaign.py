"""The hostile corpus under the static analyses, as the engine runs them, and what must hold for every app."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path, PurePosixPath

from hostile_corpus import build
from hostile_ground import FOREIGN, RULES

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.base import AnalysisContext
from batchnb.analyzers.frontend_security import FrontendSecurityAnalyzer
from batchnb.analyzers.isolated import isolate
from batchnb.analyzers.scanners.base import SourceCheck
from batchnb.records import AnalysisReport, CoverageStatus
from batchnb.records.errors import BatchnbError
from batchnb.tools.cancellation import CancelToken, Deadline

ANALYZERS = (BackendSecurityAnalyzer, FrontendSecurityAnalyzer)
ALONE_SECONDS = 60.0
"""In which every app that is analysed alone has to be done, the time to stop the tools included."""
SHARED_SECONDS = 300.0
_EXCUSES_NOTHING = ("without a fixed version", "without a lock file")
"""Gaps that every app has, hostile or not: they do not explain why a fault was not found."""
_LARGEST_HASHED = 4 << 20
_STOPPED = frozenset({CoverageStatus.FAILED, CoverageStatus.TIMED_OUT})
_ABSENT = frozenset({CoverageStatus.TOOL_MISSING, CoverageStatus.OFFLINE})


@dataclass
class Campaign:
    """One run of all analyses over some cases."""

    cases: tuple
    base: Path
    raw: Path
    pool: object
    found: Counter = field(default_factory=Counter)
    cells: Counter = field(default_factory=Counter)
    alone: dict = field(default_factory=dict)
    """(analysis, number of the app) -> seconds that it took alone."""
    broken: list = field(default_factory=list)
    """What calls for a single app raised."""
    lost: list = field(default_factory=list)
    """Cells without a report, for whoever reads the figures."""

    def run(self) -> list[str]:
        """Build the apps, analyse them and return what is wrong."""
        self.grounds = build(self.cases, self.base)
        before = [contents(ground.path) for ground in self.grounds]
        with ThreadPoolExecutor(len(ANALYZERS)) as threads:
            by_analyzer = dict(zip(ANALYZERS, threads.map(self.analyze, ANALYZERS), strict=True))
        wrong = []
        for number, (case, ground) in enumerate(zip(self.cases, self.grounds, strict=True)):
            faults = [f"executed {path.name}" for path in [ground.canary()] if path.exists()]
            if contents(ground.path) != before[number]:
                faults.append("the app was changed")
            for analyzer, reports in by_analyzer.items():
                faults += self.judge(case, ground, analyzer, reports[number])
            wrong += [f"app{ground.number} ({case.name}): {fault}" for fault in faults]
        return wrong + self.foreign_in_raw() + self.broken

    # ------------------------------------------------------------------------------------- running

    def analyze(self, analyzer_class) -> list:
        """Return a report for each app: in shared calls, and alone where those gave none."""
        analyzer = isolate(analyzer_class, self.base, pool=self.pool)
        apps = [analyzer.find_app("hostile", ground.number) for ground in self.grounds]
        reports = []
        for at in range(0, len(apps), analyzer.batch_size):
            group = apps[at : at + analyzer.batch_size]
            try:
                reports += analyzer.analyze_all(group, analyzer.options(), self.context(SHARED_SECONDS))
            except BatchnbError as error:  # the engine then runs them one by one
                self.lost.append(f"{analyzer.key}, {len(group)} apps from {at} on: {error!r}")
                reports += [None] * len(group)
        for number, report in enumerate(reports):
            if report is None:
                started = time.monotonic()
                reports[number] = self.analyze_alone(analyzer, apps[number])
                self.alone[analyzer.key, number + 1] = time.monotonic() - started
        return reports

    def analyze_alone(self, analyzer, app) -> AnalysisReport:
        try:
            return analyzer.analyze(app, analyzer.options(), self.context(ALONE_SECONDS - 5))
        except BatchnbError as error:  # to the engine a failed task; here, nothing may bring it that far
            self.broken.append(f"{analyzer.key} app{app.app_num}: {error!r}")
            return AnalysisReport(issues=(), coverage=())

    def context(self, seconds: float) -> AnalysisContext:
        self.raw.mkdir(exist_ok=True)
        return AnalysisContext(
            scratch=self.raw / "not made",
            deadline=Deadline.after(seconds),
            cancel=CancelToken(),
            progress=lambda percent: None,
            raw_file=self.raw / f"{time.monotonic_ns()}.json.gz",
        )

    # ------------------------------------------------------------------------------------- judging

    def judge(self, case, ground, analyzer, report):
        """Yield what is wrong with one app's report."""
        yield from self.leaks(ground, report)
        tools = sorted(cell.tool for cell in report.coverage)
        if tools != sorted(analyzer.tools):
            yield f"{analyzer.key} reports on {tools}"
        took = self.alone.get((analyzer.key, ground.number), 0)
        if took > ALONE_SECONDS:
            yield f"{analyzer.key} took {took:.0f} s alone"
        for cell in report.coverage:
            self.cells[cell.status.value] += 1
            if cell.status in _STOPPED:
                self.lost.append(f"{cell.tool} on app{ground.number} ({case.name}): {cell.detail}")
            yield from self.judge_cell(case, ground, analyzer, report, cell)

    def judge_cell(self, case, ground, analyzer, report, cell):
        """Yield the planted faults that a tool neither found nor said that it could not find."""
        if cell.status in _ABSENT and cell.tool in absent(analyzer):
            return
        kinds = RULES[analyzer.key].get(cell.tool, {})
        issues = {(issue.path, issue.rule) for issue in report.issues if issue.tool == cell.tool}
        unread = {file.path for file in cell.unread if not file.reason.startswith(_EXCUSES_NOTHING)}
        for path, kind in ground.plants.items():
            if kind not in kinds or not _is_in_sight(path, analyzer):
                continue
            is_found = (path, kinds[kind]) in issues
            above = {path, *map(str, PurePosixPath(path).parents)}
            is_named = bool(above & unread) or (cell.status in _STOPPED and bool(cell.detail))
            self.found[is_found, is_named] += 1
            if not is_found and not is_named:
                yield f"{cell.tool} is {cell.status.value} but did not find {kinds[kind]} in {path!a}"
            elif case.harmless and not is_found:
                yield f"{cell.tool} did not read {path!a}, though nothing is wrong with it: {cell.detail}"

    def leaks(self, ground, report):
        """Yield what is told of somebody else."""
        records = (*report.issues, *report.coverage)
        text = "\n".join(str(getattr(record, each.name)) for record in records for each in fields(record))
        for word in (FOREIGN, FOREIGN.lower(), "root:x:0", "root:*:", str(self.base)):
            if word in text:
                at = text.index(word)
                yield f"{word} is in a report: {text[max(0, at - 80) : at + 80]!a}"
        for other in self.grounds:
            if other is not ground and other.mark in text:
                yield f"its report tells of app{other.number}"

    def foreign_in_raw(self) -> list[str]:
        """Return what is foreign in the raw output that was kept."""
        texts = {path.name: gzip.decompress(path.read_bytes()) for path in self.raw.glob("*.gz")}
        return [f"{FOREIGN} is in {name}" for name, text in texts.items() if FOREIGN.encode() in text]


@cache
def absent(analyzer) -> frozenset[str]:
    """Return the tools that are not installed here, and the checks without their data."""
    without_data = (
        each.name for each in analyzer.sources if isinstance(each, SourceCheck) and each.offline()
    )
    return frozenset((*analyzer("/").missing_tools(), *without_data))


def _is_in_sight(path: str, analyzer) -> bool:
    part, slash, _ = path.partition("/")
    return part == analyzer.part if slash else analyzer.beside


def contents(folder: Path) -> dict:
    """Return what lies below a folder, however deep and of whatever kind: equal means untouched."""
    found = {}
    for where, folders, files, handle in os.fwalk(folder):
        for name in (*folders, *files):
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            digest = ""
            if stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST_HASHED:
                with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=handle), "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
            found[where, name] = (status.st_mode, status.st_size, status.st_nlink, digest)
    return found
