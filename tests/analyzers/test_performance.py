"""Load tests for real: Locust against servers with known delays and failures."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import psutil
import pytest
from support import EXAMPLES

from batchnb.analyzers.base import AnalysisContext, check_options
from batchnb.analyzers.isolated import isolate
from batchnb.analyzers.load.endpoints import named_endpoints
from batchnb.analyzers.load.options import LoadOptions
from batchnb.analyzers.load.session import LoadSession
from batchnb.analyzers.performance import PerformanceTester
from batchnb.records import AnalysisReport, CoverageStatus, Severity
from batchnb.records.errors import AnalyzerError, InvalidValueError, ToolMissingError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.targets import check_target

TARGET = Path(__file__).with_name("load_target.py")
MEASURED = {CoverageStatus.OK, CoverageStatus.PARTIAL}  # partial: this machine is busy, which the report says
SHORT = {"spawn_rate": 100, "warm_up_seconds": 0.5, "repeats": 1}
pytestmark = [pytest.mark.tool, pytest.mark.xdist_group("load")]


class Server:
    """A `load_target.py` in a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(TARGET), *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def ask(self, path):
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def counts(self):
        return self.ask("/counts")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(name="serve")
def _serve():
    servers = []

    def serve(*arguments):
        servers.append(Server(*arguments))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.fixture(name="server")
def _server(serve):
    return serve()


@pytest.fixture(name="swift")
def _swift():
    """Give the address of a server that does next to nothing for an answer."""
    program = """
import asyncio
class Swift(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
async def main():
    server = await asyncio.get_running_loop().create_server(Swift, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def load(url, endpoints, users=8, seconds=1, **options):
    values = {"user_count": users, "run_time": seconds, **SHORT, **options}
    return PerformanceTester.run_test_library("a test", url, endpoints, **values)


def generators():
    """Return the load generators that this process has started and that still run."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            found += [process.pid] if any("locustfile.py" in part for part in process.cmdline()) else []
        except psutil.Error:
            continue
    return found


def by_name(report):
    return {figures.name: figures for figures in report.endpoints}


# ------------------------------------------------------------------------------------------ the numbers


def test_percentiles_are_those_of_the_server(server):
    report = load(server.url, ["GET /mixed"], users=10, seconds=3)
    assert report.coverage.status in MEASURED, report.coverage
    latency = report.total.latency
    truth = sorted(server.ask("/durations"))  # in ms, as the server saw them; they sleep 10, 60 or 150 ms
    slack = 20 + 2 * report.summary.generator_lag_ms.value
    for name, share, least in (("p50", 0.5, 10), ("p95", 0.95, 60)):
        expected = truth[int(len(truth) * share)]
        assert least <= latency[name].value
        assert expected - 5 <= latency[name].value <= expected + slack, (name, expected, latency)
        assert latency[name].low <= latency[name].value
    assert latency["p99"].value >= 150
    assert latency["p50"].low >= 10
    assert latency["p50"].high >= latency["p50"].value


def test_failures_are_counted_with_their_texts(server):
    report = load(server.url, ["GET /flaky", {"path": "/delay/5", "weight": 1}])
    flaky, steady = by_name(report)["GET /flaky"], by_name(report)["GET /delay/5"]
    assert flaky.failure_ratio.value == pytest.approx(0.25, abs=0.02)
    assert flaky.failure_ratio.low < 0.25 < flaky.failure_ratio.high
    assert [(kind, text) for kind, text, _ in flaky.reasons] == [
        ("HTTP 500", "the \x1b[31mdatabase\x1b[0m is locked")
    ]
    assert (steady.failures, steady.statuses) == (0, {200: steady.requests})
    (finding,) = [each for each in report.findings if each.rule == "http-errors"]
    assert (finding.severity, finding.confidence.value) == (Severity.MEDIUM, "high")
    assert r"HTTP 500 (the \x1b[31mdatabase" in finding.message
    assert finding.message.isprintable()


def test_every_request_of_the_server_is_in_the_record(server, tmp_path):
    session = session_of(server.url, tmp_path, users=5, run_seconds=1, repeats=2, warm_up_seconds=0.5)
    record = session.measure(named_endpoints(["/one", "/two"]))
    seen = server.counts()
    begun = sum(run.begun for run in record.runs)
    assert seen["/one"] + seen["/two"] == begun + 2 + 1  # the pre-flight check and the last look
    for run in record.runs:
        assert run.begun == run.locust_requests == sum(good + bad for good, bad in run.timeline)
        assert 0 < sum(call.requests for call in run.calls) < run.begun  # without the warm-up


