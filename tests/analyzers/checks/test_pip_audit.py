"""pip-audit: what it says when it could ask nobody, and what it is given."""

import json
from pathlib import Path

import pytest

from batchnb.analyzers.checks.pip_audit import PipAudit, pinned
from batchnb.records import CoverageStatus, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.process import Ending, RawOutput

SKIPPED = Path(__file__).parents[1] / "data" / "pip_audit" / "all_skipped.json"
TEXT = "# web\nFlask==2.2.0\nrequests==2.0.0\n"


def parse(stdout, stderr=b""):
    raw = RawOutput(
        argv=("pip-audit",),
        ending=Ending.EXITED,
        returncode=0,
        stdout=stdout,
        stderr=stderr,
        started_at=utc_now(),
    )
    return PipAudit().parse(raw, "backend/requirements.txt", TEXT)


def dependencies(*rows):
    return json.dumps({"dependencies": rows, "fixes": []}).encode()


def test_when_everything_was_skipped_nothing_was_measured():
    answer = parse(SKIPPED.read_bytes())

    assert (answer.status, answer.issues) == (CoverageStatus.OFFLINE, ())
    assert "flask: Dependency not found on PyPI" in answer.detail


def test_without_a_report_the_last_line_says_why():
    answer = parse(b"", b"Traceback\nConnectionError: no route\n\n")

    assert answer.status is CoverageStatus.OFFLINE
    assert answer.detail == "PyPI gave no answer: ConnectionError: no route"


def test_findings_are_read_and_a_skipped_one_is_named():
    told = {
        "id": "PYSEC-2023-62",
        "fix_versions": ["2.2.5"],
        "aliases": ["CVE-2023-30861"],
        "description": "A cookie\nmay leak",
    }
    answer = parse(
        dependencies(
            {"name": "flask", "version": "2.2.0", "vulns": [told]},
            {"name": "requests", "skip_reason": "not found"},
        )
    )

    (issue,) = answer.issues
    assert (issue.rule, issue.line, issue.path) == ("PYSEC-2023-62", 2, "backend/requirements.txt")
    assert issue.message == "Flask 2.2.0: A cookie may leak (CVE-2023-30861), fixed in 2.2.5"
    assert (answer.status, answer.incomplete) == (CoverageStatus.OK, "requests: not found")


@pytest.mark.parametrize(
    "stdout", [b"[]", b"{}", b'{"dependencies": [3]}', b"{", b'{"dependencies": [{"name": "a"}]}']
)
def test_rubbish_is_no_report(stdout):
    with pytest.raises(ReportError, match="pip-audit"):
        parse(stdout)


def test_it_is_given_pinned_requirements_only():
    text = (
        "flask==3.0\nclick\n-e .\n./setup\n--index-url http://host.example\n-r more.txt\n"
        "a @ https://host.example/a.zip\nFLASK==2.0\nb==1.*\n"
    )

    assert pinned(text) == [(8, "FLASK", "2.0")]
