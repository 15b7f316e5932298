"""The static analyses on the sample portfolio: what the tools report by hand arrives row for row."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import fields

import pytest
from support import EXAMPLES, FAULT, make_apps, write

import batchnb
from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.frontend_security import FrontendSecurityAnalyzer
from batchnb.analyzers.scanners.bandit import Bandit
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.records import CoverageStatus, Finding, JobStatus, Severity, TaskStatus
from batchnb.records.errors import InvalidValueError
from batchnb.tools.locate import find_program

pytestmark = pytest.mark.tool

TRUTH = json.loads((EXAMPLES / "truth.json").read_text(encoding="utf-8"))
APPS = [(app["model"], app["app"]) for app in TRUTH["apps"]]
ANALYZERS = (BackendSecurityAnalyzer, FrontendSecurityAnalyzer)
BY_HAND = ("bandit", "ruff")
"""The tools that are called by hand here; the others are in tests of their own."""
CHANGING = ("pypi-advisories", "npm-advisories")
"""What they find depends on the day."""
by_app = pytest.mark.parametrize(("model", "app_num"), APPS)


def clean_copy(target):
    ignored = shutil.ignore_patterns("node_modules", "__pycache__", "data", ".batchnb")
    return shutil.copytree(EXAMPLES / "portfolio", target, ignore=ignored)


def output_of(command, cwd):
    run = subprocess.run(command, cwd=cwd, capture_output=True, timeout=100, check=False)
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """Return {(model, app): rows} of both tools, called by hand on a clean copy of the portfolio."""
    copy, empty = tmp_path_factory.mktemp("hand") / "apps", tmp_path_factory.mktemp("empty")
    clean_copy(copy)
    for source in list(copy.rglob("*.py")):
        if "backend" not in source.parts:
            source.unlink()
    bandit = [sys.executable, "-I", "-m", "bandit", "-q", "-r", str(copy), "-f", "json", "--ignore-nosec"]
    ruff = [str(find_program("ruff")), "check", str(copy), "--select", "S", "--output-format", "json"]
    ruff += ["--isolated", "--no-cache", "--ignore-noqa", "--exit-zero"]
    rows = {app: Counter() for app in APPS}

    def add(path, *row):
        model, app, rest = path.removeprefix(f"{copy}/").split("/", 2)
        rows[model, int(app.removeprefix("app"))][rest, *row] += 1

    for found in output_of(bandit, empty)["results"]:
        place = found["filename"], found["line_number"], found["col_offset"] + 1
        add(*place, "bandit", found["test_id"], found["issue_severity"].lower())
    for found in output_of(ruff, empty):
        if found["code"] != "invalid-syntax":
            place = found["filename"], found["location"]["row"], found["location"]["column"]
            add(*place, "ruff", found["code"], None)
    return rows


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return the workspace and the job of a real run over the whole portfolio, ended."""
    base = clean_copy(tmp_path_factory.mktemp("run") / "apps")
    with batchnb.open(base) as workspace:
        job = workspace.run(analyses=[analyzer.key for analyzer in ANALYZERS])
        workspace.service.wait(job.id, 100)
        yield workspace, job


def row_of(issue):
    severity = issue.severity.value if issue.tool == "bandit" else None
    return issue.path, issue.line, issue.column, issue.tool, issue.rule, severity


@by_app
def test_findings_are_those_of_the_tools_called_by_hand_row_for_row(done, by_hand, model, app_num):
    workspace, job = done
    found = workspace.storage.get_findings(job.id)
    issues = [i for i in found if (i.model, i.app_num) == (model, app_num) and i.tool in BY_HAND]

    assert Counter(row_of(issue) for issue in issues) == by_hand[model, app_num]


def test_the_comparison_by_hand_is_about_something(by_hand):
    counts = Counter(row[3] for rows in by_hand.values() for row in rows.elements())
    assert counts["bandit"] > 20
    assert counts["ruff"] > 20


