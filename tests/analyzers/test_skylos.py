"""skylos: its recorded report, the fork for each app, and the tool itself on the sample portfolio."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from batchnb.analyzers.scanners.skylos import Skylos, SkylosScript
from batchnb.records import Confidence, Severity, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, RawOutput, run_tool

RECORDED = Path(__file__).parent / "data" / "skylos" / "report.json"
PORTFOLIO = Path(__file__).parents[2] / "examples" / "portfolio"
needs_skylos = pytest.mark.skipif(find_spec("skylos") is None, reason="skylos is not installed")


def raw(stdout=None, **changes):
    output = RawOutput(
        argv=("skylos",),
        ending=Ending.EXITED,
        returncode=0,
        stdout=RECORDED.read_bytes() if stdout is None else stdout,
        started_at=utc_now(),
    )
    return replace(output, **changes)


def document(**entry):
    whole = {"exit": 0, "error": "", "files": ["app.py"], "lost": {}, "passed_over": [], **entry}
    return raw(json.dumps({"version": "5.1.2", "apps": {"000": whole}}).encode())


def scan(root, scanner=None):
    scanner = scanner or Skylos()
    deadline = Deadline.after(100)
    return run_tool((*scanner.command(), *scanner.argv(root)), deadline=deadline, cancel=CancelToken())


def rows(report, root):
    return sorted(
        (issue.path.removeprefix(f"{root}/"), issue.line, issue.column, issue.rule) for issue in report.issues
    )


def test_the_recorded_report_is_read_whole():
    report = Skylos().parse(raw())

    found = {(i.path, i.line, i.rule, i.cwe, i.severity, i.confidence, i.tags) for i in report.issues}
    assert found == {
        ("/staged/000/backend/app.py", 42, "SKY-D215", 22, Severity.HIGH, Confidence.HIGH, ()),
        ("/staged/000/backend/app.py", 51, "SKY-D215", 22, Severity.HIGH, Confidence.HIGH, ()),
        ("/staged/000/backend/storage.py", 56, "SKY-D207", 327, Severity.MEDIUM, None, ()),
        ("/staged/000/backend/storage.py", 32, "SKY-D215", 22, Severity.HIGH, Confidence.LOW, ("unproven",)),
        ("/staged/000/backend/storage.py", 54, "SKY-D215", 22, Severity.HIGH, Confidence.LOW, ("unproven",)),
        ("/staged/000/backend/storage.py", 54, "SKY-D324", 59, Severity.HIGH, Confidence.LOW, ("unproven",)),
        ("/staged/000/frontend/vite.config.js", 11, "SKY-D248", None, Severity.MEDIUM, None, ("noise",)),
        ("/staged/001/frontend/vite.config.js", 6, "SKY-D248", None, Severity.MEDIUM, None, ("noise",)),
        ("/staged/001/frontend/src/App.jsx", 25, "SKY-D201", 95, Severity.HIGH, None, ()),
        ("001/frontend/src/App.jsx", 3, "SKY-S102", 798, Severity.HIGH, None, ()),
    }
    held_back = next(issue for issue in report.issues if "unproven" in issue.tags)
    assert "(held back by skylos: the path comes from a helper parameter" in held_back.message


def test_files_that_skylos_cannot_parse_are_told():
    report = SkylosScript().parse(raw())

    unread = "line 1: unterminated string literal (detected at line 1)"
    assert report.unparsed == {"/staged/001/backend/app.py": unread}
    assert list(report.incomplete) == ["/staged/000/frontend/src/components/UploadForm.jsx"]
    assert report.doubt == ""


def test_a_finding_that_the_source_silenced_is_told_and_marked():
    silenced = {
        "rule_id": "SKY-D201",
        "severity": "HIGH",
        "message": "eval",
        "file": "app.py",
        "line": 3,
        "col": 0,
    }
    row = {**silenced, "category": "danger", "reason": "inline ignore comment"}
    of_another_kind = {**row, "rule_id": "SKY-E003", "category": "dead_code"}
    summary = {"languages": {"Python": 1}}
    report = {"analysis_summary": summary, "suppressed": [row, of_another_kind]}

    (issue,) = Skylos().parse(document(report=report)).issues

    assert (issue.path, issue.tags, issue.column) == ("000/app.py", ("suppressed",), 1)


def test_an_app_that_skylos_died_of_is_unread_and_the_others_are_not():
    document = json.loads(RECORDED.read_bytes())
    document["apps"]["001"] |= {"report": None, "exit": -11, "error": ""}

    report = Skylos().parse(raw(json.dumps(document).encode()))

    assert report.unparsed == {"001/backend/app.py": "skylos ended with exit code -11: no report"}
    assert {issue.path.split("/")[2] for issue in report.issues} == {"000"}


def test_fewer_files_than_were_given_leave_a_doubt():
    summary = {"analysis_summary": {"languages": {"Python": 1}}}
    given = ["app.py", "models.py", "App.jsx"]

    report = Skylos().parse(document(report=summary, files=given))
    whole = Skylos().parse(document(report=summary, files=given, lost={"models.py": "crash"}))

    assert report.doubt == "skylos counts 1 files where it was given 2"
    assert (whole.doubt, whole.unparsed) == ("", {"000/models.py": "crash"})


def test_files_that_skylos_passes_over_are_unread():
    summary = {"analysis_summary": {"languages": {"JavaScript": 1}}}

    report = SkylosScript().parse(document(report=summary, files=["a.min.js"], passed_over=["a.min.js"]))

    assert report.unparsed == {"000/a.min.js": "looks minified (very long lines), which skylos does not read"}


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_a_report_that_is_cut_off_is_no_report(part):
    whole = RECORDED.read_bytes()

    with pytest.raises(ReportError, match="skylos wrote no readable report"):
        Skylos().parse(raw(whole[: int(len(whole) * part)]))


@pytest.mark.parametrize(
    "stdout", [b"", b"[]", b"{}", b'{"apps": 3}', b'{"apps": {"000": {}}}', b'{"apps": {"0": 1}}']
)
def test_rubbish_is_no_report(stdout):
    with pytest.raises(ReportError, match="skylos"):
        Skylos().parse(raw(stdout))


@pytest.mark.parametrize("missing", ["rule_id", "line", "file", "severity", "message"])
def test_a_row_without_one_of_its_fields_spoils_the_report(missing):
    document = json.loads(RECORDED.read_bytes())
    del document["apps"]["000"]["report"]["danger"][0][missing]

    with pytest.raises(ReportError, match="not of the known form"):
        Skylos().parse(raw(json.dumps(document).encode()))


def test_a_runner_that_ended_badly_has_no_report():
    with pytest.raises(ReportError, match="exit code 1"):
        Skylos().parse(raw(returncode=1))


# ------------------------------------------------------------------------------------------ the tool itself
LIBRARY = """
def read(path):
    with open(path) as file:
        return file.read()
