"""The sample apps, started in the sandbox and probed: the seeded faults are found, their twins are clean."""

import json
from dataclasses import dataclass

import pytest
from launching import STARTING, seed_flask, shared_cache, use_cache
from support import EXAMPLES, make_apps

from batchnb.analyzers.base import AnalysisContext, check_options
from batchnb.analyzers.dast import wapiti
from batchnb.analyzers.zap import ZapAnalyzer
from batchnb.records import CoverageStatus, Severity
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.launch import bubblewrap

pytestmark = [
    pytest.mark.tool,
    pytest.mark.slow,
    pytest.mark.skipif(bubblewrap() is None, reason="bubblewrap is not installed"),
]

TRUTH = json.loads((EXAMPLES / "truth.json").read_text())
# Seeded faults that can be reached over HTTP, but that no probe of this kind tells from a feature: it would
# have to know who may see what (259, 306, 290, 639), what a price or a quantity may be (20, 472), how a key
# was made (327); or that need a payload of their own: a pickle in a cookie, a tar file, a server to ask.
OUT_OF_REACH = {
    "atlas-4.app3.1",
    "atlas-4.app3.2",
    "atlas-4.app3.4",
    "atlas-4.app4.3",
    "atlas-4.app4.4",
    "atlas-4.app4.6",
    "comet-large.app3.3",
    "comet-large.app3.5",
    "comet-large.app3.6",
    "comet-large.app4.2",
    "comet-large.app4.5",
}
# What else is true of an app: the template injection also reflects markup, and the debug mode shows its
# debugger and stack traces to visitors.
ALSO_TRUE = {("birch-mini", 1): {"reflected-xss", "debug-mode", "error-page-stack-trace"}}
RUNS = [
    ("atlas-4", 1),
    ("atlas-4", 2),
    ("atlas-4", 3),
    ("atlas-4", 4),
    ("birch-mini", 1),
    ("birch-mini", 2),
    ("comet-large", 3),
    ("comet-large", 4),
]


@dataclass(frozen=True)
class Place:
    cwe: int
    method: str
    path: str

    def is_that_of(self, finding):
        subject = f"{self.method} {self.path}"
        told = finding.message.startswith((f"{subject},", f"{subject}:"))
        # One header, or one error page, is one finding that names who shows it.
        whole = finding.rule in {"cors-reflected-credentials", "error-page-stack-trace"}
        return finding.cwe == self.cwe and (told or (whole and subject in finding.message))


def faults(model, app_num):
    (entry,) = [app for app in TRUTH["apps"] if (app["model"], app["app"]) == (model, app_num)]
    return [
        Place(fault["cwe"], fault["dast"]["method"], fault["dast"]["path"])
        for fault in entry["faults"]
        if fault["dast"] and fault["id"] not in OUT_OF_REACH
    ]


@pytest.fixture
def probed(tmp_path, tmp_path_factory, monkeypatch):
    use_cache(monkeypatch, shared_cache(tmp_path_factory))

    def probed(model, app_num, base=EXAMPLES / "portfolio", **options):
        analyzer = ZapAnalyzer(base)
        if (model, app_num) in STARTING:
            seed_flask(analyzer.find_app(model, app_num).path / "backend")
        context = AnalysisContext(
            scratch=tmp_path,
            deadline=Deadline.after(240),
            cancel=CancelToken(),
            progress=lambda percent: None,
        )
        app = analyzer.find_app(model, app_num)
        return analyzer.analyze(app, check_options(ZapAnalyzer, options, "test"), context)

    return probed


@pytest.mark.timeout(300)  # one app hashes a password for each of some hundred requests
@pytest.mark.parametrize(("model", "app_num"), RUNS)
def test_seeded_faults_are_found_and_nothing_else(probed, model, app_num):
    report = probed(model, app_num)

    cell = next(cell for cell in report.coverage if cell.tool == "probe")
    assert cell.status.is_measured, cell.detail
    assert cell.files_seen >= cell.files_eligible - 1, cell.unread
    expected = faults(model, app_num)
    missed = [place for place in expected if not any(map(place.is_that_of, report.issues))]
    assert missed == []
    serious = [issue for issue in report.issues if issue.severity is not Severity.LOW]
    alarms = [
        issue.message
        for issue in serious
        if issue.rule not in ALSO_TRUE.get((model, app_num), ())
        and not any(place.is_that_of(issue) for place in expected)
    ]
    assert alarms == []


@pytest.mark.parametrize(("model", "app_num"), [("birch-mini", 3), ("comet-large", 1), ("comet-large", 2)])
def test_apps_that_do_not_start_are_not_clean(probed, model, app_num):
    report = probed(model, app_num)

    cell = next(cell for cell in report.coverage if cell.tool == "probe")
    assert cell.status is CoverageStatus.FAILED
    assert cell.detail


def test_every_twin_is_on_an_app_that_was_probed():
    """So that a twin that is reported is an alarm in the test above."""
    twins = {(twin["model"], twin["app"]) for twin in TRUTH["twins"] if twin["method"]}
    assert twins <= set(RUNS)


@pytest.mark.skipif(wapiti.command() is None, reason="wapiti is not installed")
def test_wapiti_joins_the_app_in_its_network(probed):
    report = probed("atlas-4", 4, probe=False, wapiti=True, wapiti_minutes=1)

    cell = next(cell for cell in report.coverage if cell.tool == "wapiti")
    assert cell.status.is_measured, cell.detail
    found = {(issue.cwe, issue.path, issue.message.partition(":")[0]) for issue in report.issues}
    assert (78, "backend/app.py", "GET /api/inspect, parameter name") in found


GREEDY = """
from flask import Flask, request
app = Flask(__name__)
kept = []

@app.get("/item")
def item():
    while "passwd" in request.args.get("q", ""):
        kept.append(b"x" * (8 << 20))
    return {"ok": True}

@app.get("/other")
def other():
    return {"ok": True}
"""


def test_an_app_that_runs_out_of_memory_under_the_test_is_not_clean(probed, tmp_path):
    base = make_apps(tmp_path / "apps", {"m": [1]})
    (base / "m" / "app1" / "backend" / "app.py").write_text(GREEDY)
    (base / "m" / "app1" / "backend" / "requirements.txt").write_text("flask\n")
    seed_flask(base / "m" / "app1" / "backend")
    report = probed("m", 1, base, memory_mib=256)

    cell = next(cell for cell in report.coverage if cell.tool == "probe")
    assert cell.status in {CoverageStatus.FAILED, CoverageStatus.PARTIAL}
    assert "memory" in cell.detail.lower(), cell.detail
    assert "GET /item" in {unread.path for unread in cell.unread}
