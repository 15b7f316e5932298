"""Whatever a program does, nothing of it is alive after its task, its kernel or its warden has ended."""

import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, Limits, Warden, default_warden, run_tool

HERE = Path(__file__).parent
PYTHON = (sys.executable, "-I", "-S")
REPOSITORY = HERE.parent.parent
STANDING = {
    "plain": 1,
    "child": 2,
    "deaf": 2,
    "session": 2,
    "daemon": 2,
    "masked": 2,
    "stopped": 2,
    "tree": 31,
    "hop": 4,
}
"""Kind of payload -> files that it leaves once all of it stands."""
LATENCY = 5.0
"""Seconds that a test may be kept from a processor: the payloads would go on for a minute and more.

How fast a tree ends is measured where nothing else runs: `tests/campaigns/test_hostile_tools.py`.
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no subreaper")


class Payload:
    """One run of evil.py, known by a word on its command line and by its folder."""

    def __init__(self, folder):
        self.marker, self.folder = f"marker-{uuid4().hex}", folder
        folder.mkdir()

    def arguments(self, kind):
        return (kind, self.marker, str(self.folder))

    def command(self, kind):
        return (*PYTHON, str(HERE / "evil.py"), *self.arguments(kind))

    def stands(self, count):
        return wait_until(lambda: len(list(self.folder.iterdir())) >= count)

    def survivors(self):
        return [pid for pid in processes() if self._is_mine(pid)]

    def _is_mine(self, pid):
        command = read(f"/proc/{pid}/cmdline")
        marked = self.marker.encode() in command and b"owner.py" not in command
        return marked or cwd_of(pid) == str(self.folder)


@pytest.fixture(name="payload")
def _payload(tmp_path):
    payload = Payload(tmp_path / "payload")
    yield payload
    for pid in payload.survivors():
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(name="warden")
def _warden():
    warden = Warden()
    yield warden
    warden.close()


@pytest.fixture(name="own")
def _own(tmp_path):
    """Start an owner in a session of its own, as a kernel has one."""
    owners = []
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def start(mode, *arguments):
        owner = subprocess.Popen(
            (sys.executable, str(HERE / "owner.py"), mode, *arguments),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(scratch)},
        )
        owners.append(owner)
        owner.scratch = scratch
        return owner

    yield start
    for owner in owners:
        owner.kill()
        owner.wait()
        owner.stdout.close()


def processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def read(path):
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def cwd_of(pid):
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.003)
    return value


def line_with(owner, word):
    for line in owner.stdout:
        if line.startswith(word):
            return line.split()
    raise AssertionError(f"the owner never said {word!r}")


def in_thread(call):
    """Run `call` in a thread; return a function that waits for its value."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    return lambda: future.result(30)


def run(command, *, seconds=30.0, cancel=None, **options):
    return run_tool(command, deadline=Deadline.after(seconds), cancel=cancel or CancelToken(), **options)


@pytest.mark.parametrize("kind", STANDING)
def test_nothing_survives_the_deadline(payload, kind):
    started = time.monotonic()
    out = run(payload.command(kind), seconds=0.4)

    assert payload.survivors() == []
    assert time.monotonic() - started < 0.4 + LATENCY
    assert out.ending is Ending.TIMED_OUT
    assert out.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kind", STANDING)
def test_nothing_survives_a_cancellation(payload, kind):
    cancel = CancelToken()
    result = in_thread(lambda: run(payload.command(kind), cancel=cancel))
    assert payload.stands(STANDING[kind])

    started = time.monotonic()
    cancel.cancel("enough")
    out = result()

    assert payload.survivors() == []
    assert time.monotonic() - started < LATENCY
    assert out.ending is Ending.CANCELLED
    assert out.strays >= (0 if kind == "plain" else 1)


