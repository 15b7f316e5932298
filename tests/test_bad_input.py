"""Every wrong value gets an error that names it, what is allowed and where it is from; nothing is left."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import everything_below, make_apps, write

import batchnb
from batchnb.engine.schema import SCHEMA_VERSION
from batchnb.engine.storage import JobStorage
from batchnb.records.errors import (
    AppRangeError,
    BatchnbError,
    ForeignStoreError,
    InvalidValueError,
    PortfolioError,
    RecordNotFoundError,
    StorageError,
    UnknownNameError,
)


@pytest.fixture
def base(tmp_path):
    return make_apps(tmp_path / "apps", {"atlas": [1, 2, 3], "birch": [2]}, "x = 1\n")


@pytest.fixture
def workspace(base):
    with batchnb.open(base) as workspace:
        yield workspace


RANGE = "write numbers and ranges such as 1-3,5,8"
WHOLE = "a whole number from 1 to"


class TestRun:
    @pytest.mark.parametrize(
        ("asked", "kind", "message"),
        [
            (
                {"apps": "1-3,x"},
                AppRangeError,
                (
                    "app range '1-3,x' (from apps) is not valid: 'x' at position 5 is not a number or "
                    f"a range such as 2-4; {RANGE}\n  1-3,x\n      ^"
                ),
            ),
            (
                {"apps": {"birch": "2,,3"}},
                AppRangeError,
                (
                    "app range '2,,3' (from apps['birch']) is not valid: '' at position 3 is empty; "
                    f"{RANGE}\n  2,,3\n    ^"
                ),
            ),
            (
                {"apps": "2-9"},
                InvalidValueError,
                "apps '4-9' (from apps) is not valid: no chosen model has them: atlas has 1-3; birch has 2",
            ),
            (
                {"apps": [0]},
                InvalidValueError,
                "app number 0 (from apps) is not valid: app numbers are whole numbers from 1 to 999999",
            ),
            (
                {"apps": {"oak": "1"}},
                UnknownNameError,
                "model 'oak' (from apps) is not valid: known are atlas, birch",
            ),
            (
                {"models": ["oak"]},
                UnknownNameError,
                "model 'oak' (from portfolio {base}) is not valid: known are atlas, birch",
            ),
            (
                {"models": []},
                InvalidValueError,
                "models [] (from portfolio {base}) is not valid: name at least one model",
            ),
            (
                {"analyses": ["backend_securty"]},
                UnknownNameError,
                "analysis 'backend_securty' (from analyses) is not valid: known are {analyses}",
            ),
            (
                {"options": {"backend_security": {"fullscan": True}}},
                UnknownNameError,
                (
                    "backend_security option 'fullscan' (from options['backend_security']) is not valid: "
                    "known are full_scan, online"
                ),
            ),
            (
                {"options": {"backend_security": {"full_scan": "yes"}}},
                InvalidValueError,
                (
                    "backend_security option full_scan 'yes' (from options['backend_security']) is not "
                    "valid: Input should be a valid boolean"
                ),
            ),
            (
                {"options": {"nonsense": {}}},
                UnknownNameError,
                (
                    "analysis 'nonsense' (from options) is not valid: "
                    "known are frontend_security, backend_security"
                ),
            ),
            (
                {"task_timeout_seconds": 0},
                InvalidValueError,
                f"task_timeout_seconds 0 (from run) is not valid: {WHOLE} 604800 is needed",
            ),
            (
                {"task_timeout_seconds": "30"},
                InvalidValueError,
                f"task_timeout_seconds '30' (from run) is not valid: {WHOLE} 604800 is needed",
            ),
        ],
    )
    def test_the_whole_message(self, workspace, base, asked, kind, message):
        before = everything_below(base)
        known = ", ".join(workspace.registry.keys)

        with pytest.raises(kind) as caught:
            workspace.run(**asked)

        assert str(caught.value) == message.replace("{base}", str(base)).replace("{analyses}", known)
        assert workspace.storage.get_jobs() == []
        assert {*everything_below(base)} == {*before}

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *(("apps", value) for value in (2.5, {"atlas": None}, [None], ["1"], [True], [[1]], [])),
            *(("models", value) for value in (5, [5], [None], "", ["", "atlas"])),
            *(("analyses", value) for value in (5, [5], [], "", [None])),
            *(("options", value) for value in (5, [1], {"backend_security": 5}, {"backend_security": None})),
            *(("name", value) for value in (5, ["x"])),
            *(("description", value) for value in (5, None)),
            *(("task_timeout_seconds", value) for value in (1.5, True, -1, 10**9)),
        ],
    )
    def test_a_value_of_the_wrong_kind_is_an_error_of_ours_and_makes_no_job(self, workspace, name, value):
        with pytest.raises(InvalidValueError):
            workspace.run(**{name: value})

        assert workspace.storage.get_jobs() == []

    def test_a_job_that_there_is_not(self, workspace):
        with pytest.raises(RecordNotFoundError, match=r"^there is no job 99 in this store$"):
            workspace.attach(99)


class TestBase:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda path: None, "base path {path} cannot be read: No such file or directory"),
            (write, "base path {path} cannot be read: Not a directory"),
            (lambda path: path.mkdir(), "no app under {path}: expected <model>/app<N> with N from 1"),
            (
                lambda path: (path / "atlas" / "app01").mkdir(parents=True),
                (
                    "no app under {path}: expected <model>/app<N> with N from 1; "
                    "'atlas/app01' is not named app<N> with N from 1; 'atlas' has no app<N> folder"
                ),
            ),
        ],
        ids=["missing", "a file", "empty", "no app"],
    )
    def test_one_without_apps(self, tmp_path, make, message):
        path = tmp_path / "base"
        make(path)
        before = everything_below(tmp_path)

        with pytest.raises(PortfolioError) as caught:
            batchnb.open(path)

        assert str(caught.value) == message.replace("{path}", repr(str(path)))
        assert everything_below(tmp_path) == before

    @pytest.mark.parametrize("given", [None, ""])
    def test_one_that_is_not_named(self, given):
        with pytest.raises(InvalidValueError) as caught:
            batchnb.open(given)

        assert str(caught.value) == (
            "base path '' (from APP_BASE_PATH) is not valid: name the folder with <model>/app<N>"
        )

    def test_the_one_of_the_environment_is_used_and_named(self, base, monkeypatch):
        monkeypatch.setenv("APP_BASE_PATH", str(base))
        with batchnb.open(store=":memory:") as workspace:
            assert workspace.service.base_path == base
        monkeypatch.setenv("APP_BASE_PATH", str(base / "oak"))
        with pytest.raises(PortfolioError, match=f"base path '{base}/oak' cannot be read"):
            batchnb.open()

    @pytest.mark.parametrize("given", ["a\0b", "~nobody-of-that-name/apps"])
    def test_what_cannot_be_a_path_is_an_error_of_ours(self, given):
        with pytest.raises(BatchnbError):
            batchnb.open(given)


class TestStore:
    def refused(self, base, store, kind, message):
        before = everything_below(base.parent)
        with pytest.raises(kind) as caught:
            batchnb.open(base, store=store)
        assert str(caught.value) == message
        assert everything_below(base.parent) == before

    def test_one_that_is_no_database(self, base):
        path = write(base.parent / "notes.txt", "my notes " * 50)
        message = f"{str(path)!r} is not a batchnb store (not an SQLite file); it was not touched"
        self.refused(base, path, ForeignStoreError, message)

    def test_one_of_another_program(self, base):
        path = base.parent / "other.db"
        with closing(sqlite3.connect(path)) as other:
            other.execute("CREATE TABLE mine (x)")
        message = f"{str(path)!r} is another program's database; it was not touched"
        self.refused(base, str(path), ForeignStoreError, message)

    def test_one_that_is_newer_than_the_code(self, base):
        path = base.parent / "newer.db"
        JobStorage(path).close()
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA user_version = 7")
        message = (
            f"{str(path)!r} has schema version 7, this batchnb knows up to {SCHEMA_VERSION}: "
            "upgrade batchnb or open another store; it was not touched"
        )
        self.refused(base, path, ForeignStoreError, message)

    def test_one_in_a_folder_that_does_not_exist(self, base):
        path = base.parent / "missing" / "store.db"
        message = f"store {str(path)!r} (from store=) is not valid: the folder {path.parent!s} does not exist"
        self.refused(base, path, InvalidValueError, message)

    def test_one_that_is_a_folder(self, base):
        path = base.parent / "folder"
        path.mkdir()
        before = everything_below(base.parent)
        with pytest.raises(StorageError, match=rf"'{path}'.*(regular file|Is a directory)"):
            batchnb.open(base, store=path)
        assert everything_below(base.parent) == before

    def test_a_store_folder_that_is_a_link_is_not_followed(self, base):
        outside = base.parent / "outside"
        outside.mkdir()
        (base / ".batchnb").symlink_to(outside)
        message = (
            f"store {str(base / '.batchnb')!r} is not valid: it is a link; name another place with store="
        )
        self.refused(base, None, InvalidValueError, message)

    def test_a_store_folder_that_cannot_be_made(self, base):
        write(base / ".batchnb", "a file")
        with pytest.raises(
            StorageError, match=r"the store's folder '.*' cannot be made \(File exists\); name"
        ):
            batchnb.open(base)

    @pytest.mark.parametrize("given", ["a\0b", "~nobody-of-that-name/store.db"])
    def test_what_cannot_be_a_path_is_an_error_of_ours(self, base, given):
        before = everything_below(base)
        with pytest.raises(BatchnbError):
            batchnb.open(base, store=given)
        assert everything_below(base) == before


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "variable", "largest"),
        [
            ("max_jobs", "BATCH_MAX_JOBS", 256),
            ("max_tasks", "BATCH_MAX_TASKS", 256),
            ("task_timeout_seconds", "BATCH_TASK_TIMEOUT_SECONDS", 604_800),
        ],
    )
    def test_a_bad_one_opens_nothing(self, base, monkeypatch, name, variable, largest):
        before = everything_below(base)
        with pytest.raises(InvalidValueError) as caught:
            batchnb.open(base, **{name: 0})
        assert (
            str(caught.value) == f"{name} 0 (from argument {name}) is not valid: {WHOLE} {largest} is needed"
        )

        monkeypatch.setenv(variable, "many")
        with pytest.raises(InvalidValueError) as caught:
            batchnb.open(base)
        assert str(caught.value) == (
            f"{name} 'many' (from environment variable {variable}) is not valid: {WHOLE} {largest} is needed"
        )
        assert everything_below(base) == before
        with batchnb.open(base, store=":memory:", **{name: 3}) as workspace:
            assert getattr(workspace.service.settings, name) == 3


def test_a_name_that_batchnb_does_not_have():
    with pytest.raises(AttributeError, match="module 'batchnb' has no attribute 'nonsense'"):
        batchnb.nonsense  # noqa: B018 - looking is the test


def test_messages_name_no_place_but_the_users(workspace):
    """The text of an error may be pasted into a report."""
    with pytest.raises(BatchnbError) as caught:
        workspace.run(apps="x")
    assert str(Path(batchnb.__file__).parent) not in str(caught.value)
