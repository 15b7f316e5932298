"""opengrep: its recorded report, and when it counts as there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from batchnb.analyzers.scanners import opengrep
from batchnb.analyzers.scanners.opengrep import RULES_VARIABLE, Opengrep
from batchnb.records import Confidence, Severity, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.process import Ending, RawOutput

RECORDED = Path(__file__).parent / "data" / "opengrep" / "report.json"


def raw(stdout=None, **changes):
    output = RawOutput(
        argv=("opengrep",),
        ending=Ending.EXITED,
        returncode=0,
        stdout=RECORDED.read_bytes() if stdout is None else stdout,
        started_at=utc_now(),
    )
    return replace(output, **changes)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    monkeypatch.delenv(RULES_VARIABLE, raising=False)
    monkeypatch.setattr(
        opengrep, "find_program", lambda name: Path("/opt") / name if name == "opengrep" else None
    )
    return tmp_path


def test_the_recorded_report_is_read_whole():
    report = Opengrep().parse(raw())

    (issue,) = report.issues
    assert (issue.path, issue.line, issue.end_line, issue.column) == (
        "/staged/000/backend/app.py",
        177,
        177,
        22,
    )
    assert (issue.rule, issue.severity, issue.confidence, issue.cwe) == (
        *("eval-of-request", Severity.HIGH, Confidence.HIGH),
        95,
    )
    assert report.scanned == {"/staged/000/backend/app.py", "/staged/001/backend/users.py"}
    assert (report.incomplete, report.doubt) == ({}, "")


def test_errors_are_told_of_the_file_or_else_as_a_doubt():
    document = json.loads(RECORDED.read_bytes())
    document["errors"] = [{"path": "/staged/a.py", "message": "too\nbig"}, {"message": "a rule is wrong"}]

    report = Opengrep().parse(raw(json.dumps(document).encode()))

    assert (report.incomplete, report.doubt) == ({"/staged/a.py": "too big"}, "a rule is wrong")


def test_a_cwe_may_be_in_a_list_or_missing():
    document = json.loads(RECORDED.read_bytes())
    metadata = document["results"][0]["extra"]["metadata"]

    def cwe():
        return Opengrep().parse(raw(json.dumps(document).encode())).issues[0].cwe

    metadata["cwe"] = ["CWE-377: Insecure Temporary File", "CWE-20: x"]
    assert cwe() == 377
    del metadata["cwe"]
    assert cwe() is None


@pytest.mark.parametrize("stdout", [b"", b"[]", b"{}", b'{"results": [], "errors": []}'])
def test_rubbish_is_no_report(stdout):
    with pytest.raises(ReportError, match="opengrep"):
        Opengrep().parse(raw(stdout))


def test_a_tool_that_ended_badly_has_no_report():
    with pytest.raises(ReportError, match="exit code 2"):
        Opengrep().parse(raw(returncode=2))


def test_without_a_folder_of_rules_it_counts_as_not_there(installed, monkeypatch):
    assert Opengrep().command() is None
    monkeypatch.setenv(RULES_VARIABLE, "rules")
    assert Opengrep().command() is None, "a relative path depends on the folder that one is in"
    assert RULES_VARIABLE in Opengrep.install_hint


def test_with_one_it_is_called_with_it_and_obeys_nothing_else(installed, monkeypatch):
    monkeypatch.setenv(RULES_VARIABLE, str(installed))

    words = Opengrep().argv(Path("/staged"))

    assert Opengrep().command() == ("/opt/opengrep",)
    assert words[:3] == ("scan", "--config", str(installed))
    assert {"--no-git-ignore", "--x-ignore-semgrepignore-files", "--disable-nosem"} <= set(words)
    assert "--metrics" not in words


def test_semgrep_does_as_well_and_sends_nothing(installed, monkeypatch):
    monkeypatch.setattr(
        opengrep, "find_program", lambda name: Path("/opt") / name if name == "semgrep" else None
    )
    monkeypatch.setattr(opengrep.kit, "find", lambda name: None)

    words = Opengrep(installed).argv(Path("/staged"))

    assert Opengrep(installed).command() == ("/opt/semgrep",)
    assert words[words.index("--metrics") + 1] == "off"