@pytest.mark.parametrize("kind", STANDING)
def test_nothing_survives_the_death_of_the_kernel(payload, own, kind):
    owner = own("thread", *payload.arguments(kind))
    _, warden = line_with(owner, "warden")
    assert payload.stands(STANDING[kind])

    owner.kill()
    owner.wait()

    assert wait_until(lambda: not payload.survivors(), 5)
    assert wait_until(lambda: not in_session(int(warden)), 5), "the warden or a guard lives on"
    assert list(owner.scratch.iterdir()) == []


def in_session(leader):
    """Processes of the warden's session: itself and its guards."""
    fields = {pid: read(f"/proc/{pid}/stat").rpartition(b")")[2].split() for pid in processes()}
    return [
        pid for pid, stat in fields.items() if len(stat) > 3 and int(stat[3]) == leader and stat[0] != b"Z"
    ]


@pytest.mark.parametrize("mode", ["forked", "forked-in-c"])
def test_a_forked_copy_of_the_kernel_does_not_keep_its_tools_alive(payload, own, mode):
    """A child of multiprocessing holds the sockets open, so their end does not tell that the kernel died."""
    owner = own(mode, *payload.arguments("child"))
    child = int(line_with(owner, "child")[1])
    try:
        assert payload.stands(2)
        owner.kill()
        owner.wait()

        assert wait_until(lambda: not payload.survivors(), 5)
    finally:
        os.kill(child, signal.SIGKILL)


def test_the_stop_button_does_not_stop_a_tool_of_a_thread(payload, own):
    owner = own("thread", *payload.arguments("until_told"))
    assert payload.stands(1)

    os.killpg(owner.pid, signal.SIGINT)
    line_with(owner, "interrupted")
    (payload.folder / "go").touch()

    assert line_with(owner, "ending") == ["ending", "exited", "0"]


def test_an_interrupt_of_the_waiting_thread_ends_the_tree_first(payload, own):
    owner = own("main", *payload.arguments("tree"))
    assert payload.stands(31)

    os.killpg(owner.pid, signal.SIGINT)
    line_with(owner, "interrupted")

    assert payload.survivors() == []
    assert owner.wait(10) == 0


def test_a_daemon_is_killed_when_its_program_ends_well(payload):
    """It also holds standard output open, so that whoever reads a pipe to its end would wait for it."""
    out = run(payload.command("daemon_only"))

    assert payload.survivors() == []
    assert (out.ending, out.returncode, out.stdout) == (Ending.EXITED, 0, b"done\n")
    assert out.strays == 1
    assert out.seconds < 10


def test_a_task_that_kills_its_guard_is_lost_and_dead(payload, warden):
    out = run(payload.command("kill_guard"), warden=warden)

    assert payload.survivors() == []
    assert (out.ending, out.returncode) == (Ending.LOST, None)
    assert run(("true",), warden=warden).returncode == 0


def test_a_task_that_stops_its_guard_is_lost_and_dead(payload, warden):
    out = run(payload.command("stop_guard"), warden=warden)

    assert payload.survivors() == []
    assert out.ending is Ending.LOST


def test_when_the_warden_dies_its_tasks_are_lost_and_the_next_works(payload, warden):
    result = in_thread(lambda: run(payload.command("tree"), warden=warden))
    assert payload.stands(31)
    first = warden.pid

    os.kill(first, signal.SIGKILL)
    out = result()

    assert payload.survivors() == []
    assert out.ending is Ending.LOST
    assert run(("true",), warden=warden).returncode == 0
    assert warden.pid not in {None, first}


def test_closing_ends_what_runs_and_the_helper(payload, warden):
    result = in_thread(lambda: run(payload.command("daemon"), warden=warden))
    assert payload.stands(2)
    helper = warden.pid

    warden.close()

    assert payload.survivors() == []
    assert result().ending is Ending.LOST
    assert warden.pid is None
    assert not Path(f"/proc/{helper}").exists()
    warden.close()


