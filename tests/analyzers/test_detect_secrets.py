"""detect-secrets: its recorded report, and the tool itself on files that try to hide a secret."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from batchnb.analyzers.scanners.detect_secrets import DetectSecrets
from batchnb.records import Confidence, Severity, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, RawOutput, run_tool

RECORDED = Path(__file__).parent / "data" / "detect_secrets" / "report.json"
PORTFOLIO = Path(__file__).parents[2] / "examples" / "portfolio"
needs_tool = pytest.mark.skipif(find_spec("detect_secrets") is None, reason="detect-secrets is not installed")
SECRET = "q7Rw-planted-91xz"
LINE = f'password = "{SECRET}"\n'


def raw(stdout=None, **changes):
    output = RawOutput(
        argv=("detect-secrets",),
        ending=Ending.EXITED,
        returncode=0,
        stdout=RECORDED.read_bytes() if stdout is None else stdout,
        started_at=utc_now(),
    )
    return replace(output, **changes)


def one(kind, secret="x"):
    row = {"type": kind, "line_number": 4, "hashed_secret": hashlib.sha1(secret.encode()).hexdigest()}
    (issue,) = DetectSecrets().parse(raw(json.dumps({"results": {"000/app.py": [row]}}).encode())).issues
    return issue


def scan(root):
    scanner = DetectSecrets()
    return run_tool(
        (*scanner.command(), *scanner.argv(root)), deadline=Deadline.after(100), cancel=CancelToken()
    )


def test_the_recorded_report_is_read_whole():
    issues = DetectSecrets().parse(raw()).issues

    assert [(i.path, i.line, i.rule, i.severity, i.confidence, i.cwe, i.tags) for i in issues] == [
        (
            *("001/frontend/src/App.jsx", 3, "Hex High Entropy String"),
            *(Severity.LOW, Confidence.LOW, 798, ()),
        ),
        ("001/frontend/src/App.jsx", 3, "Secret Keyword", Severity.MEDIUM, Confidence.MEDIUM, 798, ()),
    ]


def test_a_token_of_known_form_is_high_even_if_its_type_is_new():
    assert one("AWS Access Key").severity is Severity.HIGH
    assert one("Token of a provider yet to come").confidence is Confidence.HIGH


def test_an_address_is_no_secret():
    assert (one("Public IP (ipv4)").cwe, one("Public IP (ipv4)").tags) == (None, ("noise",))


@pytest.mark.parametrize(
    "secret",
    [
        *("changeme", "CHANGE_ME", "your-api-key", "your_secret_key_here", "<your-api-key>", "YOUR_API_KEY"),
        *("xxxxxxxx", "change-this-in-production", "AKIAIOSFODNN7EXAMPLE", "placeholder"),
    ],
)
def test_examples_are_marked(secret):
    assert one("Secret Keyword", secret).tags == ("noise", "placeholder")


@pytest.mark.parametrize("secret", ["hunter2", "password", "dev-secret", "supersecret", SECRET, ""])
def test_weak_secrets_are_secrets(secret):
    assert one("Secret Keyword", secret).tags == ()


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"[]",
        b"{}",
        b'{"results": 3}',
        b'{"results": {"a": [{}]}}',
        b'{"results": {"a": [{"type": "x"}]}}',
    ],
)
def test_rubbish_is_no_report(stdout):
    with pytest.raises(ReportError, match="detect-secrets"):
        DetectSecrets().parse(raw(stdout))


def test_a_tool_that_ended_badly_has_no_report():
    with pytest.raises(ReportError, match="exit code 2"):
        DetectSecrets().parse(raw(returncode=2))


@pytest.mark.tool
@needs_tool
def test_no_comment_and_no_name_hides_a_secret(tmp_path):
    folder = tmp_path / "000"
    (folder / "swagger").mkdir(parents=True)
    (folder / "plain.py").write_text(LINE)
    (folder / "allowed.py").write_text(LINE.replace("\n", "  # pragma: allowlist secret\n"))
    (folder / "swagger" / "named.py").write_text(LINE)
    checksum = f'    "integrity": "sha512-{"Ab3" * 28}xy==",\n'
    (folder / "package-lock.json").write_text(f'{{\n{checksum}    "password": "{SECRET}"\n}}\n')
    (folder / "tricky.json").write_text(f'{{"integrity": "sha512-abc", "password": "{SECRET}"}}\n')

    output = scan(tmp_path)
    found = {(i.path, i.line) for i in DetectSecrets().parse(output).issues if i.rule == "Secret Keyword"}

    assert found == {
        *{("000/plain.py", 1), ("000/allowed.py", 1), ("000/swagger/named.py", 1)},
        *{("000/package-lock.json", 3), ("000/tricky.json", 1)},
    }
    assert SECRET.encode() not in output.stdout + output.stderr


@pytest.mark.tool
@needs_tool
def test_by_default_the_same_secrets_are_hidden(tmp_path):
    (tmp_path / "allowed.py").write_text(LINE.replace("\n", "  # pragma: allowlist secret\n"))
    command = (sys.executable, "-I", "-m", "detect_secrets", "-C", tmp_path, "scan", "--all-files", ".")

    ended = subprocess.run(command, capture_output=True, env={"PATH": os.defpath}, check=True)

    assert json.loads(ended.stdout)["results"] == {}


@pytest.mark.tool
@needs_tool
def test_its_rows_are_those_of_the_tool_by_hand(tmp_path):
    shutil.copytree(PORTFOLIO, tmp_path / "000")
    command = (sys.executable, "-I", "-m", "detect_secrets", "-C", tmp_path, "scan", "--all-files", "-n", ".")
    ended = subprocess.run(command, capture_output=True, env={"PATH": os.defpath}, check=True)
    rows = json.loads(ended.stdout)["results"]

    issues = DetectSecrets().parse(scan(tmp_path)).issues

    expected = sorted((path, row["line_number"], row["type"]) for path in rows for row in rows[path])
    assert sorted((i.path, i.line, i.rule) for i in issues) == expected
    assert len(expected) >= 4


@pytest.mark.tool
@needs_tool
def test_files_that_are_not_utf8_are_passed_over_in_silence(tmp_path):
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n" + LINE.encode())

    assert DetectSecrets().parse(scan(tmp_path)).issues == ()
    assert DetectSecrets.utf8_only, "so the caller has to tell"


@pytest.mark.tool
@needs_tool
def test_it_finds_what_is_planted(tmp_path):
    path, text, rule = DetectSecrets.self_test
    (tmp_path / path).write_text(text)

    assert [issue.rule for issue in DetectSecrets().parse(scan(tmp_path)).issues] == [rule]


@pytest.mark.tool
@needs_tool
def test_no_git_is_started_in_the_app(tmp_path, monkeypatch):
    """git runs what the app's .git/config names; detect-secrets starts it unless all files are asked for."""
    programs, app = tmp_path / "programs", tmp_path / "app"
    for folder in (programs, app):
        folder.mkdir()
    (app / "settings.py").write_text(LINE)
    (programs / "git").write_text(f"#!/bin/sh\necho git >> {tmp_path}/started\nexit 1\n")
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    naive = (sys.executable, "-I", "-m", "detect_secrets", "scan", ".")

    assert DetectSecrets().parse(scan(app)).issues
    assert not (tmp_path / "started").exists()
    subprocess.run(naive, capture_output=True, cwd=app, check=False)
    assert (tmp_path / "started").exists(), "the naive call does"
