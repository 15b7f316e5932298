"""Which apps there are, and what is named instead of being taken for one."""

import os

import pytest
from support import make_apps, write

from batchnb.records.errors import PortfolioError
from batchnb.tools.layout import find_app, find_apps


def names(base):
    return [(app.model, app.app_num) for app in find_apps(base)[0]]


def test_apps_are_sorted_by_model_and_number(tmp_path):
    make_apps(tmp_path, {"b": [2, 10, 1], "a": [3]})

    apps, problems = find_apps(tmp_path)

    assert [(app.model, app.app_num) for app in apps] == [("a", 3), ("b", 1), ("b", 2), ("b", 10)]
    assert apps[0].path == tmp_path / "a" / "app3"
    assert problems == ()


@pytest.mark.parametrize(
    "name", ["app01", "app0", "App2", "app", "app1x", "app-1", "app1234567", "app\u0661", "app 1"]
)
def test_a_folder_that_is_nearly_an_app_is_named(tmp_path, name):
    make_apps(tmp_path, {"m": [7]})
    (tmp_path / "m" / name).mkdir()

    assert names(tmp_path) == [("m", 7)]
    assert find_apps(tmp_path)[1] == (f"{f'm/{name}'!r} is not named app<N> with N from 1",)


def test_links_are_named_and_not_followed(tmp_path):
    make_apps(tmp_path / "base", {"m": [1]})
    make_apps(tmp_path / "other", {"x": [1]})
    (tmp_path / "base" / "linked").symlink_to(tmp_path / "other" / "x")
    (tmp_path / "base" / "m" / "app2").symlink_to(tmp_path / "other" / "x" / "app1")
    (tmp_path / "base" / "loop").symlink_to(tmp_path / "base")

    assert names(tmp_path / "base") == [("m", 1)]
    assert find_apps(tmp_path / "base")[1] == ("'linked' is a link", "'loop' is a link", "'m/app2' is a link")
    assert find_app(tmp_path / "base", "m", 2) is None
    assert find_app(tmp_path / "base", "linked", 1) is None


@pytest.mark.parametrize(
    "name",
    ["\x1b[31mred", "new\nline", "\u202egnp", "back\\slash", os.fsdecode(b"\xff\xfe"), "tab\t", "\u200b"],
)
def test_a_name_that_cannot_be_shown_is_named_as_an_escape_and_left_out(tmp_path, name):
    make_apps(tmp_path, {"m": [1], name: [1]})

    assert names(tmp_path) == [("m", 1)]
    (problem,) = find_apps(tmp_path)[1]
    assert problem == f"{name!r} is not a printable name"
    assert problem.isprintable()
    problem.encode()
    assert find_app(tmp_path, name, 1) is None


@pytest.mark.parametrize(
    "name", ["a b", "gpt-4o (2024)", "\u4f60\u597d", "<img>", "=1+1", "m'\"", "%s", "null"]
)
def test_a_name_that_is_only_odd_is_a_model(tmp_path, name):
    make_apps(tmp_path, {name: [1]})

    assert names(tmp_path) == [(name, 1)]
    assert find_app(tmp_path, name, 1).model == name


def test_hidden_folders_and_files_are_no_models_and_not_worth_a_word(tmp_path):
    make_apps(tmp_path, {"m": [1], ".batchnb": [1], ".git": [1]})
    write(tmp_path / "README.md")
    write(tmp_path / "m" / "app2")
    write(tmp_path / "m" / "notes" / "x")

    assert names(tmp_path) == [("m", 1)]
    assert find_apps(tmp_path)[1] == ()


def test_a_model_without_apps_is_named(tmp_path):
    make_apps(tmp_path, {"m": [1]})
    (tmp_path / "empty").mkdir()

    assert find_apps(tmp_path)[1] == ("'empty' has no app<N> folder",)


@pytest.mark.parametrize(
    "model", ["..", ".", "", "../m", "m/../m", "/etc", "a\0b", "x\\y", "m\n", "M", "nothing"]
)
def test_a_model_name_is_never_a_path(tmp_path, model):
    make_apps(tmp_path, {"m": [1]})

    assert find_app(tmp_path / "m", model, 1) is None
    assert find_app(tmp_path, model, 1) is None


def test_what_find_apps_does_not_list_find_app_does_not_find(tmp_path):
    make_apps(tmp_path, {"m": [1]})
    for name in ("app0", "app-1", "app1234567"):
        (tmp_path / "m" / name).mkdir()

    assert [number for number in (0, -1, 1_234_567, 1) if find_app(tmp_path, "m", number)] == [1]


def test_an_apps_parts_are_real_folders(tmp_path):
    make_apps(tmp_path, {"m": [1]})
    write(tmp_path / "m" / "app1" / "frontend")
    (tmp_path / "m" / "app1" / "linked").symlink_to("backend")
    app = find_app(tmp_path, "m", 1)

    assert app.has("backend")
    assert not any(app.has(part) for part in ("frontend", "linked", "missing"))


class TestAPartThatIsThereAndIsNoFolder:
    @pytest.fixture
    def app(self, tmp_path):
        make_apps(tmp_path, {"m": [1]})
        return find_app(tmp_path, "m", 1)

    def test_a_folder_and_nothing_at_all_are_no_problem(self, app):
        assert (app.problem("backend"), app.problem("missing")) == ("", "")

    @pytest.mark.parametrize("target", ["backend", "/nowhere/at/all", "part", ".."])
    def test_a_link(self, app, target):
        (app.path / "part").symlink_to(target)

        assert app.problem("part") == "is a link"
        assert not app.has("part")

    @pytest.mark.parametrize("make", [write, os.mkfifo])
    def test_a_file(self, app, make):
        make(app.path / "part")

        assert app.problem("part") == "is not a folder"
        assert not app.has("part")

    @pytest.mark.parametrize("locked", ["backend", "."])
    def test_a_folder_that_cannot_be_read(self, app, locked):
        (app.path / locked).chmod(0)
        try:
            if os.access(app.path / locked, os.R_OK):
                pytest.skip("the superuser reads everything")
            assert app.problem("backend") == "cannot be read: Permission denied"
            assert app.has("backend") == (locked == "backend")
        finally:
            (app.path / locked).chmod(0o700)

    def test_an_app_that_is_no_folder_any_more(self, app):
        app.path.rename(app.path.with_name("app2"))
        write(app.path)

        assert app.problem("backend") == "cannot be read: Not a directory"
        assert not app.has("backend")


@pytest.mark.parametrize("kind", ["missing", "a file", "empty", "only files", "nearly"])
def test_a_base_without_apps_is_an_error_that_names_it(tmp_path, kind):
    base = tmp_path / "base"
    if kind == "a file":
        write(base)
    elif kind == "only files":
        write(base / "README.md")
    elif kind == "nearly":
        write(base / "m" / "app01" / "x")
    elif kind == "empty":
        base.mkdir()

    with pytest.raises(PortfolioError) as caught:
        find_apps(base)

    expected = {
        "missing": f"base path {str(base)!r} cannot be read: No such file or directory",
        "a file": f"base path {str(base)!r} cannot be read: Not a directory",
        "nearly": f"no app under {str(base)!r}: expected <model>/app<N> with N from 1; "
        "'m/app01' is not named app<N> with N from 1; 'm' has no app<N> folder",
    }
    assert str(caught.value) == expected.get(
        kind, f"no app under {str(base)!r}: expected <model>/app<N> with N from 1"
    )


def test_a_name_that_no_folder_can_have_is_an_error_that_names_it(tmp_path):
    with pytest.raises(PortfolioError, match="base path"):
        find_apps(tmp_path / "a\0b")
