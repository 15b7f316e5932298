"""npm audit: its recorded reports, and npm itself against a registry on the loopback address."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support import write

from batchnb.analyzers.checks.npm_audit import NpmAudit
from batchnb.analyzers.checks.npm_packages import UnreadableError
from batchnb.analyzers.checks.online import OnlineNpmAudit
from batchnb.analyzers.frontend_security import FrontendSecurityAnalyzer
from batchnb.records import CoverageStatus, Severity, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, RawOutput

DATA = Path(__file__).parents[1] / "data" / "npm_audit"
LOCK = json.dumps(
    {
        "lockfileVersion": 3,
        "scripts": {"preinstall": "touch executed"},
        "packages": {
            "": {"dependencies": {"axios": "^0.21.0"}, "scripts": {"preinstall": "touch executed"}},
            "node_modules/axios": {"version": "0.21.0", "resolved": "https://host.example/axios.tgz"},
            "node_modules/private": {"version": "1.0.0", "resolved": "git+ssh://git@host.example/private"},
            "node_modules/local": {"version": "1.0.0", "resolved": "file:../local", "hasInstallScript": True},
        },
    },
    indent=1,
)


def raw(name):
    return RawOutput(
        argv=("npm",),
        ending=Ending.EXITED,
        returncode=1,
        stdout=(DATA / name).read_bytes() if name else b"",
        started_at=utc_now(),
    )


@pytest.fixture
def registry(request):
    """A registry that answers with the parameter as status; yields its address and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            asked.append((self.path, json.loads(body), self.headers.get("Authorization")))
            self.answer(request.param, {})

        def do_GET(self):
            self.answer(404, {})

        def answer(self, code, document):
            body = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
        thread.join()


def run(audit, folder):
    return audit.run(LOCK, folder=folder, deadline=Deadline.after(90), cancel=CancelToken())


def test_the_recorded_report_is_read_whole():
    answer = NpmAudit().parse(raw("report.json"), "frontend/package-lock.json", LOCK)

    (issue,) = answer.issues
    assert answer.status is CoverageStatus.OK
    assert (issue.rule, issue.severity, issue.cwe, issue.line) == (
        *("GHSA-4w2v-q235-vp99", Severity.MEDIUM, 918),
        LOCK[: LOCK.index('"node_modules/axios"')].count("\n") + 1,
    )
    assert issue.message == "axios <0.21.1: Server-Side Request Forgery in Axios"


def test_a_refusal_has_the_exit_code_of_findings_and_is_offline():
    answer = NpmAudit().parse(raw("refused.json"), "package-lock.json", LOCK)

    assert (answer.status, answer.issues) == (CoverageStatus.OFFLINE, ())
    assert "405 Method Not Allowed" in answer.detail


def test_no_report_is_no_answer():
    with pytest.raises(ReportError, match="npm-audit"):
        NpmAudit().parse(raw(""), "package-lock.json", LOCK)


@pytest.mark.parametrize("lock", ["{", "[]", '{"lockfileVersion": 1, "dependencies": {}}'])
def test_a_lock_file_that_cannot_be_asked_about_is_told(lock, tmp_path):
    with pytest.raises(UnreadableError):
        NpmAudit().run(lock, folder=tmp_path / "new", deadline=Deadline.after(5), cancel=CancelToken())


@pytest.mark.tool
@pytest.mark.skipif(NpmAudit().command() is None, reason="npm is not installed")
@pytest.mark.parametrize("registry", [405], indirect=True)
def test_npm_is_told_names_and_versions_from_the_registry_and_nothing_else(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", "canary")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    address, asked = registry
    audit = NpmAudit(address)

    output = run(audit, tmp_path / "audit")

    assert audit.parse(output, "package-lock.json", LOCK).status is CoverageStatus.OFFLINE
    assert {json.dumps(body) for _, body, _ in asked} == {'{"axios": ["0.21.0"]}'}
    assert {key for *_, key in asked} == {None}
    assert not list(tmp_path.rglob("executed"))
    assert "preinstall" not in (tmp_path / "audit" / "package.json").read_text()
    assert b"canary" not in output.stdout + output.stderr


def analysis(tmp_path, monkeypatch, audit, **options):
    """Return what a frontend's analysis says with this audit alone."""
    write(tmp_path / "apps" / "m" / "app1" / "frontend" / "package-lock.json", LOCK)
    monkeypatch.setattr(FrontendSecurityAnalyzer, "sources", ())
    monkeypatch.setattr(FrontendSecurityAnalyzer, "online_sources", (audit,))
    analyzer = FrontendSecurityAnalyzer(tmp_path / "apps")
    with analyzer.alone("m", 1, options, "test") as (app, checked, context):
        return analyzer.analyze(app, checked, context)


@pytest.mark.tool
@pytest.mark.parametrize("registry", [405], indirect=True)
def test_a_registry_that_refuses_makes_the_cell_offline_and_never_clean(tmp_path, monkeypatch, registry):
    address, asked = registry
    report = analysis(tmp_path, monkeypatch, OnlineNpmAudit(address), online=True)

    (cell,) = report.coverage
    assert (cell.tool, cell.status, report.issues) == ("npm-audit", CoverageStatus.OFFLINE, ())
    assert asked


def test_nobody_is_asked_unless_it_is_allowed(tmp_path, monkeypatch):
    class Refusing(OnlineNpmAudit):
        def ask(self, text, folder, deadline, cancel):
            raise AssertionError("asked")

    assert analysis(tmp_path, monkeypatch, Refusing()).coverage == ()


def test_what_the_registry_said_becomes_findings_on_the_lock_file(tmp_path, monkeypatch):
    class Recorded(OnlineNpmAudit):
        def command(self):
            return ("npm",)

        def ask(self, text, folder, deadline, cancel):
            return raw("report.json")

    report = analysis(tmp_path, monkeypatch, Recorded(), online=True)

    assert {issue.path for issue in report.issues} == {"frontend/package-lock.json"}
    assert report.tool_status == {"npm-audit": "ok"}