def session_of(url, folder, cancel=None, deadline=None, progress=None, **options):
    context = AnalysisContext(
        scratch=folder,
        deadline=deadline or Deadline.after(60),
        cancel=cancel or CancelToken(),
        progress=progress or (lambda percent: None),
    )
    values = LoadOptions(**{**SHORT, **options})
    return LoadSession(target=check_target(url), options=values, context=context)


def test_throughput_is_told_over_time_and_between_runs(server):
    report = load(server.url, ["/delay/20"], users=4, seconds=2, repeats=2)
    points = report.summary.throughput
    assert [point.second for point in points] == [0, 1]
    assert [point.warm_up for point in points] == [True, False]
    expected = 4 / 0.020
    assert all(0 < point.rate.value <= 1.05 * expected for point in points)
    rate = report.total.requests_per_second
    assert rate.low <= rate.value <= rate.high
    assert rate.value <= 1.05 * expected
    named = [number for number in report.measurements if number.metric == "throughput"]
    assert [number.subject for number in named] == ["t=0s", "t=1s"]
    json.dumps(report.as_dict())


def test_a_server_that_is_faster_than_the_generator_is_told(swift):
    """Whether the generator uses all of a processor, or gets too little of one, the report says so."""
    report = load(swift, ["/"], users=20, warm_up_seconds=0.2, max_requests=1_000_000)
    assert report.coverage.status is CoverageStatus.PARTIAL
    assert "the load generator was" in report.coverage.detail
    summary = report.summary
    assert summary.generator_cpu_percent.value + summary.generator_wait_percent.value >= 85


def test_a_slow_endpoint_is_a_finding(server):
    report = load(server.url, ["/delay/120", "/fast"], slow_ms=100)
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("slow-endpoint", Severity.LOW)
    assert finding.message.startswith("GET /delay/120 is slow under load")


def test_bodies_headers_and_weights_are_sent(server):
    report = load(
        server.url,
        [
            {"method": "POST", "path": "/echo", "body": {"title": "load"}, "weight": 9},
            {"method": "PUT", "path": "/echo", "body": "not json"},
            "/fast",
        ],
    )
    figures = by_name(report)
    assert figures["POST /echo"].statuses == {201: figures["POST /echo"].requests}
    assert figures["POST /echo"].requests > 4 * figures["GET /fast"].requests
    assert report.coverage.status is CoverageStatus.PARTIAL
    assert "PUT /echo" in report.coverage.detail


# -------------------------------------------------------------------------------- what is not "fast"


def test_a_closed_port_is_a_connection_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ConnectionError, match="refused") as caught:
            load(f"http://127.0.0.1:{port}", ["/"])
    assert isinstance(caught.value, AnalyzerError)


def test_a_silent_target_is_a_timeout():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(TimeoutError, match=r"no answer within 0\.3 s"):
            load(f"http://127.0.0.1:{silent.getsockname()[1]}", ["/"], request_timeout_seconds=0.3)


def test_a_server_that_dies_is_not_a_fast_one(serve):
    server = serve(150)
    report = load(server.url, ["/delay/20"], users=4, seconds=8, warm_up_seconds=0)
    assert server.process.wait() == 3
    assert report.coverage.status is CoverageStatus.PARTIAL
    assert "the app stopped answering under load" in report.coverage.detail
    assert report.findings[0].rule == "died-under-load"
    assert report.findings[0].severity is Severity.HIGH
    assert "noticed" in report.coverage.detail  # it is not waited for until the end
    # Nearly 149 answers in a window of eight seconds: the time in which it was dead counts.
    assert report.total.requests_per_second.value == pytest.approx(149 / 8, abs=2)
    assert report.total.failures < 300  # refused connections do not turn into a flood


def test_a_target_that_only_fails_has_no_latency(server):
    report = load(server.url, ["/fails"])
    assert report.coverage.status is CoverageStatus.FAILED
    assert "every request failed" in report.coverage.detail
    assert "HTTP 503 (closed)" in report.coverage.detail
    assert all(estimate.value is None for estimate in report.total.latency.values())
    assert report.total.requests_per_second.value == 0
    assert [finding.severity for finding in report.findings] == [Severity.HIGH]


