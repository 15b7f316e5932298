"""A scan by ZAP, over its protocol: phases, pages, errors, stops, and the key that nobody sees."""

import json
import threading
import time

import pytest
from sites import route
from support import PATIENCE
from zap_stub import ALERTS

from batchnb.analyzers.base import AnalysisContext
from batchnb.analyzers.dast import zap_client
from batchnb.analyzers.dast.zap_client import Zap, ZapError
from batchnb.analyzers.dast.zap_report import parse_zap
from batchnb.analyzers.dast.zap_scan import ZapScan, as_output
from batchnb.analyzers.raw import RawTarget, ToolRun
from batchnb.records import Confidence, CoverageStatus, Severity
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline

URL = "http://127.0.0.1:5102"
KEY = "secret-key"
ROUTES = (
    {**route("GET", "/api/todos", query_params=["q"]), "line": 81},
    route("POST", "/api/todos", body_fields=["title", "effort"]),
    route("DELETE", "/api/todos/{id}", path_params=["id"]),
)

pytest.importorskip("zapv2")


@pytest.fixture
def scan(tmp_path):
    """Return a function that scans with a stub and gives the result."""

    def scan(stub, *, deadline=None, cancel=None, key=KEY, **options):
        context = AnalysisContext(
            scratch=tmp_path,
            deadline=deadline or Deadline.after(60),
            cancel=cancel or CancelToken(),
            progress=lambda percent: None,
        )
        zap = Zap(stub.address, key, seconds=5)
        values = {"zap": zap, "url": URL, "routes": ROUTES, "context": context, "poll_seconds": 0.01}
        try:
            return ZapScan(**{**values, **options}).run()
        finally:
            zap.close()

    return scan


def parsed(result, after=""):
    run = ToolRun(tool="zap", targets=(0,), version="2.16.1", output=as_output(result, ROUTES, after))
    return parse_zap(run, RawTarget(model="m", app_num=1), "zap")


def test_the_phases_come_in_order(zap_stub, scan):
    stub = zap_stub()
    result = scan(stub, ajax=True)

    names = list(dict.fromkeys(stub.names()))
    assert names == [
        "core/view/version",
        "alert/view/numberOfAlerts",
        "core/action/accessUrl",
        "core/action/sendRequest",
        "spider/action/scan",
        "spider/view/status",
        "ajaxSpider/action/scan",
        "ajaxSpider/view/status",
        "pscan/view/recordsToScan",
        "ascan/action/scan",
        "ascan/view/status",
        "alert/view/alerts",
        "core/view/numberOfMessages",
    ]
    assert (result["version"], result["notes"], result["alerts"]) == ("2.16.1", [], ALERTS)


def test_routes_are_given_to_zap_as_requests_but_none_that_deletes(zap_stub, scan):
    stub = zap_stub()
    result = scan(stub)

    assert result["seeded"] == ["GET /api/todos", "POST /api/todos"]
    post = next(request for request in stub.requests if request.startswith("POST"))
    assert post.startswith(f"POST {URL}/api/todos HTTP/1.1\r\nHost: 127.0.0.1:5102\r\n")
    assert json.loads(post.partition("\r\n\r\n")[2]) == {"title": "probe", "effort": 1}


def test_alerts_are_fetched_page_by_page(zap_stub, scan, monkeypatch):
    monkeypatch.setattr(zap_client, "PAGE", 3)
    stub = zap_stub(alerts=[{**ALERTS[0], "id": str(number)} for number in range(7)])
    result = scan(stub)

    assert [alert["id"] for alert in result["alerts"]] == [str(number) for number in range(7)]
    pages = [(query["start"], query["count"]) for call, query in stub.calls if call == "alert/view/alerts"]
    assert pages == [("0", "3"), ("3", "3"), ("6", "3")]


def test_the_key_is_a_header_and_nothing_else(zap_stub, scan):
    stub = zap_stub()
    scan(stub, ajax=True)

    assert stub.headers
    for path, headers in stub.headers:
        assert KEY not in path
        assert "apikey" not in path.lower()
        assert headers["X-ZAP-API-Key"] == KEY
        assert KEY not in json.dumps({k: v for k, v in headers.items() if k != "X-ZAP-API-Key"})


def test_a_wrong_key_is_told_without_the_key(zap_stub, scan):
    with pytest.raises(ZapError, match=r"core\.version: status 401: bad_api_key") as caught:
        scan(zap_stub(), key="wrong-key")

    assert "wrong-key" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_nobody_there_is_told(zap_stub, scan):
    stub = zap_stub()
    stub.close()
    with pytest.raises(ZapError, match=r"core\.version: no answer from ZAP"):
        scan(stub)


