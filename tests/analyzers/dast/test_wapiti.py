"""wapiti's report is read as it is; its exit code says nothing."""

import json
import sys
from pathlib import Path

import pytest
from sites import route

from batchnb.analyzers.base import AnalysisContext
from batchnb.analyzers.dast import wapiti
from batchnb.analyzers.raw import RawTarget, ToolRun
from batchnb.records import CoverageStatus, Severity
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline

RECORDED = (Path(__file__).parents[1] / "data" / "wapiti" / "gallery.json").read_text()
ROUTES = [
    {**route("GET", "/api/inspect", query_params=["name"]), "line": 112},
    {**route("POST", "/api/import", body_fields=["url"]), "line": 120},
]


def parsed(report=RECORDED, routes=ROUTES, after=""):
    run = ToolRun(tool="wapiti", targets=(0,), version="3.2.3", output=report, exit_code=0)
    run = ToolRun(tool="wapiti", targets=(0,), version="3.2.3", output=wapiti.kept(run, routes, after))
    return wapiti.parse_wapiti(run, RawTarget(model="m", app_num=1), "zap")


def changed(**infos):
    report = json.loads(RECORDED)
    report["infos"].update(infos)
    return json.dumps(report)


def test_a_recorded_report():
    findings, cell = parsed()

    shown = {(each.rule, each.severity, each.cwe, each.path, each.line) for each in findings}
    assert shown == {
        ("command-execution", Severity.HIGH, 78, "backend/app.py", 112),
        ("internal-server-error", Severity.MEDIUM, 703, "backend/app.py", 120),
        ("content-security-policy-configuration", Severity.LOW, None, "/", None),
        ("clickjacking-protection", Severity.LOW, None, "/", None),
        ("mime-type-confusion", Severity.LOW, None, "/", None),
    }
    command = next(each for each in findings if each.rule == "command-execution")
    assert command.message.startswith("GET /api/inspect, parameter name: Command execution via injection")
    assert command.snippet.startswith("GET /api/inspect?name=%3Benv%3B HTTP/1.1")
    assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.OK, 2, 2)


def test_two_findings_of_the_same_kind_keep_identities_of_their_own():
    findings, _ = parsed()
    assert len({each.fingerprint for each in findings}) == len(findings)


def test_a_report_about_nothing_is_a_failure():
    findings, cell = parsed(changed(crawled_pages_nbr=0))
    assert (findings, cell.status) == ([], CoverageStatus.FAILED)


def test_fewer_pages_than_routes_is_partial():
    _, cell = parsed(changed(crawled_pages_nbr=1))
    assert (cell.status, cell.files_seen) == (CoverageStatus.PARTIAL, 1)


def test_an_app_that_died_is_not_clean():
    _, cell = parsed(after="the app ended during the scan: out of memory")
    assert cell.status is CoverageStatus.PARTIAL
    assert "out of memory" in cell.detail


@pytest.mark.parametrize("report", ["", "[]", "{}", '{"infos": {"crawled_pages_nbr": 3}}'])
def test_what_is_no_report_is_refused(report):
    with pytest.raises(ReportError):
        parsed(report)


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("open(out, 'w').write('{}')", CoverageStatus.OK, ""),
        ("pass", CoverageStatus.FAILED, "it left no report"),
        (
            "import os; os.truncate(os.open(out, os.O_CREAT | os.O_WRONLY), 20 << 20)",
            CoverageStatus.FAILED,
            "large",
        ),
    ],
)
def test_a_run_is_judged_by_its_report(tmp_path, script, status, words):
    text = f"import sys\nout = sys.argv[sys.argv.index('-o') + 1] if '-o' in sys.argv else ''\n{script}\n"
    context = AnalysisContext(
        scratch=tmp_path, deadline=Deadline.after(60), cancel=CancelToken(), progress=lambda percent: None
    )
    run = wapiti.run_wapiti(
        (sys.executable, "-I", "-S", "-c", text),
        "http://127.0.0.1:9",
        {},
        context,
        enter=(),
        seconds=30,
        target=0,
    )

    assert run.status is status
    assert words in run.detail


def test_nothing_is_sent_to_a_foreign_site():
    modules = wapiti.MODULES.split(",")
    assert not {"ssrf", "file", "all", "common"} & set(modules)
