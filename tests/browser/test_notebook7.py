"""The main path in the classic Notebook 7: the panel, a job that moves, cancel, and what was found."""

from __future__ import annotations

import pytest
from lab import SAMPLE, Notebook, assert_quiet, start_busy_cell, wait_for_lab

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

OPEN = (
    f"import batchnb as bn\nws = bn.open({str(SAMPLE)!r}, store=':memory:', max_tasks=1)\nbn.BatchPanel(ws)"
)


def test_run_watch_cancel_and_results(classic_page):
    server, page = classic_page
    book = Notebook(page, server.write("classic.ipynb", OPEN, "import time; time.sleep(20)", "ws.close()"))
    page.goto(f"{server.url}/notebooks/{book.path}")
    wait_for_lab(page)
    book.wait_until_idle()
    page.complaints.clear()  # Notebook's own, about a setting that it does not know
    book.run(0)
    cell = book.output(0)
    cell.get_by_role("textbox", name="Apps").fill("2")
    cell.get_by_role("checkbox", name="Frontend security").uncheck()
    cell.get_by_text("Run starts 3 tasks").wait_for()
    cell.get_by_role("button", name="Run").click()
    cell.get_by_role("region", name="Findings").wait_for(timeout=60_000)
    assert "3 of 3 tasks (100 %)" in cell.inner_text()
    cell.locator(".js-plotly-plot .legendtext", has_text="high").wait_for()
    cell.get_by_text("Job 1: results kept in this notebook").wait_for()

    cell.get_by_role("textbox", name="Apps").fill("")
    cell.get_by_text("Run starts 12 tasks").wait_for()
    cell.get_by_role("button", name="Run").click()
    cell.get_by_text("1 running").first.wait_for(timeout=30_000)
    start_busy_cell(book, 1)
    cell.get_by_role("button", name="Cancel", exact=True).click()
    cell.get_by_text("heard after").wait_for(timeout=10_000)
    cell.get_by_text("all tools stopped").wait_for(timeout=10_000)
    assert book.is_running(1)
    book.interrupt(1)
    book.run(2)
    assert_quiet(page)
