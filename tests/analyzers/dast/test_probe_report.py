"""What the probe said becomes findings and a cell; what is not measured is never clean."""

import json

import pytest
from sites import route

from batchnb.analyzers.dast.faults import FAULTS
from batchnb.analyzers.dast.probe_report import parse_probe
from batchnb.analyzers.raw import RawTarget, ToolRun
from batchnb.records import Confidence, CoverageStatus, Severity

TARGET = RawTarget(model="m", app_num=1)
HIT = {
    "kind": "hit",
    "rule": "sqli-boolean",
    "endpoint": "GET /item",
    "where": "parameter q",
    "what": "a condition in the value decides the answer",
    "request": "GET /item?q=zqx",
    "proof": "true: 3\x1b[31m",
}
END = {"kind": "end", "stopped": "", "alive": True, "requests": 50, "login": "no login"}


def told(key="GET /item", **changes):
    values = {"route": key, "crawled": False, "statuses": {"200": 5}, "finished": True, "skipped": ""}
    return {"kind": "route", **values, **changes}


def parsed(*lines, routes=None, after="", unread=(), **run):
    plan = {
        "kind": "plan",
        "routes": [route()] if routes is None else routes,
        "unread": unread,
        "after": after,
    }
    text = "\n".join(json.dumps(line) if isinstance(line, dict) else line for line in (plan, *lines))
    return parse_probe(
        ToolRun(**{"tool": "probe", "targets": (0,), "output": text + "\n", **run}), TARGET, "zap"
    )


def test_a_hit_becomes_a_finding_at_its_route():
    (finding,), cell = parsed(HIT, told(), END)

    assert (finding.path, finding.line, finding.rule, finding.cwe) == (
        "backend/app.py",
        7,
        "sqli-boolean",
        89,
    )
    assert (finding.severity, finding.confidence) == (Severity.HIGH, Confidence.HIGH)
    assert finding.message == "GET /item, parameter q: a condition in the value decides the answer"
    assert finding.snippet == "GET /item?q=zqx\n---\ntrue: 3\\x1b[31m"
    assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.OK, 1, 1)
    assert "embedded probe, not ZAP" in cell.detail


def test_the_identity_does_not_depend_on_random_words():
    first, second = (
        parsed({**HIT, "request": word, "proof": word}, told(), END)[0][0] for word in ("a", "b")
    )
    assert first.fingerprint == second.fingerprint


def test_a_concrete_address_is_put_at_the_route_that_it_belongs_to():
    routes = [route("GET", "/todos/{id}", path_params=["id"]), route("GET", "/todos/new", query_params=[])]
    hits = [{**HIT, "endpoint": f"GET {path}"} for path in ("/todos/7", "/todos/new", "/elsewhere")]
    findings, _ = parsed(*hits, told(), END, routes=routes)

    assert {(finding.path, finding.message.partition(",")[0]) for finding in findings} == {
        ("backend/app.py", "GET /todos/{id}"),
        ("backend/app.py", "GET /todos/new"),
        ("/elsewhere", "GET /elsewhere"),
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"statuses": {"401": 3}}, "only 401"),
        ({"statuses": {"404 as for any address": 3, "405": 1}}, "only 404, 405"),
        ({"statuses": {}}, "not called"),
        ({"finished": False}, "not finished"),
        ({"skipped": "deletes data"}, "deletes data"),
    ],
)
def test_a_route_that_was_not_tested_is_named(changes, why):
    routes = [route(), route(path="/other")]
    _, cell = parsed(told(), told("GET /other", **changes), END, routes=routes)

    assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.PARTIAL, 1, 2)
    assert [(unread.path, unread.reason) for unread in cell.unread] == [("GET /other", why)]


def test_a_404_of_the_route_itself_means_that_it_was_reached():
    _, cell = parsed(told(statuses={"404": 3}), END)
    assert cell.status is CoverageStatus.OK


def test_a_dead_link_is_no_route_that_was_missed():
    _, cell = parsed(told(), told("GET /dead", crawled=True, statuses={"404 as for any address": 2}), END)
    assert (cell.status, cell.files_eligible) == (CoverageStatus.OK, 1)


def test_a_source_file_that_could_not_be_read_may_hide_routes():
    _, cell = parsed(told(), END, unread=[["backend/b.py", "line 3: syntax error"]])

    assert (cell.status, cell.files_eligible) == (CoverageStatus.PARTIAL, 2)
    assert cell.unread[0].reason == "routes not known: line 3: syntax error"


DEAD = {**END, "alive": False, "stopped": "the app stopped answering: x"}


@pytest.mark.parametrize(
    ("lines", "changes", "words"),
    [
        ([told(), DEAD], {}, "the app stopped answering"),
        ([told(), END], {"after": "the app ended during the scan: out of memory"}, "out of memory"),
        ([told()], {"exit_code": 1, "stderr_tail": "Traceback\nMemoryError\n"}, "MemoryError"),
        ([], {"exit_code": -9}, "exit code -9"),
        ([told(statuses={"401": 9}), END], {}, "no route was reached"),
        ([END], {"routes": []}, "no route was found"),
        (["not json", '{"kind"', "[1]", '"end"'], {}, "without its last line"),
    ],
)
def test_what_says_nothing_about_the_app_is_a_failure(lines, changes, words):
    findings, cell = parsed(*lines, **changes)

    assert (findings, cell.status, cell.files_seen) == ([], CoverageStatus.FAILED, 0)
    assert words in cell.detail


def test_what_was_found_before_the_app_died_is_kept_as_a_lower_bound():
    findings, cell = parsed(HIT, told(), DEAD)

    assert len(findings) == 1
    assert cell.status is CoverageStatus.PARTIAL


def test_a_run_that_stopped_early_is_partial():
    _, cell = parsed(told(), {**END, "stopped": "the time for the scan was used up"})
    assert cell.status is CoverageStatus.PARTIAL


def test_a_rule_that_is_not_known_is_no_finding():
    findings, _ = parsed({**HIT, "rule": "invented"}, told(), END)
    assert findings == []


def test_the_table_of_faults_is_complete():
    for rule, fault in FAULTS.items():
        assert fault.title
        assert fault.cwe > 0
        assert rule == rule.lower()
