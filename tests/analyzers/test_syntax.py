"""Files for a newer Python than the one that bandit runs on."""

import ast
import sys

import pytest

from batchnb.analyzers.scanners.syntax import needs_newer_python, newer_bandit, newer_pythons, reason
from batchnb.tools.cancellation import CancelToken, Deadline

HOST = f"3.{sys.version_info.minor}"
NEXT = sys.version_info.minor + 1
NEW_FSTRING = 'name = {"a": 1}\nprint(f"{name["a"]}")\n'


def interpreter(folder, minor, text):
    folder.mkdir(exist_ok=True)
    file = folder / f"python3.{minor}"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def find(path):
    return newer_bandit(Deadline.after(20), CancelToken(), path)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (NEW_FSTRING, "needs Python 3.12 syntax; host has 3.11"),
        ("type Pair[T] = tuple[T, T]\n", "needs Python 3.12 syntax; host has 3.11"),
        (
            "def first[T](items: list[T]) -> T:\n    return items[0]\n",
            "needs Python 3.12 syntax; host has 3.11",
        ),
        ("class Box[T]:\n    pass\n", "needs Python 3.12 syntax; host has 3.11"),
        ("def first[T = int](items): ...\n", "needs Python 3.12 syntax; host has 3.11"),
        ("try:\n    f()\nexcept OSError, ValueError:\n    pass\n", "needs Python 3.14 syntax; host has 3.11"),
        ("x = 1\n", "needs the syntax of a newer Python; host has 3.11"),
    ],
)
def test_the_reason_names_the_version(text, needed):
    assert reason(text, (3, 11)) == needed


def test_what_the_host_knows_is_not_what_it_lacks():
    assert reason("def first[T = int](items): ...\n", (3, 12)) == "needs Python 3.13 syntax; host has 3.12"
    assert reason("x = f'a'\n", (3, 13)) == "needs the syntax of a newer Python; host has 3.13"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python knows the syntax of 3.12")
def test_this_python_does_lack_it():
    with pytest.raises(SyntaxError):
        ast.parse(NEW_FSTRING)
    assert reason(NEW_FSTRING) == f"needs Python 3.12 syntax; host has {HOST}"


def test_only_what_ruff_can_parse_is_for_a_newer_python():
    unparsed = {"new.py": "invalid syntax", "prose.py": "invalid syntax"}

    assert needs_newer_python(unparsed, {"prose.py", "other.py"}) == {"new.py"}
    assert needs_newer_python({}, {"prose.py"}) == frozenset()


def test_the_newest_interpreter_with_bandit_is_taken(tmp_path):
    answers = '[ "$*" = "-I -m bandit --version" ] && echo "__main__.py 1.9.4"'
    old = interpreter(tmp_path / "a", NEXT, answers)
    interpreter(tmp_path / "a", NEXT + 1, 'echo "No module named bandit" >&2; exit 1')
    new = interpreter(tmp_path / "b", NEXT + 2, answers)

    assert newer_pythons(f"{tmp_path}/a:{tmp_path}/b")[0] == new
    assert find(f"{tmp_path}/a:{tmp_path}/b") == ((str(new), "-I", "-m", "bandit"), "1.9.4")
    assert find(f"{tmp_path}/a") == ((str(old), "-I", "-m", "bandit"), "1.9.4")


def test_interpreters_that_are_not_newer_or_lie_in_the_current_folder_are_not_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    interpreter(tmp_path / "bin", sys.version_info.minor, "echo bandit 1.9.4")
    interpreter(tmp_path, NEXT, "echo bandit 1.9.4")
    (tmp_path / "bin" / f"python3.{NEXT}").write_text("not executable")

    assert newer_pythons(f"{tmp_path}/bin:.:") == ()
    assert find(f"{tmp_path}/bin:.:") == ((), "")


@pytest.mark.parametrize(
    "text", ["\n" * 900_000, "def x[y:" * 110_000, "def " * 220_000, "except a, " * 90_000, "rf" * 400_000]
)
def test_hostile_text_does_not_take_long(text):
    assert reason(text, (3, 11)).startswith("needs ")
