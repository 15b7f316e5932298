"""One JupyterLab and one page for all tests here; the page reaches nothing but this computer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that tests say `import lab`

from lab import Lab, Notebook, wait_for_lab

_LOCAL = ("http://127.0.0.1:", "data:", "blob:")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    running = Lab(tmp_path_factory.mktemp("lab"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


def open_page(browser):
    """Return a new page that reaches this computer only, and notes `.blocked` requests and `.complaints`."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.blocked, page.complaints = [], []

    def gate(route):
        if route.request.url.startswith(_LOCAL):
            route.continue_()
        else:
            page.blocked.append(route.request.url)
            route.abort()

    page.route("**/*", gate)
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


@pytest.fixture(scope="session")
def lab_page(browser, lab):
    """Return JupyterLab in a page; see `open_page`."""
    page = open_page(browser)
    page.goto(f"{lab.url}/lab?reset")
    wait_for_lab(page)
    yield page
    page.close()


@pytest.fixture
def classic_page(browser, tmp_path):
    """Return a Notebook 7 server and a page; see `open_page`."""
    server, page = Lab(tmp_path, "notebook"), open_page(browser)
    try:
        server.start()
        yield server, page
    finally:
        page.close()
        server.stop()


@pytest.fixture
def notebook(lab, lab_page):
    """Return a function that writes a notebook of cells and opens it; all are closed at the end."""
    opened = []
    lab_page.blocked.clear()
    lab_page.complaints.clear()

    def make(name, *cells):
        made = Notebook(lab_page, lab.write(name, *cells))
        opened.append(made)
        made.open()
        return made

    yield make
    for made in opened:
        made.close()
