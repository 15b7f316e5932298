"""One call of a tool serves many apps; the one that breaks it is found, and only it suffers."""

import json
import sys
from collections import Counter

import pytest
from support import FAULT, make_apps, write

from batchnb.analyzers import source_collect
from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.base import AnalysisContext
from batchnb.analyzers.raw import RawAnalysis
from batchnb.analyzers.scanners.base import Scanner, ScanReport, load_json
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.analyzers.staged_files import place_in
from batchnb.records import CoverageStatus
from batchnb.tools.cancellation import CancelToken, Deadline

SCRIPT = """
import json, os, sys, time
from pathlib import Path
root = Path(sys.argv[1])
apps = sorted(root.iterdir())
texts = {app: (app / "backend" / "app.py").read_text() for app in apps}
print(*(app.name for app in apps), file=sys.stderr)
for text in texts.values():
    if "DIE" in text: os.abort()
    if "SAY NOTHING" in text: sys.exit()
    if "HANG" in text: time.sleep(60)
    if "LIE" in text: texts = {root / "999": "FAULT"}
    if "FLOOD" in text:
        while True: os.write(1, b"[" * 65536)
place = {"row": 1, "column": 1}
rows = [
    {"code": "S602", "location": place, "end_location": place, "message": "x",
     "filename": str(app / "backend" / "app.py")}
    for app, text in texts.items() if "FAULT" in text
]
print(json.dumps(rows))
"""


class Scripted(Ruff):
    name = "scripted"

    def command(self):
        return (sys.executable, "-I", "-S", "-c", SCRIPT)

    def argv(self, root):
        return (str(root),)


@pytest.fixture
def analyze(tmp_path, monkeypatch):
    """Return a function that analyses several apps with these texts in one call: reports, groups tried."""
    monkeypatch.setattr(BackendSecurityAnalyzer, "sources", (Scripted(),))
    monkeypatch.setattr(BackendSecurityAnalyzer, "tools", ("scripted",))

    def analyze(*texts, seconds=60):
        base = make_apps(tmp_path / "apps", {"m": list(range(1, len(texts) + 1))})
        for number, text in enumerate(texts, start=1):
            write(base / "m" / f"app{number}" / "backend" / "app.py", f"# {text}\n")
        analyzer = BackendSecurityAnalyzer(base)
        apps = [analyzer.find_app("m", number) for number in range(1, len(texts) + 1)]
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        context = AnalysisContext(
            scratch=scratch,
            deadline=Deadline.after(seconds),
            cancel=CancelToken(),
            progress=lambda percent: None,
            raw_file=tmp_path / "raw.json.gz",
        )
        reports = analyzer.analyze_all(apps, analyzer.options(), context)
        raw = RawAnalysis.load(tmp_path / "raw.json.gz")
        for report, again in zip(reports, analyzer.parse(raw), strict=True):
            assert report in {None, again}, "what was kept says the same"
        return reports, [run.targets for run in raw.runs]

    return analyze


def states(reports):
    return [report and report.coverage[0].status.value for report in reports]


def test_one_call_serves_all(analyze):
    reports, calls = analyze("FAULT", "x", "FAULT", "x")

    assert calls == [(0, 1, 2, 3)]
    assert states(reports) == ["ok"] * 4
    assert [len(report.issues) for report in reports] == [1, 0, 1, 0]
    assert [report.issues[0].app_num for report in reports if report.issues] == [1, 3]


@pytest.mark.parametrize("poison", ["DIE", "SAY NOTHING", "LIE", "FLOOD"])
@pytest.mark.parametrize("place", range(5))
def test_only_the_app_that_breaks_the_tool_suffers(analyze, poison, place):
    texts = ["FAULT"] * 5
    texts[place] = poison

    reports, calls = analyze(*texts)

    assert states(reports) == ["failed" if number == place else "ok" for number in range(5)]
    assert [len(report.issues) for report in reports] == [int(number != place) for number in range(5)]
    assert sorted(number for call in calls for number in call) == list(range(5)), "each has one outcome"
    assert (place,) in calls


def test_two_poisons_are_both_found(analyze):
    reports, _ = analyze("FAULT", "DIE", "FAULT", "FAULT", "SAY NOTHING", "FAULT")

    assert states(reports) == ["ok", "failed", "ok", "ok", "failed", "ok"]


def test_one_that_hangs_is_left_to_a_call_of_its_own(analyze, monkeypatch):
    monkeypatch.setattr(source_collect, "SHARED_SECONDS", 2.0)
    monkeypatch.setattr(source_collect, "SHARED_SECONDS_EACH", 0.0)

    reports, _ = analyze("FAULT", "HANG", "FAULT")

    assert states(reports) == ["ok", None, "ok"], "alone it may have its whole time"


