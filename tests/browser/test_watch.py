"""Watching a job in a real JupyterLab: kernel restarts, freezing into the file, and thousands of tasks."""

from __future__ import annotations

import nbformat
import pytest
from lab import ROOT, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

SAMPLE = ROOT / "examples" / "portfolio"
HOSTED = f"""import sys; sys.path[:0] = [{str(ROOT / "tests" / "widgets")!r}, {str(ROOT / "tests")!r}]
from panel_host import make_host
from batchnb.widgets.job_view import JobView
"""
COUNT = """async ([path]) => {
  const panel = [...jupyterapp.shell.widgets('main')].find(w => w.context && w.context.path === path);
  window.seconds = {};
  panel.sessionContext.session.kernel.iopubMessage.connect((_, message) => {
    if (message.header.msg_type !== 'comm_msg') return;
    const second = Math.floor(performance.now() / 1000);
    seconds[second] = (seconds[second] || 0) + 1;
  });
}"""


def assert_quiet(page):
    assert page.blocked == []
    assert page.complaints == []


def test_a_restarted_kernel_leaves_a_panel_that_says_so_and_the_job_can_be_attached(notebook, tmp_path):
    store = str(tmp_path / "store.db")
    book = notebook(
        "restart.ipynb",
        f"import batchnb as bn\nws = bn.open({str(SAMPLE)!r}, store={store!r})\njob = ws.run(max_tasks=1)\njob",
        f"import batchnb as bn\nws = bn.open({str(SAMPLE)!r}, store={store!r})\nws.attach(1)",
        "job = ws.resume(1); job",
        "print(job.wait().status); ws.close()",
    )
    book.run(0)
    cell = book.output(0)
    cell.get_by_role("grid", name="Tasks of Backend security").wait_for()
    cell.get_by_text("1 running").first.wait_for(timeout=30_000)
    book.restart()
    cell.get_by_text("The kernel that showed this has ended").wait_for(timeout=30_000)
    assert "ws.attach(1)" in cell.inner_text()
    assert cell.get_by_role("button", name="Cancel", exact=True).is_disabled()
    book.run(1)
    assert "is error" in book.output(1).inner_text()
    book.run(2)
    book.output(2).get_by_role("grid").first.wait_for()
    assert book.run(3).strip() == "completed"


def test_the_saved_notebook_shows_the_results_without_a_kernel(notebook, lab):
    book = notebook(
        "freeze.ipynb",
        f"import batchnb as bn\nws = bn.open({str(SAMPLE)!r}, store=':memory:')\n"
        "job = ws.run(models=['atlas-4'], analyses=['backend_security'])\njob",
        "print(job.wait().status)",
        "ws.close()",
    )
    book.run(0)
    assert book.run(1).strip() == "completed"
    book.output(0).get_by_text("Saved in this notebook").wait_for(timeout=20_000)
    book.save()
    saved = nbformat.read(lab.notebooks / "freeze.ipynb", as_version=4)
    (output,) = saved.cells[0].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "is completed: 4 of 4 tasks" in output.data["text/html"]
    assert "B608" in output.data["text/html"]
    book.run(2)
    assert_quiet(book.page)


def test_five_thousand_tasks_are_followed_with_few_messages_and_end_right(notebook, tmp_path):
    book = notebook(
        "many.ipynb",
        HOSTED
        + f"""from pathlib import Path
host = make_host(Path({str(tmp_path)!r}), models='abcdefghij', apps=list(range(1, 501)))
host.analyzer.gate.set()
""",
        "job = host.submit(); view = JobView(host.service, host.storage, job); view",
        "print(host.service.wait(job, 240), host.storage.get_job(job).status.value)",
        "view.settle(20); print(view.publisher.thread); view.close(); host.service.close(); host.storage.close()",
    )
    book.run(0)
    book.page.evaluate(COUNT, [book.path])
    book.run(1)
    cell = book.output(1)
    cell.get_by_role("grid").first.wait_for()
    assert cell.get_by_role("gridcell").count() == 5_000
    assert book.run(2).strip() == "True completed"
    cell.get_by_text("5,000 of 5,000 tasks (100 %): 5,000 completed").wait_for(timeout=20_000)
    wait_until(lambda: cell.locator("button.batchnb-cell-c").count() == 5_000, "every cell is green", 20)
    counts = book.page.evaluate("seconds")
    print(f"comm messages per second at most: {max(counts.values())}, seconds: {len(counts)}")
    assert max(counts.values()) <= 10
    assert book.run(3).strip() == "None"
    assert_quiet(book.page)
