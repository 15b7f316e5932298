"""Recorded load tests, read again: the numbers, the findings, and what they are worth."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from batchnb.analyzers.load.figures import summarize_load
from batchnb.analyzers.load.record import LoadRecord
from batchnb.analyzers.performance import PerformanceTester
from batchnb.analyzers.raw import RawAnalysis, RawTarget, ToolRun
from batchnb.records import CoverageStatus, Severity
from batchnb.records.errors import ReportError

DATA = Path(__file__).parent / "data" / "locust"
LIMITS = {"slow_ms": 1000, "failing_percent": 1.0}


def recorded(name):
    return (DATA / name).read_text("utf-8")


def raw_of(output, status=CoverageStatus.OK, detail="", **options):
    run = ToolRun(tool="locust", targets=(0,), status=status, detail=detail, version="2.47.0", output=output)
    target = RawTarget(model="atlas", app_num=2)
    return RawAnalysis(
        analysis_type="performance", options={**LIMITS, **options}, targets=(target,), runs=(run,)
    )


def read(output, **changes):
    return PerformanceTester("/apps").parse(raw_of(output, **changes))[0]


def changed(name, **values):
    return json.dumps({**json.loads(recorded(name)), **values})


def numbers(report, metric):
    return {each.subject: each for each in report.measurements if each.metric == metric}


def test_a_sample_app():
    report = read(recorded("sample_app.json"))
    (cell,) = report.coverage
    assert (cell.status, cell.files_eligible, cell.files_seen) == (CoverageStatus.PARTIAL, 5, 4)
    assert cell.tool_version == "2.47.0"
    assert [unread.path for unread in cell.unread] == ["GET /api/todos/1"]
    requests = numbers(report, "requests")
    assert set(requests) == {
        "",
        "GET /api/health",
        "GET /api/stats",
        "GET /api/todos/print?title=load",
        "GET /api/todos?q=load",
    }
    assert requests[""].value == sum(each.value for name, each in requests.items() if name)
    (cpu,), (memory,) = (numbers(report, name).values() for name in ("app_cpu_percent", "app_rss_mib"))
    assert (cpu.unit, memory.unit) == ("%", "MiB")
    assert 10 < cpu.low <= cpu.value <= cpu.high < 200
    assert 20 < memory.low <= memory.value == memory.high < 200
    assert report.issues == ()
    for name in ("p50", "p90", "p95", "p99"):
        for each in numbers(report, name).values():
            assert each.unit == "ms"
            assert each.low <= each.value
            assert each.high is None or each.value <= each.high


def test_figures_are_those_of_the_record():
    """What is reported is counted again here by hand, from the record as it lies there."""
    record = json.loads(recorded("plain.json"))
    report = read(recorded("plain.json"))
    mixed = [call for run in record["runs"] for call in run["calls"] if call["name"] == "GET /mixed"]
    times = sorted(
        int(micros) for call in mixed for micros, count in call["latencies"].items() for _ in range(count)
    )
    p90 = numbers(report, "p90")["GET /mixed"]
    assert p90.value == times[-(-len(times) * 9 // 10) - 1] / 1000
    assert p90.samples == len(times)
    flaky = [call for run in record["runs"] for call in run["calls"] if call["name"] == "GET /flaky"]
    failed, asked = (
        sum(call["failures"][0]["count"] for call in flaky),
        sum(call["requests"] for call in flaky),
    )
    assert numbers(report, "failure_ratio")["GET /flaky"].value == pytest.approx(failed / asked, abs=1e-4)
    rates = [sum(call["latencies"].values()) / 3 for call in mixed]
    rate = numbers(report, "requests_per_second")["GET /mixed"]
    assert rate.value == pytest.approx(sum(rates) / 2, abs=1e-3)
    assert (rate.low, rate.high) == pytest.approx((min(rates), max(rates)), abs=1e-3)
    (finding,) = report.issues
    assert (finding.rule, finding.severity, finding.path, finding.line) == (
        "http-errors",
        Severity.MEDIUM,
        "backend",
        None,
    )
    assert r"\x1b[31mdatabase" in finding.message


def test_a_dead_app_is_partial_with_a_finding():
    report = read(recorded("died.json"))
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.PARTIAL
    assert "stopped answering under load" in cell.detail
    assert "only 1 of 2 runs" not in cell.detail
    assert [finding.rule for finding in report.issues] == ["died-under-load", "http-errors"]
    assert "ConnectionRefusedError" in report.issues[1].message


def test_only_errors_are_a_failure_and_no_latency():
    report = read(recorded("fails.json"))
    assert report.coverage[0].status is CoverageStatus.FAILED
    assert (report.coverage[0].files_eligible, report.coverage[0].files_seen) == (1, 0)
    assert not report.is_measured
    assert numbers(report, "p50")[""].value is None
    assert numbers(report, "requests_per_second")[""].value == 0
    assert numbers(report, "failure_ratio")[""].value == 1


def test_errors_that_may_be_the_testers_fault_weigh_little():
    output = recorded("fails.json").replace("HTTP 503", "HTTP 409")
    (finding,) = read(output).issues
    assert (finding.severity, finding.confidence.value) == (Severity.LOW, "low")


def test_a_generator_that_got_no_processor_is_told():
    report = read(recorded("busy.json"))
    assert report.coverage[0].status is CoverageStatus.PARTIAL
    assert "the load generator was held up by other work on this machine" in report.coverage[0].detail


def test_a_generator_that_works_all_the_time_is_told():
    record = json.loads(recorded("busy.json"))
    for run in record["runs"]:  # the same work, on a machine with nothing else to do
        run["cpu"] = [[at, busy + waiting, 0.0] for at, busy, waiting in run["cpu"]]
    report = read(json.dumps(record))
    assert "was itself the bottleneck: it used 9" in report.coverage[0].detail
    assert summarize_load(LoadRecord.read(recorded("plain.json"))).bottleneck == ""


@pytest.mark.parametrize(
    ("cut", "runs", "status"),
    [
        ("cancelled", 1, CoverageStatus.CANCELLED),
        ("cancelled", 0, CoverageStatus.CANCELLED),
        ("timed_out", 0, CoverageStatus.TIMED_OUT),
        ("timed_out", 1, CoverageStatus.PARTIAL),
        ("the generator left no result (exit code 1)", 0, CoverageStatus.FAILED),
        ("the generator left no result (exit code 1)", 1, CoverageStatus.PARTIAL),
    ],
)
def test_what_was_cut_off_is_told(cut, runs, status):
    report = read(changed("plain.json", cut=cut, runs=json.loads(recorded("plain.json"))["runs"][:runs]))
    assert report.coverage[0].status is status
    assert report.coverage[0].detail
    assert bool(report.measurements) == bool(runs)


def test_counts_that_differ_are_a_failure():
    record = json.loads(recorded("plain.json"))
    record["runs"][0]["locust_requests"] += 1
    report = read(json.dumps(record))
    assert report.coverage[0].status is CoverageStatus.FAILED
    assert "Locust itself" in report.coverage[0].detail


def test_a_request_that_never_ended_is_told():
    record = json.loads(recorded("plain.json"))
    record["runs"][0]["begun"] += 2
    assert "2 requests were still open" in read(json.dumps(record)).coverage[0].detail


def test_long_runs_have_at_most_120_points():
    record = json.loads(recorded("plain.json"))
    record["window"] = [0.0, 300.0]
    record["runs"][0].update(seconds=300.5, timeline=[[second, 1] for second in range(301)])
    record["runs"] = record["runs"][:1]
    points = summarize_load(LoadRecord.read(json.dumps(record))).throughput
    assert len(points) == 100
    assert (points[1].second, points[1].width, points[1].failures) == (3, 3, 3)
    assert points[1].rate.value == 4  # of 3, 4 and 5
    assert points[-1].rate.value == 298


def test_seconds_after_the_last_answer_had_no_throughput():
    record = json.loads(recorded("plain.json"))
    record["window"], record["runs"] = [0.0, 4.0], record["runs"][:1]
    record["runs"][0].update(seconds=4.5, timeline=[[8, 0], [6, 0]])
    points = summarize_load(LoadRecord.read(json.dumps(record))).throughput
    assert [point.rate.value for point in points] == [8, 6, 0, 0]


@pytest.mark.parametrize(("answers", "confidence"), [(19, "low"), (20, "medium"), (2000, "high")])
def test_the_95th_percentile_of_a_few_answers_is_called_no_more_than_it_is(answers, confidence):
    record = json.loads(recorded("plain.json"))
    (run,) = record["runs"] = record["runs"][:1]
    slow = max(2, answers * 15 // 100)
    latencies = {"5000": answers - slow, "3000000": slow}
    call = {"requests": answers, "latencies": latencies, "statuses": {"200": answers}}
    run["calls"] = [{"name": "GET /mixed", "bytes": 0, "failures": [], **call}]
    (finding,) = read(json.dumps(record)).issues
    assert (finding.rule, finding.confidence.value) == ("slow-endpoint", confidence)
    assert f"the 95th percentile of {answers} answers is 3000 ms" in finding.message


def test_hostile_texts_are_data():
    record = json.loads(recorded("fails.json"))
    hostile = "\x1b]0;x\x07\u202e<script>alert(1)</script>" + "y" * 10_000
    record["runs"][0]["calls"][0]["failures"][0]["text"] = hostile
    record["last_words"], record["alive"] = hostile, False
    record["endpoints"][0]["answer"].update(status=0, error=hostile)
    record["runs"][0]["calls"][0]["name"] = record["endpoints"][0]["name"] = "GET /\u202e"
    report = read(json.dumps(record))
    texts = [
        *(finding.message for finding in report.issues),
        *(each.detail + each.subject for each in report.measurements),
        *(unread.path + unread.reason for unread in report.coverage[0].unread),
        report.coverage[0].detail,
    ]
    assert all(text.isprintable() and len(text) <= 2_100 for text in texts)


@pytest.mark.parametrize("output", ["", "{", "[]", '{"format": 2}', '{"format": 1, "target": "x"}'])
def test_what_is_no_record_is_a_failure(output):
    report = read(output)
    assert report.coverage[0].status is CoverageStatus.FAILED
    assert "record is not of the known form" in report.coverage[0].detail
    with pytest.raises(ReportError):
        LoadRecord.read(output)


def test_a_run_without_a_record_says_why():
    report = read("", status=CoverageStatus.TOOL_MISSING, detail="not installed")
    assert (report.coverage[0].status, report.coverage[0].detail) == (
        CoverageStatus.TOOL_MISSING,
        "not installed",
    )


def test_a_kept_analysis_gives_the_same_report(tmp_path):
    raw = raw_of(recorded("sample_app.json"))
    assert raw.keep(tmp_path / "raw.gz")
    with gzip.open(tmp_path / "raw.gz") as file:
        assert b"sample" not in file.read()[:10]
    again = RawAnalysis.load(tmp_path / "raw.gz")
    tester = PerformanceTester("/apps")
    assert tester.parse(again) == tester.parse(raw)
    assert tester.parse(replace(again, options={**LIMITS, "slow_ms": 1}))[0].issues