def test_a_frozen_warden_is_replaced(warden, monkeypatch):
    monkeypatch.setattr("batchnb.tools.warden.client._PATIENCE", 0.2)
    assert run(("true",), warden=warden).returncode == 0
    os.kill(warden.pid, signal.SIGSTOP)

    out = run(("true",), warden=warden, seconds=0.1)

    assert out.ending is Ending.LOST
    assert run(("true",), warden=warden).returncode == 0


def test_the_deadline_is_kept_while_a_regular_expression_holds_the_interpreter(payload):
    result = in_thread(lambda: run(payload.command("child"), seconds=0.5))
    assert payload.stands(2)

    started = time.monotonic()
    assert re.match(r"(a+)+$", "a" * 26 + "b") is None
    held = time.monotonic() - started

    assert held > 0.6, "the expression was too fast to prove anything"
    assert result().seconds < 0.5 + 0.15


def test_a_deadline_that_is_moved_is_followed(payload):
    """Later, to never, and earlier."""
    deadline = Deadline.after(1.0)
    first = deadline.at
    result = in_thread(lambda: run_tool(payload.command("tree"), deadline=deadline, cancel=CancelToken()))
    deadline.move(time.monotonic() + 60)
    deadline.move(math.inf)
    assert payload.stands(31)
    assert wait_until(lambda: time.monotonic() > first + 0.2)
    assert len(payload.survivors()) == 31

    deadline.move(time.monotonic() + 0.2)
    out = result()

    assert payload.survivors() == []
    assert out.ending is Ending.TIMED_OUT
    assert 0 < time.monotonic() - deadline.at < 5  # alone 0.01; the two before it were a minute and never


def test_a_moved_deadline_is_kept_while_a_regular_expression_holds_the_interpreter(payload):
    deadline = Deadline.after(30)
    result = in_thread(lambda: run_tool(payload.command("child"), deadline=deadline, cancel=CancelToken()))
    assert payload.stands(2)
    started = time.monotonic()
    deadline.move(started + 0.3)

    assert re.match(r"(a+)+$", "a" * 26 + "b") is None

    assert time.monotonic() - started > 0.6, "the expression was too fast to prove anything"
    assert result().ending is Ending.TIMED_OUT
    assert time.monotonic() - started < 20


def test_a_move_that_nobody_reads_any_more_does_not_lose_the_report():
    """The guard ends with a move unread, which resets the connection."""
    for _ in range(30):
        deadline, done = Deadline.after(20), threading.Event()

        def move(deadline=deadline, done=done):
            while not done.is_set():
                deadline.move(time.monotonic() + 20)

        mover = threading.Thread(target=move)
        mover.start()
        try:
            out = run_tool(("true",), deadline=deadline, cancel=CancelToken())
        finally:
            done.set()
            mover.join()
        assert (out.ending, out.returncode) == (Ending.EXITED, 0)


def test_a_storm_of_moves_is_heard_to_the_last(payload):
    deadline, cancel = Deadline.after(40), CancelToken()
    result = in_thread(lambda: run_tool(payload.command("plain"), deadline=deadline, cancel=cancel))
    assert payload.stands(1)

    for number in range(5_000):
        deadline.move(time.monotonic() + 30 + number)
    deadline.move(time.monotonic())
    out = result()

    assert out.ending is Ending.TIMED_OUT
    assert out.seconds < 20


def test_a_fork_bomb_is_put_out(payload):
    out = run(payload.command("burst"), seconds=0.5)

    assert payload.survivors() == []
    assert out.ending is Ending.TIMED_OUT
    assert out.seconds < 0.5 + 2