def test_proxy_variables_are_not_obeyed(zap_stub, scan, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "no_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert scan(zap_stub())["notes"] == []


def test_zap_that_dies_in_the_middle_leaves_a_partial_result(zap_stub, scan):
    result = scan(zap_stub(dies_at="ascan/view/status"))

    assert any("ended early: ascan.status: no answer from ZAP" in note for note in result["notes"])
    _, cell = parsed(result)
    assert cell.status is CoverageStatus.FAILED


def test_a_call_that_fails_now_and_then_is_asked_again(zap_stub, scan):
    assert scan(zap_stub(fails={"ascan/view/status": 2, "spider/view/status": 1}))["notes"] == []


def test_a_call_that_keeps_failing_ends_the_scan_and_keeps_the_alerts(zap_stub, scan):
    stub = zap_stub(fails={"ascan/view/status": 99})
    result = scan(stub)

    assert result["alerts"] == ALERTS
    assert result["notes"] == ["ended early: ascan.status: status 500: internal_error, Internal Error"]
    assert "ascan/action/stop" in stub.names()
    assert parsed(result)[1].status is CoverageStatus.PARTIAL


def test_without_the_add_on_the_ajax_spider_is_left_out_and_that_is_said(zap_stub, scan):
    result = scan(zap_stub(ajax=False), ajax=True)

    assert result["notes"][0].startswith(
        "without the AJAX spider: ajaxSpider.scan: status 400: no_implementor"
    )
    assert parsed(result)[1].status is CoverageStatus.PARTIAL


def test_a_scan_policy_is_used_or_said_to_be_missing(zap_stub, scan):
    stub = zap_stub()
    assert scan(stub, policy="Light")["notes"] == []
    assert ("ascan/action/scan", {"url": URL, "recurse": "true", "scanPolicyName": "Light"}) in stub.calls

    result = scan(zap_stub(), policy="Heavy")
    assert result["notes"] == ["ended early: ZAP has no scan policy 'Heavy'"]


def test_a_pulled_token_stops_what_runs(zap_stub, scan):
    stub, cancel = zap_stub(step=0), CancelToken()
    results = []
    thread = threading.Thread(target=lambda: results.append(scan(stub, cancel=cancel)))
    thread.start()
    assert stub.reached.wait(PATIENCE)
    cancel.cancel()
    thread.join(PATIENCE)

    assert results[0]["notes"] == ["stopped because the job was cancelled"]
    assert "spider/action/stop" in stub.names()


def test_the_time_that_is_given_is_kept(zap_stub, scan):
    stub, deadline = zap_stub(step=0), Deadline.after(600)
    results = []
    thread = threading.Thread(target=lambda: results.append(scan(stub, deadline=deadline)))
    thread.start()
    assert stub.reached.wait(PATIENCE)
    deadline.move(time.monotonic() + 10)  # less than is kept back for the end
    thread.join(PATIENCE)

    assert results[0]["notes"] == ["stopped at the end of its time"]
    assert "spider/action/stop" in stub.names()
    assert results[0]["alerts"] == ALERTS


def test_zap_that_hangs_is_given_up(zap_stub, tmp_path):
    stub = zap_stub(hangs_at="core/view/version")
    with pytest.raises(ZapError, match="no answer from ZAP"):
        Zap(stub.address, KEY, seconds=0.2).version()


def test_excluded_routes_are_neither_sent_nor_scanned(zap_stub, scan):
    stub = zap_stub()
    result = scan(stub, excluded=[r"https?://[^/]+/api/todos"])

    assert result["seeded"] == []
    assert {call for call, query in stub.calls if "regex" in query} == {
        "spider/action/excludeFromScan",
        "ascan/action/excludeFromScan",
    }


def test_alerts_become_findings_at_their_routes(zap_stub, scan):
    findings, cell = parsed(scan(zap_stub()))

    shown = {(each.rule, each.severity, each.confidence, each.cwe, each.path, each.line) for each in findings}
    assert shown == {
        ("40018", Severity.HIGH, Confidence.MEDIUM, 89, "backend/app.py", 81),
        ("10021", Severity.LOW, Confidence.MEDIUM, 693, "/api/health", None),
        ("10104", Severity.LOW, Confidence.MEDIUM, None, "/api/todos/7", None),
    }
    injection = next(each for each in findings if each.rule == "40018")
    assert injection.message == "GET /api/todos, parameter q: SQL Injection"
    assert "attack: 1' AND '1'='1' -- " in injection.snippet
    assert next(each for each in findings if each.rule == "10104").tags == ("noise",)
    assert (cell.status, cell.tool_version) == (CoverageStatus.PARTIAL, "2.16.1")
    assert [unread.path for unread in cell.unread] == ["DELETE /api/todos/{id}"]


def test_alerts_of_another_port_are_not_ours(zap_stub, scan):
    stub = zap_stub(alerts=[{**ALERTS[0], "url": f"{URL}0/api/todos"}])
    assert scan(stub)["alerts"] == []


def test_alerts_of_earlier_scans_are_told(zap_stub, scan):
    result = scan(zap_stub())
    assert result["earlier"] == len(ALERTS)
    assert f"{len(ALERTS)} alerts were there before" in parsed(result)[1].detail


def test_zap_that_never_reached_the_app_is_a_failure():
    result = {
        "version": "2",
        "alerts": [],
        "messages": 0,
        "seeded": [],
        "notes": [],
        "url": URL,
        "earlier": 0,
    }
    findings, cell = parsed(result)

    assert (findings, cell.status) == ([], CoverageStatus.FAILED)
    assert "can it reach it?" in cell.detail


def test_an_app_that_died_is_not_clean():
    result = {
        "version": "2",
        "alerts": [],
        "messages": 9,
        "seeded": ["GET /api/todos"],
        "notes": [],
        "url": URL,
        "earlier": 0,
    }
    assert parsed(result, "the app does not answer after the scan")[1].status is CoverageStatus.FAILED


@pytest.mark.parametrize("output", ["", "[]", "{}", '{"routes": [], "alerts": [{"risk": "Odd"}]}'])
def test_what_is_no_result_is_refused(output):
    with pytest.raises(ReportError):
        parse_zap(ToolRun(tool="zap", targets=(0,), output=output), RawTarget(model="m", app_num=1), "zap")
