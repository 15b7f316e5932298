"""What a program gets, and what comes back of it."""

import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from batchnb.records.errors import InvalidValueError, ToolMissingError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import STDERR_TAIL, Ending, Limits, Warden, run_tool
from batchnb.tools.warden.fallback import run_in_group
from batchnb.tools.warden.protocol import Report, Task

PYTHON = (sys.executable, "-I", "-S")
EVIL = str(Path(__file__).with_name("evil.py"))


def run(*command, seconds=30.0, cancel=None, **options):
    return run_tool(command, deadline=Deadline.after(seconds), cancel=cancel or CancelToken(), **options)


def python(script, *arguments, **options):
    return run(*PYTHON, "-c", script, *arguments, **options)


@pytest.fixture(name="executable")
def _executable(tmp_path):
    def write(content, *, name="tool", mode=0o755):
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return write


def test_what_a_program_writes_comes_back_as_bytes():
    out = python("import os; os.write(1, b'\\xff\\x00\\xfe'); os.write(2, b'\\xe9'); os._exit(7)")

    assert (out.ending, out.returncode) == (Ending.EXITED, 7)
    assert (out.stdout, out.stderr) == (b"\xff\x00\xfe", b"\xe9")
    assert not out.stdout_truncated
    assert not out.stderr_truncated
    assert out.strays == 0
    assert out.argv[0] == sys.executable
    assert out.seconds > 0


def test_a_program_that_dies_of_a_signal_exits_with_its_number():
    out = python("import os; os.abort()")

    assert (out.ending, out.returncode) == (Ending.EXITED, -signal.SIGABRT)


def test_arguments_that_are_no_text_arrive_as_they_are():
    out = python("import os, sys; os.write(1, os.fsencode(sys.argv[1]))", os.fsdecode(b"\xff/\xc3\xa9"))

    assert out.stdout == b"\xff/\xc3\xa9"


def test_only_the_end_of_standard_error_is_kept():
    out = python("import sys; sys.stderr.write('a' * 50_000 + 'the end')")

    assert len(out.stderr) == STDERR_TAIL
    assert out.stderr.endswith(b"the end")
    assert out.stderr_truncated


@pytest.mark.parametrize("command", [(*PYTHON, EVIL, "flood", "-", "-"), ("head", "-c", "1G", "/dev/zero")])
def test_a_flood_is_stopped_at_the_cap_and_does_not_fill_the_memory(command):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = run(*command)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert out.ending is Ending.OUTPUT_CAP
    assert len(out.stdout) == Limits().output_bytes
    assert out.stdout_truncated
    assert out.seconds < 5
    assert grown < 80 * 1024


def test_a_flood_of_standard_error_is_a_flood():
    out = python("import os\nwhile True: os.write(2, bytes(1 << 16))", limits=Limits(file_bytes=1 << 18))

    assert out.ending is Ending.OUTPUT_CAP
    assert out.stdout == b""


def test_less_is_read_than_may_be_written():
    out = python("print('x' * 999, end='')", limits=Limits(output_bytes=100))

    assert out.ending is Ending.OUTPUT_CAP
    assert out.stdout == b"x" * 100


def test_standard_input_is_empty_unless_given():
    script = "import sys; print(repr(sys.stdin.buffer.read()))"

    assert python(script).stdout == b"b''\n"
    assert python(script, stdin=b"\xff\n").stdout == b"b'\\xff\\n'\n"
    assert python(script, stdin=b"").stdout == b"b''\n"


def test_no_secret_reaches_a_program_or_the_processes_above_it(monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "canary-5151")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:canary-5151@proxy")
    monkeypatch.setenv("LC_TIME", "C")
    warden = Warden()
    script = "import os; print(dict(os.environ)); print(open(f'/proc/{os.getppid()}/environ', 'rb').read())"
    out = python(script, env={"EXTRA": "yes"}, warden=warden)
    warden.close()

    assert b"canary" not in out.stdout
    assert b"'EXTRA': 'yes'" in out.stdout
    assert b"'LC_TIME': 'C'" in out.stdout