@pytest.mark.parametrize("analyzer", ANALYZERS)
@by_app
def test_the_analyzer_alone_reports_what_the_job_stored(done, model, app_num, analyzer):
    """The job ran the tools on many apps at once, here they run on one."""
    workspace, job = done
    if not (workspace.service.base_path / model / f"app{app_num}" / analyzer.part).exists():
        pytest.skip(f"the app has no {analyzer.part}")
    alone = analyzer(workspace.service.base_path).run_security_analysis(model, app_num)

    def without_ids(issue):
        return tuple(
            getattr(issue, field.name) for field in fields(Finding) if not field.name.endswith("_id")
        )

    found = workspace.storage.get_findings(job.id)
    wanted = (model, app_num, analyzer.key)
    stored = [i for i in found if (i.model, i.app_num, i.analysis_type) == wanted]
    assert [without_ids(issue) for issue in stored] == [without_ids(issue) for issue in alone.issues]


@pytest.mark.parametrize(
    ("model", "app_num", "fault"),
    [
        pytest.param(app["model"], app["app"], fault, id=fault["id"])
        for app in TRUTH["apps"]
        for fault in app["faults"]
        if fault["seen_by"]
    ],
)
def test_every_seeded_fault_that_a_tool_sees_reaches_the_users_table(done, model, app_num, fault):
    _, job = done
    frame = job.findings
    here = frame[(frame.model == model) & (frame.app_num == app_num) & (frame.path == fault["file"])]
    on_line = here[here.line == fault["line"]]

    found = set(zip(on_line.tool, on_line.rule, strict=True))
    expected = {(tool, rule) for tool, rules in fault["seen_by"].items() for rule in rules}
    assert expected <= found


def test_nothing_beyond_the_truth_file_is_reported(done):
    """Faults and noise together account for every row, so the clean apps have none."""
    _, job = done
    findings = job.findings[~job.findings.tool.isin(CHANGING)]
    rows = {(i.model, i.app_num, i.path, i.line, i.tool, i.rule) for i in findings.itertuples()}
    others = (*TRUTH["noise"], *TRUTH["elsewhere"])
    known = {(r["model"], r["app"], r["file"], r["line"], r["tool"], r["rule"]) for r in others}
    for app in TRUTH["apps"]:
        for fault in app["faults"]:
            place = app["model"], app["app"], fault["file"], fault["line"]
            known |= {(*place, tool, rule) for tool, rules in fault["seen_by"].items() for rule in rules}
    assert rows == known


def test_every_fault_of_a_frontend_is_seen_by_a_tool():
    unseen = [
        fault["id"]
        for app in TRUTH["apps"]
        for fault in app["faults"]
        if fault["side"] == "frontend" and not fault["seen_by"]
    ]
    assert unseen == []


def test_clean_apps_have_nothing_but_noise_and_low_findings(done):
    _, job = done
    clean = {(app["model"], app["app"]) for app in TRUTH["apps"] if app["kind"] == "clean"}
    findings = job.findings[~job.findings.tool.isin(CHANGING) & (job.findings.severity != "low")]
    rest = [row for row in findings.itertuples() if (row.model, row.app_num) in clean]

    assert clean
    assert [(row.rule, row.path) for row in rest if "noise" not in row.tags.split()] == []


def test_noise_is_kept_and_marked(done):
    _, job = done
    marked = job.findings[job.findings.tags.str.split().map(lambda tags: "noise" in tags)]
    assert {"B104", "S104", "SKY-D248"} <= set(marked.rule)
    assert "B602" not in set(marked.rule)


def test_what_the_source_wanted_to_hide_is_found_and_marked(done):
    _, job = done
    hidden = job.findings[job.findings.tags.str.split().map(lambda tags: "suppressed" in tags)]
    assert {(row.model, row.app_num, row.path, row.line) for row in hidden.itertuples()} == {
        ("comet-large", 3, "backend/store.py", 51)
    }


def test_every_count_on_the_way_agrees(done):
    workspace, job = done
    issues, results = workspace.storage.get_findings(job.id), workspace.storage.get_results(job.id)
    levels = Counter(issue.severity for issue in issues)

    assert len(job.findings) == len(issues) == sum(made.issues_count for made in results)
    assert job.record.results_summary == {
        "issues_total": len(issues),
        **{f"{level.value}_total": levels[level] for level in Severity},
    }
    assert sum(made.details["summary"]["total"] for made in results if "summary" in made.details) == len(
        issues
    )
    assert len({(i.model, i.app_num, i.fingerprint) for i in issues}) == len(issues)


