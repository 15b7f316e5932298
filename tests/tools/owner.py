"""A process that owns a running tool, to be killed or interrupted: `python owner.py MODE EVIL_ARGUMENTS...`.

MODE: `thread` waits for the tool in a thread, as a notebook does; `main` in the main thread; `forked` and
`forked-in-c` like `thread`, beside a child that holds copies of every descriptor and outlives this process.
"""

import ctypes
import os
import sys
import threading
import time
from pathlib import Path

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import default_warden, run_tool

MODE, *EVIL = sys.argv[1:]
COMMAND = (sys.executable, "-I", "-S", str(Path(__file__).with_name("evil.py")), *EVIL)


def say(*words):
    print(*words, flush=True)


def tool():
    out = run_tool(COMMAND, deadline=Deadline.after(50), cancel=CancelToken())
    say("ending", out.ending.value, out.returncode)


def wait_in_thread():
    done = threading.Event()
    threading.Thread(target=lambda: (tool(), done.set())).start()
    while not default_warden().pid:
        time.sleep(0.001)
    say("warden", default_warden().pid)
    if MODE.startswith("forked"):
        while not list(Path(EVIL[-1]).iterdir()):
            time.sleep(0.001)
        # A library's own fork does not tell Python, whose hooks would let go of the sockets.
        if (child := os.fork() if MODE == "forked" else ctypes.PyDLL(None).fork()) == 0:
            ctypes.PyDLL(None).sleep(30)
            os._exit(0)
        say("child", child)
    while not done.is_set():
        try:
            done.wait(0.1)  # not Thread.join: interrupted, it takes the thread for ended
        except KeyboardInterrupt:
            say("interrupted")


if MODE == "main":
    try:
        tool()
    except KeyboardInterrupt:
        say("interrupted")
else:
    wait_in_thread()