def test_a_program_runs_in_an_empty_folder_that_vanishes(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = python(
        "import os, pathlib; print(os.listdir(), os.getcwd()); open('left', 'w');"
        "print(*(pathlib.Path(os.environ[n]).is_dir() for n in ('HOME', 'TMPDIR')))"
    )
    listing, _, rest = out.stdout.decode().partition(" ")

    assert listing == "[]"
    assert rest.startswith(str(tmp_path))
    assert rest.endswith("True True\n")
    assert list(tmp_path.iterdir()) == []


def test_a_given_folder_is_used_and_kept(tmp_path):
    out = python("import os; print(os.getcwd()); open('left', 'w')", cwd=tmp_path)

    assert out.stdout.decode().strip() == str(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["left"]
    assert (tmp_path / "left").stat().st_mode & 0o077 == 0


def test_even_a_folder_too_deep_to_walk_is_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = run(*PYTHON, EVIL, "nest", "-", "-")

    assert (out.ending, out.returncode, out.stderr) == (Ending.EXITED, 0, b"")
    assert list(tmp_path.iterdir()) == []


def test_no_descriptor_and_no_ignored_signal_is_passed_on():
    out = run("sh", "-c", "ls /proc/self/fd; grep -E 'SigIgn|SigBlk' /proc/self/status")

    *descriptors, _, blocked, _, ignored = out.stdout.split()
    of_the_c_library = 0b11 << 31  # no program can change these two, so they come from whoever started us
    assert descriptors == [b"0", b"1", b"2", b"3"]
    assert [int(mask, 16) & ~of_the_c_library for mask in (blocked, ignored)] == [0, 0]


def test_a_missing_program_is_named_with_the_places_searched(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere:/bin")

    with pytest.raises(ToolMissingError, match=r"'no-such-tool'.*/nowhere:/bin"):
        run("no-such-tool")
    with pytest.raises(FileNotFoundError, match="/no/such/tool"):
        run("/no/such/tool")


def test_a_file_that_may_not_be_executed_is_no_program(executable):
    with pytest.raises(ToolMissingError, match="not an executable file"):
        run(str(executable(b"#!/bin/sh\n", mode=0o644)))


@pytest.mark.parametrize(
    ("content", "number", "words"),
    [
        (b"neither script nor binary\0", 8, "Exec format error"),
        (b"#!/no/such/interpreter\n", 2, "No such file"),
    ],
)
def test_a_program_that_cannot_start_says_why(executable, content, number, words):
    out = run(str(executable(content)))

    assert (out.ending, out.returncode, out.start_errno) == (Ending.NOT_STARTED, None, number)
    assert out.start_error.startswith("could not execute it: ")
    assert words in out.start_error


def test_a_missing_folder_says_so(tmp_path):
    out = run("true", cwd=tmp_path / "none")

    assert out.ending is Ending.NOT_STARTED
    assert out.start_error == "could not enter its folder: No such file or directory"


def test_a_program_is_never_taken_from_the_current_folder(executable, monkeypatch):
    """Not by a relative path, and not through a PATH that holds the current folder."""
    folder = executable(b"#!/bin/sh\necho hostile\n", name="batchnb-hostile").parent
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")

    with pytest.raises(InvalidValueError, match="absolute path"):
        run("./batchnb-hostile")
    with pytest.raises(ToolMissingError):
        run("batchnb-hostile")
    inside = run("sh", "-c", "batchnb-hostile", cwd=folder)
    assert (inside.returncode, inside.stdout) == (127, b"")


def test_a_program_is_looked_up_on_the_given_path(executable):
    folder = executable(b"#!/bin/sh\necho ours\n", name="batchnb-ours").parent

    assert run("batchnb-ours", env={"PATH": f"{folder}:{os.environ['PATH']}"}).stdout == b"ours\n"


@pytest.mark.parametrize("command", [(), ("echo", "a\0b")])
def test_what_cannot_be_a_command_is_refused(command):
    with pytest.raises(InvalidValueError):
        run(*command)


def test_nothing_is_started_after_cancellation_or_deadline(tmp_path):
    cancel = CancelToken()
    cancel.cancel()

    cancelled = run("touch", str(tmp_path / "ran"), cancel=cancel)
    late = run("touch", str(tmp_path / "ran"), seconds=0)

    assert (cancelled.ending, late.ending) == (Ending.CANCELLED, Ending.TIMED_OUT)
    assert cancelled.started_at.tzinfo is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["memory_bytes", "file_bytes", "cpu_seconds", "output_bytes", "processes"])
def test_a_limit_is_positive(name):
    with pytest.raises(InvalidValueError, match=name):
        Limits(**{name: 0})


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"ending": "well"}', b'{"ending": "exited", "x": 1}'])
def test_a_report_that_no_guard_wrote_means_lost(data):
    assert Report.decode(data) == Report(Ending.LOST)


def test_a_task_survives_the_crossing():
    task = Task((b"\xff", b"b"), {b"\xe9": b"\x80="}, b"/w", b"/s", 1.5, {"RLIMIT_AS": 7})

    assert Task.decode(task.encode()) == task


@pytest.mark.parametrize(
    ("script", "seconds", "ending", "returncode"),
    [
        ("print('hello')", 20, Ending.EXITED, 0),
        ("import time; time.sleep(60)", 0.2, Ending.TIMED_OUT, -9),
        ("import os, time\nwhile True: os.write(1, bytes(1 << 16))", 20, Ending.OUTPUT_CAP, -9),
    ],
)
def test_the_stand_in_without_a_warden(script, seconds, ending, returncode):
    with tempfile.TemporaryFile() as out, Path(os.devnull).open("rb") as nothing:
        command = tuple(os.fsencode(part) for part in (*PYTHON, "-c", script))
        deadline = Deadline.after(seconds)
        task = Task(command, {}, b"/", b"", deadline.at, {"RLIMIT_FSIZE": 1 << 20})
        report = run_in_group(task, (nothing.fileno(), out.fileno(), out.fileno()), CancelToken(), deadline)

    assert (report.ending, report.returncode) == (ending, returncode)


def test_the_stand_in_can_be_cancelled_and_can_fail():
    cancel = CancelToken()
    cancel.cancel()
    with Path(os.devnull).open("r+b") as null:
        stdio = (null.fileno(),) * 3
        deadline = Deadline.after(20)
        asleep = Task((b"/bin/sleep", b"60"), {}, b"/", b"", deadline.at, {"RLIMIT_FSIZE": 1})
        missing = asleep._replace(argv=(b"/no/such",))

        assert run_in_group(asleep, stdio, cancel, deadline).ending is Ending.CANCELLED
        assert (
            run_in_group(missing, stdio, cancel, deadline).reason()
            == "could not execute it: No such file or directory"
        )
