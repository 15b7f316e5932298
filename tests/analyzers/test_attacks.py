"""Attacks on the static tools, each from two sides: called naively a tool falls for it, through us none does.

The numbers are those of the threat model in the docs. The naive calls run in the app's folder with the
caller's environment, as one would by hand; no address but a loopback one is ever asked.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from attack_stage import KEY, KEY_NAME, NAIVE_SECONDS, App, attack, stage
from hostile_ground import FOREIGN, write_outside
from support import write

import batchnb
from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.checks.compose import ComposeCheck
from batchnb.analyzers.checks.npm_audit import NpmAudit
from batchnb.analyzers.frontend_security import FrontendSecurityAnalyzer
from batchnb.records import CoverageStatus
from batchnb.tools import kit
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.kit.finding import npm
from batchnb.tools.locate import find_program

pytestmark = [
    pytest.mark.tool,
    pytest.mark.timeout(300),  # the first one analyses the apps of all
    pytest.mark.xdist_group("attacks"),  # so that they are analysed once
]

HUNG_SECONDS = 4
"""After which a naive call that does nothing any more counts as hanging."""
ESLINT_MISSING = kit.find("eslint") is None or kit.node() is None
needs_eslint = pytest.mark.skipif(ESLINT_MISSING, reason="ESLint is not installed: batchnb tools install")
needs_npm = pytest.mark.skipif(npm() is None, reason="npm is not installed")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

PYTHON_TOOL = (sys.executable, "-m")
BANDIT = (*PYTHON_TOOL, "bandit", "-q", "-f", "json", "-r", ".")
RUFF = ("ruff", "check", "--select", "S", "--no-cache", "--output-format", "concise", ".")
OXLINT = ("oxlint", "-D", "no-eval", ".")
SKYLOS = ("skylos", ".", "--danger", "--json", "--no-upload")
SECRETS = (*PYTHON_TOOL, "detect_secrets", "scan", "--all-files", "--no-verify", ".")
WORDS = {BANDIT: "B602", RUFF: "S602", OXLINT: "no-eval", SKYLOS: "SKY-D201", SECRETS: "AWS Access Key"}
"""Naive call -> the word in what it says when it finds the planted fault."""


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def app(apps, request, number):
    """Return the test's own app, which we have analysed."""
    return apps[request.function.__name__, number]


@pytest.fixture
def plain(tmp_path):
    """Return an app with the planted faults and nothing hostile, which nobody has analysed."""
    write_outside(tmp_path / "apps")
    return App(tmp_path / "apps", 1)


