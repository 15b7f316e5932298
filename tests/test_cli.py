"""The command line: what it prints, and its exit codes."""

import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest
from support import EXAMPLES, FAULT, make_apps, wait_until

import batchnb
from batchnb.cli import main

pytestmark = pytest.mark.tool
SAMPLE = EXAMPLES / "portfolio"


@pytest.fixture
def base(tmp_path):
    return make_apps(tmp_path / "apps", {"m": [1, 2]}, FAULT)


def test_a_job_from_start_to_report(base, tmp_path, capsys):
    what = ["--apps", "1", "--analyses", "backend_security", "--name", "nightly"]
    code = main(["run", str(base), *what, "--report", str(tmp_path / "report.html")])

    said = capsys.readouterr().out
    assert code == 0
    assert "Job 1 'nightly': completed, 1 of 1 tasks, findings: 4 high" in said
    assert f"report: {tmp_path / 'report.html'}" in said
    assert (tmp_path / "report.html").stat().st_size > 1_000_000

    assert main(["list", str(base)]) == 0
    assert "Job 1 'nightly': completed" in capsys.readouterr().out
    assert main(["report", "1", str(tmp_path / "again.html"), "--base", str(base)]) == 0
    assert (tmp_path / "again.html").exists()


def test_the_quality_gate_of_a_run_fails_for_what_is_open_and_for_what_is_unknown(base, capsys):
    one = ["run", str(base), "--analyses", "backend_security", "--apps"]
    assert main([*one, "1", "--fail-on", "high"]) == 3
    assert "gate: 1 open consensus finding of severity high or worse" in capsys.readouterr().out

    (base / "m" / "app2" / "backend" / "app.py").write_text("def (\n", encoding="utf-8")
    assert main([*one, "2", "--fail-on", "high"]) == 4
    assert "bandit of backend_security, failed: m app 2" in capsys.readouterr().out


def test_a_job_that_failed_says_why_and_gives_1(tmp_path, capsys):
    nobody = "gpt4all.address=http://127.0.0.1:9"
    what = ["--models", "birch-mini", "--apps", "3", "--analyses", "gpt4all", "--option", nobody]
    assert main(["run", str(SAMPLE), "--store", ":memory:", *what]) == 1
    assert "dependency: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "{base}", "--apps", "1-x"], "app range '1-x' (from apps) is not valid"),
        (["run", "{base}", "--models", "n"], "model 'n' (from portfolio {base}) is not valid: known are m"),
        (["run", "{base}/missing"], "base path '{base}/missing' cannot be read"),
        (["run"], "base path '' (from APP_BASE_PATH) is not valid"),
        (["cancel", "7", "--base", "{base}"], "there is no job 7 in this store"),
        (["resume", "7", "--base", "{base}"], "there is no job 7 in this store"),
    ],
)
def test_a_wrong_value_is_said_on_the_error_stream_and_gives_2(base, capsys, arguments, message):
    assert main([argument.format(base=base) for argument in arguments]) == 2

    said = capsys.readouterr()
    assert message.format(base=base) in said.err
    assert said.out == ""


def test_doctor_says_what_is_there(capsys):
    assert main(["doctor"]) == 0
    assert "bandit" in capsys.readouterr().out


def test_the_analyses_that_talk_to_the_running_app_are_said_to(capsys):
    assert main(["analyses"]) == 0

    lines = capsys.readouterr().out.splitlines()
    heads = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    running = [
        before.partition(":")[0] for before, line in pairwise(lines) if "talks to the running app" in line
    ]
    assert running == [head for head in heads if head in {"performance", "zap"}]
    assert running


def test_only_the_named_tools_are_listed(capsys):
    assert main(["tools", "list", "node", "opengrep"]) == 0

    rows = [line for line in capsys.readouterr().out.splitlines()[1:] if not line.startswith(" ")]
    assert [row.split()[0] for row in rows] == ["node", "opengrep"]


def test_all_tools_are_listed_by_default(capsys):
    assert main(["tools"]) == 0
    by_default = capsys.readouterr().out
    assert main(["tools", "list", "all"]) == 0

    assert capsys.readouterr().out == by_default
    assert "wapiti" in by_default


def test_an_unknown_tool_is_an_error(capsys):
    assert main(["tools", "list", "node", "nodejs"]) == 2

    said = capsys.readouterr()
    assert "tool 'nodejs' is not valid: known are" in said.err
    assert said.out == ""


def test_the_log_of_a_job_tells_what_happened_by_time(tmp_path, capsys):
    base = make_apps(tmp_path / "apps", {"m": [1]}, FAULT)
    assert main(["run", str(base), "--analyses", "backend_security"]) == 0
    capsys.readouterr()

    assert main(["log", "1", "--base", str(base)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ", 3)[3] for line in lines] == [
        "[Job 1] job created",
        "[Job 1] job started",
        "[Job 1] [Task 1] backend_security of m/app1 started",
        "[Job 1] [Task 1] backend_security of m/app1 completed",
        "[Job 1] job completed",
    ]


@pytest.fixture
def many(tmp_path):
    return make_apps(tmp_path / "many", {"m": range(1, 200)}, FAULT)


@pytest.fixture
def running(many):
    """A job of another process that outlasts the test, unless somebody stops it."""
    command = [sys.executable, "-m", "batchnb", "run", str(many), "--analyses", "backend_security"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert wait_until((many / ".batchnb" / "store.db").exists)
        with batchnb.open(many) as workspace:
            assert wait_until(lambda: "running" in [j.status.value for j in workspace.storage.get_jobs()])
        yield process
        process.kill()


def test_a_job_of_another_process_can_be_cancelled(many, running, capsys):
    assert main(["cancel", "1", "--base", str(many)]) == 0

    assert "Job 1 'Batch Job 1': cancelled, 199 of 199 tasks" in capsys.readouterr().out
    assert running.wait(20) == 130


def test_ctrl_c_cancels_and_the_rest_can_be_resumed(many, running, capsys):
    os.kill(running.pid, signal.SIGINT)

    assert running.wait(20) == 130
    assert "cancelled, 199 of 199 tasks" in running.stdout.read()
    with batchnb.open(many, max_tasks=1) as workspace:
        continued = workspace.resume(1)
        assert continued.record.task_count_by_status["pending"] > 0


def test_a_library_that_is_not_installed_is_named_with_the_way_to_get_it(monkeypatch, capsys):
    def lacks(name):
        def command(options):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        return command

    monkeypatch.setattr("batchnb.cli._doctor", lacks("pandas"))
    assert main(["doctor"]) == 2
    assert "pandas is not installed: pip install 'batchnb[results]'" in capsys.readouterr().err
    monkeypatch.setattr("batchnb.cli._doctor", lacks("batchnb.gone"))
    with pytest.raises(ModuleNotFoundError):  # a fault of ours is not the user's
        main(["doctor"])
