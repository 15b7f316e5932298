"""A program that logs, for tests that need a process of their own: python log_program.py WHAT FOLDER ..."""

import ctypes
import os
import resource
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from batchnb.tools.log import create_logger
from batchnb.tools.log.files import LogFiles

FOLDER = Path(sys.argv[2])
log = create_logger("task")


def many(name, count, max_bytes):
    """Log `count` numbered lines, some with tracebacks, as fast as the rotation of small files allows."""
    with LogFiles(FOLDER, max_bytes=int(max_bytes), backups=400) as files:
        for number in range(int(count)):
            log.info("line %s-%05d ends", name, number)
            if number % 2_000 == 1_999:
                time.sleep(0.1)  # several batches, so that the processes really take turns
    print(files.dropped, files.failure)


def leave():
    """Log without closing, with a task that logs when it is told that the program ends."""
    import atexit

    atexit.register(lambda: log.info("the last words"))
    LogFiles(FOLDER).start()
    log.info("before the end")


def fork():
    files = LogFiles(FOLDER).start()
    log.info("of the parent")
    child = os.fork()
    if not child:
        log.info("of the child")
        files.close()
        sys.exit(0)
    os.waitpid(child, 0)
    files.close()


def fork_under_load():
    """Fork while other threads log; every child opens files of its own, logs, and ends."""
    files = LogFiles(FOLDER).start()
    stop = threading.Event()

    def chatter():
        while not stop.wait(0.0005):
            log.info("chatter")

    threads = [threading.Thread(target=chatter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        child = os.fork()
        if not child:
            signal.alarm(20)
            with LogFiles(FOLDER):
                log.info("child %d", number)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print("a child ended with", status)
    stop.set()
    for thread in threads:
        thread.join()
    files.close()


def full():
    """Log more than the system lets us write, then let it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    _until_it_works(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))


def no_privileges():
    """Be bound by permissions also as root, in this thread and those that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    version_3, this_thread, sets = 0x20080522, 0, 6
    header, data = (ctypes.c_uint32 * 2)(version_3, this_thread), (ctypes.c_uint32 * sets)()
    assert libc.capset(header, data) == 0, os.strerror(ctypes.get_errno())


def read_only():
    """Log into a folder that we may not write, then may."""
    FOLDER.mkdir()
    (FOLDER / "there").touch()
    FOLDER.chmod(0o500)
    no_privileges()
    _until_it_works(lambda: FOLDER.chmod(0o700))


def _until_it_works(repair):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        files = LogFiles(FOLDER).start()
        for number in range(200):
            log.info("line %05d %s ends", number, "x" * 100)
        while not files.failure:
            time.sleep(0.01)
        failure = files.failure
        repair()
        log.info("it works again")
        while files.failure:
            time.sleep(0.01)
        files.close()
    print(failure, files.dropped, [str(each.message) for each in warned if each.category is RuntimeWarning])


globals()[sys.argv[1]](*sys.argv[3:])
