"""Whatever a function does in its worker, the kernel gets an answer in time and nothing is left."""

import json
import math
import os
import re
import select
import signal
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import acts
import pytest
from support import PATIENCE, REPOSITORY, wait_until

from batchnb.records.errors import (
    InvalidValueError,
    RemoteError,
    ReportError,
    ToolMissingError,
    WorkerCancelledError,
    WorkerDiedError,
    WorkerError,
    WorkerRefusedError,
    WorkerTimeoutError,
)
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.workers import pool as pool_module
from batchnb.tools.workers import worker as worker_module
from batchnb.tools.workers.fallback import GroupLine
from batchnb.tools.workers.frames import MAX_FRAME
from batchnb.tools.workers.order import CANCEL_SECONDS
from batchnb.tools.workers.pool import WorkerPool, default_pool
from batchnb.tools.workers.remote import MAX_NAME, MAX_TEXT
from batchnb.tools.workers.worker import WorkerLimits

HERE = Path(__file__).parent
LATE = 0.1
"""Seconds after a hard deadline by which nothing is alive."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no subreaper")


@pytest.fixture(name="pool", scope="module")
def _pool():
    """Share a pool: a test that spoils a worker must not be felt by the next one."""
    pool = WorkerPool()
    yield pool
    pool.close()


@pytest.fixture(name="fresh")
def _fresh():
    pool = WorkerPool()
    yield pool
    pool.close()


class Heard(list):
    """What a function sent, with a wait for the first of it."""

    def first(self):
        assert wait_until(lambda: self)
        return self[0]


def call(pool, function, arguments=None, *, seconds=PATIENCE, cancel=None, deadline=None, **options):
    return pool.call(
        f"acts:{function}",
        arguments,
        deadline=deadline or Deadline.after(seconds),
        cancel=cancel or CancelToken(),
        **options,
    )


def in_thread(work, *arguments, **options):
    """Run `work` in a thread; return a function that waits for its value."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work, *arguments, **options)
    pool.shutdown(wait=False)
    return lambda: future.result(30)


def alive(pid):
    """Whether any thread of the process still runs: the first one may end before the others."""
    try:
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0]
            for task in Path(f"/proc/{pid}/task").iterdir()
        ]
    except OSError:
        return False
    return set(states) != {"Z"}


def watcher(pid):
    """Start a process that notes when `pid` ends; return a function that gives the time."""
    script = """
import os, select, sys, time
try:  # on a busy machine an ordinary process would note late
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except OSError:
    pass
poll = select.poll()
poll.register(os.pidfd_open(int(sys.argv[1])), select.POLLIN)
print("ready", flush=True)
poll.poll(30000)
print(time.monotonic())
"""
    process = subprocess.Popen(
        (sys.executable, "-I", "-S", "-c", script, str(pid)), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return lambda: float(process.communicate(timeout=40)[0])


def pattern_for(seconds):
    """Return a function that holds the lock of this interpreter for about so long, in one step."""
    length, held = 20, 0.0
    while held < 0.2:
        length += 1
        started = time.monotonic()
        re.match(r"(a+)+$", "a" * length + "b")
        held = time.monotonic() - started
    length += math.ceil(math.log2(seconds / held))
    return lambda: re.match(r"(a+)+$", "a" * length + "b")


def lateness(measure):
    """Return the best of three measurements: a busy machine may stop any process for a while."""
    best = math.inf
    for _ in range(3):
        if best >= LATE:
            best = min(best, measure())
    return best


# ------------------------------------------------------------------------------ answers


def test_a_call_is_answered_by_another_process_and_the_next_one_by_the_same(fresh):
    data = {"text": "é\ud800", "numbers": [1, 2.5, None, True]}
    first = call(fresh, "pid")

    assert first != os.getpid()
    assert call(fresh, "echo", data) == data
    assert call(fresh, "pid") == first


def test_a_place_that_cannot_be_one_is_named_and_costs_no_worker(fresh, monkeypatch):
    first = call(fresh, "pid")
    monkeypatch.setenv("BATCHNB_TOOLS", "relative")

    with pytest.raises(InvalidValueError, match="BATCHNB_TOOLS"):
        call(fresh, "pid")

    monkeypatch.delenv("BATCHNB_TOOLS")
    assert call(fresh, "pid") == first


def test_messages_arrive_in_order_before_the_answer(pool):
    heard = Heard()

    assert call(pool, "count", 500, on_message=heard.append) == "counted"
    assert heard == list(range(500))


def test_a_warm_call_is_quick(pool):
    call(pool, "echo", 1)
    times = []
    for _ in range(200):
        started = time.perf_counter()
        call(pool, "echo", 1)
        times.append(time.perf_counter() - started)

    print(f"warm call: p50 {statistics.median(times) * 1e3:.2f} ms")
    assert statistics.median(times) < 0.005  # alone: 0.3 ms


def test_every_call_at_the_same_time_has_a_worker_of_its_own(pool):
    gate = threading.Barrier(6)

    def one(number):
        gate.wait(PATIENCE)
        heard = Heard()
        cancel = CancelToken()
        result = in_thread(call, pool, "until_cancelled", on_message=heard.append, cancel=cancel)
        pid = heard.first()
        gate.wait(PATIENCE)
        cancel.cancel(f"number {number}")
        return pid, result()

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(one, range(6)))

    assert len({pid for pid, _ in answers}) == 6
    assert [reason for _, reason in answers] == [f"number {number}" for number in range(6)]


