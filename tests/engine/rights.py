"""Running a program for which file permissions count, even if the tests run as the superuser."""

import os
import shutil
import subprocess
import sys

import pytest


def run_without_rights(script, *arguments):
    """Run a Python script; the superuser's right to pass over permissions is taken from it."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("the superuser needs setpriv to do without his rights")
        rights = "-dac_override,-dac_read_search,-fowner"
        command = ["setpriv", "--inh-caps", rights, "--bounding-set", rights, *command]
    return subprocess.run(command, capture_output=True, text=True, check=False)
