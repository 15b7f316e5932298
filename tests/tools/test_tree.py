"""Walking a hostile folder: every file of the wanted kind comes out, with its content or a reason."""

import os
import socket
from pathlib import Path

import pytest
from support import write

from batchnb.tools.tree import Caps, Tree, printable

PY = frozenset({".py"})


def walk(source, suffixes=PY, **caps):
    """Return {path: content or reason} and the folders that were left out: path, what, gap."""
    tree = Tree(source, suffixes, Caps(**caps))
    found = {}
    for file in tree.files():
        assert file.path not in found
        assert (file.content is None) == bool(file.reason)
        found[file.path] = file.reason if file.content is None else file.content
    return found, [(folder.path, folder.what, folder.gap) for folder in tree.foreign()]


def test_files_of_the_wanted_kind_come_with_their_content(tmp_path):
    for name in ("a.py", "sub/b.PY", "sub/deep/c.Py", ".hidden.py", "d.pyc", "e.txt", "py", "f.py.bak"):
        write(tmp_path / name, name)

    found, foreign = walk(tmp_path)

    assert found == {
        "a.py": b"a.py",
        "sub/b.PY": b"sub/b.PY",
        "sub/deep/c.Py": b"sub/deep/c.Py",
        ".hidden.py": b".hidden.py",
    }
    assert foreign == []


def test_the_order_is_the_same_every_time(tmp_path):
    for number in range(20):
        write(tmp_path / f"folder{number % 3}" / f"{number * 7 % 20}.py")

    assert list(walk(tmp_path)[0]) == list(walk(tmp_path)[0])


def test_a_place_that_is_missing_is_empty_and_one_that_is_a_file_is_no_folder(tmp_path):
    assert walk(tmp_path / "missing") == ({}, [])
    write(tmp_path / "file")
    assert walk(tmp_path / "file")[0] == {"": "folder cannot be read: Not a directory"}


def test_a_source_that_is_a_link_is_refused(tmp_path):
    write(tmp_path / "real" / "a.py")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert walk(tmp_path / "link")[0] == {"": "is a link"}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path, other: path.symlink_to(other), "is a link"),
        (lambda path, other: path.symlink_to("/dev/zero"), "is a link"),
        (lambda path, other: path.symlink_to(path.name), "is a link"),
        (lambda path, other: os.link(other, path), "is a hard link"),
        (lambda path, other: os.mkfifo(path), "is not a regular file"),
        (lambda path, other: write(path, b"x" * 101), "is larger than 100 bytes"),
    ],
    ids=["link", "device", "loop", "hard link", "pipe", "large"],
)
def test_what_is_not_a_plain_file_is_named_and_not_read(tmp_path, make, reason):
    other = write(tmp_path / "outside" / "other.py", "x")
    make(write(tmp_path / "app" / "good.py", "y").with_name("bad.py"), other)

    assert walk(tmp_path / "app", file_bytes=100)[0] == {"good.py": b"y", "bad.py": reason}


def test_a_socket_is_named_and_not_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("bad.py")
        assert "bad.py" in walk(tmp_path)[0]
        assert isinstance(walk(tmp_path)[0]["bad.py"], str)


def test_a_folder_that_is_named_like_a_file_is_a_folder(tmp_path):
    write(tmp_path / "a.py" / "b.py", "x")

    assert walk(tmp_path)[0] == {"a.py/b.py": b"x"}


def test_a_linked_folder_is_named_and_not_entered(tmp_path):
    """What is behind it would otherwise be missing without a word."""
    write(tmp_path / "outside" / "secret.py", "secret")
    write(tmp_path / "app" / "a.py", "x")
    (tmp_path / "app" / "lib").symlink_to(tmp_path / "outside")

    found, foreign = walk(tmp_path / "app")

    assert (found, foreign) == ({"a.py": b"x", "lib": "is a link"}, [])


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    path = write(tmp_path / "a.py")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the superuser reads everything")

    assert walk(tmp_path)[0] == {"a.py": "cannot be read: Permission denied"}


every_foreign_folder = pytest.mark.parametrize(
    ("name", "what"),
    [
        *((name, "version control") for name in (".git", ".hg", ".svn")),
        *((name, "installed packages") for name in ("node_modules", "site-packages", "NODE_MODULES")),
        ("__pycache__", "compiled files"),
    ],
)