@pytest.mark.parametrize("name", acts.ERRORS)
def test_an_error_crosses_as_words_and_as_its_kind(pool, name):
    kinds = {"ToolMissingError": ToolMissingError, "ReportError": ReportError}
    kinds |= {"InvalidValueError": InvalidValueError}
    builtin = {"SystemExit": RemoteError, "KeyboardInterrupt": RemoteError, "KeyError": RemoteError}
    expected = kinds.get(name) or builtin.get(name) or getattr(__import__("builtins"), name)

    with pytest.raises(RemoteError) as caught:
        call(pool, "error", name)

    assert isinstance(caught.value, expected)
    assert str(acts.ERRORS[name]) in str(caught.value)
    assert "acts.py" in caught.value.remote_traceback
    assert "in error" in "\n".join(caught.value.__notes__)


def test_an_error_that_cannot_be_printed_is_still_an_error(pool):
    with pytest.raises(RemoteError, match="cannot be had: RuntimeError"):
        call(pool, "unprintable")


@pytest.mark.parametrize("function", ["nothing_there", "ERRORS"])
def test_what_cannot_be_called_is_an_error(pool, function):
    with pytest.raises(RemoteError):
        call(pool, function)


def test_a_worker_knows_no_secret_and_not_the_current_folder(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-canary")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "relative", *sys.path])

    found = call(fresh, "surroundings")

    assert "sk-canary" not in str(found)
    assert found["isolated"] == 1
    assert Path(found["cwd"]).name == "work"
    assert found["environ"]["HOME"] != os.environ["HOME"]
    assert not {"", str(tmp_path), "relative"} & set(found["path"])


def test_a_worker_runs_the_same_batchnb_even_from_its_folder(fresh, monkeypatch, tmp_path):
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(sys, "path", [str(REPOSITORY), str(tmp_path), *sys.path])

    path = call(fresh, "surroundings")["path"]

    assert path[:2] == [str(REPOSITORY), str(tmp_path)]


def test_a_worker_that_looks_elsewhere_for_modules_is_not_used(fresh, monkeypatch, tmp_path):
    first = call(fresh, "pid")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert call(fresh, "pid") != first


# ------------------------------------------------------------------------------ deadline, cancel


@pytest.mark.parametrize("kind", acts.HANGING)
def test_what_hangs_is_dead_at_the_deadline(pool, kind):
    def measure():
        heard, deadline = Heard(), Deadline.after(PATIENCE)
        result = in_thread(call, pool, kind, deadline=deadline, on_message=heard.append)
        died_at = watcher(heard.first())
        deadline.move(time.monotonic() + 0.4)
        with pytest.raises(WorkerTimeoutError):
            result()
        late = died_at() - deadline.at
        assert late > -0.01
        return late

    assert lateness(measure) < LATE


def test_the_deadline_is_kept_while_the_kernel_is_frozen(pool):
    def measure():
        heard, deadline = Heard(), Deadline.after(PATIENCE)
        freeze = pattern_for(3)
        result = in_thread(call, pool, "loop", deadline=deadline, on_message=heard.append)
        died_at = watcher(heard.first())
        deadline.move(time.monotonic() + 0.5)
        started = time.monotonic()
        freeze()
        frozen = time.monotonic() - started
        with pytest.raises(WorkerTimeoutError):
            result()
        late = died_at() - deadline.at
        print(f"frozen for {frozen:.1f} s, killed {late * 1e3:.0f} ms after the deadline")
        assert frozen > 0.5 + 2 * LATE, "the expression was too fast to prove anything"
        return late

    assert lateness(measure) < LATE


def test_a_function_is_told_a_little_less_and_hears_of_moves(pool):
    heard, deadline, cancel = Heard(), Deadline.after(15), CancelToken()
    result = in_thread(call, pool, "deadlines", deadline=deadline, cancel=cancel, on_message=heard.append)

    assert deadline.at - heard.first() == pytest.approx(1.0)
    deadline.move(time.monotonic() + 5)
    assert wait_until(lambda: len(heard) == 2)
    assert 0.4 < deadline.at - heard[1] <= 0.5
    deadline.move(time.monotonic() + 600)
    assert wait_until(lambda: len(heard) == 3)
    assert deadline.at - heard[2] == pytest.approx(1.0)
    cancel.cancel()
    assert result() is None


def test_a_late_callback_does_not_hit_the_next_call(fresh):
    deadline, cancel = Deadline.after(PATIENCE), CancelToken()
    first = call(fresh, "pid", deadline=deadline, cancel=cancel)
    deadline.move(0)
    cancel.cancel()

    assert call(fresh, "pid") == first


def test_what_has_passed_or_is_cancelled_never_begins(pool):
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(WorkerCancelledError):
        call(pool, "echo", cancel=cancel)
    with pytest.raises(WorkerTimeoutError):
        call(pool, "echo", seconds=0)


def test_a_cancelled_function_may_still_answer(fresh):
    heard, cancel = Heard(), CancelToken()
    result = in_thread(call, fresh, "until_cancelled", cancel=cancel, on_message=heard.append)
    heard.first()

    cancel.cancel("the user")

    assert result() == "the user"


@pytest.mark.parametrize("kind", acts.HANGING)
def test_a_cancelled_function_that_does_not_listen_is_killed(pool, kind):
    def measure():
        heard, cancel = Heard(), CancelToken()
        result = in_thread(call, pool, kind, cancel=cancel, on_message=heard.append)
        died_at = watcher(heard.first())
        cancel.cancel()
        cancelled_at = time.monotonic()
        with pytest.raises(WorkerCancelledError):
            result()
        return died_at() - (cancelled_at + CANCEL_SECONDS)

    assert lateness(measure) < LATE


def test_a_cancelled_function_stops_its_tools(pool):
    heard, cancel = Heard(), CancelToken()
    result = in_thread(call, pool, "tool", cancel=cancel, on_message=heard.append)
    heard.first()

    cancel.cancel()

    assert result() == "cancelled"


def test_a_tool_is_stopped_a_little_before_its_worker(pool):
    """So that what was found before can be reported. On a busy machine half a second may be too little."""
    answers = []
    while len(answers) < 3 and "timed_out" not in answers:
        try:
            answers.append(call(pool, "tool", seconds=4.0))
        except WorkerTimeoutError:
            answers.append("killed")

    assert answers[-1] == "timed_out"


def test_the_stop_button_kills_the_worker_first():
    script = f"""
import sys; sys.path.insert(0, {str(HERE)!r})
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.workers import worker as worker_module
from batchnb.tools.workers.fallback import GroupLine
from batchnb.tools.workers.pool import default_pool
try:
    default_pool().call("acts:sleep", None, deadline=Deadline.after(50), cancel=CancelToken(),
        on_message=lambda pid: print(pid, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    input()
"""
    owner = own("-c", script)
    pid = int(owner.stdout.readline())

    owner.send_signal(signal.SIGINT)

    assert owner.stdout.readline() == "interrupted\n"
    assert not alive(pid)
    owner.communicate("\n", timeout=20)
    assert owner.returncode == 0


# ------------------------------------------------------------------------------ deaths


@pytest.mark.parametrize(
    ("function", "arguments", "returncode", "evidence"),
    [
        ("segfault", None, -signal.SIGSEGV, "Segmentation fault"),
        ("leave", 0, 0, "last words"),
        ("leave", 7, 7, "exit code 7"),
        ("kill_self", None, -signal.SIGKILL, "SIGKILL"),
        ("hang_up", None, 0, "exit code 0"),
    ],
)
def test_a_death_fails_its_call_and_no_other(pool, function, arguments, returncode, evidence):
    heard, cancel = Heard(), CancelToken()
    neighbour = in_thread(call, pool, "until_cancelled", cancel=cancel, on_message=heard.append)
    heard.first()

    with pytest.raises(WorkerDiedError) as caught:
        call(pool, function, arguments)

    assert evidence in str(caught.value)
    assert caught.value.returncode == returncode
    assert call(pool, "echo", "next") == "next"
    cancel.cancel("well")
    assert neighbour() == "well"


def test_too_much_memory_is_an_error_of_the_function(pool):
    with pytest.raises(MemoryError):
        call(pool, "allocate", 8)
    assert call(pool, "echo", 1) == 1


def test_the_memory_limit_is_the_workers_not_its_tools(tmp_path):
    pool = WorkerPool(limits=WorkerLimits(memory_bytes=600 << 20))
    try:
        with pytest.raises(MemoryError):
            call(pool, "allocate", 1)
        assert call(pool, "memory_of_a_tool", 800) == f"{800 << 20}\n"
    finally:
        pool.close()


@pytest.mark.parametrize("how", ["deadline", "cancel", "close"])
def test_no_process_of_a_killed_worker_is_left(fresh, tmp_path, how):
    heard, deadline, cancel = Heard(), Deadline.after(PATIENCE), CancelToken()
    result = in_thread(
        call, fresh, "family", str(tmp_path), deadline=deadline, cancel=cancel, on_message=heard.append
    )
    family = heard.first()
    assert len(family) == 2

    {"deadline": lambda: deadline.move(0), "cancel": cancel.cancel, "close": fresh.close}[how]()

    with pytest.raises(WorkerError):
        result()
    assert [pid for pid in family if alive(pid)] == []


@pytest.mark.parametrize(("function", "arguments"), [("sleep", None), ("expression", None), ("family", "F")])
def test_nothing_outlives_a_killed_kernel(tmp_path, function, arguments):
    folder, scratch = tmp_path / "family", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    given = str(folder) if arguments else None
    owner = own(str(HERE / "keeper.py"), function, json.dumps(given), TMPDIR=str(scratch))
    said = json.loads(owner.stdout.readline())
    pids = said if isinstance(said, list) else [said]

    owner.kill()
    owner.wait()

    assert_all_end(pids)
    assert wait_until(lambda: list(scratch.iterdir()) == [])
    owner.communicate()


def test_a_tool_of_a_worker_does_not_outlive_a_killed_kernel():
    owner = own(str(HERE / "keeper.py"), "tool", "null")
    worker = int(owner.stdout.readline())
    assert wait_until(lambda: "sleep" in names_below(worker))
    tree = descendants(worker)

    owner.kill()
    owner.wait()

    assert_all_end((worker, *tree))
    owner.communicate()


def assert_all_end(pids):
    """Wait until all have ended: alone a few hundredths of a second, longer where all want the processor."""
    started = time.monotonic()
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 5.0)
    print(f"{len(pids)} processes ended {time.monotonic() - started:.2f} s after their kernel")


