"""Import of remote pictures."""

import os
import urllib.request
from urllib.parse import urlsplit

MAX_BYTES = 10 * 1024 * 1024
ALLOWED_HOSTS = set(os.environ.get("IMPORT_HOSTS", "images.example.org,photos.example.com").split(","))


class ImportRefused(ValueError):
    """The address cannot be imported."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead to an address that was not checked."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        return None


def check_address(url):
    """Refuse everything but HTTPS to one of the picture hosts we work with."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname not in ALLOWED_HOSTS or parts.port not in (None, 443):
        raise ImportRefused("Only https addresses of known picture hosts can be imported")
    return parts


def fetch(url):
    """Return the name and the content behind an address."""
    parts = check_address(url)
    opener = urllib.request.build_opener(NoRedirect)
    request = urllib.request.Request(url, headers={"User-Agent": "comet-gallery"})
    with opener.open(request, timeout=10) as response:
        data = response.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImportRefused("The file is too large")
    return parts.path.rsplit("/", 1)[-1] or "import.bin", data
