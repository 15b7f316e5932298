"""What the worker tests have run in a worker: each takes `(arguments, call)`."""

import ctypes
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from batchnb.records.errors import InvalidValueError, ReportError, ToolMissingError
from batchnb.tools.process import Limits, run_tool
from batchnb.tools.workers.frames import MAX_FRAME, encode

ERRORS = {
    "ValueError": ValueError("no good"),
    "KeyError": KeyError("k"),
    "TimeoutError": TimeoutError("late"),
    "ConnectionError": ConnectionResetError("gone"),
    "PermissionError": PermissionError(13, "Permission denied", "/secret"),
    "MemoryError": MemoryError(),
    "OSError": OSError(28, "No space left on device"),
    "ReportError": ReportError("unreadable"),
    "ToolMissingError": ToolMissingError("no such program"),
    "InvalidValueError": InvalidValueError("app", "x", "it does not exist"),
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
}


def echo(arguments, call):
    return arguments


def pid(arguments, call):
    return os.getpid()


def say_pid(call):
    call.send(os.getpid())


def error(name, call):
    raise ERRORS[name]


def unprintable(arguments, call):
    class OddError(Exception):
        def __str__(self):
            raise RuntimeError

    raise OddError


def count(number, call):
    for value in range(number):
        call.send(value)
    return "counted"


def flood(arguments, call):
    while True:
        call.send("x" * 50_000)


def too_large(arguments, call):
    return "x" * MAX_FRAME


def no_json(arguments, call):
    return {1, 2}


# ------------------------------------------------------------------------------ what does not end


def sleep(arguments, call):
    say_pid(call)
    time.sleep(60)


def loop(arguments, call):
    say_pid(call)
    while True:
        pass


def expression(arguments, call):
    say_pid(call)
    re.match(r"(a+)+$", "a" * 40 + "b")


def catch_all(arguments, call):
    say_pid(call)
    while True:
        try:
            time.sleep(0.01)
        except BaseException:  # noqa: BLE001
            continue


def deaf(arguments, call):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    catch_all(arguments, call)


HANGING = ("sleep", "loop", "expression", "catch_all", "deaf")


def until_cancelled(arguments, call):
    say_pid(call)
    call.cancel.wait(30)
    return call.cancel.reason


def deadlines(number, call):
    """Send the deadline and, each time it is moved, where it is then."""
    call.deadline.subscribe(lambda: call.send(call.deadline.at))
    call.send(call.deadline.at)
    call.cancel.wait(30)


def tool(arguments, call):
    say_pid(call)
    return run_tool(("sleep", "60"), deadline=call.deadline, cancel=call.cancel).ending.value


def memory_of_a_tool(megabytes, call):
    script = f"x = bytearray({megabytes} << 20); print(len(x))"
    raw = run_tool(
        (sys.executable, "-I", "-c", script),
        deadline=call.deadline,
        cancel=call.cancel,
        limits=Limits(memory_bytes=None),
    )
    return raw.stdout.decode()


def family(folder, call):
    """Leave a child, and a daemon of a session of its own, and tell their numbers; then hang."""
    if os.fork() == 0:
        _rest(folder)
    if (middle := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            _rest(folder)
        os._exit(0)
    os.waitpid(middle, 0)
    while len(found := list(Path(folder).iterdir())) < 2:
        time.sleep(0.005)
    call.send([int(path.name) for path in found])
    time.sleep(60)


def _rest(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)
    os._exit(0)


# --------------------------------------------------------------------------------- what dies


def segfault(arguments, call):
    ctypes.string_at(0)


def leave(code, call):
    print("last words", file=sys.stderr, flush=True)
    os._exit(code)


def kill_self(arguments, call):
    os.kill(os.getpid(), signal.SIGKILL)


def allocate(gigabytes, call):
    return len(bytearray(gigabytes << 30))


# ------------------------------------------------------------------------ what leaves something


def noise(arguments, call):
    print("to standard output " * 1000)
    print("to standard error", file=sys.stderr)
    return [sys.stdin.read(), os.read(0, 10).decode()]


def close_standard(arguments, call):
    for number in range(3):
        os.close(number)
    return "closed"


def move_away(arguments, call):
    os.chdir("/")


def catch_signals(arguments, call):
    signal.signal(signal.SIGUSR1, lambda *_: None)


def change_environment(arguments, call):
    os.environ["LEFT"] = "behind"


def start_thread(arguments, call):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def start_process(arguments, call):
    subprocess.Popen(("sleep", "60"))


def start_daemon(arguments, call):
    subprocess.run(("setsid", "-f", "sleep", "60"), check=True, stdout=subprocess.DEVNULL)


def hoard(megabytes, call):
    _hoard.append(bytearray(os.urandom(1) * (megabytes << 20)))


_hoard = []


def allow_more(arguments, call):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


LEAVING = {
    "close_standard": None,
    "move_away": None,
    "catch_signals": None,
    "change_environment": None,
    "allow_more": None,
    "start_thread": None,
    "start_process": None,
    "start_daemon": None,
    "hoard": 400,
}


def surroundings(arguments, call):
    cwd = str(Path.cwd())
    return {"environ": dict(os.environ), "cwd": cwd, "path": sys.path, "isolated": sys.flags.isolated}


# ----------------------------------------------------------------------------- hostile frames


def _channel():
    """Get hold of the socket to the kernel, as an attacker would."""
    for number in range(3, 100):
        with suppress(OSError):
            taken = socket.socket(fileno=os.dup(number))
            if taken.type == socket.SOCK_STREAM and taken.family == socket.AF_UNIX:
                return taken
    raise AssertionError


def raw(text, call):
    _channel().sendall(text.encode("latin-1"))
    time.sleep(60)


def after_the_end(arguments, call):
    """Answer twice: the second answer is there when the first one is read."""
    _channel().sendall(encode(["result", "first", True]) + encode(["result", "second", True]))
    time.sleep(60)


def hang_up(arguments, call):
    _channel().shutdown(socket.SHUT_RDWR)
    time.sleep(60)


def parse_report(count, call):
    """Parse a report of about 35 MB, as a tool writes it, and send what is in it."""
    item = {"rule": "B602", "line": 2, "message": "subprocess call with shell=True", "code": "x" * 1000}
    text = json.dumps([item] * count)
    found = json.loads(text)
    for start in range(0, len(found), 50):
        call.send([{"rule": row["rule"], "message": row["message"]} for row in found[start : start + 50]])
    return len(text)
