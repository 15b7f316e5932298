from __future__ import annotations

import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from batchnb.records.errors import InvalidValueError, StorageError
from batchnb.widgets import presets as module
from batchnb.widgets.presets import Preset, Presets

ONE = Preset(apps={"atlas": "1-3"}, analyses=("gated",), options={"gated": {"deep": True}}, name="n")


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / ".batchnb"
    folder.mkdir()
    return folder / "store.db"


def test_what_is_saved_is_there_for_the_next_notebook(store):
    Presets(store).save(" nightly ", ONE)
    Presets(store).save("all", Preset())
    other = Presets(store)
    assert list(other.read()) == ["all", "nightly"]
    assert other.read()["nightly"] == ONE
    assert other.path == store.parent / "presets.json"
    assert stat.S_IMODE(other.path.stat().st_mode) == 0o600
    other.delete("all")
    assert list(Presets(store).read()) == ["nightly"]
    assert sorted(file.name for file in store.parent.iterdir()) == [".presets.json.lock", "presets.json"]


def test_beside_another_store_they_carry_its_name(tmp_path):
    assert Presets(tmp_path / "mine.db").path == tmp_path / "mine.db.presets.json"


def test_without_a_file_they_live_as_long_as_the_panel():
    presets = Presets(None)
    presets.save("a", ONE)
    assert presets.read() == {"a": ONE}
    assert Presets(None).read() == {}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "EOF"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "should be an object"),
        (b'{"format": "x", "version": 1, "presets": {}}', "format: Input should be 'batchnb presets'"),
        (b'{"format": "batchnb presets", "version": 2, "presets": {}}', "version: Input should be 1"),
        (b'{"format": "batchnb presets", "version": 1, "presets": {"a": {"shell": "x"}}}', "presets.a.shell"),
        (b'{"format": "batchnb presets", "version": 1, "presets": {"a": {"name": 3}}}', "presets.a.name"),
        (b"[" * 100_000, "recursion"),
        (b" " * 1_000_001, "too large"),
    ],
)
def test_a_damaged_or_foreign_file_is_told_and_left_alone(store, content, why):
    presets = Presets(store)
    presets.path.write_bytes(content)
    for call in (presets.read, lambda: presets.save("a", ONE), lambda: presets.delete("a")):
        with pytest.raises(StorageError, match="not touched: move it away") as told:
            call()
        assert why in str(told.value)
    assert presets.path.read_bytes() == content


def test_no_link_is_followed_and_no_pipe_waited_for(store, tmp_path):
    presets = Presets(store)
    secret = tmp_path / "secret.json"
    Presets(tmp_path / "x.db").save("a", ONE)
    secret.write_bytes((tmp_path / "x.db.presets.json").read_bytes())
    presets.path.symlink_to(secret)
    with pytest.raises(StorageError, match="cannot be read"):
        presets.save("b", ONE)
    assert presets.path.is_symlink()
    presets.path.unlink()
    os.mkfifo(presets.path)
    with pytest.raises(StorageError, match="it is no file"):
        presets.read()


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", "a\u202eb"])
def test_a_name_must_be_readable(store, name):
    with pytest.raises(InvalidValueError, match="name of a preset"):
        Presets(store).save(name, ONE)
    assert not Presets(store).path.exists()


def test_too_much_is_refused_and_the_old_file_stays(store, monkeypatch):
    presets = Presets(store)
    presets.save("a", ONE)
    with pytest.raises(InvalidValueError, match="at most 1 MB"):
        presets.save("b", Preset(description="x" * 1_000_001))
    monkeypatch.setattr(module, "MOST_PRESETS", 1)
    with pytest.raises(InvalidValueError, match="at most 1"):
        presets.save("b", ONE)
    assert presets.read() == {"a": ONE}


def test_a_missing_one_cannot_be_deleted(store):
    with pytest.raises(StorageError, match="no preset 'a' any more"):
        Presets(store).delete("a")


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(StorageError, match="cannot be kept"):
        Presets(tmp_path / "gone" / "store.db").save("a", ONE)


def test_notebooks_that_save_at_once_lose_nothing(store, monkeypatch):
    monkeypatch.setattr(module, "_LOCK_SECONDS", 60.0)
    ready = threading.Barrier(4)

    def save(worker):
        ready.wait(20)
        for number in range(5):
            Presets(store).save(f"{worker}-{number}", ONE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    assert len(Presets(store).read()) == 20


def test_a_change_by_another_notebook_is_noticed(store):
    mine = Presets(store)
    before = mine.signature()
    Presets(store).save("a", ONE)
    assert mine.signature() != before


def test_the_file_is_plain_json(store):
    Presets(store).save("a", ONE)
    found = json.loads(Presets(store).path.read_text())
    assert (found["format"], found["version"]) == ("batchnb presets", 1)
    assert found["presets"]["a"]["apps"] == {"atlas": "1-3"}
