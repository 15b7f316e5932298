"""The example plug-in, installed as a user installs one: every part of batchnb knows it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import make_apps, write

pytestmark = pytest.mark.tool

PLUGIN = Path(__file__).parents[1] / "plugin"
SHOW = """
import json, sys, batchnb as bn
with bn.open(sys.argv[1]) as ws:
    job = ws.run(analyses=["line_count"], options={"line_count": {"longest": 3}}).wait()
    broken = ws.registry.broken
    print(json.dumps({
        "status": job.status.value,
        "findings": job.findings[["app_num", "path", "message"]].values.tolist(),
        "again": len(job.reparse()),
        "lines": job.measurements["value"].tolist(),
        "coverage": job.coverage["status"].tolist(),
        "doctor": repr(bn.doctor()),
    }))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the environment of a process that has the plug-in installed."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    copy = tmp_path_factory.mktemp("plugin") / "plugin"  # building leaves nothing in the repository
    subprocess.run(["cp", "-r", str(PLUGIN), str(copy)], check=True, timeout=30)
    subprocess.run([*command, "--target", str(target), str(copy)], check=True, timeout=100)
    return {**os.environ, "PYTHONPATH": str(target)}


@pytest.fixture
def base(tmp_path):
    base = make_apps(tmp_path / "apps", {"m": [1, 2]})
    write(base / "m" / "app2" / "backend" / "long.py", "x = 1\n" * 10)
    return base


def run(environment, *command):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout, done.stderr


def test_it_runs_in_a_job_and_its_raw_output_can_be_parsed_again(environment, base):
    code, out, err = run(environment, sys.executable, "-c", SHOW, str(base))

    assert code == 0, err
    said = json.loads(out)
    assert said["status"] == "completed"
    assert said["findings"] == [[2, "backend/long.py", "10 lines, allowed are 3"]]
    assert said["again"] == 1
    assert sorted(said["lines"]) == [2.0, 12.0]
    assert said["coverage"] == ["ok", "ok"]
    assert "wc" in said["doctor"]
    assert "broken_example" in said["doctor"], "a broken plug-in is named"


def test_the_command_line_knows_it_and_its_options(environment, base):
    batchnb = (sys.executable, "-m", "batchnb")

    _, listed, _ = run(environment, *batchnb, "analyses")
    assert "line_count.longest  (whole number, at least 1; by default 100)" in listed

    options = ("--analyses", "line_count", "--option", "line_count.longest=9")
    code, out, err = run(environment, *batchnb, "run", str(base), *options)
    assert code == 0, out + err
    assert "1 low" in out

    code, _, err = run(
        environment,
        *batchnb,
        "run",
        str(base),
        "--analyses",
        "line_count",
        "--option",
        "line_count.longest=0",
    )
    assert code == 2
    assert "longest" in err
    assert "greater than or equal to 1" in err
