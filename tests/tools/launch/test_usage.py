"""Processor time and memory of a tree of processes."""

from __future__ import annotations

import os
import subprocess
import sys

from support import wait_until

from batchnb.tools.launch.usage import tree_usage

CODE = """
import os, sys, time
kept = bytearray(b"x" * (50 << 20))
if os.fork() == 0:
    end = time.process_time() + 0.3
    while time.process_time() < end: pass
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_tree_is_counted_whole():
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        used = wait_until(
            lambda: (u := tree_usage(process.pid)).processes == 2 and u.cpu_seconds >= 0.3 and u
        )
        assert used
        assert used.rss_bytes > 90 << 20  # both have the 50 MiB, which they share
        assert used.cpu_seconds < 60
    assert tree_usage(process.pid).processes == 0


def test_nobody_uses_nothing():
    used = tree_usage(2**22 + 1)
    assert (used.cpu_seconds, used.rss_bytes, used.processes) == (0, 0, 0)
    assert tree_usage(os.getpid()).rss_bytes > 1 << 20