def test_endpoints_that_do_not_answer_well_are_named_and_not_loaded(server):
    report = load(server.url, ["/fast", "/missing/1", "/hangs"], request_timeout_seconds=1)
    assert report.coverage.status is CoverageStatus.PARTIAL
    assert (report.coverage.files_eligible, report.coverage.files_seen) == (3, 2)
    (unread,) = report.coverage.unread
    assert unread.path == "GET /missing/1"
    assert unread.reason == "the pre-flight request was answered by HTTP 404"
    assert server.counts()["/missing/1"] == 1
    hangs = by_name(report)["GET /hangs"]
    assert (hangs.statuses, hangs.reasons[0][:2]) == (
        {0: hangs.requests},
        ("timeout", "no answer within 1 s"),
    )


def test_all_endpoints_missing_is_a_failure(server):
    report = load(server.url, ["/missing/1", "/missing/2"])
    assert report.coverage.status is CoverageStatus.FAILED
    assert report.measurements == ()


def test_an_answer_without_end_is_a_failure(server):
    report = load(server.url, ["/endless", "/fast"], users=2, request_timeout_seconds=2)
    endless = by_name(report)["GET /endless"]
    assert endless.failures == endless.requests > 0
    assert by_name(report)["GET /fast"].answered > 0


def test_the_limit_on_requests_is_kept_and_told(server):
    report = load(server.url, ["/delay/20"], max_requests=200, warm_up_seconds=0)
    assert server.counts()["/delay/20"] == 200 + 2
    assert report.coverage.status is CoverageStatus.PARTIAL
    assert "the limit on requests ended a run early" in report.coverage.detail


# -------------------------------------------------------------------------------------- where it goes


def test_redirects_are_not_followed(serve):
    server, other = serve(), serve()
    report = load(server.url, [f"/away?{other.url}/trap"])
    assert report.total.statuses == {302: report.total.requests}
    assert "/trap" not in other.counts()


def test_only_loopback_is_loaded():
    for host in ("http://example.com", "http://127.0.0.1@example.com", "http://10.0.0.1:80", "file:///etc"):
        with pytest.raises(InvalidValueError, match="target address"):
            load(host, ["/"])


@pytest.mark.parametrize("whose", ["the app's folder", "the home folder", "the environment"])
def test_no_configuration_of_others_reaches_locust(whose, serve, tmp_path, monkeypatch):
    """A naive start of Locust obeys a file or variable that names another host; ours does not."""
    server, other = serve(), serve()
    folder, home = tmp_path / "app", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    settings = f"host = {other.url}\nusers = 3\nheadless = true\nrun-time = 1s\n"
    variables = {}
    if whose == "the app's folder":
        (folder / "locust.conf").write_text(settings)
    elif whose == "the home folder":
        (home / ".locust.conf").write_text(settings)
    else:
        variables = {"LOCUST_HOST": other.url, "LOCUST_USERS": "3", "LOCUST_RUN_TIME": "1s"}
        variables["LOCUST_HEADLESS"] = "1"
    naive = tmp_path / "naive.py"
    naive.write_text(
        "from locust import FastHttpUser, task\n"
        "class U(FastHttpUser):\n"
        "    @task\n"
        "    def ask(self):\n"
        "        self.client.get('/trap')\n"
    )
    plain = {"PATH": os.environ["PATH"], "LOCUST_SKIP_UPDATE": "1"}
    command = [sys.executable, "-m", "locust", "-f", str(naive)]
    environment = {**plain, "HOME": str(home), **variables}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False)
    assert other.counts()["/trap"] > 0

    before = other.counts()
    monkeypatch.chdir(folder)
    for name, value in {"HOME": str(home), **variables}.items():
        monkeypatch.setenv(name, value)
    report = load(server.url, ["/trap"], users=2, seconds=1, warm_up_seconds=0)
    assert report.total.requests > 0
    assert server.counts()["/trap"] >= report.total.requests + 2  # more: those before all users were there
    assert other.counts() == {**before, "/counts": before["/counts"] + 1}


# ------------------------------------------------------------------------------------- being stopped


def test_cancelling_ends_it_at_once_and_leaves_nothing(server):
    cancel = CancelToken()
    running = threading.Event()

    def progress(percent):
        if percent > 15:
            running.set()

    watcher = threading.Thread(target=lambda: running.wait(60) and cancel.cancel("enough"))
    watcher.start()
    report = load(server.url, ["/fast"], seconds=60, cancel=cancel, progress=progress)
    watcher.join()
    assert report.coverage.status is CoverageStatus.CANCELLED
    assert report.coverage.seconds < 60
    assert generators() == []