def test_a_storm_of_hostile_tasks_has_an_answer_for_each_and_no_survivor(tmp_path):
    kinds = [kind for kind in (*STANDING, "daemon_only", "kill_guard") for _ in range(20)][:200]
    payloads = [Payload(tmp_path / str(number)) for number in range(len(kinds))]

    def one(number):
        cancel = CancelToken()
        if number % 3 == 0:
            threading.Timer(0.05 + number % 7 / 50, cancel.cancel).start()
        out = run(payloads[number].command(kinds[number]), seconds=0.1 + number % 5 / 20, cancel=cancel)
        return out.ending, payloads[number].survivors()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(len(kinds))))

    assert len(answers) == 200
    assert [left for _, left in answers if left] == []
    endings = Counter(ending for ending, _ in answers)
    assert endings[Ending.TIMED_OUT] > 50
    assert endings[Ending.CANCELLED] > 20
    assert set(endings) <= {Ending.TIMED_OUT, Ending.CANCELLED, Ending.EXITED, Ending.LOST}


def test_a_forked_process_has_a_warden_of_its_own():
    script = """
import os
from batchnb.tools.process import default_warden, run_tool
from batchnb.tools.cancellation import CancelToken, Deadline
def tool():
    out = run_tool(("true",), deadline=Deadline.after(20), cancel=CancelToken())
    return out.returncode, default_warden().pid
code, mine = tool()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, repr(tool()).encode())
    default_warden().close()
    os._exit(0)
os.close(write)
os.wait()
print(code, mine, *eval(os.read(read, 100)), *tool())
"""
    done = subprocess.run(
        (sys.executable, "-c", script),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    code, mine, child_code, theirs, again_code, again = done.stdout.split()
    assert (code, child_code, again_code) == ("0", "0", "0")
    assert mine == again != theirs
    assert done.stderr == ""


def test_many_threads_share_one_helper(warden):
    with ThreadPoolExecutor(8) as pool:
        outs = list(pool.map(lambda _: (run(("true",), warden=warden).returncode, warden.pid), range(24)))

    assert set(outs) == {(0, warden.pid)}
    assert default_warden() is default_warden()


def test_no_descriptor_is_left_open_in_either_process(warden):
    run(("true",), warden=warden)
    before = open_files("self"), open_files(warden.pid)

    for _ in range(20):
        run(("true",), warden=warden)

    assert wait_until(lambda: open_files("self") <= before[0], 5)
    assert wait_until(lambda: open_files(warden.pid) <= before[1], 5)


def test_a_long_command_and_environment_arrive_whole():
    """They do not travel in a socket message, whose size is bounded; the system's own bound is an ending."""
    argument, value = "a" * 100_000, "é" * 50_000
    script = "import os, sys; print(len(sys.argv[1]), len(os.environ['BIG']))"

    out = run((*PYTHON, "-X", "utf8", "-c", script, argument), env={"BIG": value})
    too_long = run(("true", *[argument] * 100))

    assert out.stdout == b"100000 50000\n"
    assert (too_long.ending, too_long.start_errno) == (Ending.NOT_STARTED, 7)
    assert "Argument list too long" in too_long.start_error


def test_the_tree_is_measured(payload):
    script = "x = bytearray(80 << 20); sum(range(3_000_000))"
    out = run((*PYTHON, "-c", f"import os; os.fork() or exec({script!r}); os.wait()"))

    assert out.ending is Ending.EXITED
    assert out.max_rss_bytes > 80 << 20
    assert 0.01 < out.cpu_seconds < out.seconds * (os.cpu_count() or 1) + 1


@pytest.mark.parametrize(
    ("limits", "script", "evidence"),
    [
        (Limits(memory_bytes=256 << 20), "x = bytearray(1 << 30)", b"MemoryError"),
        (Limits(file_bytes=1 << 20), "open('big', 'wb').write(bytes(2 << 20))", b"File too large"),
    ],
)
def test_limits_hold(limits, script, evidence):
    out = run((*PYTHON, "-c", script), limits=limits)

    assert out.returncode == 1
    assert evidence in out.stderr


def test_processor_time_is_limited():
    out = run((*PYTHON, "-c", "while True: pass"), limits=Limits(cpu_seconds=1), seconds=20)

    assert out.ending is Ending.EXITED
    assert out.returncode in {-signal.SIGXCPU, -signal.SIGKILL}
    assert out.cpu_seconds < 3