def test_the_job_completes_and_what_no_parser_could_read_is_on_record(done):
    workspace, job = done
    record = job.record

    assert record.status is JobStatus.COMPLETED
    assert record.task_count_by_status == {"completed": 21, "skipped": 3}
    failed = [c for c in workspace.storage.get_coverage(job.id) if c.status is CoverageStatus.FAILED]
    assert {(cell.model, cell.app_num, cell.tool) for cell in failed} == {
        *(("birch-mini", 3, tool) for tool in ("bandit", "ruff", "skylos")),
        ("birch-mini", 4, "npm-advisories"),  # its package.json is none
    }
    assert all("1 of 1 files not read: " in cell.detail for cell in failed)


@by_app
def test_coverage_says_what_was_read(done, model, app_num):
    """By app: broken Python is partial or failed and named, no backend is not applicable, the rest is ok."""
    workspace, job = done
    truth = next(app for app in TRUTH["apps"] if (app["model"], app["app"]) == (model, app_num))
    covered = workspace.storage.get_coverage(job.id)
    cells = [c for c in covered if (c.model, c.app_num) == (model, app_num) and c.tool in BY_HAND]
    folder = EXAMPLES / "portfolio" / model / f"app{app_num}" / "backend"
    sources = [f"backend/{path.name}" for path in sorted(folder.glob("*.py"))]
    broken = [name for name in truth["unparsed"] if name.endswith(".py")]

    assert sorted(cell.tool for cell in cells) == ["bandit", "ruff"]
    for cell in cells:
        assert [file.path for file in cell.unread] == broken
        assert (cell.files_eligible, cell.files_seen) == (len(sources), len(sources) - len(broken))
        if not sources:
            assert cell.status is CoverageStatus.NOT_APPLICABLE
        elif broken:
            assert cell.status is (CoverageStatus.FAILED if broken == sources else CoverageStatus.PARTIAL)
            assert broken[0] in cell.detail
            assert cell.unread[0].reason
        else:
            assert (cell.status, cell.detail) == (CoverageStatus.OK, "")
        assert cell.tool_version[:1].isdigit() == bool(sources)
        assert (cell.seconds > 0) == bool(sources)