def test_a_deadline_that_is_moved_ends_a_run(server, tmp_path):
    deadline = Deadline.after(200)

    def progress(percent):
        if percent > 15:
            deadline.move(0.0)

    session = session_of(server.url, tmp_path, deadline=deadline, progress=progress, run_seconds=60)
    record = session.measure(named_endpoints(["/fast"]))
    assert (record.cut, record.runs, record.alive) == ("timed_out", (), None)
    assert generators() == []


def test_a_run_that_cannot_end_in_time_is_not_begun(server, tmp_path):
    session = session_of(server.url, tmp_path, deadline=Deadline.after(20), run_seconds=60)
    record = session.measure(named_endpoints(["/fast"]))
    assert (record.cut, record.runs) == ("timed_out", ())
    assert server.counts()["/fast"] == 1


# ------------------------------------------------------------------------------------- whole analyses


def options(**values):
    return check_options(PerformanceTester, {"run_seconds": 2, **SHORT, **values}, "test")


def analyze(base, model, app_num, folder, **values):
    tester = PerformanceTester(base)
    raw_file = folder / "raw.gz"
    context = AnalysisContext(
        scratch=folder / "scratch",
        deadline=Deadline.after(100),
        cancel=CancelToken(),
        progress=lambda percent: None,
        raw_file=raw_file,
    )
    context.scratch.mkdir()
    return tester.analyze(tester.find_app(model, app_num), options(**values), context)


def value(report: AnalysisReport, metric, subject=""):
    (found,) = [each for each in report.measurements if (each.metric, each.subject) == (metric, subject)]
    return found.value


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="apps are started in bubblewrap, which is missing")
def test_a_sample_app_is_started_and_loaded(tmp_path):
    report = analyze(EXAMPLES / "portfolio", "atlas-4", 2, tmp_path)
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.PARTIAL, cell
    assert [(unread.path, unread.reason[-8:]) for unread in cell.unread] == [("GET /api/todos/1", "HTTP 404")]
    assert value(report, "requests", "GET /api/health") > 20
    assert value(report, "failure_ratio") == 0
    assert value(report, "app_cpu_percent") > 1
    assert 10 < value(report, "app_rss_mib") < 1024
    assert 0 < value(report, "generator_cpu_percent") < 150
    assert (tmp_path / "raw.gz").exists()


def test_an_app_that_runs_already_is_loaded_in_a_worker(server, tmp_path):
    folder = tmp_path / "atlas" / "app1" / "backend"
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(
        "from flask import Flask\napp = Flask(__name__)\n\n@app.route('/fast')\ndef fast():\n    return 'x'\n"
    )
    (folder.parent / "locust.conf").write_text("host = http://127.0.0.1:9\n")
    tester = isolate(PerformanceTester, tmp_path)
    context = AnalysisContext(
        scratch=tmp_path, deadline=Deadline.after(100), cancel=CancelToken(), progress=lambda percent: None
    )
    report = tester.analyze(tester.find_app("atlas", 1), options(address=server.url), context)
    (cell,) = report.coverage
    assert cell.status in MEASURED, cell
    assert value(report, "requests", "GET /fast") > 20
    assert value(report, "app_cpu_percent") is None


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("raise SystemExit(3)", "the generator left no result (exit code 3)"),
        (
            "open('result.json', 'w').write('{}')",
            "the generator left a result of an unknown form (exit code 0)",
        ),
        ("import os; os.kill(os.getpid(), 9)", "the generator left no result (exit code -9)"),
    ],
)
def test_a_generator_that_fails_is_told(program, why, server, tmp_path, monkeypatch):
    command = (sys.executable, "-c", program)
    monkeypatch.setattr("batchnb.analyzers.load.plan.command_of", lambda *_: command)
    record = session_of(server.url, tmp_path).measure(named_endpoints(["/fast"]))
    assert (record.cut, record.runs) == (why, ())


def test_a_generator_that_is_killed_half_way_leaves_no_half_result(server, tmp_path):
    def kill(percent):
        if percent >= 60:
            for process in generators():
                os.kill(process, 9)

    session = session_of(server.url, tmp_path, progress=kill, users=2, run_seconds=6, warm_up_seconds=0)
    record = session.measure(named_endpoints(["/delay/20"]))
    assert (record.cut, record.runs) == ("the generator left no result (exit code -9)", ())


def test_locust_is_never_imported_here():
    program = (
        "import sys, batchnb.analyzers.performance; sys.exit(bool({'locust', 'gevent'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_locust_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("batchnb.analyzers.performance.find_spec", lambda name: None)
    tester = PerformanceTester(tmp_path)
    assert tester.missing_tools() == ("locust",)
    with pytest.raises(ToolMissingError):
        load("http://127.0.0.1:9", ["/"])
