"""The dashboard in a real JupyterLab: tabs made when opened, and a job that another kernel runs."""

from __future__ import annotations

import pytest
from lab import SAMPLE, assert_quiet, many_apps

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

THREADS = "import threading; print([t.name for t in threading.enumerate() if 'batchnb-' in t.name])"


def test_run_then_look_at_the_list_then_explore(notebook):
    book = notebook(
        "dashboard.ipynb",
        f"import batchnb as bn\nws = bn.open({str(SAMPLE)!r}, store=':memory:')\nd = bn.Dashboard(ws)\nd",
        "print(list(d.parts))",
        "print(ws.run(models=['atlas-4'], apps='2', analyses=['backend_security']).wait().status)",
        "print(list(d.parts)); d.close(); ws.close()\n" + THREADS,
    )
    book.run(0)
    cell = book.output(0)
    cell.get_by_text("Run starts 24 tasks").wait_for()
    assert book.run(1).strip() == "['Run']"  # what is not looked at costs nothing
    assert book.run(2).strip() == "completed"
    cell.get_by_role("tab", name="Jobs").click()
    row = cell.get_by_role("row", name="Batch Job 1")
    row.get_by_text("✓ completed").wait_for()
    row.get_by_role("button", name="Open").click()
    cell.get_by_text("1 of 1 task (100 %): 1 completed").wait_for()
    cell.get_by_role("tab", name="Explore").click()
    cell.get_by_role("combobox", name="Job to explore").wait_for()
    cell.get_by_role("button", name="Explore", exact=True).click()
    cell.get_by_text("bandit B608").locator("visible=true").first.wait_for(timeout=30_000)
    printed = book.run(3).splitlines()
    assert printed == ["['Run', 'Jobs', 'Explore']", "[]"]
    assert_quiet(book.page)


def test_a_second_notebook_sees_and_cancels_the_job_of_the_first(notebook, tmp_path):
    opened = f"import batchnb as bn\nws = bn.open({many_apps(tmp_path / 'apps', 80)!r})\n"
    first = notebook(
        "first.ipynb", opened + "job = ws.run(); print(job.id)", "print(job.wait(30).status); ws.close()"
    )
    assert first.run(0).strip() == "1"
    second = notebook("second.ipynb", opened + "bn.JobsPanel(ws)", "ws.close()")
    second.run(0)
    cell = second.output(0)
    row = cell.get_by_role("row", name="Batch Job 1")
    row.get_by_text("▶ running").wait_for(timeout=30_000)
    row.get_by_role("button", name="Cancel").click()
    row.get_by_text("⊘ cancelled").wait_for(timeout=30_000)
    second.run(1)
    assert first.run(1).strip() == "cancelled"
    assert_quiet(second.page)