class TestOneApp:
    @pytest.fixture
    def scan(self, tmp_path, monkeypatch):
        """Return a function that analyses the files given as {path below the app: source}."""

        monkeypatch.setattr(BackendSecurityAnalyzer, "sources", (Bandit(), Ruff()))

        def scan(files):
            shutil.rmtree(tmp_path / "apps", ignore_errors=True)
            for path, source in files.items():
                write(tmp_path / "apps" / "m" / "app1" / path, source)
            return BackendSecurityAnalyzer(tmp_path / "apps").run_security_analysis("m", 1)

        return scan

    def test_a_file_that_cannot_be_parsed_makes_both_tools_partial_and_is_named(self, scan):
        report = scan({"backend/app.py": FAULT, "backend/bad.py": "def f(:\n"})

        assert [cell.status for cell in report.coverage] == [CoverageStatus.PARTIAL] * 2
        for cell in report.coverage:
            assert [file.path for file in cell.unread] == ["backend/bad.py"]
            assert (cell.files_seen, cell.files_eligible) == (1, 2)
            assert "1 of 2 files not read: backend/bad.py" in cell.detail
        assert {(issue.tool, issue.rule, issue.line) for issue in report.issues} >= {
            *(("bandit", "B602", 2), ("ruff", "S602", 2)),
        }

    def test_nothing_but_files_that_cannot_be_parsed_is_failed(self, scan):
        report = scan(
            {"backend/a.py": "def f(:\n", "backend/b.py": "Sure! Here is the code you asked for.\n"}
        )

        assert [cell.status for cell in report.coverage] == [CoverageStatus.FAILED] * 2
        assert not report.is_measured

    @pytest.mark.parametrize("files", [{"backend/server.js": "x"}, {"backend/requirements.txt": "flask"}])
    def test_a_backend_without_python_is_not_applicable(self, scan, files):
        report = scan(files)

        assert [cell.status for cell in report.coverage] == [CoverageStatus.NOT_APPLICABLE] * 2

    def test_an_app_that_does_not_exist_is_named(self, scan, tmp_path):
        scan({"backend/app.py": FAULT})

        with pytest.raises(InvalidValueError, match=r"there is no m/app2 under .*apps"):
            BackendSecurityAnalyzer(tmp_path / "apps").run_security_analysis("m", 2)

    def test_a_tool_that_is_not_installed_is_missing_and_the_other_still_runs(self, scan, monkeypatch):
        monkeypatch.setattr(Bandit, "command", lambda scanner: None)
        report = scan({"backend/app.py": FAULT})

        assert report.tool_status == {"bandit": "tool_missing", "ruff": "ok"}
        assert {issue.tool for issue in report.issues} == {"ruff"}
        assert BackendSecurityAnalyzer(".").missing_tools() == ("bandit",)
        assert "pip install" in report.coverage[0].detail

    def test_without_any_tool_nothing_is_measured(self, scan, monkeypatch):
        for scanner in (Bandit, Ruff):
            monkeypatch.setattr(scanner, "command", lambda scanner: ("/nowhere/at/all",))
        report = scan({"backend/app.py": FAULT})

        assert report.tool_status == {"bandit": "tool_missing", "ruff": "tool_missing"}
        assert report.issues == ()

    def test_a_finding_keeps_its_identity_when_lines_move_and_code_is_indented(self, scan):
        before = scan({"backend/app.py": FAULT})
        lines = "\n".join(f"    {line}" for line in FAULT.splitlines())
        after = scan({"backend/app.py": f"# a comment\n\nif True:\n\n{lines}\n"})

        def identities(report):
            return {(issue.tool, issue.rule, issue.fingerprint) for issue in report.issues}

        assert identities(before) == identities(after)
        assert {issue.line for issue in after.issues if "602" in issue.rule} == {6}

    def test_two_equal_lines_are_two_findings(self, scan):
        report = scan({"backend/app.py": f"{FAULT}\n\n{FAULT.splitlines()[1]}\n"})

        for rule in ("B602", "S602"):
            found = [issue for issue in report.issues if issue.rule == rule]
            assert [issue.line for issue in found] == [2, 5]
            assert len({issue.fingerprint for issue in found}) == 2
            assert {issue.snippet for issue in found} == {FAULT.splitlines()[1]}

    def test_snippets_and_messages_are_bounded(self, scan):
        report = scan({"backend/app.py": f"import subprocess\nsubprocess.call({'x' * 5_000}, shell=True)\n"})

        assert report.issues
        assert max(len(issue.snippet) for issue in report.issues) <= 400
        assert max(len(issue.message) for issue in report.issues) <= 1_000

    def test_the_summary_counts(self, scan):
        report = scan({"backend/app.py": FAULT})

        summary = BackendSecurityAnalyzer.get_analysis_summary(report.issues)
        assert summary["total"] == len(report.issues)
        assert summary["by_rule"]["bandit:B602"] == summary["by_rule"]["ruff:S602"] == 1

    def test_cancelled_before_it_begins_nothing_is_measured(self, tmp_path):
        from batchnb.analyzers.base import AnalysisContext
        from batchnb.tools.cancellation import CancelToken, Deadline

        analyzer = BackendSecurityAnalyzer(make_apps(tmp_path / "apps", {"m": [1]}))
        for stopped in (True, False):
            cancel = CancelToken()
            if stopped:
                cancel.cancel()
            deadline = Deadline.after(60 if stopped else 0)
            scratch = tmp_path / f"scratch{stopped}"
            context = AnalysisContext(
                scratch=scratch, deadline=deadline, cancel=cancel, progress=lambda percent: None
            )
            report = analyzer.analyze(analyzer.find_app("m", 1), analyzer.options(), context)

            expected = CoverageStatus.CANCELLED if stopped else CoverageStatus.TIMED_OUT
            states = {cell.tool: cell.status for cell in report.coverage}
            assert {states[tool] for tool in ("bandit", "ruff", "skylos", "detect-secrets")} == {expected}
            assert report.issues == ()


def test_a_task_without_a_backend_is_skipped(done):
    workspace, job = done
    cell = ("birch-mini", 4, BackendSecurityAnalyzer.key)
    found = workspace.storage.get_tasks(job.id)
    (task,) = [t for t in found if (t.model, t.app_num, t.analysis_type) == cell]
    assert (task.status, task.error) == (TaskStatus.SKIPPED, None)
    assert task.result_details["reason"] == "birch-mini/app4 has no backend"
