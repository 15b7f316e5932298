"""Settings: an argument wins over the environment, the environment over the default."""

from pathlib import Path

import pytest

from batchnb.engine.settings import Settings
from batchnb.records.errors import InvalidValueError
from batchnb.tools.layout import base_path

VARIABLES = {
    "max_jobs": ("BATCH_MAX_JOBS", 2, 256),
    "max_tasks": ("BATCH_MAX_TASKS", 2, 256),
    "task_timeout_seconds": ("BATCH_TASK_TIMEOUT_SECONDS", 1800, 604_800),
}


@pytest.mark.parametrize(("name", "variable", "default", "largest"), [(n, *v) for n, v in VARIABLES.items()])
def test_where_a_setting_comes_from(name, variable, default, largest):
    assert getattr(Settings.load(environ={}), name) == default
    assert getattr(Settings.load(environ={variable: ""}), name) == default
    assert getattr(Settings.load(environ={variable: " 7 "}), name) == 7
    assert getattr(Settings.load(**{name: 9}, environ={variable: "7"}), name) == 9
    assert getattr(Settings.load(**{name: largest}, environ={}), name) == largest


@pytest.mark.parametrize(("name", "variable", "largest"), [(n, v[0], v[2]) for n, v in VARIABLES.items()])
@pytest.mark.parametrize(
    "text", ["0", "-1", "x", "1.5", "1e3", "0x10", "999999999", "9" * 500, "\u0662", "1_0"]
)
def test_a_bad_variable_is_named_with_its_value_and_what_is_allowed(name, variable, largest, text):
    with pytest.raises(InvalidValueError) as caught:
        Settings.load(environ={variable: text})

    shown = repr(int(text)) if text in {"0", "999999999"} else repr(text)
    assert str(caught.value) == (
        f"{name} {shown} (from environment variable {variable}) is not valid: "
        f"a whole number from 1 to {largest} is needed"
    )


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("value", [0, -3, 1.0, "2", True, 10**9, [2]])
def test_a_bad_argument_is_named_with_its_value(name, value):
    with pytest.raises(InvalidValueError) as caught:
        Settings.load(**{name: value}, environ={})

    assert str(caught.value).startswith(
        f"{name} {value!r} (from argument {name}) is not valid: a whole number"
    )


def test_where_the_apps_are():
    assert base_path("/a", {"APP_BASE_PATH": "/b"}) == Path("/a")
    assert base_path(None, {"APP_BASE_PATH": "/b"}) == Path("/b")
    assert base_path("apps", {}) == Path.cwd() / "apps"
    assert base_path("~/apps", {}) == Path.home() / "apps"


@pytest.mark.parametrize(("argument", "environ"), [(None, {}), ("", {}), (None, {"APP_BASE_PATH": ""})])
def test_it_must_be_named(argument, environ):
    with pytest.raises(InvalidValueError, match=r"base path '' \(from APP_BASE_PATH\).*<model>/app<N>"):
        base_path(argument, environ)


def test_a_home_that_does_not_exist_is_a_wrong_value():
    with pytest.raises(InvalidValueError, match="base path '~nobody-of-that-name/apps'"):
        base_path("~nobody-of-that-name/apps", {})
