"""Apps that try to blind the tools, one by one: the fault is found, or the gap is on record with its reason.

Looked at by bandit and ruff only, as what is left out is the same for all; see test_hostile_corpus for those.
"""

import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import fields

import pytest
from support import FAULT, everything_below, write

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.scanners.bandit import Bandit
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.records import CoverageStatus

pytestmark = pytest.mark.tool

SECRET = "FOREIGN-SECRET-b7c1"
SECONDS = 15
PLANTED = {("bandit", "B602"), ("ruff", "S602")}


class OnlyPython(BackendSecurityAnalyzer):
    sources = (Bandit(), Ruff())
    optional_sources = ()
    tools = ("bandit", "ruff")
    optional_tools = ()


class App:
    """One app `m/app1` with a planted fault in backend/app.py, and a secret that lies outside of it."""

    def __init__(self, root):
        self.base = root / "apps"
        self.path = self.base / "m" / "app1"
        self.backend = self.path / "backend"
        self.canary = root / "canary"
        self.secret = write(root / "outside" / "secret.py", f"password = '{SECRET}'\n{FAULT}")
        write(self.backend / "app.py", FAULT)

    def trap(self):
        """Return source that leaves a trace if it is ever executed."""
        return f"open({str(self.canary)!r}, 'w').close()\n"

    def scan(self):
        """Analyse it within the limit, and check what must hold for every app there can be."""
        before = everything_below(self.path)
        started = time.monotonic()
        report = OnlyPython(self.base).run_security_analysis("m", 1)
        assert time.monotonic() - started < SECONDS
        assert not self.canary.exists(), "something of the app was executed"
        assert everything_below(self.path) == before, "the app was changed"
        texts = [str(getattr(record, field.name)) for record in report.issues for field in fields(record)]
        texts += [str(getattr(record, field.name)) for record in report.coverage for field in fields(record)]
        assert SECRET not in "\n".join(texts)
        assert "root:" not in "\n".join(texts)
        assert str(self.base) not in "\n".join(texts)
        assert sorted(cell.tool for cell in report.coverage) == ["bandit", "ruff"]
        return report


@pytest.fixture
def app(tmp_path):
    return App(tmp_path)


def planted(report, path="backend/app.py", line=2):
    return {(i.tool, i.rule) for i in report.issues if (i.path, i.line) == (path, line)} & PLANTED


def gaps(report):
    """Return {tool: {path: reason}} of what was not read."""
    return {cell.tool: {file.path: file.reason for file in cell.unread} for cell in report.coverage}


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("secret.py", "secret", "is a link"),
        ("passwd.py", "/etc/passwd", "is a link"),
        ("zero.py", "/dev/zero", "is a link"),
        ("self.py", "self.py", "is a link"),
        ("dangling.py", "/nowhere/at/all.py", "is a link"),
        ("inside.py", "app.py", "is a link"),
    ],
)
def test_a_link_is_not_followed_and_named(app, name, target, reason):
    (app.backend / name).symlink_to(app.secret if target == "secret" else target)

    report = app.scan()

    assert planted(report) == PLANTED
    assert gaps(report) == {key: {f"backend/{name}": reason} for key in ("bandit", "ruff")}
    assert {cell.status for cell in report.coverage} == {CoverageStatus.PARTIAL}


def test_a_pipe_holds_nobody_up_and_is_named(app):
    os.mkfifo(app.backend / "pipe.py")

    report = app.scan()

    assert planted(report) == PLANTED
    assert gaps(report)["ruff"] == {"backend/pipe.py": "is not a regular file"}


def test_a_hard_link_to_a_foreign_file_is_named(app):
    os.link(app.secret, app.backend / "hard.py")

    report = app.scan()

    assert planted(report) == PLANTED
    assert gaps(report)["bandit"] == {"backend/hard.py": "is a hard link"}


def test_a_linked_folder_is_named(app):
    """Its Python files are imported by the app, so leaving them out unsaid would be a silent clean."""
    (app.backend / "lib").symlink_to(app.secret.parent)

    report = app.scan()

    assert planted(report) == PLANTED
    for cell in report.coverage:
        assert "backend/lib" in cell.detail + str(cell.unread)


def test_a_backend_that_is_a_link_is_not_an_app_without_a_backend(app):
    app.backend.rename(app.path / "real")
    app.backend.symlink_to(app.path / "real")

    report = app.scan()

    assert not report.is_measured
    assert {cell.status for cell in report.coverage} == {CoverageStatus.FAILED}
    assert "is a link" in report.coverage[0].detail


