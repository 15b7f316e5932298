"""The log files: real files, real threads, real processes."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from support import PATIENCE, wait_until

from batchnb.records.errors import InvalidValueError, StorageError
from batchnb.tools.log import LoggerFactory, bind, create_logger, front, rotating, writer
from batchnb.tools.log.files import LogFiles

PROGRAM = Path(__file__).with_name("log_program.py")
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs"


@pytest.fixture
def warned():
    """Return the warnings given in the test, also by the writer's thread."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    logger = create_logger()
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    assert (logger.level, logger.propagate) == (logging.NOTSET, True)
    assert "batchnb-log" not in {thread.name for thread in threading.enumerate()}


def program(*arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    try:
        out, err = process.communicate(timeout=3 * PATIENCE)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    return out


def put_in_the_way(folder):
    """Make the log folder's disk go away, as far as its writer can tell."""
    shutil.rmtree(folder)
    folder.write_text("in the way")


def text(folder, component=""):
    file = folder / f"batch_analysis{component}.log"
    return file.read_text() if file.exists() else ""


def lines(folder, component=""):
    return text(folder, component).splitlines()


class TestLoggers:
    def test_names_are_the_seeds(self):
        assert LoggerFactory.create_logger().name == "batch_analysis"
        assert create_logger("task") is logging.getLogger("batch_analysis.task")

    def test_a_bound_logger_puts_its_ids_before_the_message_and_on_the_record(self, caplog):
        with caplog.at_level(logging.INFO, "batch_analysis"):
            bind(create_logger("job"), job_id=3, store="a").info("100%% of %d", 7)
            bind(create_logger("task"), job_id=3, task_id=17).warning("late", extra={"tool": "ruff"})
            bind(create_logger("task"), task_id=17).info("alone")
            bind(create_logger("service")).info("nothing known")
        assert caplog.messages == [
            "[Job 3] 100% of 7",
            "[Job 3] [Task 17] late",
            "[Task 17] alone",
            "nothing known",
        ]
        first, second, *_ = caplog.records
        assert (first.job_id, first.task_id, first.store) == (3, None, "a")
        assert (second.job_id, second.task_id, second.store, second.tool) == (3, 17, "", "ruff")

    def test_without_log_files_nothing_is_printed_and_info_is_not_even_made(self):
        code = (
            "from batchnb.tools.log import bind, create_logger; log = bind(create_logger('task'), job_id=1);"
            "log.error('quiet'); print(log.isEnabledFor(20))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert (run.stdout, run.stderr) == ("False\n", "")


class TestFiles:
    def test_everything_is_in_one_file_and_each_component_in_its_own(self, folder):
        with LogFiles(folder):
            create_logger().info("of the module")
            bind(create_logger("task"), job_id=3, task_id=17).info("started: %s", "bandit")
            bind(create_logger("job"), job_id=3).warning("timed out")
            create_logger("task").debug("too fine")
        everything = lines(folder)
        assert len(everything) == 3
        task = rf"{STAMP} INFO batch_analysis\.task \[MainThread\] \[Job 3\] \[Task 17\] started: bandit"
        assert re.fullmatch(task, everything[1])
        assert lines(folder, ".task") == everything[1:2]
        assert lines(folder, ".job") == everything[2:]
        assert not (folder / "batch_analysis.module.log").exists()

    def test_lines_are_there_soon_without_closing(self, folder):
        with LogFiles(folder):
            for number in range(3):
                create_logger("task").info("line %d", number)
                assert wait_until(lambda expected=f"line {number}": expected in text(folder, ".task"))

    def test_only_the_owner_may_read_them(self, folder):
        with LogFiles(folder, max_bytes=500, backups=3):
            for number in range(20):
                create_logger("task").info("line %d %s", number, "x" * 100)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        files = list(folder.iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert {"batch_analysis.log.1", "batch_analysis.log.3"} <= {file.name for file in files}
        assert "batch_analysis.log.4" not in {file.name for file in files}

    def test_two_stores_do_not_mix_and_what_belongs_to_none_is_in_both(self, tmp_path):
        with LogFiles(tmp_path / "a", store="a"), LogFiles(tmp_path / "b", store="b"):
            bind(create_logger("task"), store="a").info("one")
            bind(create_logger("task"), store="b").info("two")
            create_logger("service").info("both")
        with LogFiles(tmp_path / "all"):
            bind(create_logger("task"), store="a").info("three")
        assert [line.split()[-1] for line in lines(tmp_path / "a")] == ["one", "both"]
        assert [line.split()[-1] for line in lines(tmp_path / "b")] == ["two", "both"]
        assert [line.split()[-1] for line in lines(tmp_path / "all")] == ["three"]

    def test_the_same_folder_opened_twice_has_each_line_once_until_the_last_is_closed(self, folder):
        first, second = LogFiles(folder, store="a").start(), LogFiles(folder, store="a").start()
        create_logger("task").info("one")
        first.close()
        first.close()
        create_logger("task").info("two")
        second.close()
        assert [line.split()[-1] for line in lines(folder)] == ["one", "two"]

    def test_it_can_be_started_again(self, folder):
        files = LogFiles(folder)
        for number in range(2):
            with files:
                create_logger("task").info("line %d", number)
        assert len(lines(folder)) == 2

    def test_json_lines(self, folder):
        with LogFiles(folder, json_lines=True):
            bind(create_logger("task"), job_id=3, task_id=17).warning("a\nb\x1b é")
            error = ValueError("boom")
            create_logger().error("failed", exc_info=error, extra={"job_id": object()})
        first, second = map(json.loads, lines(folder))
        assert re.fullmatch(STAMP, first.pop("time"))
        assert first == {
            "level": "WARNING",
            "component": "task",
            "thread": "MainThread",
            "job_id": 3,
            "task_id": 17,
            "message": "[Job 3] [Task 17] a\nb\\x1b é",
            "exception": None,
        }
        assert (second["component"], second["job_id"]) == ("module", None)
        assert second["exception"].endswith("ValueError: boom")

    @pytest.mark.parametrize("wrong", [{"max_bytes": 0}, {"backups": 0}])
    def test_wrong_limits_are_refused(self, folder, wrong):
        with pytest.raises(InvalidValueError, match=next(iter(wrong))):
            LogFiles(folder, **wrong)

    def test_what_cannot_be_written_out_is_said_and_raises_nothing(self, folder):
        class Broken:
            def __str__(self):
                raise RuntimeError("no text")

        with LogFiles(folder):
            create_logger("task").info("%d", "text")
            create_logger("task").info("value %s", Broken())
            create_logger("task").info(Broken())
        assert [line.partition("] ")[2] for line in lines(folder)] == [
            "%d (cannot be written out: TypeError)",
            "value %s (cannot be written out: RuntimeError)",
            "Broken (cannot be written out: RuntimeError)",
        ]

    def test_arguments_are_written_as_they_were_when_it_was_logged(self, folder):
        with LogFiles(folder):
            values = [1]
            create_logger("task").info("values %s", values)
            values.append(2)
        assert lines(folder)[0].endswith("values [1]")


class TestOtherHandlers:
    """What the program has on the root logger gets what it would have got without log files."""

    @pytest.fixture
    def seen(self):
        found = []

        class Keep(logging.Handler):
            def emit(self, record):
                found.append(record.getMessage())

        handler = Keep()
        logging.getLogger().addHandler(handler)
        yield found
        logging.getLogger().removeHandler(handler)

    def test_log_files_do_not_flood_it(self, folder, seen):
        with LogFiles(folder, level=logging.DEBUG):
            create_logger("task").info("fine")
            create_logger("task").warning("important")
        assert seen == ["important"]
        assert len(lines(folder)) == 2

    @pytest.mark.parametrize("when", ["before", "meanwhile"])
    def test_a_level_that_the_program_set_holds(self, folder, seen, when):
        logger = create_logger()
        try:
            if when == "before":
                logger.setLevel(logging.DEBUG)
            with LogFiles(folder):
                logger.setLevel(logging.DEBUG)
                create_logger("task").debug("wanted")
            assert (seen, logger.level) == (["wanted"], logging.DEBUG)
            assert not (folder / "batch_analysis.log").exists()
        finally:
            logger.setLevel(logging.NOTSET)


class TestHostileFolder:
    def test_a_folder_that_is_a_link_is_refused(self, folder, tmp_path):
        target = tmp_path / "target"
        target.mkdir()
        folder.symlink_to(target)
        with pytest.raises(StorageError, match=r"logs.* is a link"):
            LogFiles(folder).start()
        assert not list(target.iterdir())

    @pytest.mark.parametrize(
        "name",
        ["batch_analysis.log", ".__batch_analysis.lock", "batch_analysis.log.1", "batch_analysis.task.log"],
    )
    @pytest.mark.parametrize("kind", ["symbolic", "dangling", "hard", "pipe", "folder"])
    def test_planted_files_are_refused(self, folder, tmp_path, name, kind):
        folder.mkdir()
        victim, planted = tmp_path / "victim", folder / name
        victim.write_text("precious\n")
        make = {
            "symbolic": lambda: planted.symlink_to(victim),
            "dangling": lambda: planted.symlink_to(tmp_path / "new"),
            "hard": lambda: planted.hardlink_to(victim),
            "pipe": lambda: os.mkfifo(planted),
            "folder": planted.mkdir,
        }
        make[kind]()
        with pytest.raises(StorageError, match=re.escape(name)):
            LogFiles(folder).start()
        assert victim.read_text() == "precious\n"
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("kind", ["symbolic", "hard"])
    def test_a_link_that_is_put_there_later_is_not_written_through(self, folder, tmp_path, kind, warned):
        victim, planted = tmp_path / "victim", folder / "batch_analysis.task.log"
        victim.write_text("precious\n")
        with LogFiles(folder) as files:
            if kind == "hard":
                planted.hardlink_to(victim)
            else:
                planted.symlink_to(victim)
            create_logger("task").info("where does it go")
            assert wait_until(lambda: files.failure)
        assert "batch_analysis.task.log" in str(warned[0].message)
        assert victim.read_text() == "precious\n"
        assert len(lines(folder)) == 1  # the other file goes on


class TestTrouble:
    def test_a_deleted_folder_comes_back(self, folder):
        with LogFiles(folder):
            create_logger("task").info("one")
            assert wait_until((folder / "batch_analysis.task.log").exists)
            shutil.rmtree(folder)
            create_logger("task").info("two")
        assert [line.split()[-1] for line in lines(folder)] == ["two"]

    def test_a_missing_disk_gives_one_warning_and_nothing_is_lost_when_it_is_back(self, folder, warned):
        with LogFiles(folder) as files:
            for word in ("one", "two"):
                put_in_the_way(folder)
                create_logger("task").info(word)
                assert wait_until(lambda: files.failure)
                folder.unlink()
                assert wait_until(lambda expected=word: expected in text(folder))
                assert wait_until(lambda: not files.failure)
            create_logger("task").info("three")
        assert ["cannot be written now" in str(warning.message) for warning in warned] == [True]
        assert [line.split()[-1] for line in lines(folder)] == ["two", "three"]
        assert (files.dropped, files.failure) == (0, "")

    @pytest.mark.parametrize("what", ["full", "read_only"])
    def test_a_disk_that_is_full_or_read_only_for_a_while(self, folder, what):
        out = ended(program(what, folder))
        assert ("File too large" if what == "full" else "Permission denied") in out
        assert out.count("cannot be written now") == 1
        assert " 0 [" in out
        for component in ("", ".task"):
            found = lines(folder, component)
            assert [line.split()[-3] for line in found[:-1]] == [f"{number:05d}" for number in range(200)]
            assert found[-1].endswith("it works again")

    def test_a_line_may_be_logged_in_the_middle_of_another_by_the_same_thread(self, folder):
        """As a finaliser or a signal handler does; the writer may have taken the first one already."""
        nested = []

        def interrupt(frame, event, argument):
            if frame.f_code.co_filename in {front.__file__, writer.__file__, threading.__file__}:
                sys.settrace(None)
                for handler in create_logger().handlers:
                    if isinstance(handler, front.Front) and len(nested) < 1000:
                        handler.queue.take()
                nested.append(event)
                create_logger("task").info("nested")
                sys.settrace(interrupt)
            return interrupt

        def log():
            sys.settrace(interrupt)
            create_logger("task").info("outer")
            sys.settrace(None)

        with LogFiles(folder):
            thread = threading.Thread(target=log, daemon=True)
            thread.start()
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert len(nested) > 10

    def test_lines_that_came_too_fast_are_counted_and_said(self, folder, monkeypatch):
        monkeypatch.setattr(front, "MOST_LINES", 50)
        with LogFiles(folder) as files:
            for number in range(20_000):
                create_logger("task").info("line %d", number)
        told = [
            int(found) for found in re.findall(r"(\d[\d,]*) lines dropped", text(folder).replace(",", ""))
        ]
        kept = text(folder).count(" line ")
        assert sum(told) == files.dropped > 0
        assert kept + files.dropped == 20_000

    @pytest.mark.parametrize(
        ("limit", "one"),
        [
            ("MOST_PENDING", 1),
            (
                "MOST_PENDING_CHARACTERS",
                len("2026-01-31T12:00:00.000Z INFO batch_analysis.task [MainThread] line 0"),
            ),
        ],
    )
    def test_lines_that_the_disk_did_not_take_are_counted_and_said(
        self, folder, monkeypatch, warned, limit, one
    ):
        monkeypatch.setattr(writer, limit, 10 * one)
        with LogFiles(folder) as files:
            put_in_the_way(folder)
            for number in range(30):
                create_logger("task").info("line %d", number)
            assert wait_until(lambda: files.dropped == 20)
            folder.unlink()
            assert wait_until((folder / "batch_analysis.log").exists)
        assert "20 lines dropped: the file could not be written" in text(folder)
        assert text(folder).count(" line ") == 10

    def test_what_is_left_when_it_is_closed_is_counted(self, folder, warned):
        with LogFiles(folder) as files:
            put_in_the_way(folder)
            create_logger("task").info("lost")
        assert files.dropped == 1
        assert files.failure.startswith("StorageError")

    def test_a_warning_made_an_error_does_not_end_the_writer(self, folder):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with LogFiles(folder) as files:
                put_in_the_way(folder)
                create_logger("task").info("one")
                assert wait_until(lambda: files.failure)
                folder.unlink()
        assert len(lines(folder)) == 1

    def test_another_process_that_keeps_the_lock_holds_nobody_up(self, folder, monkeypatch, warned):
        monkeypatch.setattr(rotating, "LOCK_PATIENCE", 0.5)
        folder.mkdir()
        with (folder / ".__batch_analysis.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with LogFiles(folder) as files:
                start = time.perf_counter()
                create_logger("task").info("one")
                assert time.perf_counter() - start < 0.25
                assert wait_until(lambda: files.failure)
                assert wait_until(lambda: lines(folder, ".task"))
                fcntl.flock(held, fcntl.LOCK_UN)
        assert len(lines(folder)) == 1

    def test_a_line_that_a_killed_process_left_unfinished_is_ended(self, folder):
        folder.mkdir(mode=0o700)
        (folder / "batch_analysis.log").write_text("a line without its e")
        with LogFiles(folder):
            create_logger("task").info("whole")
        first, second = lines(folder)
        assert first == "a line without its e"
        assert second.endswith("whole")


class TestProcesses:
    @pytest.mark.parametrize("count", [3_000, pytest.param(20_000, marks=pytest.mark.slow)])
    def test_several_processes_rotate_the_same_files_and_lose_nothing(self, folder, count):
        running = [program("many", folder, name, count, 40_000) for name in "abc"]
        assert {ended(process) for process in running} == {"0 \n"}
        whole = re.compile(STAMP + r" INFO batch_analysis\.task \[MainThread\] line ([abc]-\d{5}) ends")
        for component in ("", ".task"):
            files = list(folder.glob(f"batch_analysis{component}.log*"))
            assert len(files) > 3 * count * 80 / 40_000 / 2  # it did rotate
            assert max(file.stat().st_size for file in files) < 40_000 * 1.2
            found = [whole.fullmatch(line) for file in files for line in file.read_text().splitlines()]
            assert all(found)
            assert sorted(match[1] for match in found) == [
                f"{n}-{i:05d}" for n in "abc" for i in range(count)
            ]

    def test_the_end_of_the_interpreter_writes_everything(self, folder):
        ended(program("leave", folder))
        assert [line.partition("] ")[2] for line in lines(folder)] == ["before the end", "the last words"]

    def test_a_forked_child_writes_nothing_of_its_parent(self, folder):
        ended(program("fork", folder))
        assert [line.partition("] ")[2] for line in lines(folder)] == ["of the parent"]

    def test_forks_under_load_hang_nowhere_and_can_log_themselves(self, folder):
        assert ended(program("fork_under_load", folder)) == ""
        children = re.findall(r"child (\d+)", text(folder))
        assert sorted(map(int, children)) == list(range(20))
