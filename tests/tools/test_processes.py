"""What runs below this process is seen from outside, and gone when it is gone."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from support import wait_until

from batchnb.records.errors import RemoteError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import run_tool
from batchnb.tools.processes import tool_processes
from batchnb.tools.workers.pool import WorkerPool

SLEEP = "import time; time.sleep(60)"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")


def test_a_tool_and_what_it_started_are_seen_and_the_wardens_are_not():
    before, cancel = tool_processes(), CancelToken()
    program = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"
    running = threading.Thread(
        target=run_tool,
        args=((sys.executable, "-c", program),),
        kwargs={"deadline": Deadline.after(60), "cancel": cancel},
    )
    running.start()
    assert wait_until(lambda: len(tool_processes() - before) == 2)
    seen = tool_processes() - before
    cancel.cancel()
    running.join(20)
    assert tool_processes() & seen == frozenset()


def test_workers_are_no_tools():
    before, pool = tool_processes(), WorkerPool()
    with pytest.raises(RemoteError):  # the worker is there all the same
        pool.call("builtins:repr", None, deadline=Deadline.after(60), cancel=CancelToken())
    assert tool_processes() - before == frozenset()
    pool.close()


def test_a_process_that_has_ended_and_was_not_noticed_does_not_count():
    before = tool_processes()
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        assert wait_until(lambda: tool_processes() - before == frozenset())
        ended.wait()