def own(*arguments, **environment):
    return subprocess.Popen(
        (sys.executable, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )


def descendants(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def names_below(pid):
    try:
        return {Path(f"/proc/{child}/comm").read_text().strip() for child in descendants(pid)}
    except OSError:  # one of them ended while it was read
        return set()


# ------------------------------------------------------------------------------ leftovers


def test_printing_and_reading_harms_nobody(fresh, capfd):
    first = call(fresh, "pid")

    assert call(fresh, "noise") == ["", ""]

    assert call(fresh, "pid") == first
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("function", acts.LEAVING)
def test_a_worker_that_is_not_as_before_answers_and_is_not_used_again(fresh, function):
    first = call(fresh, "pid")

    call(fresh, function, acts.LEAVING[function])

    assert wait_until(lambda: not alive(first))
    assert call(fresh, "pid") != first


def test_a_worker_is_replaced_after_a_number_of_calls(fresh, monkeypatch):
    monkeypatch.setattr(pool_module, "MAX_CALLS", 3)

    pids = [call(fresh, "pid") for _ in range(6)]

    assert pids[0] == pids[1] == pids[2] != pids[3] == pids[4] == pids[5]


def test_an_idle_worker_ends_and_is_replaced():
    pool = WorkerPool(idle_seconds=0.3)
    try:
        first = call(pool, "pid")
        assert wait_until(lambda: not alive(first))
        assert call(pool, "pid") != first
    finally:
        pool.close()


def test_an_idle_worker_that_was_taken_lives_though_its_caller_dawdles(monkeypatch):
    pool = WorkerPool(idle_seconds=2.0)
    first, returned = call(pool, "pid"), time.monotonic()
    enter = worker_module.Order.__enter__

    def late(order):
        assert wait_until(lambda: time.monotonic() > returned + 2.5)
        return enter(order)

    monkeypatch.setattr(worker_module.Order, "__enter__", late)

    assert call(pool, "pid") == first
    pool.close()


def test_a_worker_that_died_while_idle_is_replaced(fresh):
    first = call(fresh, "pid")
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: not alive(first))

    assert call(fresh, "pid") != first


def test_only_a_few_workers_wait(tmp_path):
    pool = WorkerPool(idle=1)
    try:
        heard, cancel = [Heard() for _ in range(3)], CancelToken()
        results = [
            in_thread(call, pool, "until_cancelled", on_message=one.append, cancel=cancel) for one in heard
        ]
        pids = [one.first() for one in heard]
        cancel.cancel()
        assert [result() for result in results] == [""] * 3

        assert wait_until(lambda: sum(map(alive, pids)) == 1)
    finally:
        pool.close()


def test_closing_leaves_nothing_and_refuses_calls(fresh):
    before = len(list(Path("/proc/self/fd").iterdir()))
    heard = Heard()
    idle = call(fresh, "pid")
    busy = in_thread(call, fresh, "sleep", on_message=heard.append)
    other = in_thread(call, fresh, "pid")
    pids = [idle, heard.first(), other()]

    fresh.close()

    assert [pid for pid in pids if alive(pid)] == []
    with pytest.raises(WorkerDiedError):
        busy()
    with pytest.raises(WorkerError, match="closed"):
        call(fresh, "pid")
    assert wait_until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)


