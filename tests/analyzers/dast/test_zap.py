"""The zap analysis as a whole: which tools run, and what their cells say."""

import json
import re

import pytest
from sites import PAGES, SOURCE, data, route
from support import make_apps

from batchnb.analyzers.base import AnalysisContext, check_options
from batchnb.analyzers.dast import collecting, wapiti
from batchnb.analyzers.dast.probe_run import run_probe
from batchnb.analyzers.raw import RawAnalysis
from batchnb.analyzers.zap import ZapAnalyzer
from batchnb.records import CoverageStatus
from batchnb.tools.cancellation import CancelToken, Deadline


@pytest.fixture
def analyze(base, tmp_path):
    """Return a function that analyses the app with options and gives the report and the raw output."""

    def analyze(*, secrets=None, **options):
        analyzer = ZapAnalyzer(base)
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        context = AnalysisContext(
            scratch=scratch,
            deadline=Deadline.after(100),
            cancel=CancelToken(),
            progress=lambda percent: None,
            secrets=secrets,
        )
        raw = analyzer.collect(
            [analyzer.find_app("m", 1)], check_options(ZapAnalyzer, options, "test"), context
        )
        return analyzer.parse(raw)[0], raw

    return analyze


def cells(report):
    return {cell.tool: cell for cell in report.coverage}


def test_an_app_that_runs_already_is_probed(analyze, serve):
    report, _ = analyze(address=serve(PAGES).url)

    found = {
        (issue.rule, issue.path, issue.line) for issue in report.issues if issue.severity.value == "high"
    }
    assert found == {("reflected-xss", "backend/app.py", 5)}
    cell = cells(report)["probe"]
    assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.PARTIAL, 1, 2)
    assert [(unread.path, unread.reason) for unread in cell.unread] == [("GET /secret", "only 401")]


def test_what_was_not_measured_is_never_shown_as_clean(analyze, serve):
    report, _ = analyze(address=serve(PAGES).url)

    assert "zap" not in cells(report), "nobody asked for it, and the probe is not it"
    assert "wapiti" not in cells(report)  # it was not asked for


def test_every_tool_has_one_cell_in_the_order_of_the_tools(analyze, serve):
    for options, tools in (
        ({}, ("probe",)),
        ({"probe": False}, ("zap", "probe")),
        ({"zap_address": "http://127.0.0.1:9"}, ("zap", "probe")),
    ):
        report, _ = analyze(address=serve(PAGES).url, **options)
        assert tuple(cell.tool for cell in report.coverage) == tools


def test_wapiti_that_is_wanted_and_missing_is_told(analyze, serve, monkeypatch):
    monkeypatch.setattr(wapiti, "command", lambda: None)
    report, _ = analyze(address=serve(PAGES).url, wapiti=True, probe=False)
    assert cells(report)["wapiti"].status is CoverageStatus.TOOL_MISSING


def test_nobody_at_the_address_is_a_failure_of_all_that_was_wanted(analyze, serve):
    site = serve({})
    site.die()
    report, _ = analyze(address=site.url)

    assert cells(report)["probe"].status is CoverageStatus.FAILED
    assert "nothing answers" in cells(report)["probe"].detail


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1.evil.invalid:5101", "http://x@127.0.0.1", "ftp://127.0.0.1"]
)
def test_a_target_elsewhere_is_refused(analyze, address):
    report, _ = analyze(address=address)
    assert cells(report)["probe"].status is CoverageStatus.FAILED
    assert report.issues == ()


def test_an_app_that_dies_under_the_probe_is_not_clean(analyze, serve):
    sites = []

    def deadly(asked):
        if "passwd" in asked.q:
            sites[0].die()
        return data({})

    sites.append(serve({"GET /item": deadly, "GET /secret": deadly}))
    report, _ = analyze(address=sites[0].url)

    assert not any(issue.severity.value == "high" for issue in report.issues)
    assert cells(report)["probe"].status is not CoverageStatus.OK
    assert "stopped answering" in cells(report)["probe"].detail


def test_routes_that_delete_are_left_alone_in_an_app_that_is_not_ours(analyze, serve, base):
    source = SOURCE + '\n@app.delete("/item")\ndef drop():\n    return "gone"\n'
    (base / "m" / "app1" / "backend" / "app.py").write_text(source)
    site = serve({**PAGES, "DELETE /item": lambda asked: data({})})
    report, _ = analyze(address=site.url)

    assert not any(request.startswith("DELETE") for request in site.asked)
    assert ("DELETE /item", "deletes data") in [(u.path, u.reason) for u in cells(report)["probe"].unread]

    analyze(address=site.url, delete_routes=True)
    assert any(request.startswith("DELETE") for request in site.asked)


