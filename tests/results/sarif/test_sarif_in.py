"""SARIF files of other tools become findings, and no more is claimed of them than they say."""

from __future__ import annotations

import copy
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchnb.records.errors import InvalidValueError, ReportError
from batchnb.records.finding import fingerprint
from batchnb.results.dataset import Dataset
from batchnb.results.gaps import is_complete
from batchnb.results.rebuild import coverage_records, finding_records
from batchnb.results.sarif.reading import read_sarif
from batchnb.results.sarif.writing import to_sarif

SHAPES = Path(__file__).parents[2] / "data" / "sarif"


def saved(folder, *runs, **changes):
    path = folder / "in.sarif"
    path.write_text(json.dumps({"version": "2.1.0", "runs": list(runs), **changes}), "utf-8")
    return path


def run(*results, calls=({"executionSuccessful": True},), tool="Scan", rules=(), **more):
    driver = {"name": tool, "rules": list(rules)}
    return {"tool": {"driver": driver}, "invocations": list(calls), "results": list(results), **more}


def one(uri="m/app1/a.py", line=1, **changes):
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
    return {
        "ruleId": "R",
        "message": {"text": "t"},
        "locations": [{"physicalLocation": place}],
        **changes,
    }


def only(data):
    (found,) = finding_records(data.findings)
    return found


def test_codeql():
    data = read_sarif(SHAPES / "codeql.sarif")
    exposed, injected = finding_records(data.findings)

    assert (injected.model, injected.app_num, injected.path) == ("gpt-4o", 2, "backend/app.py")
    assert (injected.tool, injected.rule, injected.severity) == ("CodeQL", "py/sql-injection", "high")
    assert (injected.line, injected.column, injected.cwe, injected.confidence) == (18, 20, 89, "high")
    assert injected.snippet.strip().startswith("rows = db.execute(")  # that line of the context only
    assert "[" not in injected.message
    assert (exposed.path, exposed.cwe, exposed.severity) == ("backend/my db.py", 209, "medium")
    assert exposed.tags == ("suppressed",)
    assert set(data.coverage["tool_version"]) == {"2.20.1"}


def test_semgrep():
    data = read_sarif(SHAPES / "semgrep.sarif", analysis_type="backend_security")
    first, second = finding_records(data.findings)

    assert (first.line, second.line, first.cwe, first.confidence) == (31, 40, 78, "low")
    assert first.severity == "high"
    text = (first.tool, first.rule, first.path, first.snippet)
    assert [first.fingerprint, second.fingerprint] == [fingerprint(*text, 0), fingerprint(*text, 1)]
    assert set(data.findings["analysis_type"]) == {"backend_security"}
    assert set(data.coverage["status"]) == {"ok"}


def test_eslint_writes_absolute_addresses_and_says_nothing_of_success():
    data = read_sarif(SHAPES / "eslint.sarif")
    found = only(data)

    assert (found.model, found.app_num, found.path) == ("gpt-4o", 3, "frontend/src/ü b.js")
    assert (found.severity, found.cwe) == ("medium", None)
    assert list(data.coverage["status"]) == ["partial"]


@pytest.mark.parametrize("base", ["/home/ci/apps/gpt-4o/app5", "/home/ci/apps/gpt-4o/app5/", None])
def test_trivy_of_one_app(base):
    data = read_sarif(SHAPES / "trivy.sarif", model="gpt-4o", app_num=5, base=base)
    package, user = finding_records(data.findings)

    assert (package.path, package.rule, package.severity) == (
        "backend/requirements.txt",
        "CVE-2023-30861",
        "high",
    )
    assert (user.path, user.severity) == ("Dockerfile", "low")
    assert "https:" not in package.message


def test_gitleaks_of_one_app():
    assert only(read_sarif(SHAPES / "gitleaks.sarif", model="m", app_num=2)).snippet == "REDACTED"


def test_bandit_with_a_file_that_it_could_not_parse():
    data = read_sarif(SHAPES / "bandit.sarif")
    (cell,) = coverage_records(data.coverage)

    assert (only(data).line, only(data).confidence) == (9, "high")
    assert (cell.status, cell.detail) == ("partial", "syntax error while parsing AST from file")


@pytest.mark.tool
def test_ruff_itself(tmp_path):
    source = tmp_path / "my model" / "app2" / "backend" / "a b.py"
    source.parent.mkdir(parents=True)
    source.write_text("import subprocess\nsubprocess.call(input(), shell=True)\n")
    command = (sys.executable, "-m", "ruff", "check", "--isolated", "--select", "S602", "--output-format")
    said = subprocess.run((*command, "sarif", "."), cwd=tmp_path, capture_output=True, check=False)
    path = tmp_path / "ruff.sarif"
    path.write_bytes(said.stdout)

    found = only(read_sarif(path, base=tmp_path))

    assert (found.model, found.app_num, found.path, found.line) == ("my model", 2, "backend/a b.py", 2)
    assert found.rule == "S602"