def test_a_huge_file_is_named(app):
    write(app.backend / "huge.py", FAULT + "x = 1\n" * 400_000)

    report = app.scan()

    assert planted(report) == PLANTED
    assert gaps(report)["bandit"] == {"backend/huge.py": "is larger than 1048576 bytes"}


@contextmanager
def deep_folder(top, depth):
    """Make folders `d/d/d/...` with a faulty file at the bottom; take them away without recursion."""
    handles = [os.open(top, os.O_RDONLY)]
    for _ in range(depth):
        os.mkdir("d", dir_fd=handles[-1])
        following = os.open("d", os.O_RDONLY, dir_fd=handles[-1])
        if len(handles) > 1:
            os.close(handles.pop())
        handles.append(following)
    file = os.open("deep.py", os.O_CREAT | os.O_WRONLY, dir_fd=handles[-1])
    os.write(file, FAULT.encode())
    for handle in (file, *handles):
        os.close(handle)
    try:
        yield
    finally:
        below = top / "d"
        while below.exists():  # the child takes its parent's place until there is none
            aside = top / "aside"
            with suppress(FileNotFoundError):
                (below / "deep.py").unlink()
            if (below / "d").exists():
                (below / "d").rename(aside)
            below.rmdir()
            if aside.exists():
                aside.rename(below)


def test_a_tree_of_1500_folders_is_cut_and_the_cut_is_named(app):
    with deep_folder(app.backend, 1_500):
        report = OnlyPython(app.base).run_security_analysis("m", 1)

    assert planted(report) == PLANTED
    ((path, reason),) = gaps(report)["bandit"].items()
    assert path == "backend/" + "/".join("d" * 25)
    assert reason == "deeper than 24 folders"


CONFIGURATION = {
    ".bandit": "[bandit]\nskips = B602\nexclude = /\ntargets = /nowhere\n",
    "bandit.yaml": "skips: ['B602']\nexclude_dirs: ['/']\n",
    "pyproject.toml": "[tool.bandit]\nskips = ['B602']\n[tool.ruff]\nexclude = ['*']\nlint.ignore = ['S']\n",
    "ruff.toml": "exclude = ['*']\n[lint]\nignore = ['S602']\n",
    ".ruff.toml": "exclude = ['*']\n[lint]\nselect = []\n",
    "setup.cfg": "[bandit]\nskips = B602\n[flake8]\nexclude = *\n",
    "tox.ini": "[bandit]\nskips = B602\n",
    ".gitignore": "*\n",
    ".ignore": "*\n",
    ".git/info/exclude": "*\n",
    ".git/config": "[core]\n\tfsmonitor = touch canary\n",
}


def test_no_file_above_the_app_configures_a_tool(app):
    for name, text in CONFIGURATION.items():
        for folder in (app.base.parent, app.base, app.path.parent):
            write(folder / name, text)

    report = app.scan()

    assert planted(report) == PLANTED
    assert {cell.status for cell in report.coverage} == {CoverageStatus.OK}


@pytest.mark.parametrize("name", [".git", "node_modules", "site-packages", "__pycache__", "Node_Modules"])
class TestFoldersThatAreLeftOut:
    def test_with_python_in_them_they_are_a_gap(self, app, name):
        write(app.backend / name / "evil.py", FAULT)

        report = app.scan()

        assert planted(report) == PLANTED
        for cell in report.coverage:
            assert cell.status is CoverageStatus.PARTIAL
            ((path, reason),) = gaps(report)[cell.tool].items()
            assert path == f"backend/{name}"
            assert reason.endswith(", source files not read: 1")
            assert f"backend/{name}" in cell.detail

    def test_with_all_the_python_in_them_nothing_is_measured(self, app, name):
        (app.backend / "app.py").unlink()
        write(app.backend / name / "app.py", FAULT)

        report = app.scan()

        assert not report.is_measured
        for cell in report.coverage:
            assert cell.status is CoverageStatus.FAILED
            assert f"backend/{name} (" in cell.detail
            assert [file.path for file in cell.unread] == [f"backend/{name}"]

    def test_without_python_they_are_named_and_no_gap(self, app, name):
        write(app.backend / name / "app.cpython-311.pyc", "x")

        report = app.scan()

        assert planted(report) == PLANTED
        for cell in report.coverage:
            assert cell.status is CoverageStatus.OK
            assert f"backend/{name} left out" in cell.detail


