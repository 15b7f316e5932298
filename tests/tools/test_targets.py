"""The address table of attack A18: what looks like loopback and is not, and the other way round."""

from __future__ import annotations

import pytest

from batchnb.records.errors import InvalidValueError
from batchnb.tools.targets import check_target, is_loopback

NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "app.example": ["203.0.113.7"],
    "rebind.example": ["127.0.0.1", "203.0.113.7"],
    "127.0.0.1.evil.example": ["203.0.113.9"],
    "local.example": ["127.0.0.1"],
}


def resolve(host: str, _port: int) -> list[str]:
    if host not in NAMES:
        raise OSError("no such host")
    return NAMES[host]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:5101", "http://127.0.0.1:5101"),
        ("http://127.0.0.1:5101/api/todos?q=a", "http://127.0.0.1:5101"),
        ("http://localhost:5101/", "http://127.0.0.1:5101"),
        ("HTTP://LOCALHOST:80/", "http://127.0.0.1:80"),
        ("http://127.9.9.9", "http://127.9.9.9:80"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://[::1]", "https://[::1]:443"),
        ("http://[::ffff:127.0.0.1]:5000/", "http://[::ffff:7f00:1]:5000"),
        ("http://local.example:5000/", "http://127.0.0.1:5000"),
        ("http://127.0.0.1:5000/a@b", "http://127.0.0.1:5000"),
    ],
)
def test_loopback_is_allowed(url: str, origin: str) -> None:
    target = check_target(url, resolve=resolve)
    if "ffff" in url:  # spelled differently by different Pythons
        assert target.origin.startswith("http://[::ffff:")
        return
    assert target.origin == origin


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://127.0.0.1.evil.example/", "not a loopback"),
        ("http://app.example/", "not a loopback"),
        ("http://203.0.113.7:5101/", "not a loopback"),
        ("http://rebind.example/", "not a loopback"),
        ("http://0.0.0.0:5101/", "not a loopback"),
        ("http://[::]:5101/", "not a loopback"),
        ("http://169.254.169.254/latest/meta-data", "not a loopback"),
        ("http://[::ffff:203.0.113.7]/", "not a loopback"),
        ("http://localhost@app.example/", "user name"),
        ("http://127.0.0.1:5101@app.example/", "user name"),
        ("http://user:word@127.0.0.1/", "user name"),
        ("http://app.example#@127.0.0.1/", "plain URL characters"),
        ("http://127.0.0.1#.app.example/", "plain URL characters"),
        ("http://app.example\\@127.0.0.1/", "plain URL characters"),
        ("http:\\\\127.0.0.1\\", "plain URL characters"),
        ("http://127.0.0.1\t.app.example/", "plain URL characters"),
        ("http://127.0.0.1/\n", "plain URL characters"),
        (" http://127.0.0.1/", "plain URL characters"),
        ("http://127。0。0。1/", "plain URL characters"),
        ("http://\u217cocalhost/", "plain URL characters"),
        ("http://127.1/", "plain IP address"),
        ("http://2130706433/", "plain IP address"),
        ("http://0x7f000001/", "plain IP address"),
        ("http://0177.0.0.1/", "plain IP address"),
        ("http://127.0.0.0x1/", "plain IP address"),
        ("http://local%68ost/", "plain IP address"),
        ("http://localhost./", "plain IP address"),
        ("http://[::1%25lo]/", "plain IP address"),
        ("http://-x.example/", "plain IP address"),
        ("http:///api", "plain IP address"),
        ("http://:5101/", "plain IP address"),
        ("http://[::1/", "cannot be read"),
        ("http://127.0.0.1:99999/", "cannot be read"),
        ("http://127.0.0.1:x/", "cannot be read"),
        ("http://127.0.0.1:0/", "from 1 to 65535"),
        ("http://127.0.0.1:/", "from 1 to 65535"),
        ("http://127.0.0.1:+80/", "cannot be read"),
        ("http://127.0.0.1:000080/", "from 1 to 65535"),
        ("ftp://127.0.0.1/", "http://HOST:PORT"),
        ("file:///etc/passwd", "http://HOST:PORT"),
        ("127.0.0.1:5101", "http://HOST:PORT"),
        ("//127.0.0.1/", "http://HOST:PORT"),
        ("javascript:alert(1)", "http://HOST:PORT"),
        ("", "plain URL characters"),
        ("http://unknown.example/", "no address"),
    ],
)
def test_everything_else_is_refused_with_the_rule(url: str, rule: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        check_target(url, source="the form", resolve=resolve)
    assert rule in str(caught.value)
    assert repr(url) in str(caught.value)
    assert "from the form" in str(caught.value)


def test_a_host_is_opted_in_by_its_exact_name() -> None:
    target = check_target("http://app.example:8080/a", allowed_hosts=["App.Example"], resolve=resolve)
    assert (target.address, target.host, target.url) == (
        "203.0.113.7",
        "app.example",
        "http://203.0.113.7:8080/a",
    )
    assert target.host_header == "app.example:8080"
    for other in ("example", "evil.app.example", "203.0.113.7"):
        with pytest.raises(InvalidValueError, match="allowed_hosts"):
            check_target("http://app.example:8080/a", allowed_hosts=[other], resolve=resolve)


@pytest.mark.parametrize(
    "host", ["*", "*.example", "http://app.example", "app.example:80", "", "a b", "10.0/8"]
)
def test_a_wildcard_is_no_host(host: str) -> None:
    with pytest.raises(InvalidValueError, match="allowed host"):
        check_target("http://127.0.0.1/", allowed_hosts=[host], resolve=resolve)


def test_the_port_must_be_that_of_an_app() -> None:
    assert check_target("http://127.0.0.1:5101/", ports={5101}).port == 5101
    with pytest.raises(InvalidValueError, match="5101, 5102"):
        check_target("http://127.0.0.1:22/", ports={5102, 5101})


def test_the_name_is_resolved_once() -> None:
    asked: list[str] = []

    def counting(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.7"]

    target = check_target("http://local.example:5000/x", resolve=counting)
    assert target.follow("/y") == "http://127.0.0.1:5000/y"
    assert target.url == "http://127.0.0.1:5000/x"
    assert asked == ["local.example"]


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/login?next=/", "http://127.0.0.1:5000/login?next=/"),
        ("other", "http://127.0.0.1:5000/a/other"),
        ("http://localhost:5000/in", "http://127.0.0.1:5000/in"),
        ("http://127.0.0.1:5000/in#top", "http://127.0.0.1:5000/in"),
        ("//localhost:5000/in", "http://127.0.0.1:5000/in"),
        ("http://localhost:5001/in", None),
        ("https://localhost:5000/in", None),
        ("//app.example/in", None),
        ("http://app.example/in", None),
        ("http://localhost:5000@app.example/", None),
        ("/\\app.example", None),
        ("\\\\app.example", None),
        ("/\t/app.example", None),
        ("javascript:alert(1)", None),
        ("http://localhost.:5000/", None),
        ("http://[::1]:5000/", None),
    ],
)
def test_a_redirect_stays_on_its_origin(location: str, leads_to: str | None) -> None:
    target = check_target("http://localhost:5000/a/b", resolve=resolve)
    assert target.follow(location) == leads_to


def test_only_an_address_is_loopback() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("localhost")
    assert not is_loopback("10.0.0.1")