@pytest.mark.parametrize(
    ("result_changes", "rule", "severity"),
    [
        ({"level": "error"}, {}, "high"),
        ({"level": "note"}, {}, "low"),
        ({"level": "none"}, {}, "low"),
        ({}, {}, "medium"),
        ({}, {"defaultConfiguration": {"level": "error"}}, "high"),
        ({"level": "error"}, {"properties": {"security-severity": "3.9"}}, "low"),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, "high"),
        ({"properties": {"security-severity": 4.0}}, {"properties": {"security-severity": "9"}}, "medium"),
        ({"level": "error"}, {"properties": {"security-severity": "nan"}}, "high"),
        ({"level": "error"}, {"properties": {"security-severity": ["x"]}}, "high"),
    ],
)
def test_severity(result_changes, rule, severity, tmp_path):
    path = saved(tmp_path, run(one(**result_changes), rules=[{"id": "R", **rule}]))

    assert only(read_sarif(path)).severity == severity


@pytest.mark.parametrize(
    ("changes", "rule", "cwe"),
    [
        ({}, {"properties": {"tags": ["x", "external/cwe/cwe-079", "external/cwe/cwe-116"]}}, 79),
        ({}, {"properties": {"tags": ["CWE-22: Path Traversal"]}}, 22),
        ({}, {"properties": {"cwe": "CWE-23"}}, 23),
        ({}, {"properties": {"cwe": ["CWE-24"]}}, 24),
        ({}, {"relationships": [{"target": {"id": "25", "toolComponent": {"name": "CWE"}}}]}, 25),
        ({"taxa": [{"index": 0, "toolComponent": {"index": 0}}]}, {}, 26),
        ({"taxa": [{"id": "A03", "toolComponent": {"name": "OWASP"}}]}, {}, None),
        ({}, {"properties": {"tags": ["security", "CWE-", "acwe-79"]}}, None),
    ],
)
def test_weakness(changes, rule, cwe, tmp_path):
    taxonomies = [{"name": "CWE", "taxa": [{"id": "CWE-26"}]}]
    path = saved(tmp_path, run(one(**changes), rules=[{"id": "R", **rule}], taxonomies=taxonomies))

    assert only(read_sarif(path)).cwe == cwe


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"id": "m", "arguments": ["'x'", "7"]}, "'x' is 7 {2}"),
        ({"text": "{0} stays"}, "{0} stays"),
        ({"text": "a [b](2) [c](https://x.example/) [d] (e)"}, "a b c [d] (e)"),
        ({}, "short"),
    ],
)
def test_message(message, text, tmp_path):
    rule = {
        "id": "R",
        "messageStrings": {"m": {"text": "{0} is {1} {2}"}},
        "shortDescription": {"text": "short"},
    }
    assert only(read_sarif(saved(tmp_path, run(one(message=message), rules=[rule])))).message == text


@pytest.mark.parametrize(
    ("uri", "options", "place"),
    [
        ("m/app1/a.py", {}, ("m", 1, "a.py")),
        ("./m/app1/x/../a.py", {}, ("m", 1, "a.py")),
        ("m\\app1\\b\\a.py", {}, ("m", 1, "b/a.py")),
        ("m/app1/app2/a.py", {}, ("m", 1, "app2/a.py")),
        ("apps/m/app1/a.py", {}, ("m", 1, "a.py")),
        ("apps/m/app1/a.py", {"base": "apps"}, ("m", 1, "a.py")),
        ("file:///x/m/app12/a%23b.py", {}, ("m", 12, "a#b.py")),
        ("file:///C:/x/m/app12/a.py", {}, ("m", 12, "a.py")),
        ("C:\\x\\m\\app12\\a.py", {"base": "C:\\x"}, ("m", 12, "a.py")),
        ("file:///x/app9/m/app12/a.py", {"base": "/x/app9"}, ("m", 12, "a.py")),
        ("file://server/x/m/app1/a.py", {}, ("m", 1, "a.py")),
        ("a.py", {"model": "k", "app_num": 4}, ("k", 4, "a.py")),
        ("k/app4/a.py", {"model": "k", "app_num": 4}, ("k", 4, "a.py")),
        ("file:///x/k/app4/a.py", {"model": "k", "app_num": 4}, ("k", 4, "a.py")),
        ("file:///anywhere/a.py", {"model": "k", "app_num": 4, "base": "/anywhere"}, ("k", 4, "a.py")),
        ("", {"model": "k", "app_num": 4}, ("k", 4, "")),
    ],
)
def test_paths(uri, options, place, tmp_path):
    found = only(read_sarif(saved(tmp_path, run(one(uri))), **options))

    assert (found.model, found.app_num, found.path) == place


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("src/a.py", {}),
        ("", {}),
        ("m/app0/a.py", {}),
        ("../app1/a.py", {}),
        ("m/app1/../../../etc/passwd", {}),
        ("file:///x/m/app1/n/app2/a.py", {}),
        ("file:///y/m/app1/a.py", {"base": "/x"}),
        ("https://evil.example/m/app1/a.py", {}),
        ("file:///x/a.py", {"model": "k", "app_num": 4}),
        ("../a.py", {"model": "k", "app_num": 4}),
    ],
)
def test_what_belongs_to_no_app_is_told(uri, options, tmp_path):
    path = saved(tmp_path, run(one("m/app1/ok.py"), one(uri)))

    with pytest.raises(ReportError, match=r"1 of 2 results of 'in\.sarif'.*runs\[0\]\.results\[1\]"):
        read_sarif(path, **({"model": "m", "app_num": 1} | options if "model" in options else options))


