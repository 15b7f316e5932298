"""A stand-in for ZAP's API: the calls that are used, with ZAP's names, answers, errors and pages.

Like ZAP it is a proxy: calls come as `GET http://zap/JSON/<component>/<view|action>/<name>/`, the key as the
header `X-ZAP-API-Key`. Everything that it is asked is on record.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ALERTS = json.loads((Path(__file__).parents[1] / "data" / "zap" / "alerts.json").read_text())
_ERRORS = {
    "bad_api_key": (401, "Provided API key is incorrect or not supplied"),
    "bad_action": (400, "Bad Action"),
    "illegal_parameter": (400, "Provided parameter has illegal or unrecognized value"),
    "does_not_exist": (400, "Does Not Exist"),
    "no_implementor": (400, "No Implementor"),
    "internal_error": (500, "Internal Error"),
}


class ApiError(Exception):
    """What ZAP answers to a call that fails."""


class ZapStub:
    """Its behaviour is set by the arguments; the methods named like ZAP's calls are the calls."""

    def __init__(
        self, *, key="secret-key", alerts=None, step=50, ajax=True, dies_at="", fails=None, hangs_at=""
    ):
        self.key, self.step, self.ajax = key, step, ajax
        self.alerts = ALERTS if alerts is None else alerts
        self.dies_at, self.fails, self.hangs_at = dies_at, dict(fails or {}), hangs_at
        self.calls, self.headers, self.requests = [], [], []
        self.reached, self.release = threading.Event(), threading.Event()
        self._percent = {"spider": 0, "ascan": 0}
        self._left = 2
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"zap": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self):
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    def names(self):
        return [call for call, _ in self.calls]

    def answer(self, call, query, key):
        self.calls.append((call, query))
        if self.key and key != self.key:
            raise ApiError("bad_api_key")
        if call == self.hangs_at:
            self.reached.set()
            self.release.wait(20)
        if self.fails.get(call, 0):
            self.fails[call] -= 1
            raise ApiError("internal_error")
        handler = getattr(self, "do_" + call.replace("/", "_"), None)
        if handler is None:
            raise ApiError("bad_action")
        return handler(query)

    def do_core_view_version(self, _):
        return {"version": "2.16.1"}

    def do_core_action_accessUrl(self, query):  # noqa: N802 - ZAP's name
        self.requests.append(query["url"])
        return {"accessUrl": []}

    def do_core_action_sendRequest(self, query):  # noqa: N802
        self.requests.append(query["request"])
        return {"sendRequest": []}

    def do_core_view_numberOfMessages(self, _):  # noqa: N802
        return {"numberOfMessages": str(len(self.requests))}

    def do_spider_action_excludeFromScan(self, _):  # noqa: N802
        return {"Result": "OK"}

    do_ascan_action_excludeFromScan = do_spider_action_excludeFromScan  # noqa: N815

    def do_spider_action_scan(self, query):
        self.requests.append(query["url"])
        return {"scan": "3"}

    def do_spider_view_status(self, query):
        return self._status("spider", query)

    def do_ascan_view_scanPolicyNames(self, _):  # noqa: N802
        return {"scanPolicyNames": ["Default Policy", "Light"]}

    def do_ascan_action_scan(self, query):
        return {"scan": "7"}

    def do_ascan_view_status(self, query):
        return self._status("ascan", query)

    def do_ajaxSpider_action_scan(self, _):  # noqa: N802
        if not self.ajax:
            raise ApiError("no_implementor")
        return {"Result": "OK"}

    def do_ajaxSpider_view_status(self, _):  # noqa: N802
        self._left -= 1
        return {"status": "running" if self._left > 0 else "stopped"}

    def do_pscan_view_recordsToScan(self, _):  # noqa: N802
        self._left -= 1
        return {"recordsToScan": str(max(0, self._left))}

    def do_alert_view_alerts(self, query):
        start, count = int(query["start"]), int(query["count"])
        return {"alerts": self.alerts[start : start + count]}

    def do_alert_view_numberOfAlerts(self, query):  # noqa: N802
        return {"numberOfAlerts": str(len([a for a in self.alerts if a["url"].startswith(query["baseurl"])]))}

    def do_spider_action_stop(self, _):
        return {"Result": "OK"}

    do_ascan_action_stop = do_ajaxSpider_action_stop = do_spider_action_stop  # noqa: N815

    def _status(self, kind, query):
        if query.get("scanId") not in {"3", "7"}:
            raise ApiError("does_not_exist")
        self._percent[kind] = min(100, self._percent[kind] + self.step)
        self.reached.set()
        return {"status": str(self._percent[kind])}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        parts = urlsplit(self.path)
        call = parts.path.removeprefix("/JSON/").strip("/")
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.zap.headers.append((self.path, dict(self.headers)))
        if call == self.zap.dies_at:
            self.close_connection = True
            self.zap._server.socket.close()
            return
        try:
            assert parts.netloc == "zap", "a call comes through the proxy"
            status, answer = 200, self.zap.answer(call, query, self.headers.get("X-ZAP-API-Key", ""))
        except ApiError as error:
            status, message = _ERRORS[str(error)]
            answer = {"code": str(error), "message": message}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
