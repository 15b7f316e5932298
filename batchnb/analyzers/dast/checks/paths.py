"""Values that choose a place: a file on the server, or another site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from batchnb.analyzers.dast.checks.trial import around, marker
from batchnb.analyzers.dast.endpoints import NOWHERE

if TYPE_CHECKING:
    from batchnb.analyzers.dast.checks.trial import Trial
    from batchnb.analyzers.dast.exchange import Response

# Files that nearly every system has, and what is in them and nowhere else.
_FILES = (
    ("etc/passwd", re.compile(r"^root:[^:\n]*:0:0:", re.MULTILINE)),
    ("usr/lib/os-release", re.compile(r'^PRETTY_NAME="?[^\n]+', re.MULTILINE)),
    ("proc/self/status", re.compile(r"^Name:\t\S+\n(Umask|State):\t", re.MULTILINE)),
)
_UP = "../" * 12
_STARTS = (_UP, "/", "....//" * 12, "%2e%2e%2f" * 12, "..\\" * 12)
_REDIRECTS = ("https://{}/zq", "//{}/zq", "/\\{}/zq", "https:{}/zq", "/%09/{}/zq")


def check_traversal(trial: Trial) -> None:
    """A file of the system must come out, and one that is not there must not."""
    for name, content in _FILES:
        for start in _STARTS:
            value = start + name
            seen = around(content, _text(trial.send(value)), before=0)
            if not seen:
                continue
            twin = start + name.rpartition("/")[0] + "/" + marker()
            if content.search(_text(trial.send(twin))) or not content.search(_text(trial.send(value))):
                continue
            trial.hit("path-traversal", f"the content of /{name} comes out", value, seen)
            return


def _text(response: Response) -> str:
    """Return the body with the line ends of a JSON string made real."""
    return response.body.replace("\\n", "\n").replace("\\t", "\t").replace('"root:', '"\nroot:')


def check_redirect(trial: Trial) -> None:
    """The answer must lead to a host of ours that cannot exist; a path of the app's own must not."""
    for form in _REDIRECTS:
        value = form.format(NOWHERE)
        location = _leads_to(trial.send(value))
        if not location or _leads_to(trial.send("/zq")) or not _leads_to(trial.send(value)):
            continue
        trial.hit("open-redirect", f"the answer leads to {NOWHERE}", value, f"Location: {location}")
        return


def _leads_to(response: Response) -> str:
    """Return the Location if a browser would follow it to the foreign host."""
    location = response.header("location").strip()
    if not 300 <= response.status < 400 or not location:
        return ""
    browser = location.replace("\\", "/")
    browser = re.sub(r"[\t\r\n]", "", browser)
    browser = re.sub(r"^(https?):/*", r"\1://", browser, flags=re.IGNORECASE)
    try:
        host = urlsplit(urljoin("http://here.invalid/", browser)).hostname
    except ValueError:  # no address at all, so no browser follows it
        return ""
    return location if host == NOWHERE else ""
