"""What goes wrong with one tool of an analysis of sources costs the cells of that tool, and says so."""

import sys

import pytest
from support import FAULT, make_apps, write

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.base import own_context
from batchnb.analyzers.checks.answer import Answer
from batchnb.analyzers.checks.dockerfile import DockerfileCheck
from batchnb.analyzers.checks.online import OnlineAudit
from batchnb.analyzers.checks.requirements import RequirementsCheck
from batchnb.analyzers.scanners.base import Scanner, ScanReport, SourceCheck
from batchnb.records import CoverageStatus, utc_now
from batchnb.records.errors import ToolMissingError
from batchnb.tools.process import Ending, RawOutput

PY = frozenset({".py"})


class Quiet(Scanner):
    """Finds nothing."""

    name, suffixes = "quiet", PY

    def command(self):
        return (sys.executable, "-I", "-S", "-c", "pass")

    def argv(self, root):
        return ()

    def parse(self, raw):
        return ScanReport(issues=())


class Other(Quiet):
    """Has another name."""

    name = "other"


class Broken(Quiet):
    """Raises in one of its methods."""

    name = "broken"

    def __init__(self, where):
        setattr(self, where, self._fail)

    def _fail(self, *args):
        raise KeyError("oops")


class BrokenCheck(SourceCheck):
    """Raises in one of its methods."""

    name, suffixes = "broken", PY

    def __init__(self, where):
        setattr(self, where, self._fail)

    def _fail(self, *args):
        raise KeyError("oops")

    def version(self):
        return "1"

    def check(self, files):
        return ScanReport(issues=())


@pytest.fixture
def analyze(tmp_path, monkeypatch):
    """Return a function that analyses two apps with some tools in one call."""
    base = make_apps(tmp_path / "apps", {"m": [1, 2]}, FAULT)

    def analyze(*tools, **options):
        monkeypatch.setattr(BackendSecurityAnalyzer, "sources", tools)
        monkeypatch.setattr(BackendSecurityAnalyzer, "tools", tuple(tool.name for tool in tools))
        analyzer = BackendSecurityAnalyzer(base)
        apps = [analyzer.find_app("m", number) for number in (1, 2)]
        with own_context(analyzer, 60) as context:
            return analyzer.parse(analyzer.collect(apps, analyzer.options(**options), context))

    return analyze


BROKEN = [
    *(Broken(where) for where in ("command", "argv", "parse")),
    *(BrokenCheck(where) for where in ("version", "available", "offline", "check")),
]


@pytest.mark.parametrize("tool", BROKEN, ids=lambda tool: f"{type(tool).__name__}-{next(iter(vars(tool)))}")
def test_an_adapter_that_raises_fails_alone_and_says_why(analyze, tool):
    for report in analyze(tool, Quiet()):
        assert report.tool_status == {"broken": "failed", "quiet": "ok"}
        assert report.coverage[0].detail == "its adapter failed: KeyError: 'oops'"


def test_an_app_that_an_adapter_cannot_read_is_found_among_others(analyze, tmp_path):
    class Picky(Quiet):
        name = "picky"

        def command(self):
            script = (
                "import sys, pathlib; [print(f.read_text()) for f in pathlib.Path(sys.argv[1]).rglob('*.py')]"
            )
            return (sys.executable, "-I", "-S", "-c", script)

        def argv(self, root):
            return (str(root),)

        def parse(self, raw):
            assert b"POISON" not in raw.stdout
            return ScanReport(issues=())

    write(tmp_path / "apps" / "m" / "app2" / "backend" / "app.py", "# POISON\n")

    assert [report.tool_status["picky"] for report in analyze(Picky())] == ["ok", "failed"]


def test_kept_output_that_this_version_cannot_read_fails_alone(analyze, tmp_path):
    tool = Quiet()
    analyze(tool, Other())
    analyzer = BackendSecurityAnalyzer(tmp_path / "apps")
    with own_context(analyzer, 60) as context:
        collected = analyzer.collect([analyzer.find_app("m", 1)], analyzer.options(), context)
    tool.parse = Broken("parse").parse

    (report,) = analyzer.parse(collected)

    assert report.tool_status == {"quiet": "failed", "other": "ok"}


@pytest.mark.parametrize("gap", ["unparsed", "incomplete"])
def test_a_shared_report_with_gaps_of_others_is_none(analyze, gap):
    class Lying(Quiet):
        name = "lying"

        def command(self):
            script = "import os, sys; print(len(os.listdir(sys.argv[1])))"
            return (sys.executable, "-I", "-S", "-c", script)

        def argv(self, root):
            return (str(root),)

        def parse(self, raw):
            return ScanReport(issues=(), **({gap: {"/etc/passwd": "why"}} if raw.stdout == b"2\n" else {}))

    assert [report.tool_status["lying"] for report in analyze(Lying())] == ["ok", "ok"]


class Asking(OnlineAudit):
    """Asks nobody, and ends as told."""

    name, suffixes = "asking", PY

    def __init__(self, ending=Ending.EXITED):
        self._ending = ending

    def command(self):
        return (sys.executable, "-I", "-S")

    def ask(self, text, folder, deadline, cancel):
        if self._ending is None:
            raise ToolMissingError("it went away")
        return RawOutput(argv=(), ending=self._ending, returncode=0, stdout=b"{}", started_at=utc_now())

    def answer(self, raw, path, text):
        return Answer(status=CoverageStatus.OK)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (Ending.EXITED, "ok"),
        (Ending.CANCELLED, "cancelled"),
        (Ending.TIMED_OUT, "timed_out"),
        (Ending.OUTPUT_CAP, "failed"),
        (None, "tool_missing"),
    ],
)
def test_an_audit_that_was_stopped_is_not_offline(analyze, monkeypatch, ending, status):
    monkeypatch.setattr(BackendSecurityAnalyzer, "online_sources", (Asking(ending),))
    reports = analyze(Quiet(), online=True)

    assert [report.tool_status["asking"] for report in reports] == [status] * 2
    assert all(report.tool_status["quiet"] == "ok" for report in reports)


def test_an_audit_tells_its_version(analyze, monkeypatch):
    monkeypatch.setattr(BackendSecurityAnalyzer, "online_sources", (Asking(),))
    (cell,) = (cell for cell in analyze(Quiet(), online=True)[0].coverage if cell.tool == "asking")

    assert cell.tool_version == sys.version.split()[0]


def test_a_folder_that_was_left_out_counts_for_every_tool_and_a_file_for_its_own(analyze, tmp_path):
    backend = tmp_path / "apps" / "m" / "app1" / "backend"
    (backend / "lib.d").symlink_to(tmp_path)
    (backend / "Dockerfile").symlink_to(tmp_path / "nothing")

    report, _ = analyze(Quiet(), RequirementsCheck(), DockerfileCheck())

    unread = {cell.tool: {file.path: file.reason for file in cell.unread} for cell in report.coverage}
    assert unread["quiet"] == {"backend/lib.d": "is a link"}
    assert unread["requirements"] == {"backend/lib.d": "is a link"}
    assert unread["dockerfile"] == {"backend/lib.d": "is a link", "backend/Dockerfile": "is a link"}