@every_foreign_folder
class TestForeignFolders:
    def test_without_wanted_files_they_are_only_named(self, tmp_path, name, what):
        write(tmp_path / "sub" / name / "inner" / "a.pyc")

        assert walk(tmp_path) == ({}, [(f"sub/{name}", what, "")])

    def test_wanted_files_in_them_are_counted_wherever_they_lie(self, tmp_path, name, what):
        for path in ("a.py", "inner/b.PY", "node_modules/c.py", "d.txt", "e.py/f.txt"):
            write(tmp_path / "sub" / name / path)

        assert walk(tmp_path) == ({}, [(f"sub/{name}", what, f"{what}, source files not read: 3")])

    def test_a_link_in_them_is_not_followed_and_not_forgotten(self, tmp_path, name, what):
        write(tmp_path / "outside" / "a.py")
        (tmp_path / "app" / name).mkdir(parents=True)
        (tmp_path / "app" / name / "lib").symlink_to(tmp_path / "outside")

        assert walk(tmp_path / "app") == ({}, [(name, what, f"{what}, could not be looked through")])


def test_all_foreign_folders_together_are_looked_through_up_to_the_cap(tmp_path):
    for folder in ("a", "b", "c"):
        for number in range(4):
            write(tmp_path / folder / "node_modules" / f"{number}.py")

    _, foreign = walk(tmp_path, entries=7)

    what = "installed packages"
    assert [gap for *_, gap in foreign] == [
        f"{what}, source files not read: 4",
        f"{what}, source files not read: 3 or more",
        f"{what}, could not be looked through",
    ]


def test_what_is_in_foreign_folders_does_not_use_up_the_cap_of_the_apps_own(tmp_path):
    for number in range(20):
        write(tmp_path / "node_modules" / f"{number}.js")
    write(tmp_path / "z.py", "x")

    assert walk(tmp_path, entries=10)[0] == {"z.py": b"x"}


@pytest.mark.parametrize("marker", ["", "home = /usr/bin\n"])
@pytest.mark.parametrize("place", ["", "core/"])
def test_no_marker_file_hides_code(tmp_path, place, marker):
    """Whatever makes a folder look like a virtual environment, an app can have too."""
    for path in ("bin/python", "lib/python3.11/site-packages/flask.py"):
        write(tmp_path / place / path)
    write(tmp_path / place / "pyvenv.cfg", marker)
    write(tmp_path / place / "app.py", "x")

    what = "installed packages"
    packages = (f"{place}lib/python3.11/site-packages", what, f"{what}, source files not read: 1")
    assert walk(tmp_path) == ({f"{place}app.py": b"x"}, [packages])


class TestCaps:
    def test_depth(self, tmp_path):
        write(tmp_path / "1" / "2" / "in.py", "x")
        write(tmp_path / "1" / "2" / "3" / "out.py")

        assert walk(tmp_path, depth=2)[0] == {"1/2/in.py": b"x", "1/2/3": "deeper than 2 folders"}

    def test_files(self, tmp_path):
        for number in range(5):
            write(tmp_path / f"{number}.py", "x")

        found, _ = walk(tmp_path, files=3)
        assert found == {f"{n}.py": b"x" if n < 3 else "more than 3 files" for n in range(5)}

    def test_entries(self, tmp_path):
        for number in range(5):
            write(tmp_path / f"{number}.txt")
        write(tmp_path / "z.py")

        assert walk(tmp_path, entries=4)[0] == {"": "more than 4 entries in all"}

    def test_bytes_in_all(self, tmp_path):
        for number in range(3):
            write(tmp_path / f"{number}.py", "x" * 40)
        write(tmp_path / "small.py", "y")

        found, _ = walk(tmp_path, total_bytes=100)
        assert [name for name, content in found.items() if content == "over 100 bytes in all"] == ["2.py"]
        assert found["small.py"] == b"y"

    def test_a_wide_folder_exhausts_no_descriptors(self, tmp_path):
        import resource

        for number in range(300):
            write(tmp_path / f"folder{number}" / "a.py", "x")
        used = len(list(Path("/proc/self/fd").iterdir()))
        old = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 10, old[1]))
        try:
            found, _ = walk(tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, old)
        assert len(found) == 300
        assert set(found.values()) == {b"x"}


def test_names_that_are_no_text_are_shown_as_escapes(tmp_path):
    write(tmp_path / os.fsdecode(b"\xff.py"), "x")
    write(tmp_path / "\u00fc\n.py", "y")

    found, _ = walk(tmp_path)

    assert found == {"\\xff.py": b"x", "\u00fc\n.py": b"y"}
    assert printable(os.fsdecode(b"a/\xfe")) == "a/\\xfe"
