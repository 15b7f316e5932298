"""Environments: made once, from cleaned names, by whoever comes first."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batchnb.records.errors import InvalidValueError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.launch import AppNotRunningError, environments
from batchnb.tools.launch.environments import node_environment, python_environment, python_place
from batchnb.tools.launch.locking import locked
from batchnb.tools.launch.requirements import clean_package, clean_requirements
from batchnb.tools.own_places import cache_folder


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BATCHNB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def python(text, cancel=None, seconds=100.0):
    return python_environment(clean_requirements(text), Deadline.after(seconds), cancel or CancelToken())


def test_an_empty_environment_needs_no_index(own_cache):
    first, second = python("# nothing\n"), python("\n")
    assert (first.made, second.made) == (True, False)
    assert first.folder == second.folder
    assert (first.folder / "bin/python").exists()
    assert json.loads((first.folder / environments.LOCK_NAME).read_bytes())["installed"] == []
    assert sorted(path.suffix for path in (own_cache / "envs").iterdir()) == ["", ".lock"]


def test_the_place_depends_on_what_is_asked_for(own_cache):
    def place(text):
        return python_place(clean_requirements(text))

    assert place("flask==3.1.3\nwerkzeug\n") == place("werkzeug\n\nflask == 3.1.3  # pinned\n-e .\n")
    assert place("flask==3.1.3") != place("flask==3.1.2")


def test_it_is_made_once_however_many_ask(own_cache):
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / environments.LOCK_NAME).write_text("{}", encoding="utf-8")

    def ask(_number):
        target = own_cache / "envs" / "one"
        return environments._cached(target, Deadline.after(30), CancelToken(), make)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    assert len(made) == 1
    assert [answer.made for answer in answers].count(True) == 1


def test_one_that_fails_leaves_nothing_and_is_tried_again(own_cache):
    target = own_cache / "envs" / "one"

    def fail(folder: Path) -> None:
        (folder / "half").write_text("", encoding="utf-8")
        raise AppNotRunningError("no")

    def good(folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / environments.LOCK_NAME).write_text("{}", encoding="utf-8")

    (own_cache / "envs/one.partial/old").mkdir(parents=True)  # of a process that was killed
    with pytest.raises(AppNotRunningError):
        environments._cached(target, Deadline.after(30), CancelToken(), fail)
    assert not target.exists()
    assert environments._cached(target, Deadline.after(30), CancelToken(), good).made


def test_waiting_for_another_one_ends_with_the_deadline_or_the_stop(tmp_path):
    lock = tmp_path / "x.lock"
    cancel = CancelToken()
    with locked(lock, Deadline.after(5), CancelToken()):
        with (
            pytest.raises(AppNotRunningError, match="another process"),
            locked(lock, Deadline.after(0.2), cancel),
        ):
            pass
        threading.Timer(0.2, cancel.cancel).start()
        with (
            pytest.raises(AppNotRunningError, match="another process"),
            locked(lock, Deadline.after(60), cancel),
        ):
            pass
    with locked(lock, Deadline.after(5), CancelToken()):
        pass


def test_the_cache_is_where_the_user_says(monkeypatch):
    assert cache_folder({"BATCHNB_CACHE": "/somewhere/else"}) == Path("/somewhere/else")
    monkeypatch.setenv("HOME", "/gone/with/the/task")
    assert "gone" not in str(cache_folder({}))
    assert cache_folder({}).parts[-2:] == (".cache", "batchnb")
    with pytest.raises(InvalidValueError, match="absolute"):
        cache_folder({"BATCHNB_CACHE": "here"})


@pytest.mark.online
def test_wheels_come_from_the_index(own_cache):
    environment = python("itsdangerous==2.2.0\n")
    lock = json.loads((environment.folder / environments.LOCK_NAME).read_bytes())
    assert [(item["name"], item["version"]) for item in lock["installed"]] == [("itsdangerous", "2.2.0")]
    assert lock["installed"][0]["hashes"]["sha256"]
    assert list(environment.folder.glob("lib/python*/site-packages/itsdangerous/__init__.py"))


@pytest.mark.online
def test_a_version_that_does_not_exist_is_told(own_cache):
    with pytest.raises(AppNotRunningError, match=r"could not install(.|\n)*itsdangerous==999"):
        python("itsdangerous==999.0\n")
    assert list((own_cache / "envs").glob("*.partial")) == []


@pytest.mark.online
def test_packages_come_from_the_registry_without_their_scripts(own_cache):
    wanted = clean_package('{"dependencies": {"ms": "2.1.3"}}')
    environment = node_environment(wanted, Deadline.after(100), CancelToken())
    assert (environment.folder / "node_modules/ms/package.json").exists()
    assert (environment.folder / "package-lock.json").exists()