def test_what_belongs_to_no_app_can_be_left_out_but_not_silently(tmp_path):
    path = saved(tmp_path, run(one(), *[one("src/a.py")] * 150))

    data = read_sarif(path, skip_unassigned=True)

    assert len(data.findings) == 1
    assert data.provenance["sarif"]["unassigned"]["count"] == 150
    assert len(data.provenance["sarif"]["unassigned"]["first"]) == 100


def test_results_that_are_no_faults_are_counted_not_taken(tmp_path):
    others = [one(kind="pass"), one(kind="notApplicable"), one(baselineState="absent"), one(kind="review")]

    data = read_sarif(saved(tmp_path, run(one(), *others)))

    assert data.provenance["sarif"]["left_out"] == {
        "kind pass": 1,
        "kind notApplicable": 1,
        "absent from this run": 1,
    }
    assert sorted(data.findings["tags"]) == ["", "unproven"]


@pytest.mark.parametrize(
    ("calls", "results", "status"),
    [
        ([{"executionSuccessful": True, "exitCode": 1}], (), "ok"),
        ([{"executionSuccessful": False}], (), "failed"),
        ([{"executionSuccessful": False}], (one(),), "partial"),
        ([{"executionSuccessful": True}, {"executionSuccessful": False}], (one(),), "partial"),
        ([{}], (), "failed"),
        ([], (), "partial"),
        ([{"executionSuccessful": True, "toolExecutionNotifications": [{"level": "error"}]}], (), "partial"),
        ([{"executionSuccessful": True, "toolExecutionNotifications": [{"level": "warning"}]}], (), "ok"),
        (
            [{"executionSuccessful": True, "toolConfigurationNotifications": [{"level": "error"}]}],
            (),
            "partial",
        ),
    ],
)
def test_coverage_is_what_the_file_says(calls, results, status, tmp_path):
    data = read_sarif(saved(tmp_path, run(*results, calls=calls)), model="m", app_num=1)
    (cell,) = coverage_records(data.coverage)

    assert cell.status == status
    assert is_complete(cell) is (status == "ok")
    assert cell.detail


def test_a_run_without_results_measured_nothing(tmp_path):
    broken = {"tool": {"driver": {"name": "Scan"}}}
    (cell,) = coverage_records(read_sarif(saved(tmp_path, broken), model="m", app_num=1).coverage)

    assert cell.status == "failed"


def test_two_runs_of_one_tool_are_one_cell_as_good_as_the_worse(tmp_path):
    good, bad = run(one()), run(calls=[{"executionSuccessful": False}])
    (cell,) = coverage_records(read_sarif(saved(tmp_path, good, bad), model="m", app_num=1).coverage)

    assert cell.status == "partial"


def test_an_app_without_a_result_is_not_known_to_be_clean(tmp_path):
    data = read_sarif(saved(tmp_path, run()))

    assert len(data.findings) == len(data.coverage) == 0


def test_bases_follow_each_other_and_a_circle_ends(tmp_path):
    place = {"artifactLocation": {"uri": "a.py", "uriBaseId": "SRC"}}
    result = one(locations=[{"physicalLocation": place}])
    bases = {"SRC": {"uri": "m/app3/", "uriBaseId": "TOP"}, "TOP": {"uri": "file:///x/"}}

    assert only(read_sarif(saved(tmp_path, run(result, originalUriBaseIds=bases)))).app_num == 3
    circle = {"SRC": {"uri": "x/", "uriBaseId": "SRC"}}
    with pytest.raises(ReportError, match="without end"):
        read_sarif(saved(tmp_path, run(result, originalUriBaseIds=circle)))


