"""Talking to a ZAP that runs elsewhere, through its own client, with time limits and no word of the key.

The client library sends each call as a proxied request to `http://zap/`. Its transport is replaced here: it
has no time limit, obeys proxy variables and follows redirects. The key goes as a header and nowhere else.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from batchnb.records.errors import AnalyzerError, ToolMissingError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL_SECONDS = 30.0
PAGE = 500
"""Alerts that are asked for in one call."""
MAX_ALERTS = 20_000
INSTALL_HINT = "pip install 'batchnb[tools]'"


class ZapError(AnalyzerError):
    """ZAP did not do what was asked; the message says which call, and never holds the key."""


class Zap:
    """One ZAP. Every method raises ZapError if it does not answer as it should."""

    def __init__(self, address: str, key: str, *, seconds: float = CALL_SECONDS) -> None:
        """Make a client; nothing is sent yet.

        Args:
            address: where ZAP listens, such as `http://127.0.0.1:8080`.
            key: its API key; empty: none is sent.
            seconds: how long one call may take.

        Raises:
            ToolMissingError: if the client library is not installed.
        """
        self._key = key
        self._http = httpx.Client(proxy=address, trust_env=False, timeout=seconds)
        self._api = _client(self._http, key)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def version(self) -> str:
        """Return ZAP's version."""
        return str(self._call("core.version", lambda: self._api.core.version))

    def open(self, url: str) -> None:
        """Have ZAP fetch an address, so that it is in its tree of sites."""
        self._call("core.accessUrl", lambda: self._api.core.access_url(url, followredirects=False))

    def replay(self, message: str) -> None:
        """Have ZAP send a raw request (with an absolute address)."""
        self._call("core.sendRequest", lambda: self._api.core.send_request(message, followredirects=False))

    def exclude(self, pattern: str) -> None:
        """Keep the spider and the active scan away from what matches `pattern`."""
        self._call("spider.excludeFromScan", lambda: self._api.spider.exclude_from_scan(pattern))
        self._call("ascan.excludeFromScan", lambda: self._api.ascan.exclude_from_scan(pattern))

    def policies(self) -> list[str]:
        """Return the names of the scan policies."""
        return [
            str(name)
            for name in self._call("ascan.scanPolicyNames", lambda: self._api.ascan.scan_policy_names)
        ]

    def spider(self, url: str) -> str:
        """Start the spider and return its scan's id."""
        return self._number("spider.scan", lambda: self._api.spider.scan(url, recurse=True, subtreeonly=True))

    def spider_percent(self, scan: str) -> int:
        """Return how far the spider is."""
        return int(self._number("spider.status", lambda: self._api.spider.status(scan)))

    def ajax_spider(self, url: str) -> None:
        """Start the AJAX spider, which drives a browser; an add-on that may be missing."""
        self._call("ajaxSpider.scan", lambda: self._api.ajaxSpider.scan(url, subtreeonly=True))

    def ajax_running(self) -> bool:
        """Whether the AJAX spider still runs."""
        return bool(self._call("ajaxSpider.status", lambda: self._api.ajaxSpider.status) == "running")

    def passive_left(self) -> int:
        """Return the number of messages that the passive scan has not looked at yet."""
        return int(self._number("pscan.recordsToScan", lambda: self._api.pscan.records_to_scan))

    def active(self, url: str, policy: str) -> str:
        """Start the active scan with a policy (empty: ZAP's default) and return its id."""
        return self._number(
            "ascan.scan", lambda: self._api.ascan.scan(url, recurse=True, scanpolicyname=policy or None)
        )

    def active_percent(self, scan: str) -> int:
        """Return how far the active scan is."""
        return int(self._number("ascan.status", lambda: self._api.ascan.status(scan)))

    def stop(self, kind: str, scan: str) -> None:
        """Stop a scan of a kind: spider, ajaxSpider or ascan."""
        part = getattr(self._api, kind)
        self._call(f"{kind}.stop", lambda: part.stop() if kind == "ajaxSpider" else part.stop(scan))

    def messages(self, url: str) -> int:
        """Return the number of requests below `url` that ZAP has on record."""
        return int(self._number("core.numberOfMessages", lambda: self._api.core.number_of_messages(url)))

    def alert_count(self, url: str) -> int:
        """Return the number of alerts below `url`, of this scan and of earlier ones."""
        return int(self._number("alert.numberOfAlerts", lambda: self._api.alert.number_of_alerts(url)))

    def alerts(self, url: str) -> Iterator[dict[str, Any]]:
        """Yield the alerts below `url`, page by page, at most `MAX_ALERTS`."""
        for start in range(0, MAX_ALERTS, PAGE):
            page = self._call("alert.alerts", partial(self._api.alert.alerts, url, start, PAGE))
            if not isinstance(page, list):
                raise ZapError(f"ZAP's answer to alert.alerts is no list: {self._safe(page)}")
            yield from (alert for alert in page if isinstance(alert, dict))
            if len(page) < PAGE:
                return

    def _number(self, call: str, ask: Any) -> str:
        value = str(self._call(call, ask))
        if not value.isdecimal():
            raise ZapError(f"ZAP's answer to {call} is no number: {self._safe(value)}")
        return value

    def _call(self, call: str, ask: Any) -> Any:
        try:
            return ask()
        except ZapError as error:
            raise ZapError(f"{call}: {error}") from None
        except httpx.HTTPError as error:
            raise ZapError(f"{call}: no answer from ZAP ({type(error).__name__})") from None
        except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
            raise ZapError(
                f"{call}: ZAP's answer is not of the known form ({type(error).__name__})"
            ) from None

    def _safe(self, value: object) -> str:
        return _without(visible(str(value), one_line=True), self._key)[:200]


def _without(text: str, key: str) -> str:
    return text.replace(key, "***") if key else text


def _client(http: httpx.Client, key: str) -> Any:
    """Make the library's client with a transport of our own."""
    try:
        import zapv2  # type: ignore[import-untyped]  # noqa: PLC0415 - optional, and slow to load
    except ImportError as error:
        raise ToolMissingError(f"the client library of ZAP is not installed: {INSTALL_HINT}") from error

    class Client(zapv2.ZAPv2):  # type: ignore[misc]
        def _request_api(self, url: str, query: Any = None, method: str = "GET", body: Any = None) -> Any:
            if not url.startswith("http://zap/"):
                raise ZapError("an address that is not ZAP's own was to be called")
            headers = {"X-ZAP-API-Key": key} if key else {}
            fields = {name: value for name, value in (query or {}).items() if name != "apikey"}
            response = http.request(method, url, params=fields, data=body, headers=headers)
            if response.status_code >= 300:
                raise ZapError(f"status {response.status_code}: {_reason(response, key)}")
            return response

    return Client(apikey=None)


def _reason(response: httpx.Response, key: str) -> str:
    """Return what ZAP says of an error: its code and message."""
    try:
        said = response.json()
        text = f"{said['code']}, {said['message']}"
    except (ValueError, TypeError, KeyError):
        text = response.text
    return _without(visible(text, one_line=True), key)[:200]
