"""Versions and ranges of npm."""

import pytest

from batchnb.analyzers.checks.npm_versions import exact, key, lowest


def test_versions_are_in_order():
    order = [
        *("0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0"),
        *("1.0.1", "1.2.0", "1.10.0", "10.0.0"),
    ]

    assert sorted(sorted(order), key=key) == order
    assert key("1.0.0+build") == key("v1.0.0")


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "latest", "1.2.x", "1.2.3.4", "9" * 50 + ".0.0", "x" * 10_000]
)
def test_what_is_no_version_has_no_key(text):
    assert key(text) is None


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        *(("1.2.3", "1.2.3"), ("^1.2.3", "1.2.3"), ("~1.2", "1.2.0"), ("1", "1.0.0"), ("1.x", "1.0.0")),
        *((">=1.2.0 <2.0.0", "1.2.0"), ("<2.0.0 >=1.2.0", "1.2.0"), ("1.2.3 - 2.0.0", "1.2.3")),
        *(("^16.8.0 || ^17.0.0 || ^18", "16.8.0"), ("^18 || ^16.8.0", "16.8.0"), ("=1.2.3", "1.2.3")),
        *(("npm:other@^1.2.3", "1.2.3"), ("^1.0.0-beta.2", "1.0.0-beta.2"), ("v1.2.3", "1.2.3")),
        *(("*", ""), ("", ""), ("latest", ""), ("x", ""), ("<2.0.0", ""), ("^1 || *", ""), ("file:../a", "")),
        *(("workspace:*", ""), ("1" * 10_000, "")),
    ],
)
def test_the_lowest_version_of_a_range(wanted, version):
    assert lowest(wanted) == version


def test_one_version_is_exact():
    assert exact("=1.2.3") == exact("v1.2.3") == exact("1.2.3") == "1.2.3"
    assert exact("^1.2.3") == exact("1.2") == ""


@pytest.mark.parametrize(
    "wanted", ["git+ssh://git@host.org/a.git#1.2.3", "https://host.org/a-1.2.3.tgz", "~ ~ 1", "1.2.3 evil"]
)
def test_an_address_has_no_version(wanted):
    assert lowest(wanted) == ""
