"""What the tests of the zap analysis share: a small site on a loopback port, and the probe run against it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests say `from sites import ...`

from sites import SOURCE, Site, route
from support import make_apps
from zap_stub import ZapStub

from batchnb.analyzers.dast.client import Client
from batchnb.analyzers.dast.endpoints import endpoint_from
from batchnb.analyzers.dast.scan import Scan


@pytest.fixture
def serve():
    """Return a function that serves handlers by "METHOD /path" and gives the site."""
    sites = []

    def serve(handlers):
        site = Site(handlers)
        sites.append(site)
        return site

    yield serve
    for site in sites:
        site.close()


@pytest.fixture
def probe(serve):
    """Return a function that serves handlers, probes the routes, and gives the probe's lines."""

    def probe(handlers, *routes, **budget):
        site = serve(handlers)
        limits = {"max_requests": 5_000, "per_second": 10_000, "seconds": 60, **budget}
        client = Client(site.url, **limits)
        lines = []
        Scan(client, [endpoint_from(each) for each in routes or (route(),)], [], say=lines.append).run()
        client.close()
        return Lines(lines, site)

    return probe


class Lines(list):
    """The probe's lines."""

    def __init__(self, lines, site):
        super().__init__(lines)
        self.site = site

    @property
    def rules(self):
        """What was found beside missing headers."""
        return sorted({line["rule"] for line in self.hits if not line["rule"].startswith("header-")})

    @property
    def hits(self):
        return [line for line in self if line["kind"] == "hit"]

    @property
    def end(self):
        return self[-1]

    def statuses(self, key):
        return next(line["statuses"] for line in self if line["kind"] == "route" and line["route"] == key)


@pytest.fixture
def zap_stub():
    """Return a function that starts a stand-in for ZAP's API."""
    stubs = []

    def start(**behaviour):
        stubs.append(ZapStub(**behaviour))
        return stubs[-1]

    yield start
    for stub in stubs:
        stub.close()


@pytest.fixture
def base(tmp_path):
    base = make_apps(tmp_path / "apps", {"m": [1]})
    (base / "m" / "app1" / "backend" / "app.py").write_text(SOURCE)
    (base / "m" / "app1" / "backend" / "other.py").unlink(missing_ok=True)
    return base
