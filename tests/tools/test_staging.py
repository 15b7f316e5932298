"""A staged copy holds what the app holds, under harmless names, and knows the way back."""

import os
import re
import stat
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import write

from batchnb.tools.staging import Staging, stage
from batchnb.tools.tree import Caps

PY = frozenset({".py"})
HARMLESS = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*/)*[A-Za-z_][A-Za-z0-9_-]*(\.[a-z0-9]{1,8})?")


def contents(tree):
    """Return {path in the app: content of its copy}."""
    return {origin: (tree.root / staged).read_bytes() for staged, origin in tree.origins.items()}


def on_disk(tree):
    return {path.relative_to(tree.root).as_posix() for path in tree.root.rglob("*") if path.is_file()}


def test_plain_names_are_kept(tmp_path):
    write(tmp_path / "app" / "pkg" / "mod_1.py", "x")

    tree = stage(tmp_path / "app", tmp_path / "copy", suffixes=PY, prefix="backend")

    assert tree.origins == {"backend/pkg/mod_1.py": "backend/pkg/mod_1.py"}
    assert on_disk(tree) == {"backend/pkg/mod_1.py"}
    assert (tree.sources, tree.unread, tree.foreign) == ({"backend/pkg/mod_1.py": "x"}, (), ())


NAMES = [
    *("-r.py", "a b.py", "\u00fc.py", "new\nline.py", ".hidden.py", "UPPER.PY", "two.dots.py", "setup.py"),
    *("conftest.py", "sitecustomize.py", "usercustomize.py", "$(id).py", "n" * 100 + ".py", "..py", " .py"),
    *("staged_00000.py", "staged_00001.py", "staged_00002.py", os.fsdecode(b"\xff.py"), "1.py", "a.py"),
]


def test_other_names_are_replaced_and_no_two_files_become_one(tmp_path):
    for name in NAMES:
        write(tmp_path / "app" / name, os.fsencode(name))
        write(tmp_path / "app" / "CVS" / name, b"inner" + os.fsencode(name))
        write(tmp_path / "app" / ".github" / name, b"other" + os.fsencode(name))

    tree = stage(tmp_path / "app", tmp_path / "copy", suffixes=PY)

    shown = [os.fsencode(name).decode("utf-8", "backslashreplace") for name in NAMES]
    assert contents(tree) == {
        f"{folder}{label}": mark + os.fsencode(name)
        for folder, mark in (("", b""), ("CVS/", b"inner"), (".github/", b"other"))
        for name, label in zip(NAMES, shown, strict=True)
    }
    assert on_disk(tree) == set(tree.origins)
    assert [path for path in tree.origins if not HARMLESS.fullmatch(path)] == []
    assert not any(
        "cvs" in path.lower() or "setup.py" in path or "customize" in path for path in tree.origins
    )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
    )
)
def test_any_names_are_staged_one_to_one(tmp_path_factory, names):
    base = tmp_path_factory.mktemp("names")
    names = [name for name in names if len(name.encode()) < 240 and name not in {".", ".."}]
    for name in names:
        write(base / "app" / f"{name}.py", name.encode().hex())  # no word in it that is blunted

    tree = stage(base / "app", base / "copy", suffixes=PY)

    assert contents(tree) == {f"{name}.py": name.encode().hex().encode() for name in names}
    assert [path for path in tree.origins if not HARMLESS.fullmatch(path)] == []


def test_only_what_was_asked_for_is_copied_and_only_as_plain_private_files(tmp_path):
    for name in ("a.py", "b.js", "pyproject.toml", ".bandit", "ruff.toml", ".gitignore", "c.pyc", "d"):
        write(tmp_path / "app" / name).chmod(0o777)

    tree = stage(tmp_path / "app", tmp_path / "copy", suffixes=PY)

    assert on_disk(tree) == {"a.py"}
    mode = (tree.root / "a.py").stat().st_mode
    assert stat.S_ISREG(mode)
    assert not mode & 0o111
    assert stat.S_IMODE(tree.root.stat().st_mode) == 0o700


def test_what_is_left_out_is_named_with_its_reason(tmp_path):
    write(tmp_path / "app" / "a.py", "x")
    (tmp_path / "app" / "link.py").symlink_to("/etc/passwd")
    write(tmp_path / "app" / "big.py", "x" * 200)
    write(tmp_path / "app" / "node_modules" / "b.py")
    write(tmp_path / "app" / "__pycache__" / "a.pyc")

    tree = stage(
        tmp_path / "app", tmp_path / "copy", suffixes=PY, prefix="backend", caps=Caps(file_bytes=100)
    )

    assert dict(tree.unread) == {
        "backend/link.py": "is a link",
        "backend/big.py": "is larger than 100 bytes",
        "backend/node_modules": "installed packages, source files not read: 1",
    }
    assert tree.foreign == (("backend/__pycache__", "compiled files"),)
    assert len(tree.origins) == 1


