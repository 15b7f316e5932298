"""What every test gets: nothing of the user's from outside, `import support`, and a browser if it asks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SETTINGS = ("BATCH_MAX_JOBS", "BATCH_MAX_TASKS", "BATCH_TASK_TIMEOUT_SECONDS", "APP_BASE_PATH")
KEYS = ("BATCHNB_LLM_API_KEY", "ZAP_API_KEY")
CACHE = "BATCHNB_CACHE"
CHROMIUM = os.environ.get("BATCHNB_CHROMIUM", "/usr/bin/chromium")
FIGURE = "figure"
CHROMIUM_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(autouse=True, scope="session")
def _nothing_from_outside(tmp_path_factory):
    """Also for fixtures that many tests share: no settings, no keys, and a cache of this session's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SETTINGS, *KEYS):
            patch.delenv(name, raising=False)
        patch.setenv(CACHE, str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_modifyitems(items):
    """Keep the browser tests on one worker: they share one browser and one JupyterLab."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no browser at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def page(browser):
    """Return a page with `.asked` (requests beyond files) and `.complaints` (console and script errors)."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.asked, page.complaints = [], []

    def gate(route):
        if route.request.url.startswith("file:"):
            route.continue_()
        else:
            page.asked.append(route.request.url)
            route.abort()

    page.route("**/*", gate)
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.add_init_script(
        "window.violations = [];"
        "document.addEventListener('securitypolicyviolation',"
        " e => violations.push(e.violatedDirective + ' ' + e.blockedURI));"
    )
    yield page
    context.close()


@pytest.fixture
def figures(request):
    """Return a function that notes one figure; all are printed in one table after the run."""

    def note(name, value, unit=""):
        # A property of the test, as pytest-xdist carries those from its workers to the terminal.
        request.node.user_properties.append((FIGURE, (name, value, unit)))

    return note


def pytest_terminal_summary(terminalreporter):
    """Print the figures of all campaigns, also of failed ones."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    rows = {
        report.nodeid: [value for name, value in report.user_properties if name == FIGURE]
        for report in reports
        if getattr(report, "when", None) == "call"
    }
    if not any(rows.values()):
        return
    terminalreporter.section("figures")
    for nodeid, found in sorted(rows.items()):
        if found:
            terminalreporter.line(nodeid.rpartition("/")[2])
        for name, value, unit in found:
            shown = f"{value:,.1f}" if isinstance(value, float) else str(value)
            terminalreporter.line(f"    {name:<58} {shown:>14} {unit}")
