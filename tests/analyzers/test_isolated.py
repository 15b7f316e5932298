"""An analyzer in a worker process is the same analyzer, and none of its faults is the kernel's."""

import copy
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support import FAULT, PATIENCE, coverage, finding, make_apps

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.base import AnalysisContext, Analyzer, check_options
from batchnb.analyzers.crossing import ReportReader, rows_of
from batchnb.analyzers.isolated import isolate
from batchnb.records import AnalysisReport, Confidence, CoverageStatus, UnreadFile
from batchnb.records.errors import (
    InvalidValueError,
    RemoteError,
    ReportError,
    ToolMissingError,
    WorkerDiedError,
    WorkerRefusedError,
)
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.layout import AppFolder
from batchnb.tools.workers.pool import WorkerPool

APP = AppFolder(model="atlas", app_num=2, path=Path("/apps/atlas/app2"))


@pytest.fixture(name="pool", scope="module")
def _pool():
    sys.path.insert(0, str(Path(__file__).parent))
    pool = WorkerPool()
    yield pool
    pool.close()
    sys.path.remove(str(Path(__file__).parent))


@pytest.fixture(name="analyze")
def _analyze(pool, tmp_path):
    import isolated_analyzers

    def analyze(name, *, seconds=PATIENCE, cancel=None, progress=None, secrets=None, **options):
        analyzer = isolate(getattr(isolated_analyzers, name), tmp_path, pool=pool)
        context = AnalysisContext(
            scratch=tmp_path / "not made",
            deadline=Deadline.after(seconds),
            cancel=cancel or CancelToken(),
            progress=progress or (lambda percent: None),
            secrets=secrets,
        )
        return analyzer.analyze(APP, check_options(type(analyzer), options, "test"), context)

    return analyze


def test_it_runs_elsewhere_in_a_folder_of_its_own_that_is_removed(analyze):
    progress = []

    report = analyze("Stub", depth=3, words=("a", "b"), progress=progress.append)

    pid, scratch, options = [issue.message for issue in report.issues]
    assert int(pid) != os.getpid()
    assert not Path(scratch).exists()
    assert options == "3 ('a', 'b')"
    assert progress == [50]
    (cell,) = report.coverage
    assert (cell.status, cell.exit_code, cell.seconds) == (CoverageStatus.PARTIAL, -9, 1.5)
    assert [len(file.path) for file in cell.unread] == [3001] * 10 + [3002] * 90 + [3003] * 300


def test_options_cross_whole(analyze):
    import isolated_analyzers

    (issue,) = analyze("Rich", another=7).issues

    assert issue.message == repr(isolated_analyzers.RichOptions(another=7))


def test_options_that_would_be_others_there_are_refused(analyze):
    with pytest.raises(InvalidValueError, match="written as JSON") as caught:
        analyze("Secret")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("given", [{}, {"STUB_KEY": "given"}])
def test_its_secrets_are_those_of_the_context_and_no_others(analyze, monkeypatch, given):
    monkeypatch.setenv("STUB_KEY", "from the environment")

    report = analyze("Keyed", secrets=given)

    assert [issue.message for issue in report.issues] == [*given.values(), "False"]


def test_progress_is_told_once_for_each_percent(analyze):
    progress = []

    analyze("Talkative", progress=progress.append)

    assert progress == list(range(100))


def test_everything_else_is_as_before(tmp_path, pool):
    analyzer = isolate(BackendSecurityAnalyzer, tmp_path, pool=pool)
    plain = BackendSecurityAnalyzer(tmp_path)

    assert isinstance(analyzer, BackendSecurityAnalyzer)
    for name in ("key", "title", "service", "tools", "part", "options", "base_path", "isolated"):
        assert getattr(analyzer, name) == getattr(plain, name)
    assert analyzer.needs() == plain.needs()
    assert analyzer.missing_tools() == plain.missing_tools()


def test_thousands_of_findings_arrive_whole_and_in_order(analyze):
    report = analyze("Many", depth=20_000)

    assert [issue.message for issue in report.issues] == [f"message {number}" for number in range(20_000)]
    assert report.issues[0].path == "backend/\udcff.py"


def test_findings_are_those_of_the_app_that_was_asked_for(analyze):
    report = analyze("Foreign")

    assert [(r.model, r.app_num, r.analysis_type) for r in (*report.issues, *report.coverage)] == [
        ("atlas", 2, "stub")
    ] * 2
    assert report.coverage[0].job_id is None


def test_at_the_deadline_every_tool_timed_out(analyze):
    started = time.monotonic()

    report = analyze("Hanging", seconds=1.0)

    assert [(cell.tool, cell.status) for cell in report.coverage] == [
        ("one", CoverageStatus.TIMED_OUT),
        ("two", CoverageStatus.TIMED_OUT),
    ]
    assert report.coverage[0].detail == "its process was stopped at the deadline"
    assert report.issues == ()
    assert time.monotonic() - started < 3


def test_cancelled_every_tool_says_so(analyze):
    cancel = CancelToken()

    report = analyze("Hanging", cancel=cancel, progress=lambda percent: cancel.cancel())

    assert {cell.status for cell in report.coverage} == {CoverageStatus.CANCELLED}
    assert len(report.coverage) == 2