def called(command):
    """Return a command with the full path of the program beside this interpreter."""
    program = command[0] if os.sep in command[0] else find_program(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    return (str(program), *command[1:])


def finds(app, command):
    """Whether a naive call of a tool finds the fault."""
    part = app.path / ("frontend" if command is OXLINT else "backend")
    said = app.naive(*called(command), cwd=part).stdout
    if command is SECRETS:  # it lists its plug-ins too
        said = json.dumps(json.loads(said)["results"])
    return WORDS[command] in said


def dangers(app):
    """Return {(name of the file, rule)} of what skylos shows as dangerous."""
    rows = json.loads(app.naive(*called(SKYLOS), cwd=app.path / "backend").stdout).get("danger", ())
    return {(Path(row["file"]).name, row["rule_id"]) for row in rows}


def eslint():
    """Return the command line of ESLint itself, which nobody should use on foreign apps."""
    return (str(kit.node()), str(kit.find("eslint") / "node_modules" / "eslint" / "bin" / "eslint.js"))


# ------------------------------------------------------------------------------- A01, A02: ESLint and npx


def configuration(app, name):
    ending = "export default [];\n" if name.endswith(".mjs") else "module.exports = [];\n"
    app.everywhere(name, f"{app.node_trap()}console.log(process.env.{KEY_NAME});\n{ending}")


@needs_eslint
@attack(configuration, ["eslint.config.js"], ["eslint.config.mjs"], ["eslint.config.cjs"])
def test_a01_a_configuration_of_eslint_that_runs_code_and_reads_keys(app, row):
    said = app.naive(*eslint(), ".")
    assert app.executed()
    assert KEY in said.stdout

    app.assert_all_is_found()


def switched_off(app):
    app.put("eslint.config.mjs", "export default [{files: ['**/*.js'], rules: {'no-eval': 2}}];\n")
    app.spoil(lambda text: f"/* eslint-disable */\n{text}", "server", "script")


@needs_eslint
@attack(switched_off)
def test_a01_a_comment_that_switches_rules_off(app, row):
    assert "no-eval" not in app.naive(*eslint(), "backend").stdout
    app.spoil(str, "server")
    assert "no-eval" in app.naive(*eslint(), "backend").stdout

    app.assert_all_is_found()
    issues = app.reports[FrontendSecurityAnalyzer].issues
    assert all("suppressed" in issue.tags for issue in issues if issue.path == "frontend/src/App.jsx")


def own_eslint(app):
    for part in ("", "backend/", "frontend/"):
        app.script_file(f"{part}node_modules/.bin/eslint", f"#!/bin/sh\n{app.shell_trap()}\necho '[]'\n")


@needs_npm
@attack(own_eslint)
def test_a02_a_program_called_eslint_in_the_app(app, row):
    program = Path(npm()[-1]).with_name("npx")

    said = app.naive(str(program), "--offline", "--no-install", "eslint", "-f", "json", ".")
    assert app.executed()
    assert said.stdout.strip() == "[]"

    app.assert_all_is_found()


# -------------------------------------------------------------------------------------- A03, A04: npm


ROOT = {"name": "app", "version": "1.0.0"}
PACKAGES = {
    "": {**ROOT, "dependencies": {"axios": "0.21.0"}},
    "node_modules/axios": {"version": "0.21.0"},
}
LOCK = json.dumps({**ROOT, "lockfileVersion": 3, "requires": True, "packages": PACKAGES})


def npm_settings(app):
    address = app.registry.address
    token = f"{address.removeprefix('http:')}:_authToken=${{{KEY_NAME}}}\n"
    for part in ("", "backend/", "frontend/"):
        app.put(f"{part}.npmrc", f"registry={address}\n{token}")


@needs_npm
@attack(npm_settings)
def test_a03_settings_of_npm_that_send_a_key_to_a_registry_of_the_app(app, row, tmp_path):
    seen, address = app.registry.seen, app.registry.address
    app.put("backend/package-lock.json", LOCK)
    app.naive(*npm(), "audit", "--fetch-retries", "0", cwd=app.path / "backend")
    assert any(f"Bearer {KEY}" in request for request in seen)
    seen.clear()

    audit, within = NpmAudit(f"{address}ours/"), Deadline.after(NAIVE_SECONDS)
    raw = audit.run(LOCK, folder=tmp_path / "audit", deadline=within, cancel=CancelToken())
    assert audit.parse(raw, "backend/package-lock.json", LOCK).status is CoverageStatus.OFFLINE
    assert seen
    assert all(" /ours/" in request for request in seen), "only the one that we name was asked"
    assert not any(KEY in request for request in seen)
    app.assert_all_is_found()


def npm_scripts(app):
    scripts = dict.fromkeys(("preinstall", "prepare"), app.shell_trap())
    app.spoil(lambda text: json.dumps({**json.loads(text), "scripts": scripts}, indent=1), "manifest")


@needs_npm
@attack(npm_scripts)
def test_a04_scripts_that_an_installation_runs(app, row):
    manifest = app.path / "backend" / "package.json"
    manifest.write_text(
        manifest.read_text().replace('"axios": "0.21.0"', "")
    )  # there is nobody to ask for it
    app.naive(*npm(), "install", "--offline", "--no-audit", cwd=app.path / "backend")
    assert app.executed()

    app.assert_all_is_found()


def node_settings(app):
    for part in ("backend", "frontend"):
        evil = app.put(f"{part}/evil.js", app.node_trap())
        app.put(f"{part}/.npmrc", f"node-options=--require {evil}\n")


@needs_npm
@attack(node_settings)
def test_a04_settings_that_load_a_module_into_node(app, row):
    app.naive(*npm(), "exec", "--offline", "--call", "node -e 0", cwd=app.path / "backend")
    assert app.executed()

    app.assert_all_is_found()


# --------------------------------------------------------------------------------------------- A05: pip


def own_setup(app):
    app.put("backend/setup.py", f"{app.python_trap()}from setuptools import setup\nsetup(name='x')\n")
    app.spoil(lambda text: f"{text}./\n", "requirements")


def downloaded(app, *options):
    where = ("--dest", str(app.canaries / "out"))
    command = (*PYTHON_TOOL, "pip", "download", "--no-deps", "--retries", "0", *where, *options)
    app.naive(*command, cwd=app.path / "backend")
    shutil.rmtree(app.canaries / "out", ignore_errors=True)


@attack(own_setup)
def test_a05_requirements_that_run_the_apps_own_setup(app, row):
    app.put("backend/only.txt", "./\n")
    downloaded(app, "--no-build-isolation", "--no-index", "-r", "only.txt")
    assert app.executed()

    app.assert_all_is_found()
    assert ("requirements", "backend/requirements.txt", "requirement-local") in app.found(
        BackendSecurityAnalyzer
    )


def own_index(app):
    app.spoil(lambda text: f"--index-url {app.registry.address}simple/\n{text}", "requirements")


@attack(own_index)
def test_a05_requirements_that_name_an_index_of_their_own(app, row):
    app.registry.seen.clear()
    downloaded(app, "-r", "requirements.txt")
    assert any("/simple/" in request for request in app.registry.seen)

    app.assert_all_is_found()
    rules = {rule for tool, _, rule in app.found(BackendSecurityAnalyzer) if tool == "requirements"}
    assert {"requirement-extra-index", "requirement-plain-http"} <= rules


# ------------------------------------------------------------------ A06, A08: files and comments that hide


def hiding(app, _, name, text):
    app.everywhere(name, text)


@attack(
    hiding,
    [BANDIT, ".bandit", "[bandit]\nskips = B602,B307,B404\n"],
    [RUFF, "ruff.toml", "exclude = ['*']\n"],
    [RUFF, "pyproject.toml", "[tool.ruff]\nexclude = ['*']\n"],
    [RUFF, ".gitignore", "*\n"],
    [SKYLOS, "pyproject.toml", "[tool.skylos]\nignore = ['SKY-D201']\n"],
    [OXLINT, ".oxlintrc.json", '{"ignorePatterns": ["**"]}'],
    [OXLINT, ".gitignore", "*\n"],
    [OXLINT, ".eslintignore", "*\n"],
)
def test_a06_a08_a_file_that_hides_what_is_there(app, row, plain):
    command = row[0]
    for part in ("backend", "frontend"):
        (app.path / part / ".git").mkdir()  # some heed ignore files only in a repository

    assert finds(plain, command)
    assert not finds(app, command)

    app.assert_all_is_found()


def commented(app, _, comment, *kinds):
    app.spoil(lambda text: text.replace("\n", f"  {comment}\n"), *kinds)
    if "nosec" not in comment and "noqa" not in comment and "python" in kinds:
        app.spoil(lambda text: text.replace("\n", f"  // {comment[2:]}\n"), "server")


@attack(
    commented,
    [BANDIT, "# nosec", "python"],
    [RUFF, "# noqa", "python"],
    [SECRETS, "# pragma: allowlist secret", "python"],
    [SKYLOS, "# skylos: ignore", "python"],
    [OXLINT, "// eslint-disable-line", "script"],
)
def test_a06_a08_a_comment_that_hides_what_is_there(app, row, plain):
    command, _, kind = row

    assert finds(plain, command)
    if command is SKYLOS:  # it moves them to a list of their own
        assert ("app.py", "SKY-D201") not in dangers(app)
        assert ("app.py", "SKY-D201") in dangers(plain)
    else:
        assert not finds(app, command)

    app.assert_all_is_found()
    analyzer, place = (
        (FrontendSecurityAnalyzer, "frontend/src/App.jsx")
        if kind == "script"
        else (BackendSecurityAnalyzer, "backend/app.py")
    )
    issues = [issue for issue in app.reports[analyzer].issues if issue.path == place]
    assert issues
    assert all("suppressed" in issue.tags for issue in issues)


@attack(lambda app: app.spoil(lambda text: f"{text}def f(:\n", "python"))
def test_a06_a_line_that_breaks_the_parser(app, row, plain):
    assert finds(plain, BANDIT)
    assert not finds(app, BANDIT)

    cell = app.cell(BackendSecurityAnalyzer, "bandit")
    assert cell.status is CoverageStatus.FAILED
    assert [file.path for file in cell.unread] == ["backend/app.py"]


# ----------------------------------------------------------------------- A07, A09: modules and repositories


@attack(
    lambda app, module: app.everywhere(f"{module}.py", app.python_trap()),
    *(["bandit"], ["yaml"], ["stevedore"], ["random"]),
)
def test_a07_a_module_of_the_app_that_a_tool_imports(app, row):
    app.naive(*BANDIT, cwd=app.path / "backend")
    assert app.executed()

    app.assert_all_is_found()


def repository(app):
    for part in ("backend", "frontend"):
        subprocess.run(["git", "init", "--quiet", app.path / part], check=True, timeout=NAIVE_SECONDS)
        with (app.path / part / ".git" / "config").open("a") as config:
            config.write(f'[core]\n\tfsmonitor = "{app.shell_trap()}; false"\n')


if shutil.which("git"):

    @attack(repository)
    def test_a09_a_repository_whose_settings_run_a_program(app, row):
        app.naive("git", "status", cwd=app.path / "backend")
        assert app.executed()
        app.naive(*PYTHON_TOOL, "detect_secrets", "scan", ".", cwd=app.path / "backend")
        assert app.executed()

        app.assert_all_is_found()


# ---------------------------------------------------------------- A10 to A12: links, pipes, names, depth


def linked(app):
    (app.path / "backend" / "linked.py").symlink_to(app.outside / "secret.py")
    (app.path / "frontend" / "src" / "linked.js").symlink_to(app.outside / "secret.js")


@attack(linked)
def test_a10_a_link_to_a_secret(app, row):
    assert FOREIGN in app.naive(*BANDIT, cwd=app.path / "backend").stdout

    assert "backend/linked.py" in app.unread(BackendSecurityAnalyzer)
    assert "frontend/src/linked.js" in app.unread(FrontendSecurityAnalyzer)


def endless(app, _, target):
    for place in ("backend/x.py", "frontend/src/x.js"):
        if target == "pipe":
            os.mkfifo(app.path / place)
        else:
            (app.path / place).symlink_to(target)


@attack(
    endless,
    *([BANDIT, "pipe"], [RUFF, "pipe"], [OXLINT, "pipe"]),
    *([BANDIT, "/dev/zero"], [RUFF, "/dev/zero"]),
)
def test_a10_a_file_without_an_end_holds_naive_calls_up(app, row):
    assert app.hangs(*called(row[0]), seconds=HUNG_SECONDS)

    assert "backend/x.py" in app.unread(BackendSecurityAnalyzer)
    assert "frontend/src/x.js" in app.unread(FrontendSecurityAnalyzer)
    app.assert_all_is_found()


def test_a11_names_that_lead_out_of_the_folder(plain, tmp_path):
    write(tmp_path / "elsewhere" / "app1" / "backend" / "app.py", f"x = '{FOREIGN}'\n")
    names = [
        "../elsewhere",
        "hostile/../../elsewhere",
        str(tmp_path / "elsewhere"),
        ".",
        "..",
        "",
        "\0",
        "a\0b",
    ]

    reached = 0
    for name in names:
        with suppress(ValueError):
            reached += (plain.base / name / "app1" / "backend" / "app.py").exists()
    assert reached == 3

    analyzer = BackendSecurityAnalyzer(plain.base)
    assert [analyzer.find_app(name, 1) for name in names] == [None] * len(names)


def option_as_name(app):
    app.put("backend/evil.toml", "lint.ignore = ['S602']\n")
    app.put("backend/--config=evil.toml", "")
    app.plant("backend/-r.py", "python")


@attack(option_as_name)
def test_a11_file_names_that_are_options(app, row):
    ruff, here = called(RUFF)[:-1], app.path / "backend"
    names = sorted(path.name for path in here.iterdir() if path.suffix in {".py", ".toml"})

    assert "S602" in app.naive(*ruff, "--", "app.py", cwd=here).stdout
    assert "S602" not in app.naive(*ruff, *names, cwd=here).stdout  # as with `ruff check *`

    app.assert_all_is_found()


@contextmanager
def deep_folder(top, depth):
    """Make `depth` folders in each other below `top`, and take them away again without recursion."""
    handle = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    try:
        yield
    finally:
        while (top / "d").exists():  # the child takes its parent's place until there is none
            if (top / "d" / "d").exists():
                (top / "d" / "d").rename(top / "aside")
            (top / "d").rmdir()
            if (top / "aside").exists():
                (top / "aside").rename(top / "d")


@attack(lambda app: app.later.enter_context(deep_folder(app.path / "backend", 1_200)))
def test_a12_folders_too_deep_for_recursion(app, row):
    assert not finds(app, BANDIT)

    app.assert_all_is_found()
    for tool in ("bandit", "ruff", "skylos"):
        assert "deeper than 24 folders" in app.cell(BackendSecurityAnalyzer, tool).detail


def unreadable(app, _, place, text):
    app.put(place, text)


@attack(
    unreadable,
    [RUFF, "backend/poison.py", "x = " + "-" * 100_000 + "1\n"],
    [OXLINT, "frontend/src/poison.js", "x = " + "(" * 450_000 + "1" + ")" * 450_000 + ";\n"],
)
def test_a12_nesting_that_kills_a_tool_takes_no_other_app_along(app, row, plain):
    """What the tool said of the other apps, which were in the same call, all the other tests here look at."""
    command, place, _ = row
    assert finds(plain, command)
    assert not finds(app, command), "not even the fault in the file beside it"

    analyzer = BackendSecurityAnalyzer if command is RUFF else FrontendSecurityAnalyzer
    cell = app.cell(analyzer, command[0])
    assert (cell.tool, place, WORDS[command]) not in app.found(analyzer)
    assert cell.status in {CoverageStatus.PARTIAL, CoverageStatus.FAILED}
    assert cell.detail


# ---------------------------------------------------------------------------------------------- A20: YAML


def yaml_object(app):
    app.spoil(lambda text: f"x: !!python/object/apply:os.system ['{app.shell_trap()}']\n{text}", "compose")


@attack(yaml_object)
def test_a20_yaml_that_makes_objects(app, row):
    yaml.unsafe_load((app.path / "docker-compose.yml").read_text())
    assert app.executed()

    app.assert_all_is_found()


def test_a20_aliases_that_grow():
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 6)]
    bomb = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x]", *lines, ""])
    assert len(json.dumps(yaml.safe_load(bomb))) > 4_000 * len(bomb)

    fault = "services:\n  web:\n    image: web:1\n    privileged: true\n    labels: *a5\n"
    report = ComposeCheck().check({"docker-compose.yml": bomb + fault})
    told = {issue.rule for issue in report.issues}
    assert "compose-privileged" in told or "docker-compose.yml" in report.unparsed
    assert len(str(report)) < 10_000


