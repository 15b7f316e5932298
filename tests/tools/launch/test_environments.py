"""Environments: made once, from cleaned names, by whoever comes first."""

from __future__ import annotations

import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batchnb.records.errors import InvalidValueError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.launch import AppNotRunningError, environments, prepare
from batchnb.tools.launch.environments import node_environment, python_environment, python_place
from batchnb.tools.launch.recipe import Recipe
from batchnb.tools.launch.requirements import clean_package, clean_requirements
from batchnb.tools.making import made_by_one
from batchnb.tools.own_places import cache_folder, own_variables


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
    assert len(list((own_cache / "envs").iterdir())) == 2  # it, and its lock


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

    (own_cache / "envs/.building-one-x/old").mkdir(parents=True)  # of a process that was killed
    with pytest.raises(AppNotRunningError):
        environments._cached(target, Deadline.after(30), CancelToken(), fail)
    assert not target.exists()
    assert environments._cached(target, Deadline.after(30), CancelToken(), good).made


def test_waiting_for_another_one_ends_with_the_deadline_or_the_stop(tmp_path):
    target, cancel = tmp_path / "one", CancelToken()
    with made_by_one(target, Deadline.after(5), CancelToken()):
        with pytest.raises(AppNotRunningError, match="another process"):
            environments._cached(target, Deadline.after(0.2), cancel, Path.rmdir)
        threading.Timer(0.2, cancel.cancel).start()
        with pytest.raises(AppNotRunningError, match="another process"):
            environments._cached(target, Deadline.after(60), cancel, Path.rmdir)
    assert not target.exists()


def make_wheel(folder: Path) -> None:
    """A wheel of a package `planted` with one module."""
    folder.mkdir()
    info = "planted-1.0.dist-info"
    with zipfile.ZipFile(folder / "planted-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr("planted.py", "")
        packed.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{info}/RECORD", "")


@pytest.mark.parametrize("in_worker", [False, True])
def test_the_users_index_is_asked_and_nothing_goes_elsewhere(in_worker, own_cache, tmp_path, monkeypatch):
    make_wheel(tmp_path / "wheels")
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    misleading = {"PIP_TARGET": str(tmp_path / "elsewhere"), "PIP_USER": "1", "PIP_REQUIREMENT": "none.txt"}
    for name, value in {**index, **misleading}.items():
        monkeypatch.setenv(name, value)
    if in_worker:
        for name, value in own_variables().items():
            monkeypatch.setenv(name, value)
        for name in (*index, *misleading):
            monkeypatch.delenv(name)

    environment = python("planted\n")

    assert list(environment.folder.glob("lib/python*/site-packages/planted.py"))
    assert not (tmp_path / "elsewhere").exists()


def test_an_express_app_is_started_by_our_own_node_where_the_system_has_none(tmp_path, monkeypatch):
    ours = tmp_path / "tools/node/bin/node"
    made = environments.Environment(tmp_path / "made", made=True)
    monkeypatch.setattr(prepare, "node", lambda: ours)
    monkeypatch.setattr(prepare, "find_program", lambda name: None)
    monkeypatch.setattr(prepare, "node_environment", lambda *_: made)
    source, recipe = tmp_path / "source", Recipe(framework="express", file="server.js")
    source.mkdir()
    limits = (5000, 256 << 20, Deadline.after(5), CancelToken())

    prepared = prepare.prepare(recipe, source, *limits)

    assert prepared.command[0] == str(ours)
    assert (ours.parents[1], str(ours.parents[1])) in prepared.binds
    monkeypatch.setattr(prepare, "node", lambda: None)
    with pytest.raises(AppNotRunningError, match="batchnb tools install node"):
        prepare.prepare(recipe, source, *limits)


@pytest.mark.parametrize("command", [("/tools/node", "/tools/npm-cli.js"), None])
def test_packages_come_by_the_npm_that_fits_node(command, own_cache, monkeypatch):
    ran = []
    monkeypatch.setattr(environments, "npm", lambda: command)
    monkeypatch.setattr(environments, "find_program", lambda name: None)
    monkeypatch.setattr(environments, "_run", lambda argv, *_: ran.append(argv))
    wanted = clean_package('{"dependencies": {"ms": "2.1.3"}}')
    if command is None:
        with pytest.raises(AppNotRunningError, match="batchnb tools install node"):
            node_environment(wanted, Deadline.after(5), CancelToken())
        return
    assert node_environment(wanted, Deadline.after(5), CancelToken()).made
    assert ran[0][:3] == [*command, "install"]


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
    assert list((own_cache / "envs").glob(".building-*")) == []


@pytest.mark.online
def test_packages_come_from_the_registry_without_their_scripts(own_cache):
    wanted = clean_package('{"dependencies": {"ms": "2.1.3"}}')
    environment = node_environment(wanted, Deadline.after(100), CancelToken())
    assert (environment.folder / "node_modules/ms/package.json").exists()
    assert (environment.folder / "package-lock.json").exists()