"""
CALLER = """
from flask import Flask, request
from helpers import read
app = Flask(__name__)


@app.route("/")
def home():
    return read(request.args.get("name"))
"""


@pytest.fixture
def two_apps(tmp_path):
    """One app that calls a function which only the other one has."""
    for name, files in {"000": {"app.py": CALLER}, "001": {"helpers.py": LIBRARY}}.items():
        (tmp_path / name / "backend").mkdir(parents=True)
        for file, text in files.items():
            (tmp_path / name / "backend" / file).write_text(text)
    return tmp_path


def by_hand(folder, *flags):
    program = Path(sys.executable).with_name("skylos")
    command = (program, folder, "--danger", "--secrets", "--json", "--no-upload", *flags)
    ended = subprocess.run(command, capture_output=True, cwd="/", env={"PATH": os.defpath}, check=False)
    report = json.loads(ended.stdout)
    held_back = [row for row in report["suppressed"] if row["category"] in {"danger", "secrets"}]
    return [*report.get("danger", []), *report.get("secrets", []), *held_back]


@pytest.mark.tool
@needs_skylos
def test_one_call_for_several_apps_does_not_mix_them(two_apps):
    report = Skylos().parse(scan(two_apps))

    assert {issue.tags for issue in report.issues} == {("unproven",)}, "nobody in its own app calls it"
    mixed = {(row["file"], row.get("reason", "")) for row in by_hand(two_apps)}
    assert any(not reason for file, reason in mixed if file.endswith("001/backend/helpers.py")), (
        "skylos itself takes the one app for the caller of the other"
    )


@pytest.mark.tool
@needs_skylos
def test_its_rows_are_those_of_the_tool_by_hand(tmp_path):
    apps = [
        PORTFOLIO / "atlas-4" / "app4",
        PORTFOLIO / "birch-mini" / "app3",
        PORTFOLIO / "comet-large" / "app4",
    ]
    expected = []
    for number, app in enumerate(apps):
        folder = tmp_path / f"{number:03}"
        shutil.copytree(app, folder)
        for row in by_hand(folder):
            path = row["file"].removeprefix(f"{folder}/")
            expected.append((f"{number:03}/{path}", row["line"], row["col"] + 1, row["rule_id"]))

    report = Skylos().parse(scan(tmp_path))

    assert rows(report, tmp_path) == sorted(expected)
    assert len(expected) > 15


@pytest.mark.tool
@needs_skylos
def test_a_file_that_skylos_dies_of_is_named_and_the_rest_is_scanned(tmp_path):
    folder = tmp_path / "000"
    folder.mkdir()
    (folder / "latin.js").write_bytes(b"// caf\xe9\neval(location.hash)\n")
    (folder / "good.js").write_text("eval(location.hash);\n")
    (folder / "vendor.min.js").write_text("eval(location.hash);\n")
    (folder / "long.js").write_text(f"eval(location.hash); x = '{'a' * 6000}';\n")

    raw = scan(tmp_path, SkylosScript())
    report = SkylosScript().parse(raw)

    assert [(issue.path, issue.rule) for issue in report.issues] == [(f"{folder}/good.js", "SKY-D201")]
    assert set(report.unparsed) == {"000/latin.js", "000/vendor.min.js", "000/long.js"}
    assert "codec can't decode byte" in report.unparsed["000/latin.js"]
    assert (report.doubt, raw.strays) == ("", 0)


@pytest.mark.tool
@needs_skylos
def test_nothing_in_the_app_configures_it_and_no_program_is_started(tmp_path, monkeypatch):
    planted = tmp_path / "root" / "000"
    planted.mkdir(parents=True)
    (planted / "app.py").write_text("eval(input())\n")
    (planted / "pyproject.toml").write_text('[tool.skylos]\nignore = ["SKY-D201"]\nexclude = ["*"]\n')
    (planted / "skylos.toml").write_text('ignore = ["SKY-D201"]\n')
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "grep", "rg", "node"):
        (programs / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/started\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")

    assert by_hand(planted) == [], "skylos itself obeys the app"
    report = Skylos().parse(scan(tmp_path / "root"))

    assert [issue.rule for issue in report.issues] == ["SKY-D201"]
    assert not (tmp_path / "started").exists()


@pytest.mark.tool
@needs_skylos
@pytest.mark.parametrize("scanner", [Skylos(), SkylosScript()], ids=["python", "script"])
def test_it_finds_what_is_planted(scanner, tmp_path):
    path, text, rule = scanner.self_test
    file = tmp_path / "000" / path
    file.parent.mkdir(parents=True)
    file.write_text(text)

    assert rule in {issue.rule for issue in scanner.parse(scan(tmp_path, scanner)).issues}


@pytest.mark.tool
@needs_skylos
def test_it_tells_its_version():
    raw = run_tool((*Skylos().command(), "--version"), deadline=Deadline.after(30), cancel=CancelToken())

    assert raw.stdout.startswith(b"skylos 5.")
