"""Watching a job in a real JupyterLab: kernel restarts, freezing into the file, and thousands of tasks."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lab import ROOT, assert_quiet, many_apps, start_busy_cell, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

HOSTED = f"""import sys; sys.path[:0] = [{str(ROOT / "tests" / "widgets")!r}, {str(ROOT / "tests")!r}]
from panel_host import make_host
from batchnb.widgets.job_view import JobView
"""
END = "host.service.close(); host.storage.close()"
COUNT = """([path]) => {
  const panel = [...jupyterapp.shell.widgets('main')].find(w => w.context && w.context.path === path);
  window.sent = [];
  panel.sessionContext.session.kernel.iopubMessage.connect((_, message) => {
    if (message.header.msg_type === 'comm_msg') sent.push(Date.parse(message.header.date) / 1000);
  });
}"""
SUBSHELLS = "how => { jupyterapp.serviceManager.kernels.commsOverSubshells = how; }"


def most_in_a_second(times):
    """Return how many of the sorted `times` at most lie within one second."""
    return max((sum(first <= time < first + 1 for time in times) for first in times), default=0)


def test_a_restarted_kernel_leaves_a_panel_that_says_so_and_the_job_can_be_attached(notebook, tmp_path):
    apps, store = many_apps(tmp_path / "apps", 40), str(tmp_path / "store.db")
    opened = f"import batchnb as bn\nws = bn.open({apps!r}, store={store!r}, max_tasks=1)\n"
    book = notebook(
        "restart.ipynb",
        opened + "job = ws.run(analyses=['backend_security'])\njob",
        opened + "ws.attach(1)",
        "job = ws.resume(1); job",
        "print(job.cancel(), job.wait().status); ws.close()",
    )
    book.run(0)
    cell = book.output(0)
    cell.get_by_role("grid", name="Tasks of Backend security").wait_for()
    cell.get_by_text("1 running").first.wait_for(timeout=30_000)
    book.restart()
    cell.get_by_text("The kernel that showed this has ended").wait_for(timeout=30_000)
    assert "ws.attach(1)" in cell.inner_text()
    assert cell.get_by_role("button", name="Cancel", exact=True).is_disabled()
    assert cell.get_by_role("slider", name="Tasks at once").is_disabled()
    book.run(1)
    assert "Job 1: Batch Job 1 is cancelled" in book.output(1).inner_text()  # by the kernel's orderly end
    book.run(2)
    book.output(2).get_by_text("1 running").first.wait_for(timeout=30_000)
    assert book.run(3).strip() == "True cancelled"
    assert_quiet(book.page)


def test_where_the_kernel_cannot_answer_the_panel_names_the_command_and_that_works(notebook, tmp_path):
    apps, store = many_apps(tmp_path / "my apps", 80), str(tmp_path / "store.db")
    book = notebook(
        "terminal.ipynb",
        f"import batchnb as bn\nws = bn.open({apps!r}, store={store!r})\njob = ws.run()\njob",
        "import time; time.sleep(30)",
        "ws.close()",
    )
    book.page.evaluate(SUBSHELLS, "disabled")  # as on kernels that have none
    try:
        book.run(0)
        cell = book.output(0)
        cell.get_by_text("2 running").first.wait_for(timeout=30_000)
        start_busy_cell(book, 1)
        cell.get_by_role("button", name="Cancel", exact=True).click()
        said = cell.get_by_text("this stops the job at once: batchnb cancel 1 ")
        said.wait_for(timeout=10_000)
        program, *arguments = shlex.split(said.inner_text().split("at once: ")[1])
        ended = subprocess.run(
            [Path(sys.executable).with_name(program), *arguments], capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "cancelled" in ended.stdout
        cell.get_by_text("all tools stopped").wait_for(timeout=10_000)
        assert book.is_running(1)
        book.interrupt(1)
        book.run(2)
    finally:
        book.page.evaluate(SUBSHELLS, "perCommTarget")
    assert_quiet(book.page)


def test_the_saved_notebook_shows_the_results_without_a_kernel(notebook, lab, tmp_path):
    book = notebook(
        "freeze.ipynb",
        HOSTED
        + f"""from pathlib import Path
from batchnb.job import Job
host = make_host(Path({str(tmp_path)!r}))
job = Job(host.service, host.portfolio.portfolio, host.submit(), [])
job""",
        "host.analyzer.gate.set(); print(job.wait().status)",
        END,
    )
    book.run(0)
    cell = book.output(0)
    cell.get_by_text("2 running").first.wait_for()
    assert book.run(1).strip() == "completed"
    cell.get_by_text("Saved in this notebook").wait_for(timeout=20_000)
    book.save()
    (output,) = nbformat.read(lab.notebooks / book.path, as_version=4).cells[0].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "is completed: 4 of 4 tasks" in output.data["text/html"]
    assert "&lt;b&gt;birch&lt;/b&gt;" in output.data["text/html"]
    book.run(2)
    assert_quiet(book.page)


def test_five_thousand_tasks_are_followed_with_few_messages_and_end_right(notebook, tmp_path):
    book = notebook(
        "many.ipynb",
        HOSTED
        + f"""from pathlib import Path
base, ranges = Path({str(tmp_path)!r}), dict.fromkeys("abcdefghij", list(range(1, 501)))
host = make_host(base)
for model, numbers in ranges.items():
    for number in numbers:
        (base / model / f"app{{number}}" / "backend").mkdir(parents=True)
host.analyzer.gate.set()""",
        "job = host.submit(models=tuple(ranges), app_ranges=ranges)\n"
        "view = JobView(host.service, host.storage, job); view",
        "print(host.service.wait(job, 240), host.storage.get_job(job).status.value)",
        "view.settle(20); print(view.publisher.thread); view.close()\n" + END,
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
    sent = sorted(book.page.evaluate("sent"))
    most = most_in_a_second(sent)
    print(f"{len(sent)} comm messages in {sent[-1] - sent[0]:.1f} s, at most {most} in one")
    assert 0 < most <= 10
    cell.locator("button.batchnb-cell").first.focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        book.page.keyboard.press(key)
    cell.get_by_text("b app 2, Gated check: completed").wait_for()
    assert book.run(3).strip() == "None"
    assert_quiet(book.page)