def test_a_forked_process_has_workers_of_its_own():
    script = f"""
import os, sys; sys.path.insert(0, {str(HERE)!r})
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import default_warden
from batchnb.tools.workers import worker as worker_module
from batchnb.tools.workers.fallback import GroupLine
from batchnb.tools.workers.pool import default_pool
def pid():
    return default_pool().call("acts:pid", None, deadline=Deadline.after(20), cancel=CancelToken())
mine = pid()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, str(pid()).encode())
    default_pool().close()
    default_warden().close()
    os._exit(0)
os.wait()
print(mine, int(os.read(read, 100)), pid())
"""
    owner = own("-c", script)
    mine, theirs, again = owner.communicate(timeout=60)[0].split()

    assert mine == again != theirs


def test_there_is_one_pool_for_all():
    assert default_pool() is default_pool()


@pytest.fixture(name="without_warden")
def _without_warden(monkeypatch):
    """Start workers as on macOS."""
    monkeypatch.setattr(worker_module, "_start", lambda warden, task, stdio: GroupLine(task, stdio))
    pool = WorkerPool()
    yield pool
    pool.close()


def test_without_a_warden_calls_are_answered_killed_and_cancelled(without_warden, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pool, cancel = without_warden, CancelToken()
    assert call(pool, "pid") != os.getpid()
    with pytest.raises(WorkerTimeoutError):
        call(pool, "loop", seconds=0.8)
    with pytest.raises(WorkerCancelledError):
        call(pool, "loop", cancel=cancel, on_message=lambda pid: cancel.cancel())
    with pytest.raises(WorkerDiedError, match="exit code 7"):
        call(pool, "leave", 7)
    last = call(pool, "pid")

    pool.close()

    assert not alive(last)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ hostile answers

HOSTILE = {
    "no_json": "\0\0\0\4nope",
    "too_long": "\xff\xff\xff\xff",
    "no_list": "\0\0\0\2{}",
    "empty": "\0\0\0\0",
    "unknown_kind": '\0\0\0\x0a["what",1]',
    "truth": '\0\0\0\x0e["result",1,1]',
    "lacking": '\0\0\0\x0c["result",1]',
    "not_a_number": '\0\0\0\x11["message",   NaN]',
    "nested": "\0\0\xc3\x50" + "[" * 50_000,
    "digits": "\0\0\xc3\x50" + "9" * 50_000,
    "no_utf8": '\0\0\0\x0f["message","\xff"]',
    "error_row": '\0\0\0\x11["error",{},true]',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_malformed_answer_is_refused_and_its_worker_killed(pool, name):
    with pytest.raises(WorkerRefusedError) as caught:
        call(pool, "raw", HOSTILE[name])

    assert isinstance(caught.value, ReportError)
    assert call(pool, "echo", 1) == 1


def test_no_text_of_an_error_is_longer_than_agreed(pool):
    row = json.dumps(["error", dict.fromkeys(("type", "kind", "text", "traceback"), "x" * 50_000), False])

    with pytest.raises(RemoteError) as caught:
        call(pool, "raw", f"{chr(0)}{len(row).to_bytes(3, 'big').decode('latin-1')}{row}")

    assert len(str(caught.value)) == MAX_NAME + len(": ") + MAX_TEXT


def test_a_message_after_the_last_one_is_refused(pool):
    with pytest.raises(WorkerRefusedError, match="after the last one"):
        call(pool, "after_the_end")


def test_a_large_call_arrives_whole_though_its_deadline_moves_meanwhile(fresh):
    """It is larger than the socket holds, and the worker is only starting."""
    deadline, text = Deadline.after(PATIENCE), "x" * (MAX_FRAME - 100)
    result = in_thread(call, fresh, "echo", text, deadline=deadline)
    started = time.monotonic()
    while time.monotonic() < started + 0.2:
        deadline.move(time.monotonic() + PATIENCE)

    assert result() == text


def test_half_a_frame_is_ended_by_the_deadline(pool):
    with pytest.raises(WorkerTimeoutError):
        call(pool, "raw", "\0\0\0\x09[1", seconds=0.7)


def test_what_exceeds_the_cap_is_refused(pool):
    heard = Heard()

    with pytest.raises(WorkerRefusedError):
        call(pool, "flood", cap_bytes=1 << 20, on_message=heard.append)

    assert len(heard) == 20


def test_many_small_messages_are_too_much_as_well(pool):
    heard = Heard()

    with pytest.raises(WorkerRefusedError):
        call(pool, "count", 10_000, cap_bytes=1 << 20, on_message=heard.append)

    assert len(heard) == 1024


@pytest.mark.parametrize("function", ["too_large", "no_json"])
def test_an_answer_that_cannot_cross_is_an_error_of_the_function(pool, function):
    with pytest.raises(RemoteError) as caught:
        call(pool, function)

    assert isinstance(caught.value, ReportError)


@pytest.mark.parametrize("arguments", [{1, 2}, "x" * (1 << 20), math.nan])
def test_arguments_that_cannot_cross_are_refused_here(pool, arguments):
    with pytest.raises(ReportError):
        call(pool, "echo", arguments)


@pytest.mark.parametrize("error", [LookupError, EOFError, KeyboardInterrupt])
def test_an_error_of_the_listener_ends_the_worker(pool, error):
    heard = Heard()

    def listen(message):
        heard.append(message)
        raise error

    with pytest.raises(error):
        call(pool, "sleep", on_message=listen)

    assert not alive(heard[0])


def test_a_large_report_does_not_freeze_the_kernel(pool):
    """A report of 35 MB is parsed, and 30,000 rows of it arrive, while a thread ticks.

    Between two ticks this process did not work for long: who waits for the interpreter waits for its work.
    """
    call(pool, "echo", 1)
    pauses, done = [], threading.Event()

    def tick():
        last = time.process_time()  # not the clock: another program may have the processor
        while not done.is_set():
            select.select((), (), (), 0.001)
            now = time.process_time()
            pauses.append(now - last)
            last = now

    ticking = in_thread(tick)
    heard = Heard()
    size = call(pool, "parse_report", 30_000, on_message=heard.extend)
    done.set()
    ticking()

    print(f"a report of {size / 1e6:.0f} MB, {len(heard):,} rows: longest pause {max(pauses) * 1e3:.0f} ms")
    assert size > 32e6
    assert len(heard) == 30_000
    assert max(pauses) < 0.25  # alone: below 0.03; parsed here, about a second