@pytest.mark.parametrize(
    ("content", "utf8"),
    [
        (b"", True),
        (b"x = 1\n", True),
        (b"x = '\xc3\xbc'\n", True),
        (b"x = '\xfc'\n", False),
        (b"# coding: utf-7\n#+AAo-eval(input())+AAo-\n", False),
        (b"#!python\n# -*- coding: utf-7 -*-\n", False),
        (b"# coding: utf-7\r\n", False),
        (b"\r# coding: utf-7\r#+AAo-eval(input())+AAo-\r", False),
        (b"\x0c# coding: utf-7\n", False),
        (b"# coding: raw_unicode_escape\n#\\u000aeval(input())\n", False),
        (b"# coding: no-such-thing\n", False),
        (b"\n\n# coding: utf-7\n", True),
        (b"x = 1\n# coding: utf-7\n", True),
        (b"# coding: utf8\nx = '\xc3\xbc'\n", True),
        (b"# coding: latin-1\nx = 'u'\n", True),
        (b"# coding: latin-1\nx = '\xc3\xbc'\n", False),
        (b"\xef\xbb\xbfx = 1\n", True),
        (b"\xef\xbb\xbf# coding: utf-8\n", True),
        (b"\xef\xbb\xbf# coding: latin-1\n", False),
        (b"x = '\0'\n", False),
        (b"# a\x0cb\rx = 1\r", True),
    ],
)
def test_a_file_that_python_reads_in_another_way_than_as_utf8_is_known(tmp_path, content, utf8):
    write(tmp_path / "app" / "a.py", content)

    tree = stage(tmp_path / "app", tmp_path / "copy", suffixes=PY)

    assert tree.not_utf8 == (frozenset() if utf8 else {"a.py"})


def test_only_python_knows_coding_comments(tmp_path):
    write(tmp_path / "app" / "a.js", "// x\n# coding: utf-7\n")

    assert not stage(tmp_path / "app", tmp_path / "copy", suffixes=frozenset({".js"})).not_utf8


def test_suppressions_are_unreadable_in_the_copy_and_told_of(tmp_path):
    source = "import os\nos.system(x)  # nosec B605\n# eslint-disable-next-line\ny = 1  # noqa: S101\n"
    write(tmp_path / "app" / "a.py", source)
    write(tmp_path / "app" / "b.py", "# ruff: noqa\nx = 1\n")

    tree = stage(tmp_path / "app", tmp_path / "copy", suffixes=PY)

    copy = (tree.root / "a.py").read_text()
    assert (len(copy), copy.count("\n")) == (len(source), source.count("\n"))
    assert not [word for word in ("nosec", "eslint-disable", "noqa") if word in copy]
    assert tree.sources["a.py"] == source, "what is shown is what the app says"
    assert tree.silenced == {"a.py": (2, 4), "b.py": (0,)}


@pytest.mark.parametrize(
    "name", ["package.json", "eslint.config.js", ".oxlintrc.json", "vite.config.ts", "x.yml"]
)
def test_what_a_tool_could_take_for_its_configuration_has_another_name(tmp_path, name):
    write(tmp_path / "app" / name, "x")
    suffixes = frozenset({".json", ".js", ".ts", ".yml"})

    tree = stage(tmp_path / "app", tmp_path / "copy", suffixes=suffixes)

    (copy,) = on_disk(tree)
    assert copy == f"staged_00000{PurePosixPath(name).suffix}"
    assert tree.origins == {copy: name}


def test_files_are_wanted_by_name_too_and_folders_can_be_left_out(tmp_path):
    for name in ("Dockerfile", "a.py", "b.txt", "deep/Dockerfile", "deep/a.py"):
        write(tmp_path / "app" / name, "x")
    staging = Staging(tmp_path / "copy")

    staging.add(tmp_path / "app", suffixes=PY, names=frozenset({"dockerfile"}), shallow=True)

    assert set(staging.tree().origins.values()) == {"Dockerfile", "a.py"}


def test_a_missing_source_gives_an_empty_copy(tmp_path):
    tree = stage(tmp_path / "missing", tmp_path / "deep" / "copy", suffixes=PY)

    assert (tree.origins, list(tree.root.iterdir())) == ({}, [])


def test_a_copy_is_never_made_over_something(tmp_path):
    (tmp_path / "copy").mkdir()
    with pytest.raises(FileExistsError):
        stage(tmp_path, tmp_path / "copy", suffixes=PY)
