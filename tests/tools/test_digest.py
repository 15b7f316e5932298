"""Equal files give equal digests, and any change another one."""

from __future__ import annotations

import pytest
from support import write

from batchnb.tools.digest import app_digest


@pytest.fixture(name="app")
def _app(tmp_path):
    write(tmp_path / "a" / "backend" / "app.py", "x = 1\n")
    write(tmp_path / "a" / "notes.txt", "hello")
    return tmp_path / "a"


def test_it_is_that_of_the_files_wherever_they_lie_and_in_whatever_order_they_came(app, tmp_path):
    write(tmp_path / "b" / "notes.txt", "hello")
    write(tmp_path / "b" / "backend" / "app.py", "x = 1\n")
    write(tmp_path / "b" / "node_modules" / "x" / "index.js", "1")
    assert app_digest(app) == app_digest(tmp_path / "b")
    assert len(app_digest(app)) == len("blake2b:") + 32


@pytest.mark.parametrize(
    "change",
    [
        lambda app: write(app / "backend" / "app.py", "x = 2\n"),
        lambda app: write(app / "backend" / "new.py", ""),
        lambda app: (app / "notes.txt").rename(app / "note.txt"),
        lambda app: (app / "notes.txt").unlink(),
        lambda app: (app / "link").symlink_to("/etc/passwd"),
    ],
    ids=["content", "new file", "renamed", "gone", "link"],
)
def test_any_change_changes_it(app, change):
    before = app_digest(app)
    change(app)
    assert app_digest(app) != before