def test_only_the_region_counts_and_line_0_is_none(tmp_path):
    place = {"artifactLocation": {"uri": "m/app1/a.py"}, "contextRegion": {"startLine": 5}}
    path = saved(tmp_path, run(one(locations=[{"physicalLocation": place}]), one("m/app1/b.py", line=0)))

    assert [each.line for each in finding_records(read_sarif(path).findings)] == [None, None]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe{\x00", "no JSON"),
        (b"[" * 100_000, "deeply"),
        (b"[]", "no SARIF"),
        (b'{"version": "2.0.0", "runs": []}', "2.0.0"),
        (b'{"version": "2.1.0", "runs": {}}', "'runs' is not an array"),
        (b'{"version": "2.1.0", "runs": [1]}', "member of 'runs'"),
        (b'{"version": "2.1.0", "runs": [], "properties": {"batchnb": 1}}', "'batchnb' is not an object"),
        (b'{"version": "2.1.0", "runs": [], "properties": {"batchnb": {}}}', "format"),
        (b'{"version": "2.1.0", "x": NaN, "runs": []}', "NaN"),
        (b'{"version": "2.1.0", "x": ' + b"9" * 10_000 + b', "runs": []}', "no JSON"),
    ],
)
def test_what_is_no_sarif_is_refused(content, reason, tmp_path):
    path = tmp_path / "bad.sarif"
    path.write_bytes(content)

    with pytest.raises(ReportError, match=reason):
        read_sarif(path)


def test_a_mark_at_the_start_is_no_fault_but_size_is(tmp_path):
    path = tmp_path / "bom.sarif"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"version": "2.1.0", "runs": [run(one())]}).encode())

    assert len(read_sarif(path).findings) == 1
    with pytest.raises(ReportError, match="larger than 10 bytes"):
        read_sarif(path, max_bytes=10)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (one(ruleId=5), "'ruleId' is not a text"),
        (one(message="x"), "'message' is not an object"),
        (one(locations=[1]), "member of 'locations'"),
        (one(line="7"), "'startLine' is not a whole number"),
        (one(line=True), "'startLine' is not a whole number"),
        (one(line=10**30), "larger than any file"),
        (one(ruleIndex=9), "points at no object"),
    ],
)
def test_a_wrong_type_is_named_with_its_place(result, reason, tmp_path):
    with pytest.raises(ReportError, match=rf"runs\[0\]\.results\[1\]: .*{reason}"):
        read_sarif(saved(tmp_path, run(one(), result)))


def test_nothing_else_is_read(tmp_path, monkeypatch):
    def no_network(*_args, **_keywords):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_network)
    elsewhere = {"results": [{"location": {"uri": "https://evil.example/results.sarif"}}]}
    with pytest.raises(ReportError, match="in another file"):
        read_sarif(saved(tmp_path, run(externalPropertyFileReferences=elsewhere)))
    path = saved(tmp_path, run(one()), **{"$schema": "https://evil.example/"})
    assert len(read_sarif(path).findings) == 1


def test_names_that_nothing_could_write_down(tmp_path):
    data = read_sarif(saved(tmp_path, run(one("m%ED%A0%80/app1/a.py"), tool="t\ud800\u202e")))

    assert data.latest().findings["tool"].tolist() == ["t\\ud800\\u202e"]


def test_a_file_of_ours_with_such_names(tmp_path):
    log = _own_log()
    log["runs"][0]["tool"]["driver"]["name"] = "t\ud800"
    path = tmp_path / "own.sarif"
    path.write_text(json.dumps(log))

    assert read_sarif(path).latest().findings["tool"].tolist() == ["t\\ud800"]


@pytest.mark.parametrize("options", [{"model": "m"}, {"app_num": 1}, {"model": "m", "app_num": 0}])
def test_half_an_app_is_refused(options, tmp_path):
    with pytest.raises(InvalidValueError, match="model and app_num"):
        read_sarif(saved(tmp_path), **options)


SAMPLE = json.loads((SHAPES / "codeql.sarif").read_text("utf-8"))
JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.just([]), st.just({}))


def _places(node, path=()):
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _places(value, (*path, key))


def _own_log():
    from factories import coverage, finding, task

    tasks = [task()]
    data = Dataset.from_records(findings=[finding()], coverage=[coverage()], tasks=tasks)
    return json.loads(json.dumps(to_sarif(data)))


@pytest.mark.parametrize("log", [SAMPLE, _own_log()], ids=["foreign", "own"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_gives_a_dataset_or_a_report_error(log, data, tmp_path):
    damaged = copy.deepcopy(log)
    *way, last = data.draw(st.sampled_from([path for path in _places(log) if path]))
    node = damaged
    for key in way:
        node = node[key]
    node[last] = data.draw(JUNK)
    path = tmp_path / "damaged.sarif"
    path.write_text(json.dumps(damaged), "utf-8")

    try:
        found = read_sarif(path)
    except ReportError:
        return
    finding_records(found.findings)
    coverage_records(found.coverage)
    assert found.app_states() is not None
