"""Folders that are whole or not there, made by one process at a time."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.making import BusyError, building, made_by_one, taken

MAKER = """
import sys
from pathlib import Path
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.making import building, made_by_one
target = Path(sys.argv[1])
with made_by_one(target, Deadline.after(60), CancelToken()), building(target) as made:
    (made / "half").write_text("x")
    print("making", flush=True)
    sys.stdin.read()
"""


def fill_the_disk(file):
    file.write_text("x")
    raise OSError(28, "full")


def left_in(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".lock-"))


def test_a_folder_appears_whole(tmp_path):
    target = tmp_path / "part"
    with building(target) as made:
        (made / "file").write_text("x")
        assert not target.exists()

    assert left_in(tmp_path) == ["part"]
    assert (target / "file").read_text() == "x"


def test_a_failure_leaves_nothing_and_the_old_one_stays(tmp_path):
    target = tmp_path / "part"
    target.mkdir()
    with pytest.raises(OSError, match="full"), building(target) as made:
        fill_the_disk(made / "file")

    assert left_in(tmp_path) == ["part"]
    assert not (target / "file").exists()


def test_what_a_killed_attempt_left_is_removed(tmp_path):
    left = tmp_path / ".building-part-abc"
    left.mkdir()
    (left / "file").write_text("x")
    with building(tmp_path / "part"):
        assert not left.exists()


def test_a_process_that_is_killed_in_the_middle_leaves_no_folder_and_no_lock(tmp_path):
    target = tmp_path / "part"
    with subprocess.Popen(
        [sys.executable, "-c", MAKER, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as maker:
        assert maker.stdout.readline() == b"making\n"
        with pytest.raises(BusyError), made_by_one(target, Deadline.after(0), CancelToken()):
            pass
        maker.kill()
    assert not target.exists()

    with made_by_one(target, Deadline.after(0), CancelToken()), building(target) as made:
        assert list(made.iterdir()) == []
    assert left_in(tmp_path) == ["part"]


def test_waiting_for_another_one_ends_with_the_deadline_or_the_stop(tmp_path):
    target, cancel, waited = tmp_path / "part", CancelToken(), []
    with made_by_one(target, Deadline.after(5), CancelToken()), (tmp_path / ".lock-part").open() as lock:
        assert not taken(lock.fileno(), Deadline.after(0.3), cancel, lambda: waited.append(1))
        assert waited
        threading.Timer(0.2, cancel.cancel).start()
        with pytest.raises(BusyError, match="making part"), made_by_one(target, Deadline.after(60), cancel):
            pass
    with made_by_one(target, Deadline.after(0), CancelToken()):
        pass