def test_excluded_routes_are_not_called_and_are_told(analyze, serve):
    site = serve(PAGES)
    report, _ = analyze(address=site.url, exclude_routes=["/item"])

    assert not any("/item" in request for request in site.asked)
    unread = {unread.path: unread.reason for unread in cells(report)["probe"].unread}
    assert "left out by the options" in unread["/item"]


def test_raw_output_can_be_kept_and_read_again(analyze, serve, tmp_path):
    report, raw = analyze(address=serve(PAGES).url)
    assert raw.keep(tmp_path / "raw.gz")

    again = ZapAnalyzer(tmp_path).parse(RawAnalysis.load(tmp_path / "raw.gz"))
    assert again[0] == report


def test_zap_scans_an_app_that_runs_already(analyze, serve, zap_stub, monkeypatch):
    pytest.importorskip("zapv2")
    site, stub = serve(PAGES), zap_stub(alerts=[])
    alert = {
        "pluginId": "40012",
        "alertRef": "40012-1",
        "name": "XSS",
        "risk": "High",
        "confidence": "Medium",
    }
    stub.alerts = [{**alert, "cweid": "79", "method": "GET", "url": f"{site.url}/item?q=1", "param": "q"}]
    report, raw = analyze(
        address=site.url, zap_address=stub.address, probe=False, secrets={"ZAP_API_KEY": stub.key}
    )

    (issue,) = report.issues
    assert (issue.tool, issue.rule, issue.path, issue.line) == ("zap", "40012-1", "backend/app.py", 5)
    assert cells(report)["zap"].status is CoverageStatus.OK
    assert stub.key not in json.dumps([run.output + run.detail for run in raw.runs])


def test_zap_that_refuses_the_key_is_a_failure_without_the_key(analyze, serve, zap_stub):
    pytest.importorskip("zapv2")
    stub = zap_stub()
    report, _ = analyze(
        address=serve(PAGES).url, zap_address=stub.address, probe=False, secrets={"ZAP_API_KEY": "wrong-key"}
    )

    cell = cells(report)["zap"]
    assert cell.status is CoverageStatus.FAILED
    assert "bad_api_key" in cell.detail
    assert "wrong-key" not in repr(report)


def test_zap_cannot_reach_an_app_in_the_sandbox_and_that_is_said(analyze):
    report, _ = analyze(zap_address="http://127.0.0.1:9", probe=False)
    assert cells(report)["zap"].status is CoverageStatus.FAILED
    assert "sandbox" in cells(report)["zap"].detail


def test_zap_elsewhere_is_refused_unless_named(analyze, serve):
    report, _ = analyze(address=serve(PAGES).url, zap_address="http://192.0.2.1:8080", probe=False)
    assert "loopback" in cells(report)["zap"].detail


def test_the_probe_itself_refuses_a_target_elsewhere(tmp_path):
    context = AnalysisContext(
        scratch=tmp_path, deadline=Deadline.after(60), cancel=CancelToken(), progress=lambda percent: None
    )
    raw = run_probe("http://192.0.2.1:5101", [route()], context)
    (end,) = [json.loads(line) for line in raw.stdout.splitlines()]
    assert (end["alive"], end["requests"]) == (False, 0)


def test_a_probe_that_is_cancelled_is_stopped(tmp_path, serve):
    cancel = CancelToken()

    def asked(_):
        cancel.cancel()
        return data({})

    context = AnalysisContext(
        scratch=tmp_path, deadline=Deadline.after(60), cancel=cancel, progress=lambda percent: None
    )
    raw = run_probe(serve({"GET /item": asked}).url, [route()], context)
    assert raw.ending.value == "cancelled"


def test_a_path_becomes_a_pattern_for_zap():
    pattern = collecting._pattern("/api/todos/{id}")
    assert re.fullmatch(pattern, "http://127.0.0.1:5101/api/todos/7?full=1")
    assert not re.fullmatch(pattern, "http://127.0.0.1:5101/api/todos/7/notes")
    assert not re.fullmatch(pattern, "http://127.0.0.1:5101/api/todos")


def test_the_key_of_zap_is_asked_for_by_name_only():
    assert ZapAnalyzer.secrets == ("ZAP_API_KEY",)
    assert "key" not in " ".join(ZapAnalyzer.options.model_fields)


def test_with_everything_switched_off_it_says_that_zap_is_missing(tmp_path):
    base = make_apps(tmp_path / "apps", {"m": [1]})
    analyzer = ZapAnalyzer(base)
    with analyzer.alone("m", 1, {"probe": False}, "test") as (app, options, context):
        report = analyzer.analyze(app, options, context)

    assert cells(report)["zap"].status is CoverageStatus.TOOL_MISSING
    assert "ZAP_API_KEY" in cells(report)["zap"].detail
    assert cells(report)["probe"].status is CoverageStatus.NOT_APPLICABLE