# ----------------------------------------------------------------------------------------------- A23: keys


class Watch:
    """Looks at the command lines and environments of all processes below this one while it is entered."""

    def __init__(self):
        self.seen, self._over = {}, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._over.wait(0.01):
            for pid in self._below(os.getpid()):
                with suppress(OSError):
                    texts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
                    self.seen.setdefault(pid, set()).update(texts)

    def _below(self, pid):
        with suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                for child in (thread / "children").read_text().split():
                    yield child
                    yield from self._below(child)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._over.set()
        self._thread.join()


def plain_bytes(path):
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")
def test_a23_a_key_of_the_user_is_nowhere_in_a_run(plain, monkeypatch, tmp_path, caplog, capfd):
    """A program by hand has the key; of a whole job it is in no process, file, log or output."""
    names = (KEY_NAME, "OPENAI_API_KEY", "ZAP_API_KEY", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN", "MY_OWN")
    for name in names:
        monkeypatch.setenv(name, KEY)
    plain.put("backend/leak.py", f"import os\nprint(os.environ['{KEY_NAME}'])\n")
    assert KEY in plain.naive(sys.executable, "leak.py", cwd=plain.path / "backend").stdout
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    caplog.set_level(logging.DEBUG)

    with Watch() as watch, batchnb.open(plain.base, store=home / "store.db") as workspace:
        job = workspace.run(analyses=["backend_security", "frontend_security"])
        workspace.service.wait(job.id, 200)
        findings = workspace.storage.get_findings(job.id)
        cells = workspace.storage.get_coverage(job.id)

    assert len(findings) > 20
    assert any(b"bandit" in text for texts in watch.seen.values() for text in texts), "it saw the tools"
    key = KEY.encode()
    own = Path("/proc/self/environ").read_bytes()
    assert key not in own, "the warden was started before, or this would be in its own environment"
    assert [pid for pid, texts in watch.seen.items() if any(key in text for text in texts)] == []
    assert KEY not in str(findings) + str(cells) + caplog.text + "".join(capfd.readouterr())
    files = [path for top in (home, plain.base, temporary) for path in top.rglob("*") if path.is_file()]
    assert any(path.suffix == ".gz" for path in files), "raw output was kept"
    assert [path for path in files if key in plain_bytes(path)] == []
