"""The Makefile and what it calls: what an ordinary user, and an unlucky root, see."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from support import REPOSITORY

NEED = REPOSITORY / "scripts" / "need-debian"


def need(tmp_path, package, *, uid=0, programs=(), **environment):
    """Run need-debian where there is nothing but these programs, and bash's own commands."""
    programs = {"id": f"echo {uid}", **dict.fromkeys(programs, "exit 0")} | environment.pop("scripts", {})
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return subprocess.run(
        [shutil.which("bash"), NEED, package],
        env={"PATH": str(tmp_path), "BATCHNB_CHROMIUM": str(tmp_path / "none"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_there_is_not_installed_again(tmp_path):
    done = need(tmp_path, "bubblewrap", programs=["bwrap"], scripts={"apt-get": "echo asked"})

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_browser_is_the_one_that_the_tests_use(tmp_path):
    named = {"BATCHNB_CHROMIUM": str(tmp_path / "chrome")}

    assert need(tmp_path, "chromium", uid=5, programs=["chrome"], **named).stderr == ""
    assert "SKIPPED" in need(tmp_path, "chromium", uid=5, programs=["google-chrome"]).stderr


@pytest.mark.parametrize(
    ("uid", "scripts", "why"),
    [
        (1500, {"apt-get": "echo asked"}, "we may not install it"),
        (0, {}, "we may not install it"),
        (0, {"apt-get": "exit 100"}, "apt-get could not install it"),
        (0, {"apt-get": '[ "$1" = update ]'}, "apt-get could not install it"),
    ],
    ids=["an ordinary user", "no apt", "no network", "no such package"],
)
def test_what_cannot_be_installed_is_said_and_stops_nothing(tmp_path, uid, scripts, why):
    done = need(tmp_path, "bubblewrap", uid=uid, scripts=scripts)

    assert done.returncode == 0
    assert "asked" not in done.stdout
    assert f"WARNING: bubblewrap is not installed and {why}" in done.stderr


def test_root_gets_the_package(tmp_path):
    done = need(tmp_path, "bubblewrap", scripts={"apt-get": f'echo "$@" >> {tmp_path}/asked'})

    assert (done.returncode, done.stderr) == (0, "")
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert asked == ["update -qq", "install -y -qq --no-install-recommends bubblewrap"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["demo", "test", "test-slow", "test-online", "lab", "bench"])
def test_the_tools_folder_is_filled_whichever_it_is(tmp_path, target):
    """A stamp in one folder says nothing about another one that BATCHNB_TOOLS names."""
    for folder in (".tools", ".venv"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ".batchnb-installed").touch()
    for name in ("pyproject.toml", "constraints.txt", "batchnb/tools/kit/parts.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    lock = tmp_path / "batchnb/tools/kit/eslint/package-lock.json"
    lock.parent.mkdir()
    lock.touch()
    os.utime(lock, (1, 1))
    done = subprocess.run(
        ["make", "--dry-run", "-f", REPOSITORY / "Makefile", target],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "BATCHNB_TOOLS": "/another/folder"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0] == ".venv/bin/batchnb tools install"
