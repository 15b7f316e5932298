"""The identity of findings, as they are made."""

from batchnb.analyzers.findings import FindingMaker
from batchnb.analyzers.raw import RawTarget
from batchnb.analyzers.scanners.base import Issue
from batchnb.records import Severity


def test_lines_that_differ_only_in_their_form_stay_two_findings():
    maker = FindingMaker(
        analysis_type="backend_security", tool="bandit", target=RawTarget(model="m", app_num=1)
    )
    issue = Issue(
        path="backend/app.py",
        rule="B307",
        severity=Severity.HIGH,
        confidence=None,
        cwe=95,
        line=1,
        end_line=None,
        column=None,
        message="eval",
    )
    lines = ("x = eval('a')", 'x = eval("a")', "x = (eval('a'))", "x=eval('a');")
    found = [maker.make(issue, snippet=line, identity=line) for line in lines]
    assert len({each.fingerprint for each in found}) == len(lines)
