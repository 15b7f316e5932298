"""Whatever a scanner does, the cell says so: small real programs stand in for the tools."""

import json
import sys

import pytest
from support import FAULT, make_apps

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.scanners.base import Scanner, ScanReport, load_json
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.records import CoverageStatus, Severity

HOME = "000/backend"
"""Where the backend of the first app of a call lies in the folder that a tool is given."""


class Scripted(Ruff):
    """Runs a Python script instead of ruff and reads its output as ruff's."""

    name = "scripted"

    def __init__(self, script):
        self._script = script

    def command(self):
        return (
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys, os\nroot = sys.argv[1] + '/000/backend'\n{self._script}",
        )

    def argv(self, root):
        return (str(root),)


@pytest.fixture
def scan(tmp_path, monkeypatch):
    """Return a function that analyses one app (app.py with a fault, other.py) with a script for a tool."""
    base = make_apps(tmp_path / "apps", {"m": [1]})
    (base / "m" / "app1" / "backend" / "other.py").write_text("x = 1\n")

    def scan(scanner, *others):
        scanners = tuple(Scripted(one) if isinstance(one, str) else one for one in (scanner, *others))
        monkeypatch.setattr(BackendSecurityAnalyzer, "sources", scanners)
        return BackendSecurityAnalyzer(base).run_security_analysis("m", 1)

    return scan


def row(path="root + '/app.py'", **changes):
    """Return source that prints a report with one row."""
    place = {"row": 2, "column": 1}
    values = {"code": "S602", "location": place, "end_location": place, "message": "a fault", **changes}
    return f"import json; print(json.dumps([{{**{values!r}, 'filename': {path}}}]))"


def test_a_report_becomes_findings_with_place_snippet_and_identity(scan):
    report = scan(row())

    (issue,) = report.issues
    assert (issue.path, issue.line, issue.column, issue.rule) == ("backend/app.py", 2, 1, "S602")
    assert (issue.model, issue.app_num, issue.tool) == ("m", 1, "scripted")
    assert (issue.severity, issue.cwe, issue.snippet) == (Severity.HIGH, 78, FAULT.splitlines()[1])
    assert report.tool_status == {"scripted": "ok"}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("os.abort()", "ended with exit code -6"),
        ("pass", "no readable report (0 bytes)"),
        ("print('[{\"code\"')", "no readable report"),
        ("print('{}')", "report"),
        ("while True: os.write(1, b'[' * 65536)", "more output than is allowed"),
    ],
)
def test_a_tool_that_does_not_report_has_failed_and_says_why(scan, script, words):
    report = scan(script)

    (cell,) = report.coverage
    assert (cell.status, report.issues) == (CoverageStatus.FAILED, ())
    assert words in cell.detail
    assert not report.is_measured


def test_the_end_of_what_it_complained_is_kept(scan):
    (cell,) = scan("sys.stderr.write('x' * 9000 + 'the reason \\udcff'); sys.exit(3)").coverage

    assert "the reason" in cell.stderr_tail
    assert len(cell.stderr_tail) <= 2_000
    assert cell.exit_code == 3


@pytest.mark.parametrize(
    "path",
    [
        *(
            "'/etc/passwd'",
            "root + '/nothing.py'",
            "'../../../etc/passwd'",
            "root + '/../../secret.py'",
            "''",
            "root",
        ),
        *("'app.py/../../x'", "'backend/app.py'"),
    ],
)
def test_a_report_on_files_that_it_was_not_given_is_no_report(scan, path):
    report = scan(row(path))

    (cell,) = report.coverage
    assert (cell.status, report.issues) == (CoverageStatus.FAILED, ())
    assert "its report names 1 files that it was not given" in cell.detail


def test_one_tool_that_fails_takes_nothing_from_the_other(scan):
    class Second(Scripted):
        name = "second"

    report = scan("sys.exit(3)", Second(row()))

    assert report.tool_status == {"scripted": "failed", "second": "ok"}
    assert [issue.tool for issue in report.issues] == ["second"]


def test_a_file_that_the_tool_does_not_list_as_read_is_a_gap(scan):
    class Listing(Scanner):
        name, suffixes = "listing", frozenset({".py"})

        def command(self):
            script = "import json, sys; print(json.dumps([sys.argv[1] + '/000/backend/app.py']))"
            return (sys.executable, "-I", "-S", "-c", script)

        def argv(self, root):
            return (str(root),)

        def parse(self, raw):
            return ScanReport(issues=(), scanned=frozenset(load_json(raw, self.name, list)))

    (cell,) = scan(Listing()).coverage

    assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.PARTIAL, 1, 2)
    assert [(file.path, file.reason) for file in cell.unread] == [
        ("backend/other.py", "not in the tool's list of scanned files")
    ]


def test_all_files_unread_is_failed_and_not_partial(scan):
    unread = "{'code': None, 'location': {'row': 1}, 'message': 'no', 'filename': root + '/' + name}"
    (cell,) = scan(f"import json; print(json.dumps([{unread} for name in ('app.py', 'other.py')]))").coverage

    assert (cell.status, cell.files_seen) == (CoverageStatus.FAILED, 0)
    assert [file.reason for file in cell.unread] == ["line 1: no"] * 2


class Telling(Scripted):
    """Reports as told, whatever its script does."""

    def __init__(self, **report):
        super().__init__("pass")
        self._report = report

    def parse(self, raw):
        return ScanReport(issues=(), **self._report)


def test_files_that_were_read_but_not_to_the_end_are_a_gap_and_the_rest_still_counts(scan):
    incomplete = dict.fromkeys((f"{HOME}/app.py", f"{HOME}/other.py", "/etc/passwd"), "a check failed")
    (cell,) = scan(Telling(incomplete=incomplete)).coverage

    assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.PARTIAL, 0, 2)
    assert [(file.path, file.reason) for file in cell.unread] == [
        ("backend/app.py", "a check failed"),
        ("backend/other.py", "a check failed"),
    ]


def test_a_file_that_was_not_read_is_counted_once(scan):
    told = {f"{HOME}/app.py": "first"}
    (cell,) = scan(Telling(unparsed=told, incomplete={f"{HOME}/app.py": "second"})).coverage

    assert [(file.path, file.reason) for file in cell.unread] == [("backend/app.py", "first")]


def test_a_doubt_alone_is_enough_to_be_partial(scan):
    (cell,) = scan(Telling(doubt="something was lost")).coverage

    assert (cell.status, cell.files_seen, cell.unread) == (CoverageStatus.PARTIAL, 2, ())
    assert cell.detail == "something was lost"


def test_a_long_message_is_cut(scan):
    (issue,) = scan(row(message="m" * 5_000)).issues

    assert issue.message == "m" * 1_000


@pytest.mark.parametrize("line", [0, -1, 3, 10_000])
def test_a_line_that_the_file_does_not_have_makes_no_snippet_and_no_crash(scan, line):
    place = {"row": line, "column": 1}
    (issue,) = scan(row(location=place, end_location=place)).issues

    assert issue.snippet == ""


def test_findings_come_in_order_of_place(scan):
    rows = [{"row": line, "column": column} for line, column in ((2, 9), (1, 5), (2, 1), (1, 1))]
    made = [
        {
            "code": "S602",
            "location": place,
            "end_location": place,
            "message": "x",
            "filename": f"{HOME}/app.py",
        }
        for place in rows
    ]
    report = scan(f"print({json.dumps(json.dumps(made))})")

    assert [(issue.line, issue.column) for issue in report.issues] == [(1, 1), (1, 5), (2, 1), (2, 9)]
