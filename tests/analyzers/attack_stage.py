"""Where attacks are tried from both sides: all apps are analysed by us in shared calls, then each naively."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from hostile_ground import FOREIGN, RULES, Ground, write_outside

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.base import AnalysisContext
from batchnb.analyzers.frontend_security import FrontendSecurityAnalyzer
from batchnb.records import CoverageStatus
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.scratch import scratch_folder

if TYPE_CHECKING:
    from pathlib import Path

ANALYZERS = (BackendSecurityAnalyzer, FrontendSecurityAnalyzer)
KEY = "sk-or-canary-4f1d9a7c2b"
KEY_NAME = "OPENROUTER_API_KEY"
NAIVE_SECONDS = 60
_ABSENT = {CoverageStatus.TOOL_MISSING, CoverageStatus.OFFLINE}
"""States of a tool that is an extra, and not there."""
_attacks: dict[tuple[str, int], tuple] = {}


def attack(make, *rows):
    """Say how the app of a test is made: `make(app, *row)`; the test is run once for each row.

    The test gets the app, which we have analysed by then, and its row.
    """

    def register(test):
        for number, row in enumerate(rows or ((),)):
            _attacks[test.__name__, number] = (make, row)
        ids = [
            " ".join(word for word in row if isinstance(word, str) and len(word) < 80) or "app"
            for row in rows or ((),)
        ]
        return pytest.mark.parametrize(("number", "row"), list(enumerate(rows or ((),))), ids=ids)(test)

    return register


@dataclass
class App(Ground):
    """One app with all the planted faults, and both ways to look at it."""

    reports: dict = field(default_factory=dict)
    """Analyzer class -> our report."""
    registry: object = None
    later: ExitStack = field(default_factory=ExitStack)
    """What to do when all tests are over."""

    def naive(self, *command, cwd=None, seconds=NAIVE_SECONDS):
        """Run a command as one would by hand."""
        return subprocess.run(
            command,
            cwd=cwd or self.path,
            env={**os.environ, KEY_NAME: KEY},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            text=True,
            errors="replace",
        )

    def hangs(self, *command, seconds):
        """Whether a naive call is still at it after that time; then it is killed."""
        with suppress(subprocess.TimeoutExpired):
            self.naive(*command, seconds=seconds)
            return False
        return True

    def executed(self) -> bool:
        """Whether a trap went off; it is set again."""
        gone_off = self.canary().exists()
        self.canary().unlink(missing_ok=True)
        return gone_off

    def cell(self, analyzer, tool):
        return next(cell for cell in self.reports[analyzer].coverage if cell.tool == tool)

    def unread(self, analyzer):
        return {file.path for cell in self.reports[analyzer].coverage for file in cell.unread}

    def found(self, analyzer):
        """Return {(tool, path, rule)} of our report."""
        return {(issue.tool, issue.path, issue.rule) for issue in self.reports[analyzer].issues}

    def assert_all_is_found(self):
        """Check that every tool of ours finds every fault, where it is planted."""
        for analyzer, report in self.reports.items():
            found = self.found(analyzer)
            for cell in report.coverage:
                if cell.status in _ABSENT:
                    continue
                assert cell.status.is_measured, cell
                for path, kind in self.plants.items():
                    rule = RULES[analyzer.key][cell.tool].get(kind)
                    if rule and (path.startswith(f"{analyzer.part}/") or cell.tool == "compose"):
                        assert (cell.tool, path, rule) in found


@contextmanager
def registry():
    """Give a loopback server that refuses everything; `.seen` are the requests with their headers."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            seen.append(f"{self.command} {self.path} {dict(self.headers)}")
            self.send_error(404)

        do_GET = do_POST = do_PUT = do_HEAD = answer  # noqa: N815 - the library's names

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.address = seen, f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def stage(folder: Path):
    """Make the apps of all attacks in `folder`, analyse them, and give {(name of the test, row): app}."""
    with ExitStack() as later, pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_NAME, KEY)
        base = folder / "apps"
        write_outside(base)
        server = later.enter_context(registry())
        apps = {}
        for number, (name, (make, row)) in enumerate(_attacks.items(), start=1):
            apps[name] = app = App(base, number, registry=server, later=later)
            make(app, *row)
        for analyzer in ANALYZERS:
            _analyze(analyzer, base, list(apps.values()))
        assert [path.name for path in (folder / "canaries").iterdir()] == [], "something was executed"
        assert server.seen == [], "no analysis of sources asks anybody"
        yield apps


def _analyze(analyzer_class, base, apps) -> None:
    analyzer = analyzer_class(base)
    folders = [analyzer.find_app("hostile", app.number) for app in apps]
    for at in range(0, len(apps), analyzer.batch_size):
        some = folders[at : at + analyzer.batch_size]
        reports = _call(analyzer, "analyze_all", some)
        for app, where, report in zip(apps[at:], some, reports, strict=False):
            app.reports[analyzer_class] = report or _call(analyzer, "analyze", where)
            told = (*app.reports[analyzer_class].issues, *app.reports[analyzer_class].coverage)
            text = "\n".join(str(getattr(record, each.name)) for record in told for each in fields(record))
            for word in (FOREIGN, KEY, "root:x:0"):
                assert word not in text


def _call(analyzer, method, what):
    with scratch_folder() as scratch:
        context = AnalysisContext(
            scratch=scratch,
            deadline=Deadline.after(2 * NAIVE_SECONDS),
            cancel=CancelToken(),
            progress=lambda percent: None,
        )
        return getattr(analyzer, method)(what, analyzer.options(), context)
