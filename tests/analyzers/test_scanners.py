"""Reading the reports of the scanners: recorded ones, and ones that no tool should have written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from batchnb.analyzers.scanners.bandit import Bandit
from batchnb.analyzers.scanners.base import Issue
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.analyzers.scanners.ruff_rules import rule_info
from batchnb.records import Confidence, Severity, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.process import Ending, RawOutput

DATA = Path(__file__).parent / "data"
CODES = {"bandit": 1, "ruff": 0}
SCANNERS = [Bandit(), Ruff()]
by_scanner = pytest.mark.parametrize("scanner", SCANNERS, ids=[scanner.name for scanner in SCANNERS])


def recorded(scanner):
    return (DATA / scanner.name / "report.json").read_bytes()


def raw(scanner, stdout=None, **changes):
    output = RawOutput(
        argv=(scanner.name,),
        ending=Ending.EXITED,
        returncode=CODES[scanner.name],
        stdout=recorded(scanner) if stdout is None else stdout,
        started_at=utc_now(),
    )
    return replace(output, **changes)


def test_bandits_report_is_read_whole():
    report = Bandit().parse(raw(Bandit()))

    assert report.issues == (
        Issue(
            path="/staged/app.py",
            rule="B324",
            severity=Severity.HIGH,
            confidence=Confidence.HIGH,
            cwe=327,
            line=25,
            end_line=25,
            column=12,
            message="Use of weak MD5 hash for security. Consider usedforsecurity=False",
        ),
        Issue(
            path="/staged/app.py",
            rule="B104",
            severity=Severity.MEDIUM,
            confidence=Confidence.MEDIUM,
            cwe=605,
            line=84,
            end_line=84,
            column=18,
            message="Possible binding to all interfaces.",
            tags=("noise",),
        ),
    )
    assert report.unparsed == {"/staged/users.py": "syntax error while parsing AST from file"}
    assert report.scanned == {"/staged/app.py"}


def test_what_bandit_says_of_its_own_failures_is_read():
    stdout, stderr = ((DATA / "bandit" / f"failed_check.{kind}").read_bytes() for kind in ("json", "txt"))

    report = Bandit().parse(raw(Bandit(), stdout, stderr=stderr, returncode=0))

    assert (report.issues, report.unparsed, report.doubt) == ((), {}, "")
    assert report.scanned == {"/staged/app.py"}
    assert report.incomplete == {
        "/staged/app.py": "read, but bandit's check tarfile_unsafe_members failed at line 6"
    }


def test_messages_of_bandit_that_were_cut_off_leave_a_doubt():
    report = Bandit().parse(raw(Bandit(), stderr=b"...", stderr_truncated=True))

    assert report.doubt == "bandit's messages were cut off, so more of its checks may have failed"
    assert Bandit().parse(raw(Bandit(), stderr=b"[main]\tINFO\tall is well\n")).doubt == ""


def test_ruffs_report_is_read_whole():
    report = Ruff().parse(raw(Ruff()))

    assert [(i.path, i.rule, i.severity, i.cwe, i.line, i.end_line, i.column) for i in report.issues] == [
        ("/staged/app.py", "S324", Severity.HIGH, 327, 25, 25, 12),
        ("/staged/app.py", "S104", Severity.MEDIUM, 605, 84, 84, 18),
    ]
    assert report.issues[1].message == "Possible binding to all interfaces"
    assert {issue.confidence for issue in report.issues} == {None}
    assert report.unparsed == {"/staged/users.py": "line 47: Expected `:`, found newline"}
    assert report.scanned is None


@by_scanner
@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.99])
def test_a_report_that_is_cut_off_is_no_report(scanner, part):
    whole = recorded(scanner).rstrip()

    with pytest.raises(ReportError, match=f"{scanner.name} wrote no readable report"):
        scanner.parse(raw(scanner, whole[: int(len(whole) * part)]))


@by_scanner
@pytest.mark.parametrize(
    "stdout",
    [
        *(
            b"",
            b"\n",
            b"Traceback (most recent call last)",
            b"\xff\xfe\x00",
            b"null",
            b"3",
            b'""',
            b'"text"',
            b"{}",
        ),
        *(b'{"results": 3}', b"[3]", b'[{"code": "S602"}]', b"[" * 200_000, b"[[]]"),
        b'{"results": [{}], "errors": [], "metrics": {}}',
        b'{"results": [], "errors": [{}], "metrics": {}}',
        b'{"results": [], "errors": [], "metrics": null}',
        b'{"results": null, "errors": [], "metrics": {}}',
    ],
)
def test_rubbish_is_no_report_and_above_all_no_clean_one(scanner, stdout):
    with pytest.raises(ReportError, match=scanner.name):
        scanner.parse(raw(scanner, stdout))


@by_scanner
def test_a_report_over_the_cap_is_no_report_even_if_it_can_be_read(scanner):
    with pytest.raises(ReportError, match=f"{scanner.name}'s report was cut off at"):
        scanner.parse(raw(scanner, stdout_truncated=True))


@by_scanner
@pytest.mark.parametrize("code", [-6, -9, 2, 3, 101])
def test_a_tool_that_ended_badly_has_no_report(scanner, code):
    with pytest.raises(ReportError, match=f"{scanner.name} ended with exit code {code}"):
        scanner.parse(raw(scanner, returncode=code))


@pytest.mark.parametrize("missing", ["filename", "test_id", "line_number", "issue_severity", "issue_text"])
def test_a_row_of_bandit_without_one_of_its_fields_spoils_the_report(missing):
    report = json.loads(recorded(Bandit()))
    del report["results"][0][missing]

    with pytest.raises(ReportError, match=f"not of the known form: .*{missing}"):
        Bandit().parse(raw(Bandit(), json.dumps(report).encode()))


@pytest.mark.parametrize("missing", ["filename", "code", "location", "message"])
def test_a_row_of_ruff_without_one_of_its_fields_spoils_the_report(missing):
    report = json.loads(recorded(Ruff()))
    del report[0][missing]

    with pytest.raises(ReportError, match=f"not of the known form: .*{missing}"):
        Ruff().parse(raw(Ruff(), json.dumps(report).encode()))


@by_scanner
@pytest.mark.parametrize("place", ["x", [1]])
def test_a_place_that_is_no_number_spoils_the_report(scanner, place):
    report = json.loads(recorded(scanner))
    if scanner.name == "bandit":
        report["results"][0]["line_number"] = place
    else:
        report[0]["location"]["row"] = place

    with pytest.raises(ReportError, match="not of the known form"):
        scanner.parse(raw(scanner, json.dumps(report).encode()))


def test_a_rule_that_is_newer_than_the_table_is_medium():
    assert rule_info("S999") == (Severity.MEDIUM, None)
    assert rule_info("S602") == (Severity.HIGH, 78)


@by_scanner
def test_nothing_of_the_app_can_configure_the_tool(scanner, tmp_path):
    words = scanner.argv(tmp_path)

    expected = {
        "bandit": {"--ignore-nosec", "--ini", "/dev/null"},
        "ruff": {"--isolated", "--ignore-noqa", "--no-respect-gitignore"},
    }
    assert expected[scanner.name] <= set(words)
    assert str(tmp_path) in words
    assert scanner.name == "ruff" or scanner.command()[1:] == ("-I", "-m", "bandit")