def test_alone_it_has_its_whole_time(analyze, monkeypatch):
    monkeypatch.setattr(source_collect, "SHARED_SECONDS", 0.0)
    monkeypatch.setattr(source_collect, "SHARED_SECONDS_EACH", 0.0)

    reports, _ = analyze("FAULT")

    assert states(reports) == ["ok"]


def test_a_doubt_about_many_is_cleared_up_one_by_one(analyze, monkeypatch):
    monkeypatch.setattr(
        Scripted,
        "parse",
        lambda self, raw: ScanReport(issues=(), doubt="cut" if len(raw.stderr.split()) > 1 else ""),
    )
    reports, calls = analyze("x", "x", "x")

    assert states(reports) == ["ok"] * 3
    assert calls == [(0,), (1,), (2,)]


def test_an_app_without_a_file_for_the_tool_is_not_asked_about(analyze, tmp_path):
    class Other(Scripted):
        suffixes = frozenset({".js"})

    BackendSecurityAnalyzer.sources = (Other(),)
    reports, calls = analyze("FAULT", "FAULT")

    assert states(reports) == ["not_applicable"] * 2
    assert calls == [(0, 1)]


def test_apps_beyond_the_room_of_a_call_are_left_to_their_own(analyze, monkeypatch):
    monkeypatch.setattr(source_collect, "SHARED_BYTES", 10)

    reports, _ = analyze("FAULT x x x", "FAULT")

    assert states(reports) == ["ok", None]


@pytest.mark.parametrize(
    ("reported", "place"),
    [
        ("/r/003/backend/a.py", (3, "backend/a.py")),
        ("003/backend/a.py", (3, "backend/a.py")),
        ("./003/a.py", (3, "a.py")),
        ("/r/003/../004/a.py", (-1, "/r/003/../004/a.py")),
        ("/r/../003/a.py", (-1, "/r/../003/a.py")),
        ("/other/003/a.py", (-1, "/other/003/a.py")),
        ("/etc/passwd", (-1, "/etc/passwd")),
        ("", (-1, "")),
        ("\u0663/a.py", (-1, "\u0663/a.py")),
    ],
)
def test_the_way_back_is_only_for_files_of_the_copies(reported, place):
    assert place_in("/r", reported) == place


def test_a_raw_analysis_survives_its_file_whatever_bytes_a_tool_wrote(tmp_path, analyze):
    reports, _ = analyze("FAULT \\ud800")

    assert states(reports) == ["ok"]


class Listing(Scanner):
    name, suffixes = "listing", frozenset({".py"})

    def command(self):
        return (sys.executable, "-I", "-S", "-c", "import sys, json; print(json.dumps([]))")

    def argv(self, root):
        return (str(root),)

    def parse(self, raw):
        return ScanReport(issues=(), scanned=frozenset(load_json(raw, self.name, list)))


def test_files_that_a_shared_call_did_not_read_are_told_of_each_app(analyze):
    BackendSecurityAnalyzer.sources = (Listing(),)
    BackendSecurityAnalyzer.tools = ("listing",)
    reports, _ = analyze("FAULT", "FAULT")

    assert states(reports) == ["failed"] * 2


@pytest.mark.tool
def test_real_tools_say_of_many_what_they_say_of_each(tmp_path):
    base = make_apps(tmp_path / "apps", {"m": [1, 2, 3]})
    write(base / "m" / "app2" / "backend" / "app.py", "def f(:\n")
    write(base / "m" / "app3" / "backend" / "more" / "b.py", FAULT)
    analyzer = BackendSecurityAnalyzer(base)
    apps = [analyzer.find_app("m", number) for number in (1, 2, 3)]

    def context(name):
        (tmp_path / name).mkdir()
        return AnalysisContext(
            scratch=tmp_path / name,
            deadline=Deadline.after(100),
            cancel=CancelToken(),
            progress=lambda percent: None,
        )

    together = analyzer.analyze_all(apps, analyzer.options(), context("all"))
    alone = [analyzer.analyze(app, analyzer.options(), context(f"one{app.app_num}")) for app in apps]

    assert [report.issues for report in together] == [report.issues for report in alone]
    assert [report.tool_status for report in together] == [report.tool_status for report in alone]
    assert Counter(cell.status for report in together for cell in report.coverage)[CoverageStatus.OK] > 0
    assert json.dumps([report.tool_status for report in together])