def test_a_death_is_an_error(analyze):
    with pytest.raises(WorkerDiedError, match="exit code 3"):
        analyze("Dying")


def test_an_error_keeps_its_kind(analyze):
    with pytest.raises(ToolMissingError, match="the program 'x' is not installed") as caught:
        analyze("Raising")
    assert isinstance(caught.value, RemoteError)


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("Silent", RemoteError, "returned NoneType, no AnalysisReport"),
        ("UnknownTool", WorkerRefusedError, "'three', which the analysis does not name"),
        ("Lengthy", WorkerRefusedError, "a message that is no text"),
    ],
)
def test_what_is_no_report_is_refused(analyze, name, kind, what):
    with pytest.raises(kind, match=what):
        analyze(name)


def test_a_class_that_nobody_can_import_is_refused(tmp_path, monkeypatch):
    class Local(Analyzer):
        pass

    with pytest.raises(InvalidValueError, match="define it in a module"):
        isolate(Local, tmp_path)

    Local.__qualname__ = "Local"
    for module in ("__main__", "no.such.module", "batchnb.analyzers.base"):
        monkeypatch.setattr(Local, "__module__", module)
        with pytest.raises(InvalidValueError, match="define it in a module"):
            isolate(Local, tmp_path)


@pytest.mark.tool
def test_backend_security_reports_the_same_in_a_worker(tmp_path, pool):
    base = make_apps(tmp_path / "apps", {"m": [1]}, FAULT * 30)
    (base / "m/app1/backend/broken.py").write_text("def (:\n")
    reports = []
    for analyzer in (
        BackendSecurityAnalyzer(base),
        isolate(BackendSecurityAnalyzer, base, pool=pool),
        isolate(BackendSecurityAnalyzer, base, pool=pool),
    ):
        scratch = tmp_path / f"scratch{len(reports)}"
        context = AnalysisContext(
            scratch=scratch, deadline=Deadline.after(60), cancel=CancelToken(), progress=lambda percent: None
        )
        report = analyzer.analyze(analyzer.find_app("m", 1), analyzer.options(), context)
        cells = tuple(replace(cell, seconds=0.0) for cell in report.coverage)
        reports.append(replace(report, coverage=cells))

    assert len(reports[0].issues) > 60
    assert reports[0] == reports[1] == reports[2]


# ------------------------------------------------------------------------------ rows

WHOLE = AnalysisReport(
    issues=(
        finding(analysis_type="stub", confidence=Confidence.LOW),
        finding(analysis_type="stub", cwe=None, line=None, column=None, message="\udcff"),
    ),
    coverage=(
        coverage(analysis_type="stub", unread=(UnreadFile(path="a", reason="b"),), exit_code=1),
        coverage(analysis_type="stub", tool="ruff", exit_code=None, cached=True),
    ),
)


def reader():
    return ReportReader(APP, "stub", ("bandit", "ruff"))


def test_a_report_survives_the_crossing():
    reading = reader()
    for batch in rows_of(WHOLE):
        reading.read(batch)

    assert reading.report() == WHOLE


def test_an_empty_report_survives_too():
    assert list(rows_of(AnalysisReport(issues=(), coverage=()))) == []
    assert reader().report() == AnalysisReport(issues=(), coverage=())


WRONG = {
    "finding": {
        "tool": ["eslint", 1, None],
        "severity": ["severe", "HIGH", None, 1],
        "confidence": ["certain", 0],
        "cwe": ["78", 1.5, True, -1, 10**30],
        "line": ["2", -2, []],
        "path": [None, 1, "x" * 20_001],
        "message": [None, {}, ["x"]],
        "fingerprint": [0],
        "model": ["atlas"],
        "extra": [1],
    },
    "coverage": {
        "status": ["fine", None],
        "files_eligible": [-1, "1", True, None],
        "exit_code": ["0", 0.0],
        "seconds": [-1, math.inf, math.nan, "1", True],
        "cached": [1, None],
        "stderr_tail": [b""],
        "job_id": [1],
    },
    "unread": {"path": [None], "reason": [1], "more": [1]},
}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [(kind, field, value) for kind in WRONG for field in WRONG[kind] for value in WRONG[kind][field]],
)
def test_a_wrong_value_is_refused(kind, field, value):
    rows = copy.deepcopy(next(rows_of(WHOLE)))
    next(row for row in rows if row[0] == kind)[1][field] = value

    with pytest.raises(ReportError):
        reader().read(rows)


@pytest.mark.parametrize("kind", WRONG)
def test_a_lacking_field_is_refused(kind):
    fields = dict(next(row for row in next(rows_of(WHOLE)) if row[0] == kind)[1])
    for name in fields:
        rows = copy.deepcopy(next(rows_of(WHOLE)))
        del next(row for row in rows if row[0] == kind)[1][name]
        with pytest.raises(ReportError, match=f"without {name}"):
            reader().read(rows)


@pytest.mark.parametrize("batch", [None, {}, "x", [1], [[]], [["finding"]], [["unread", {}]], [["x", {}]]])
def test_a_wrong_shape_is_refused(batch):
    with pytest.raises(ReportError):
        reader().read(batch)
