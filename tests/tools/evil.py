"""A program that does not want to die: `python -I -S evil.py KIND MARKER FOLDER`.

Each of its processes leaves a file in FOLDER when it stands, and holds a lock on the file FOLDER.held, which
is free again when the last of them is dead. Nothing lives longer than a minute, so that a failing test cannot
litter the machine for good.
"""

# ruff: noqa: PTH101, PTH102, PTH110, PTH112, PTH118, PTH123, PTH208 - a fast start matters more

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress

KIND, MARKER, FOLDER = sys.argv[1:4]
LIFE = 60.0


def hold():
    """Lock FOLDER.held, in this process and all that it forks, and write there when this one was started."""
    held = os.open(f"{FOLDER}.held", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(held, True)  # noqa: FBT003 - the system's own call
    fcntl.flock(held, fcntl.LOCK_EX)
    with open("/proc/self/stat") as stat:
        os.write(held, stat.read().rpartition(")")[2].split()[19].encode())  # clock ticks since the boot


def stand(name=None):
    with open(os.path.join(FOLDER, f"up-{name or os.getpid()}"), "w"):
        pass


def rest():
    stand()
    time.sleep(LIFE)
    os._exit(0)


def fork(then):
    """Fork a child that does `then` and never comes back."""
    pid = os.fork()
    if pid == 0:
        try:
            then()
        finally:
            os._exit(0)
    return pid


def in_new_session(then):
    os.setsid()
    then()


def double_fork(then=rest):
    """Daemonise: the child's child is nobody's child."""
    os.waitpid(fork(lambda: in_new_session(lambda: fork(then))), 0)


def plain():
    rest()


def child():
    fork(rest)
    rest()


def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    fork(rest)
    rest()


def session():
    fork(lambda: in_new_session(rest))
    rest()


def daemon():
    double_fork()
    rest()


def daemon_only():
    """The program ends well and leaves a daemon, which holds its standard output open."""
    double_fork()
    wait_for_files(1)
    print("done", flush=True)
    os._exit(0)


def masked():
    """Nothing to be known by: no environment, another command line, no parent-death signal."""

    def hide():
        import ctypes

        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
        stand()
        os.chdir(FOLDER)
        os.execve("/bin/sleep", ["sleep", str(LIFE)], {})

    double_fork(hide)
    rest()


def stopped():
    def stop():
        stand()
        os.kill(os.getpid(), signal.SIGSTOP)
        rest()

    fork(stop)
    rest()


def tree(depth=4):
    """31 processes, each in a session of its own."""
    for _ in range(2 if depth else 0):
        fork(lambda: in_new_session(lambda: tree(depth - 1)))
    rest()


def hop():
    """A process that has another number and session every millisecond."""

    def hopper():
        end = time.monotonic() + LIFE / 3
        for jump in range(1_000_000):
            if jump in {1, 2, 3}:
                stand(f"hop-{jump}")
            if time.monotonic() > end or os.fork():
                os._exit(0)
            os.setsid()
            time.sleep(0.001)

    fork(hopper)
    rest()


def mob():
    """All at once: daemons deaf to every polite signal, a stopped one, a hopping one, a tree."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    double_fork(lambda: fork(rest) and rest())
    double_fork(lambda: stand() or os.kill(os.getpid(), signal.SIGSTOP))
    double_fork(lambda: tree(1))
    hop()


def abandon():
    """The program ends well at once and leaves a whole tree of daemons."""
    double_fork(lambda: tree(3))
    wait_for_files(15)
    os._exit(0)


def kill_guard():
    """End the process that watches over this one, and leave a tree."""
    double_fork()
    fork(rest)
    wait_for_files(2)
    os.kill(os.getppid(), signal.SIGKILL)
    rest()


def stop_guard():
    double_fork()
    wait_for_files(1)
    os.kill(os.getppid(), signal.SIGSTOP)
    rest()


def burst():
    """A fork bomb with an end: about 250 processes that go on forking while they are killed."""
    for _ in range(8):
        if os.fork() == 0:
            with suppress(OSError):
                os.setsid()
    rest()


def pulse():
    """Write the time, on the clock that all processes share, to the file FOLDER.pulse every millisecond."""
    written = os.open(f"{FOLDER}.pulse", os.O_WRONLY | os.O_CREAT)
    stand()
    end = time.monotonic() + LIFE
    while time.monotonic() < end:
        os.pwrite(written, b"%.6f" % time.monotonic(), 0)
        time.sleep(0.001)


def chatter():
    """A scanner that tells what it does without end."""
    line = b"scanning file %d of many: nothing to report so far\n"
    for number in range(1_000_000_000):
        os.write(1, line % number)


def until_told():
    """Run until the file `go` stands in FOLDER, then end well."""
    stand()
    end = time.monotonic() + LIFE
    while not os.path.exists(os.path.join(FOLDER, "go")) and time.monotonic() < end:
        time.sleep(0.005)
    print("told", flush=True)


def flood():
    for _ in range(1024):
        os.write(1, b"x" * (1 << 20))


def nest():
    """Leave a folder too deep for a recursive removal, and one that forbids it."""
    os.chdir(os.environ["TMPDIR"])
    for _ in range(1500):
        os.mkdir("deep-folder-name")
        os.chdir("deep-folder-name")
    os.mkdir("shut")
    os.mkdir("shut/inner")
    os.chmod("shut", 0)


def wait_for_files(count):
    end = time.monotonic() + LIFE
    while len(os.listdir(FOLDER)) < count and time.monotonic() < end:
        time.sleep(0.002)


if os.path.isdir(FOLDER):
    hold()
globals()[KIND]()
