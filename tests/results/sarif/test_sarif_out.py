"""SARIF files of ours are valid, say what was not measured, and give everything back."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from factories import HOSTILE, batch, coverage, finding, job, portfolio, result, task
from jsonschema import Draft202012Validator, FormatChecker

from batchnb.records import Confidence, CoverageStatus, Severity, TaskStatus
from batchnb.records.errors import InvalidValueError
from batchnb.results.dataset import Dataset
from batchnb.results.identity.compare import compare
from batchnb.results.sarif.reading import read_sarif
from batchnb.results.sarif.writing import to_sarif, write_sarif
from batchnb.tools.text import visible

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module", name="problems")
def _problems():
    schema = json.loads((DATA / "sarif-2.1.0.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(schema, format_checker=FormatChecker())

    def problems(log):
        return [f"{list(error.absolute_path)}: {error.message:.200}" for error in validator.iter_errors(log)]

    assert problems({"version": "2.1.0", "runs": [{}]})  # the schema is at work
    return problems


def dataset(findings=(), cells=(), tasks=()):
    results = [
        result(each, [one for one in findings if one.task_id == each.id])
        for each in tasks
        if each.status.is_ended
    ]
    return Dataset.from_records(
        jobs=[job(tasks)],
        tasks=tasks,
        results=results,
        findings=findings,
        coverage=cells,
        portfolio=portfolio(),
        provenance={"versions": {"python": "3.11"}},
    )


def whole_batch():
    tasks, findings, cells = batch()
    tasks.append(task(99, "gpt-4o", 9, TaskStatus.FAILED))  # it left no coverage at all
    return dataset(findings, cells, tasks)


def hostile_batch():
    findings = []
    for number, text in enumerate(HOSTILE):
        findings.append(
            finding(
                model=visible(text),
                app_num=7,
                number=number,
                tool=visible(text),
                rule=text,
                message=f"{text} [click](http://evil.example) {{0}} @everyone",
                path=f"{text}/../a:b%2e c.py",
                snippet=text,
                line=3 if number % 2 else None,
                confidence=Confidence.LOW,
                tags=("noise", "suppressed"),
            )
        )
    findings += [
        finding(path="", message="", line=0, column=0, snippet="kept", cwe=None),
        finding(path="/etc/passwd", column=None, snippet=""),
        finding(path="../../outside", model=".."),
        finding(path="a//b/./c"),
    ]
    cells = [
        coverage(model=visible(text), tool=visible(text), detail=text, stderr_tail=text) for text in HOSTILE
    ]
    return dataset(findings, cells)


def results_of(log):
    return [result for run in log["runs"] for result in run["results"]]


@pytest.mark.parametrize("make", [whole_batch, hostile_batch, dataset], ids=["batch", "hostile", "empty"])
def test_the_file_is_valid_and_gives_every_frame_back(make, problems, tmp_path):
    before = make()

    log = to_sarif(before)
    path = write_sarif(before, tmp_path / "out.sarif")
    again = read_sarif(path)

    assert problems(log) == []
    assert json.loads(path.read_text("ascii")) == json.loads(json.dumps(log))
    for name, frame in before.frames.items():
        pd.testing.assert_frame_equal(again.frames[name], frame)
    assert again.provenance == before.provenance


def test_equal_datasets_give_equal_files(tmp_path):
    one, other = (write_sarif(whole_batch(), tmp_path / name) for name in ("1.sarif", "2.sarif"))

    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("status", list(CoverageStatus))
def test_each_cell_is_an_invocation_and_what_it_lacks_a_notification(status):
    (run,) = to_sarif(dataset(cells=[coverage(status=status, detail="because", exit_code=3)]))["runs"]
    (call,) = run["invocations"]

    works = status.is_measured or status is CoverageStatus.NOT_APPLICABLE
    assert call["executionSuccessful"] is works
    assert call["exitCode"] == 3
    notes = call.get("toolExecutionNotifications", [])
    if status is CoverageStatus.OK:
        assert notes == []
        return
    (note,) = notes
    known = run["tool"]["driver"]["notifications"]
    assert known[note["descriptor"]["index"]]["id"] == note["descriptor"]["id"] == str(status)
    assert (note["level"] == "error") is not works or status is CoverageStatus.CANCELLED
    assert "because" in note["message"]["text"]


def test_what_no_tool_reported_is_told_by_a_run_of_its_own():
    run = to_sarif(whole_batch())["runs"][-1]

    assert run["tool"]["driver"]["name"] == "batchnb"
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is False
    texts = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert any(re.search(r"gpt-4o app 9: .*failed", text) for text in texts)


def test_a_result_says_where_what_and_how_bad():
    found = finding(
        path="backend/ü b.py", severity=Severity.HIGH, cwe=89, confidence=Confidence.HIGH, tags=("noise",)
    )
    (run,) = to_sarif(dataset([found, finding(number=2)]))["runs"][:1]
    (one, _) = run["results"]
    rule = run["tool"]["driver"]["rules"][one["ruleIndex"]]
    place = one["locations"][0]["physicalLocation"]

    assert place["artifactLocation"]["uri"] == "gpt-4o/app1/backend/%C3%BC%20b.py"
    assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
    assert place["region"]["startLine"], place["region"]["startColumn"] == (10, 5)
    assert one["level"] == "error"
    assert one["properties"]["confidence"] == "high"
    assert one["properties"]["tags"] == ["noise"]
    assert one["partialFingerprints"]["batchnb/v1"] == found.fingerprint
    assert rule["id"] == one["ruleId"] == "B608"
    assert rule["properties"]["tags"] == ["security", "external/cwe/cwe-089"]
    assert float(rule["properties"]["security-severity"]) >= 7
    target = rule["relationships"][0]["target"]
    taxonomy = run["taxonomies"][target["toolComponent"]["index"]]
    assert target["id"] in {taxon["id"] for taxon in taxonomy["taxa"]}


def test_hostile_texts_are_dead():
    for one in results_of(to_sarif(hostile_batch())):
        uri = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert "](" not in one["message"]["text"]
        assert not {"", ".", ".."} & set(unquote(uri).rstrip("/").split("/")[:2])
        assert re.fullmatch(r"[A-Za-z0-9%/._~-]+", uri)
        assert "/../" not in f"/{uri}/"


def test_a_comparison_gives_baseline_states(problems, tmp_path):
    kept, fixed, unread = (finding(number=n, tool="bandit") for n in (0, 1, 2))
    unread = finding(number=2, tool="bandit", app_num=2)
    new = finding(number=4, app_num=1, tool="bandit")
    before = dataset([kept, fixed, unread], [coverage(app_num=1), coverage(app_num=2)])
    after = dataset(
        [kept, new],
        [coverage(app_num=1), coverage(app_num=2, status=CoverageStatus.TIMED_OUT)],
    )

    log = to_sarif(after, comparison=compare(before, after))
    states = {
        (one["partialFingerprints"]["batchnb/v1"], bool(one["properties"].get("notRemeasured"))): one[
            "baselineState"
        ]
        for one in results_of(log)
    }
    path = write_sarif(after, tmp_path / "c.sarif", comparison=compare(before, after))

    assert problems(log) == []
    assert states == {
        (kept.fingerprint, False): "unchanged",
        (new.fingerprint, False): "new",
        (fixed.fingerprint, False): "absent",
        (unread.fingerprint, True): "unchanged",
    }
    assert "1 earlier finding of bandit not re-measured" in json.dumps(log["runs"][-1])
    pd.testing.assert_frame_equal(read_sarif(path).findings, after.findings)


@pytest.mark.parametrize(
    ("verdict", "suppressed"), [("false_positive", True), ("accepted", True), ("confirmed", False)]
)
def test_a_verdict_suppresses(verdict, suppressed, problems):
    data = dataset([finding()])
    data.findings["verdict"] = verdict

    (one,) = results_of(log := to_sarif(data))

    assert problems(log) == []
    assert ("suppressions" in one) is suppressed
    assert one["properties"]["verdict"] == verdict


def test_a_bad_target_leaves_nothing(tmp_path):
    with pytest.raises(InvalidValueError, match="SARIF path"):
        write_sarif(dataset(), tmp_path / "no" / "x.sarif")
    with pytest.raises(InvalidValueError, match="source"):
        write_sarif([], tmp_path / "x.sarif")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_on_the_way_keeps_the_old_file(tmp_path):
    old = tmp_path / "x.sarif"
    old.write_text("old")
    data = dataset([finding()])
    data.provenance["bad"] = object()

    with pytest.raises(TypeError):
        write_sarif(data, old)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def many(count):
    findings = [finding(app_num=1 + n % 30, number=n) for n in range(count)]
    return Dataset.from_records(findings=findings, coverage=[coverage(app_num=n) for n in range(1, 31)])


@pytest.mark.slow
def test_a_hundred_thousand_findings(tmp_path):
    data = many(100_000)

    start = time.process_time()
    path = write_sarif(data, tmp_path / "big.sarif")
    wrote = time.process_time()
    again = read_sarif(path)
    read = time.process_time()

    pd.testing.assert_frame_equal(again.findings, data.findings)
    size = path.stat().st_size
    print(f"{size:,} bytes written in {wrote - start:.1f} s, read in {read - wrote:.1f} s of CPU time")
    assert wrote - start < 60
    assert read - wrote < 60


def test_the_text_is_never_whole_in_memory(tmp_path):
    data = many(10_000)
    tracemalloc.start()
    path = write_sarif(data, tmp_path / "big.sarif")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1.5 * path.stat().st_size  # as objects it takes several times that