def test_a_committed_virtual_environment_is_a_gap_and_said_to_be_packages(app):
    write(app.backend / "env" / "pyvenv.cfg", "home = /usr/bin\n")
    write(app.backend / "env" / "bin" / "python")
    write(app.backend / "env" / "lib" / "python3.11" / "site-packages" / "flask.py", FAULT)

    report = app.scan()

    assert planted(report) == PLANTED
    packages = "backend/env/lib/python3.11/site-packages"
    assert gaps(report)["ruff"] == {packages: "installed packages, source files not read: 1"}
    for cell in report.coverage:
        assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.PARTIAL, 1, 2)


@pytest.mark.parametrize("place", [".", "core"])
def test_one_empty_file_does_not_make_what_is_beside_it_invisible(app, place):
    write(app.backend / place / "pyvenv.cfg", "")
    write(app.backend / place / "main.py", FAULT)

    report = app.scan()

    path = f"backend/{place}/main.py".replace("./", "")
    assert planted(report, path) == planted(report) == PLANTED
    assert {cell.status for cell in report.coverage} == {CoverageStatus.OK}


def test_a_check_that_the_app_makes_fail_is_on_record(app):
    """bandit itself mentions it on standard error only, and ends as if all were well."""
    write(app.backend / "other.py", 'import tarfile\nt = tarfile.open("x")\nt.extractall(members=k(1)(t))\n')

    report = app.scan()

    assert planted(report) == PLANTED
    (cell,) = (cell for cell in report.coverage if cell.tool == "bandit")
    assert (cell.status, cell.files_seen, cell.files_eligible) == (CoverageStatus.PARTIAL, 1, 2)
    reason = "read, but bandit's check tarfile_unsafe_members failed at line 3"
    assert gaps(report) == {"bandit": {"backend/other.py": reason}, "ruff": {}}


def test_more_failed_checks_than_messages_are_kept_are_on_record(app):
    write(app.backend / "many.py", "import tarfile\n" + "tarfile.open(x).extractall(members=k(1)(t))\n" * 40)
    for number in range(3):
        write(app.backend / f"other{number}.py", "x = 1\n")

    report = app.scan()

    (cell,) = (cell for cell in report.coverage if cell.tool == "bandit")
    assert (cell.status, cell.files_seen) == (CoverageStatus.PARTIAL, 4)
    assert "messages were cut off" in cell.detail


@pytest.mark.parametrize(
    "content",
    [
        b"# coding: utf-7\n#+AAo-eval(input())+AAo-\n",
        b"\r# coding: utf-7\r#+AAo-eval(input())+AAo-\r",
        b"\x0c# coding: raw_unicode_escape\n#\\u000aeval(input())\n",
    ],
)
def test_code_that_only_a_coding_comment_makes_code_is_found_or_on_record(app, content):
    write(app.backend / "coded.py", content)

    report = app.scan()

    assert [i.rule for i in report.issues if i.path == "backend/coded.py"] == ["B307"]
    assert gaps(report) == {
        "bandit": {},
        "ruff": {"backend/coded.py": "is not UTF-8, or says that it is not"},
    }


@pytest.mark.parametrize("content", [b"# a\x0cb\reval(input())\r", b"\xef\xbb\xbf\x0ceval(input())\n"])
def test_line_ends_form_feeds_and_marks_blind_nobody(app, content):
    write(app.backend / "odd.py", content)

    report = app.scan()

    assert {i.rule for i in report.issues if i.path == "backend/odd.py"} == {"B307", "S307"}
    assert {cell.status for cell in report.coverage} == {CoverageStatus.OK}


@pytest.mark.skipif(sys.platform != "linux", reason="the environment of processes is read")
def test_no_key_of_the_kernel_reaches_a_tool(app, monkeypatch, tmp_path):
    """A tool that is told where to look prints its environment; none of the caller's secrets is in it."""
    monkeypatch.setenv("OPENROUTER_API_KEY", SECRET)
    script = write(
        tmp_path / "tool", f"#!{sys.executable} -I\nimport os, sys\nsys.exit(str(dict(os.environ)))\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(Ruff, "command", lambda scanner: (str(script),))

    cell = next(cell for cell in app.scan().coverage if cell.tool == "ruff")

    assert cell.status is CoverageStatus.FAILED
    assert "PATH" in cell.stderr_tail
